"""The contracts as scripts/deploy.py makes them, on an Anvil whose clock we move, with the gas of every call noted."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from web3.types import Nonce
from web3.utils import get_create_address

from benchmarks.bytecode import CONTRACTS, compiled
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Call, Committee, Hub, Token
from dlbc.chain.deployment import Deployment
from dlbc.errors import ChainError
from dlbc.processes import free_port, start_anvil
from dlbc.types import ZERO_ADDRESS
from scripts import profiles

UNIT = 10**18
CHAIN_ID = 31337
CALL_GAS = 5_000_000
DEPLOYMENT_GAS = 15_000_000
BATCH = 256  # calls in a block, and requests at a time: what Anvil takes for receipts grows with the square of it
NOWHERE = Deployment(CHAIN_ID, bytes(32), 0, ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS)  # before there is one


@dataclass(frozen=True)
class Actor:
    """An account whose key we have, so that he can sign claims; Anvil sends his transactions without it."""

    key: bytes
    address: str

    @classmethod
    def named(cls, name: str) -> Actor:
        key = keccak(text=f"benchmark {name}")
        return cls(key, PrivateKey(key).public_key.to_checksum_address())


Sent = tuple[str, Call]  # who sends what


@dataclass
class Market:
    """One deployment and who uses it.

    Attributes:
        url: of the node.
        scenario: what the calls that follow are noted under.
        spent: [call, gas, scenario] of every call, in order.
    """

    url: str
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
        return self._note(sender, call, receipt["status"], receipt["gasUsed"], name)

    def send_all(self, calls: Sequence[Sent], name: str | None = None) -> None:
        """Sends many calls in this order, many to a block, and notes their gas: block by block they would take minutes.

        Raises:
            TransactionRefused: one reverted, with the contract's reason.
        """
        for begin in range(0, len(calls), BATCH):
            self._send_block(calls[begin : begin + BATCH], name)

    def pass_time(self, until: int) -> None:
        """Moves the chain's clock, if it is not there yet."""
        if until > self.chain.head().timestamp:
            request(self.chain, "evm_setNextBlockTimestamp", until)
            self.pass_blocks(1)

    def pass_blocks(self, number: int) -> None:
        """Mines empty blocks."""
        request(self.chain, "anvil_mine", number)

    def equip(self, actors: Sequence[Actor], tokens: int, stake: int) -> None:
        """Gives each ether and DLBC; all of it becomes credit, and `stake` of that stake."""
        batch(self.url, "anvil_setBalance", [(actor.address, hex(10**24)) for actor in actors])
        self.send_all([(self.deployer, self.token.transfer(actor.address, tokens * UNIT)) for actor in actors])
        steps = [self.token.approve(self.hub.address, tokens * UNIT), self.hub.deposit(tokens * UNIT)]
        if stake:
            steps.append(self.hub.stake(stake * UNIT))
        for step in steps:
            self.send_all([(actor.address, step) for actor in actors])

    def _send_block(self, calls: Sequence[Sent], name: str | None) -> None:
        senders = list(dict.fromkeys(sender for sender, _ in calls))
        counts = batch(self.url, "eth_getTransactionCount", [(sender, "latest") for sender in senders])
        nonces = {sender: itertools.count(int(count, 16)) for sender, count in zip(senders, counts, strict=True)}
        transactions = [
            {
                "from": sender,
                "to": call.to,
                "data": "0x" + call.data.hex(),
                "gas": hex(CALL_GAS),
                "nonce": hex(next(nonces[sender])),
            }
            for sender, call in calls
        ]
        digests = batch(self.url, "eth_sendTransaction", [(transaction,) for transaction in transactions])
        self.pass_blocks(1)
        receipts = {found["transactionHash"]: found for found in request(self.chain, "eth_getBlockReceipts", "latest")}
        for (sender, call), digest in zip(calls, digests, strict=True):
            receipt = receipts[digest]
            self._note(sender, call, int(receipt["status"], 16), int(receipt["gasUsed"], 16), name)

    def _note(self, sender: str, call: Call, status: int, gas: int, name: str | None) -> int:
        if status != 1:
            self.chain.call(call.to, call.data, sender=sender)  # raises with the reason
            raise ChainError(f"{call.what} reverted, but now it would not")
        self.spent.append((name or call.what.split()[0], gas, self.scenario))
        return gas


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


def batch(url: str, method: str, parameters: Sequence[Sequence[object]]) -> list[Any]:
    """Many calls of one of the node's methods, answered in their order.

    Raises:
        ChainError: the node refuses one.
    """
    results: list[Any] = []
    for begin in range(0, len(parameters), BATCH):
        bodies = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(given)}
            for number, given in enumerate(parameters[begin : begin + BATCH])
        ]
        answers = requests.post(url, json=bodies, timeout=60).json()
        if refused := [answer["error"] for answer in answers if "error" in answer]:
            raise ChainError(f"{method}: the node refuses {len(refused)} of {len(answers)}: {refused[0]}")
        results += [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]
    return results


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
    return Market(url, Chain([url], deployment), deployer), spent


def development_profile(economy: Mapping[str, object]) -> profiles.Profile:
    """The development profile with some of its economy changed."""
    content = yaml.safe_load((profiles.FOLDER / "development.yaml").read_text(encoding="utf-8"))
    content["economy"] |= economy
    with tempfile.TemporaryDirectory(prefix="dlbc-benchmark-") as folder:
        path = Path(folder) / "benchmark.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return profiles.load(str(path))
