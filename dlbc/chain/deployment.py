"""`deployments/<chainid>.json`: which contracts, on which chain."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import is_address, to_checksum_address

from dlbc.chain.abi_codec import CONTRACTS, abi_sha256
from dlbc.errors import UsageError
from dlbc.types import ZERO_ADDRESS

MAX_BYTES = 1 << 20
VERSION = 2
REQUIRED = ("DLBC", "Committee", "DLBCToken", "Lens", "AccessManager", "Registrar", "Arbiter")


@dataclass(frozen=True)
class Deployment:
    """Where the contracts lie.

    Attributes:
        genesis_hash: of the EVM chain, 32 bytes.
        block: of the first contract; nothing before it is read.
        hub, committee, token, lens: checksummed addresses, as the following.
        authority: the access manager, which says who may set parameters and pause.
        registrar, arbiter: the hub's other two codes; nothing is ever sent to them.
        ipfs_peers: multiaddresses that every program's node connects to.
        other_abis: contracts whose ABI when deployed is not the one packaged here.
    """

    chain_id: int
    genesis_hash: bytes
    block: int
    hub: str
    committee: str
    token: str
    lens: str = ZERO_ADDRESS
    authority: str = ZERO_ADDRESS
    registrar: str = ZERO_ADDRESS
    arbiter: str = ZERO_ADDRESS
    ipfs_peers: tuple[str, ...] = ()
    other_abis: tuple[str, ...] = ()


def deployment_path(given: Path | None, chain_id: int) -> Path:
    """The file meant: `given` itself, or `<chain_id>.json` in it, or in ./deployments."""
    folder = given or Path("deployments")
    return folder / f"{chain_id}.json" if given is None or folder.is_dir() else folder


def load_deployment(path: Path) -> Deployment:
    """Reads and checks the file.

    Raises:
        UsageError: missing, or not what scripts/deploy.py writes; the message names the field.
    """
    try:
        found = path.stat()
        # A named pipe in its place would be waited for without end.
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise UsageError(f"{path}: not a file of at most {MAX_BYTES} bytes, so not a deployment file")
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}). Deploy the contracts (make deploy), or point "
            "--deployment (DLBC_DEPLOYMENT) at the file of an existing deployment on this chain"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error}); expected what scripts/deploy.py writes") from error
    try:
        return _parse(content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{path}: {_fault(error)}; expected what scripts/deploy.py writes") from error


def _parse(content: Any) -> Deployment:
    if content["version"] != VERSION:
        raise ValueError(f"version {content['version']}, but this program reads version {VERSION}")
    addresses = {}
    for name in REQUIRED:
        address = content["contracts"][name]["address"]
        if not is_address(address):
            raise ValueError(f"contracts.{name}.address is {address!r}, not an address")
        addresses[name] = to_checksum_address(address)
    peers = content.get("ipfs_peers", [])
    if not isinstance(peers, list):
        raise ValueError(f"ipfs_peers is {peers!r}, not a list of multiaddresses")
    block = int(content["block"])
    if block < 0:
        raise ValueError(f"block {block}, but there is none below 0")
    genesis = bytes.fromhex(str(content["genesis_hash"]).removeprefix("0x"))
    if len(genesis) != 32:
        raise ValueError("genesis_hash is not 32 bytes")
    return Deployment(
        chain_id=int(content["chain_id"]),
        genesis_hash=genesis,
        block=block,
        hub=addresses["DLBC"],
        committee=addresses["Committee"],
        token=addresses["DLBCToken"],
        lens=addresses["Lens"],
        authority=addresses["AccessManager"],
        registrar=addresses["Registrar"],
        arbiter=addresses["Arbiter"],
        ipfs_peers=tuple(map(str, peers)),
        other_abis=tuple(name for name in CONTRACTS if _differs(name, content["contracts"][name])),
    )


def _differs(name: str, record: Any) -> bool:
    announced = record.get("abi_sha256")
    return announced is not None and str(announced).removeprefix("0x") != abi_sha256(name)


def _fault(error: Exception) -> str:
    return f"field {error} is missing" if isinstance(error, KeyError) else str(error)
