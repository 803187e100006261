"""The laboratory: what a thief can do to a marked model, and what evidence is left afterwards.

| File | Concern |
|---|---|
| `tasks.py` | what is trained on: scikit-learn's digits, and scenes that are generated from them |
| `networks.py` | which architectures, and how long an honest miner trains them |
| `owner.py` | an honest miner's model with every mark in it |
| `evidence.py` | what speaks for the owner once a thief was at the model |
| `cells.py` `matrix.py` | which experiments there are; run, resumed, one row each |
| `table.py` | the rows on disk: CSV while they come, JSON beside it |
| `subject.py` | somebody's own model, task and data |
| `summary.py` | rows in words: was each thief caught, slowed, or neither |
| `plots.py` | rows in pictures |
| `cli.py` | `dlbc-lab` |

All but `cli.py`, `subject.py` and `plots.py` need torch, numpy, scipy, safetensors and scikit-learn only.
"""
