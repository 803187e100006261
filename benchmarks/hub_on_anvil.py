"""The contracts as scripts/deploy.py makes them, on an Anvil whose clock we move, with the gas of every call noted."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from web3.types import Nonce
from web3.utils import get_create_address

from benchmarks.results import FOLDER, ROOT
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Call, Committee, Hub, Token
from dlbc.chain.deployment import Deployment
from dlbc.errors import ChainError
from dlbc.processes import free_port, start_anvil
from dlbc.types import ZERO_ADDRESS
from scripts import profiles
from scripts.solc import compile_standard

# In the order of scripts/deploy.py; and where they lie.
CONTRACTS = {
    "DLBCToken": "contracts/DLBCToken.sol",
    "Committee": "contracts/Committee.sol",
    "Authority": "contracts/Authority.sol",
    "Registrar": "contracts/hub/Registrar.sol",
    "Arbiter": "contracts/hub/Arbiter.sol",
    "DLBC": "contracts/DLBC.sol",
    "Lens": "contracts/Lens.sol",
}
UNIT = 10**18
CHAIN_ID = 31337
CALL_GAS = 5_000_000
DEPLOYMENT_GAS = 15_000_000
NOWHERE = Deployment(CHAIN_ID, bytes(32), 0, ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS)  # before there is one


@dataclass(frozen=True)
class Compiled:
    """One contract.

    Attributes:
        init: creation bytecode, hexadecimal.
        runtime_bytes: size of the code that stays on the chain.
    """

    abi: list[dict[str, Any]]
    init: str
    runtime_bytes: int

    @property
    def init_bytes(self) -> int:
        return len(self.init) // 2


@dataclass(frozen=True)
class Actor:
    """An account whose key we have, so that he can sign claims; Anvil sends his transactions without it."""

    key: bytes
    address: str

    @classmethod
    def named(cls, name: str) -> Actor:
        key = keccak(text=f"benchmark {name}")
        return cls(key, PrivateKey(key).public_key.to_checksum_address())


@dataclass
class Market:
    """One deployment and who uses it.

    Attributes:
        scenario: what the calls that follow are noted under.
        spent: [call, gas, scenario] of every call, in order.
    """

    chain: Chain
    deployer: str
    scenario: str = ""
    spent: list[tuple[str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hub, self.committee, self.token = Hub(self.chain), Committee(self.chain), Token(self.chain)

    def send(self, sender: str, call: Call, name: str | None = None) -> int:
        """Sends a call, waits for its block, and notes its gas under the function's name.

        Raises:
            TransactionRefused: it reverted, with the contract's reason.
        """
        receipt = mined(self.chain, {"from": sender, "to": call.to, "data": call.data, "gas": CALL_GAS})
        if receipt["status"] != 1:
            self.chain.call(call.to, call.data, sender=sender)  # raises with the reason
            raise ChainError(f"{call.what} reverted, but now it would not")
        spent = int(receipt["gasUsed"])
        self.spent.append((name or call.what.split()[0], spent, self.scenario))
        return spent

    def pass_time(self, until: int) -> None:
        """Moves the chain's clock, if it is not there yet."""
        seconds = until - self.chain.head().timestamp
        if seconds > 0:
            request(self.chain, "evm_increaseTime", seconds)
            self.pass_blocks(1)

    def pass_blocks(self, number: int) -> None:
        """Mines empty blocks."""
        request(self.chain, "anvil_mine", number)

    def equip(self, actor: Actor, tokens: int, stake: int) -> None:
        """Gives him ether and DLBC; all of it becomes credit, and `stake` of that stake."""
        request(self.chain, "anvil_setBalance", actor.address, hex(10**24))
        self.send(self.deployer, self.token.transfer(actor.address, tokens * UNIT))
        self.send(actor.address, self.token.approve(self.hub.address, tokens * UNIT))
        self.send(actor.address, self.hub.deposit(tokens * UNIT))
        if stake:
            self.send(actor.address, self.hub.stake(stake * UNIT))


@contextmanager
def anvil() -> Iterator[str]:
    """URL of a chain that mines when told to, sends from any address, and takes blocks of any size."""
    with (
        tempfile.TemporaryDirectory(prefix="dlbc-benchmark-") as folder,
        start_anvil(
            free_port(),
            log_file=Path(folder) / "anvil.log",
            chain_id=CHAIN_ID,
            arguments=["--no-mining", "--disable-block-gas-limit", "--auto-impersonate"],
        ) as running,
    ):
        yield running.url


def request(chain: Chain, method: str, *parameters: object) -> Any:
    """A call of the node's own.

    Raises:
        ChainError: the node refuses it.
    """
    answer = chain.w3.provider.make_request(method, list(parameters))  # type: ignore[arg-type]
    if "error" in answer:
        raise ChainError(f"{method}: {answer['error']}")
    return answer.get("result")


