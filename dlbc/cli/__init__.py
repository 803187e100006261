"""What the command lines of all programs share.

| File | Concern |
|---|---|
| `options.py` | flags, environment variables and the configuration file → `Settings` |
| `opening.py` | `Settings` → a `Context` with chain, journal, key and IPFS |
| `running.py` | exit codes and error messages |
| `output.py` | words for people, JSON for programs, progress, logs |
"""

from dlbc.cli.opening import data_dir_of, key_address, open_context, open_node
from dlbc.cli.options import Address, Seconds, chain_options, option
from dlbc.cli.output import progress, say, show, start_logging
from dlbc.cli.running import run_main

__all__ = [
    "Address",
    "Seconds",
    "chain_options",
    "data_dir_of",
    "key_address",
    "open_context",
    "open_node",
    "option",
    "progress",
    "run_main",
    "say",
    "show",
    "start_logging",
]
