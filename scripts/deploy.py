"""Deploys token, committee, authority, hub and lens: `brownie run deploy [main PROFILE] --network NETWORK`.

NETWORK is `development`, a name from `brownie networks list`, or the URL of a node. PROFILE is a file in
scripts/profiles. The result is deployments/<chain id>.json, by which every program finds the contracts.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brownie import web3
from brownie._config import CONFIG
from brownie.project.main import get_loaded_projects
from eth_utils.address import to_checksum_address
from web3.types import Nonce
from web3.utils import get_create_address

from dlbc.chain.deployment import VERSION, Deployment, deployment_path
from dlbc.errors import ChainError, DLBCError, UsageError
from scripts import profiles
from scripts.accounts import deployer
from scripts.export_abi import SOURCES, abi_sha256

# Chain ids that Anvil, Hardhat and Ganache take; the contracts know them as development chains too.
DEVELOPMENT_CHAINS = (31337, 1337)


def main(profile: str | None = None) -> None:
    try:
        chain_id = confirmed_chain_id()
        profile = profile or ("development" if chain_id in DEVELOPMENT_CHAINS else "standard")
        path = record(chain_id)
        refuse_second(path, chain_id)
        write(deploy(deployer(), profiles.load(profile)), path)
    except DLBCError as error:
        raise SystemExit(f"Error: {error}") from error
    print(f"Deployed with the profile {profile!r}: {path}")


def deploy(account: Any, profile: profiles.Profile) -> Deployment:
    """Create the contracts from `account` and check that each names the others.

    Token, committee and authority name the hub immutably and the hub names them, so addresses are predicted from
    the account's nonce. Every transaction carries its nonce: should the account send something else meanwhile,
    the deployment fails instead of naming strangers.
    """
    contracts: Any = get_loaded_projects()[0]
    chain_id = confirmed_chain_id()
    first_nonce = int(web3.eth.get_transaction_count(account.address, "pending"))
    order = ("DLBCToken", "Committee", "Authority", "Registrar", "Arbiter", "DLBC", "Lens")
    at = {name: get_create_address(account.address, Nonce(first_nonce + i)) for i, name in enumerate(order)}
    hub, wiring = at["DLBC"], (at["DLBCToken"], at["Committee"], at["Authority"])
    roles = profile.governance
    arguments: dict[str, tuple[Any, ...]] = {
        "DLBCToken": (hub, profile.genesis_supply),
        "Committee": (hub,),
        "Authority": (
            hub,
            roles.admin or account.address,
            roles.governor or account.address,
            roles.guardian or account.address,
            roles.delay_secs,
        ),
        "Registrar": wiring,
        "Arbiter": wiring,
        "DLBC": (*wiring, at["Registrar"], at["Arbiter"], profile.timing, profile.economy, profile.limits),
        "Lens": (hub,),
    }
    blocks = [
        create(account, first_nonce + number, contracts[name], *arguments[name]) for number, name in enumerate(order)
    ]
    check_wiring(contracts, profile, at)
    return Deployment(
        chain_id=chain_id,
        genesis_hash=bytes(web3.eth.get_block(0)["hash"]),
        block=blocks[0],
        hub=hub,
        committee=at["Committee"],
        token=at["DLBCToken"],
        lens=at["Lens"],
        authority=at["Authority"],
        registrar=at["Registrar"],
        arbiter=at["Arbiter"],
        ipfs_peers=tuple(os.environ.get("DLBC_IPFS_PEERS", "").replace(",", " ").split()),
    )


def create(account: Any, nonce: int, container: Any, *arguments: Any) -> int:
    """Create one contract, and return its block.

    By a plain transaction: on live networks `container.deploy` starts a thread that dies, and leaves files in
    build/deployments which stop every later Brownie once the chain was restarted.
    """
    data = container.deploy.encode_input(*arguments)
    receipt = account.transfer(data=data, nonce=nonce, skip_undo=True, silent=True)
    if receipt.status != 1 or receipt.contract_address is None:
        raise ChainError(f"{container._name} was not created: transaction {receipt.txid} failed")
    block = int(receipt.block_number)
    print(f"{container._name}: {receipt.contract_address}, {receipt.gas_used:,} gas, block {block}")
    return block


def check_wiring(contracts: Any, profile: profiles.Profile, at: Mapping[str, str]) -> None:
    """Ask each contract for its counterparts. Raises ChainError where one answers something else."""

    def ask(name: str, question: str) -> Any:
        contract = web3.eth.contract(address=to_checksum_address(at[name]), abi=contracts[name].abi)
        return contract.functions[question]().call()

    expected = {
        ("DLBCToken", "minter"): at["DLBC"],
        ("DLBCToken", "totalSupply"): profile.genesis_supply,
        ("Committee", "hub"): at["DLBC"],
        ("DLBC", "token"): at["DLBCToken"],
        ("DLBC", "committee"): at["Committee"],
        ("DLBC", "authority"): at["Authority"],
        ("DLBC", "timing"): profile.timing,
        ("DLBC", "economy"): profile.economy,
        ("DLBC", "limits"): profile.limits,
        ("Lens", "hub"): at["DLBC"],
        ("Lens", "committee"): at["Committee"],
    }
    for (name, question), answer in expected.items():
        found = ask(name, question)
        if found != answer:
            raise ChainError(f"{name} at {at[name]} answers {question}() with {found}, not {answer}")


def confirmed_chain_id() -> int:
    """The node's chain id, which must be the one that Brownie has for the network."""
    active = CONFIG.active_network
    expected = active.get("chainid") or (active.get("cmd_settings") or {}).get("chain_id")
    found = int(web3.eth.chain_id)
    if expected is not None and int(expected) != found:
        raise ChainError(
            f"network {active['id']!r} should have chain id {expected}, but the node's is {found}: nothing was sent"
        )
    return found


def record(chain_id: int) -> Path:
    """Where the programs look for it: DLBC_DEPLOYMENT, a file or a folder, else ./deployments."""
    given = os.environ.get("DLBC_DEPLOYMENT")
    return deployment_path(Path(given) if given else None, chain_id)


def refuse_second(path: Path, chain_id: int) -> None:
    """Protect the record of contracts that hold money: only a development chain's is ever overwritten."""
    if chain_id not in DEVELOPMENT_CHAINS and path.exists():
        raise UsageError(f"{path} names a deployment on this chain: move it away to make another")


def write(deployment: Deployment, path: Path) -> None:
    """Write the record, whole or not at all."""
    addresses = {
        "DLBC": deployment.hub,
        "Committee": deployment.committee,
        "DLBCToken": deployment.token,
        "Lens": deployment.lens,
        "AccessManager": deployment.authority,
        "Registrar": deployment.registrar,
        "Arbiter": deployment.arbiter,
    }
    content = {
        "version": VERSION,
        "chain_id": deployment.chain_id,
        "genesis_hash": "0x" + deployment.genesis_hash.hex(),
        "block": deployment.block,
        "contracts": {name: _entry(name, address) for name, address in addresses.items()},
        "ipfs_peers": list(deployment.ipfs_peers),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _entry(name: str, address: str) -> dict[str, str]:
    """Nobody calls the hub's other two codes: they have no ABI of their own."""
    if name not in SOURCES:
        return {"address": address}
    return {"address": address, "abi_sha256": abi_sha256(name)}