def node_version(url: str) -> str:
    """As "anvil/v1.7.1, hard fork Osaka"."""
    chain = Chain([url], NOWHERE)
    version = "/".join(str(request(chain, "web3_clientVersion")).split("/")[:2])
    return f"{version}, hard fork {request(chain, 'anvil_nodeInfo')['hardFork']}"


def mined(chain: Chain, transaction: Any) -> Any:
    """The receipt of a transaction, alone in its block."""
    digest = chain.w3.eth.send_transaction(transaction)
    request(chain, "anvil_mine", 1)
    return chain.w3.eth.get_transaction_receipt(digest)


def deploy(url: str, profile: profiles.Profile) -> tuple[Market, int]:
    """All contracts, in the order of scripts/deploy.py; and the gas that they took. The deployer governs."""
    contracts = compiled()
    chain = Chain([url], NOWHERE)
    deployer = str(chain.w3.eth.accounts[0])
    nonce = int(chain.w3.eth.get_transaction_count(deployer))  # type: ignore[arg-type]
    at = {
        name: str(get_create_address(deployer, Nonce(nonce + i)))  # type: ignore[arg-type]
        for i, name in enumerate(CONTRACTS)
    }
    wiring = at["DLBCToken"], at["Committee"], at["Authority"]
    parameters = profile.timing, profile.economy, profile.limits
    arguments_of: dict[str, tuple[Any, ...]] = {
        "DLBCToken": (at["DLBC"], profile.genesis_supply),
        "Committee": (at["DLBC"],),
        "Authority": (at["DLBC"], deployer, deployer, deployer, 0),
        "Registrar": wiring,
        "Arbiter": wiring,
        "DLBC": (*wiring, at["Registrar"], at["Arbiter"], *parameters),
        "Lens": (at["DLBC"],),
    }
    spent = 0
    for name in CONTRACTS:
        arguments = arguments_of[name]
        contract = chain.w3.eth.contract(abi=contracts[name].abi, bytecode=contracts[name].init)
        data = contract.constructor(*arguments).data_in_transaction
        receipt = mined(chain, {"from": deployer, "data": data, "gas": DEPLOYMENT_GAS})
        if receipt["status"] != 1:
            raise ChainError(f"{name} was not created")
        spent += int(receipt["gasUsed"])
    genesis = bytes(chain.w3.eth.get_block(0)["hash"])
    deployment = Deployment(
        CHAIN_ID,
        genesis,
        0,
        hub=at["DLBC"],
        committee=at["Committee"],
        token=at["DLBCToken"],
        lens=at["Lens"],
        authority=at["Authority"],
        registrar=at["Registrar"],
        arbiter=at["Arbiter"],
    )
    return Market(Chain([url], deployment), deployer), spent


def development_profile(economy: Mapping[str, object]) -> profiles.Profile:
    """The development profile with some of its economy changed."""
    content = yaml.safe_load((profiles.FOLDER / "development.yaml").read_text(encoding="utf-8"))
    content["economy"] |= economy
    with tempfile.TemporaryDirectory(prefix="dlbc-benchmark-") as folder:
        path = Path(folder) / "benchmark.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return profiles.load(str(path))


def compiled() -> dict[str, Compiled]:
    """The contracts compiled with the settings of brownie-config.yaml; kept until a source changes."""
    digest, kept = source_digest(), FOLDER / "contracts.json"
    if kept.is_file():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["digest"] == digest:
            return {name: Compiled(**found) for name, found in content["contracts"].items()}
    contracts = _compile(compiler_settings())
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = {"digest": digest, "contracts": {name: vars(found) for name, found in contracts.items()}}
    kept.write_text(json.dumps(content), encoding="utf-8")
    return contracts


def source_digest() -> str:
    """SHA-256 of whatever decides the bytecode: the compiler's settings, its version, the sources."""
    digest = hashlib.sha256(json.dumps(compiler_settings(), sort_keys=True).encode())
    sources = (path for path in (ROOT / "contracts").rglob("*.sol") if "test" not in path.parts)
    for path in sorted([*sources, ROOT / "package-lock.json"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compiler_settings() -> dict[str, Any]:
    """Those of brownie-config.yaml, as the compiler takes them."""
    configured = yaml.safe_load((ROOT / "brownie-config.yaml").read_text(encoding="utf-8"))["compiler"]
    solc = configured["solc"]
    return {
        "remappings": solc["remappings"],
        "evmVersion": configured["evm_version"],
        "viaIR": solc["viaIR"],
        "optimizer": solc["optimizer"],
        "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
    }


def _compile(settings: Mapping[str, Any]) -> dict[str, Compiled]:
    sources = {path: {"content": (ROOT / path).read_text(encoding="utf-8")} for path in CONTRACTS.values()}
    output = compile_standard({"language": "Solidity", "sources": sources, "settings": dict(settings)})
    found = {}
    for contracts in output["contracts"].values():
        for name, contract in contracts.items():
            if name in CONTRACTS:
                code = contract["evm"]
                runtime_bytes = len(code["deployedBytecode"]["object"]) // 2
                found[name] = Compiled(contract["abi"], code["bytecode"]["object"], runtime_bytes)
    return found
