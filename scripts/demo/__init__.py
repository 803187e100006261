"""`make demo`: a whole DLBC market on this machine, on real parts, in two rounds.

| File | Concern |
|---|---|
| `market.py` | the processes: chain, IPFS nodes, programs; started by their own commands, watched, stopped |
| `story.py` | what happens, told from chain events and the programs' status files |
| `proof.py` | what must have happened, checked on chain, in IPFS and on disk |
| `__main__.py` | the plot |
"""
