"""What prints the tables of docs/benchmarks.md: `python -m benchmarks [part ...]`.

A part is a module with `measure()`, which gives plain JSON, and `section(measured)`, which makes tables of it.

| File | Concern |
|---|---|
| `signature.py`, `network.py`, `gas.py`, `scale.py`, `self_dealing.py` | the parts |
| `embedding.py`, `trajectory.py`, `gpu.py`, `round.py` | more of them |
| `bytecode.py`, `hub_on_anvil.py`, `round_calls.py` | what `gas` and `scale` drive: the contracts, and calls to them |
| `driven_round.py`, `gas_plays.py` | what `gas` plays: rounds one after another, a full queue |
| `scale_plays.py` | what `scale` plays: rounds side by side in markets of any size |
| `gpu_runs.py`, `pictures.py` | what `gpu` trains and scores on two devices, and on what |
| `trajectory_attacks.py`, `trajectory_trials.py` | what `trajectory` forges, and how often that is found out |
| `trajectory_tables.py` | its tables |
| `watched_market.py` | what `round` watches: a market of real programs, its clock and its memory |
| `model_files.py` | model files of the sizes that the paper reports |
| `timing.py`, `processes.py`, `machine.py` | seconds, cores and memory, and where they were measured |
| `tables.py`, `document.py`, `results.py` | tables for terminal and document, the document, the kept results |

`embedding` and `trajectory` need torch, numpy, scipy, safetensors and scikit-learn, nothing of the chain; `gpu` a CUDA
device, without which it is left out, and no scikit-learn; the others what `make setup` installs.
"""
