"""The `brownie` of this project's virtual environment: Brownie itself, with a development chain of our own.

Brownie keeps its networks in the user's home, and attaches silently to whatever answers on a network's
port. Both are settled here in memory, for this process alone: `development` is this project's Anvil on a port
that was free a moment ago, and `--network` also takes the URL of a running node. The user's own networks and
accounts stay as they are.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Brownie recognises Anvil by the command's first letters; scripts/setup_tools.py makes this one.
CHAIN_COMMAND = "anvil-of-brownie"

CHAIN_SETTINGS = {
    "chain_id": 31337,
    "accounts": 20,
    "evm_version": "cancun",
    "gas_limit": 30_000_000,
    "base_fee": 0,  # Brownie sends with gas price 0 on development networks
}


def use_own_chain() -> None:
    """Replace Brownie's `development` network. To be called before Brownie connects."""
    from brownie._config import CONFIG

    from dlbc.processes import free_port

    tools = str(Path(sys.prefix) / "bin")
    if tools not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, os.environ.get("PATH", os.defpath)])
    CONFIG.networks["development"] = {
        "name": "This project's Anvil",
        "id": "development",
        "cmd": CHAIN_COMMAND,
        "host": "http://127.0.0.1",
        "cmd_settings": {**CHAIN_SETTINGS, "port": free_port()},
    }


def use_node(url: str) -> None:
    """Let `url` be the name of the live network that it leads to."""
    from brownie._config import CONFIG

    CONFIG.networks[url] = {"name": url, "id": url, "host": url, "chainid": str(chain_id(url))}


def chain_id(url: str) -> int:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(json.load(response)["result"], 16)
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"No Ethereum node answers at {url}: {error}") from error


def network_argument(arguments: list[str]) -> str | None:
    """The value of Brownie's `--network`, in either way of writing it."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--network="):
            return argument.removeprefix("--network=")
        if argument == "--network" and position + 1 < len(arguments):
            return arguments[position + 1]
    return None


def main() -> None:
    from scripts import stale_builds

    if not ROOT.name[:1].isalpha():
        raise SystemExit(f"Brownie names a project after its folder: {ROOT.name!r} must begin with a letter.")
    stale_builds.forget(ROOT)
    use_own_chain()
    network = network_argument(sys.argv[1:])
    if network is not None and network.startswith(("http://", "https://")):
        use_node(network)

    from brownie._cli.__main__ import main as brownie

    # Brownie's own call, which it takes for the user's since it is compiled.
    warnings.filterwarnings("ignore", r"rpc\.\w+ should not be called directly", FutureWarning)
    brownie()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    # Started by path: the first entry would be scripts/, whose module names are ordinary words.
    sys.path[0] = str(ROOT)
    main()
