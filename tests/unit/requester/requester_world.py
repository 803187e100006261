"""A chain and an IPFS node that exist only in memory, and a small task."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from eth_account import Account

from dlbc.chain.contracts import Call, Floors, Limits
from dlbc.errors import IPFSError, TransactionRefused
from dlbc.ipfs.cid import as_digest, digest_to_cid
from dlbc.ipfs.client import Added
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.task import UNIT
from dlbc.types import TaskSpec, TaskStatus
from dlbc.wire.ranking import Weights, base, queue_key
from dlbc.wire.typed_data import spec_hash

KEY = b"\x01" * 32
ADDRESS = Account.from_key(KEY).address
HUB = "0x" + "11" * 20
TOKEN = "0x" + "33" * 20
FLOOR = 28 * UNIT
LIMITS = Limits(
    min_train_secs=5,
    max_train_secs=3600,
    secs_per_megaflop=60,
    unbond_secs=4000,
    slot_fee_per_sec=UNIT // 1000,
    weight_flops=2,
    weight_net=1,
    weight_data=1,
    weight_fee=4,
    alpha=1 << 24,
    gamma=1 << 20,
)
TASK = """\
name: toy
data: {train: train.npz, test: test.npz}
architecture: {name: mlp, hidden: 64, layers: 2}
metric: accuracy
minimum: 0.9
training: {seconds: 5}
fee: 100
"""


def save(path: Path, seed: int, count: int, **changes: Any) -> None:
    arrays = {
        "x": np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8),
        "y": np.arange(count) % 4,
    } | changes
    np.savez(path, **arrays)


@dataclass
class FakeChain:
    """Money, tasks and rounds of one account; builds calls as the contracts' classes do."""

    wallet: int = 1000 * UNIT
    credit: int = 0
    allowed: int = 0
    gas: int = 1
    floor: int = FLOOR
    tip: int = 0
    tasks: list[TaskSpec] = field(default_factory=list)
    refuse: dict[str, TransactionRefused] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    rounds: dict[int, Any] = field(default_factory=dict)
    time: float = 1000.0
    calls: dict[bytes, tuple[str, Any]] = field(default_factory=dict)

    # as Hub and Token

    address = HUB

    def floors(self, spec: TaskSpec) -> Floors:
        return Floors(self.floor, self.floor)

    def limits(self) -> Limits:
        return LIMITS

    def economy(self) -> Any:
        return SimpleNamespace(burn_bps=1000, slots=4, tip=self.tip)

    def queue_length(self) -> int:
        return len(self.tasks)

    def task_count(self) -> int:
        return len(self.tasks)

    def task(self, task_id: int) -> Any:
        return SimpleNamespace(status=TaskStatus.QUEUED, key=task_id, round_id=0)

    def queue_keys(self) -> tuple[int, ...]:
        """Waiting tasks, as if each had been submitted a second after the one before."""
        weights = Weights(LIMITS.weight_flops, LIMITS.weight_net, LIMITS.weight_data, LIMITS.weight_fee)
        return tuple(queue_key(base(weights, spec), i * LIMITS.alpha, i) for i, spec in enumerate(self.tasks, 1))

    def queue_clock(self) -> int:
        return (len(self.tasks) + 1) * LIMITS.alpha

    def task_id_of(self, wanted: bytes) -> int:
        return next((i for i, spec in enumerate(self.tasks, 1) if spec_hash(spec) == wanted), 0)

    def account(self, owner: str) -> Any:
        return SimpleNamespace(credit=self.credit)

    def balance_of(self, owner: str) -> int:
        return self.wallet

    def allowance(self, owner: str, spender: str) -> int:
        return self.allowed

    def round(self, round_id: int) -> Any:
        return self.rounds[round_id]

    def _call(self, name: str, value: Any) -> Call:
        data = repr((name, value)).encode()
        self.calls[data] = (name, value)
        return Call(HUB, data, name)

    def approve(self, spender: str, amount: int) -> Call:
        return self._call("approve", amount)

    def deposit(self, amount: int) -> Call:
        return self._call("deposit", amount)

    def deposit_with_permit(self, amount: int, deadline: int, signature: bytes) -> Call:
        return self._call("permit", amount)

    def nonces(self, owner: str) -> int:
        return len(self.sent)

    def submit_task(self, spec: TaskSpec) -> Call:
        return self._call("submit", spec)

    def reveal_key(self, round_id: int, spec: TaskSpec, key: bytes) -> Call:
        return self._call("reveal", (round_id, key))

    # as Chain

    @property
    def deployment(self) -> Any:
        return SimpleNamespace(chain_id=5, hub=HUB, token=TOKEN)

    @property
    def w3(self) -> Any:
        return SimpleNamespace(eth=SimpleNamespace(get_balance=lambda _: self.gas))

    def now(self) -> float:
        return self.time

    def call(self, to: str, data: bytes, *, sender: str) -> bytes:
        name, value = self.calls[data]
        if f"simulate {name}" in self.refuse:
            raise self.refuse[f"simulate {name}"]
        if name == "submit" and self.credit < value.fee + value.bond:
            raise TransactionRefused("too little", "InsufficientCredit", (self.credit, 1))
        return b""

    # as Transactions

    def fresh_name(self, prefix: str, call: Call) -> str:
        return f"{prefix}/{1 + sum(name.startswith(prefix) for name in self.sent)}"

    def send(self, name: str, call: Call) -> None:
        kind, value = self.calls[call.data]
        if kind in self.refuse:
            raise self.refuse[kind]
        self.sent.append(name)
        if kind == "approve":
            self.allowed = value
        elif kind == "permit":
            self.wallet, self.credit = self.wallet - value, self.credit + value
        elif kind == "deposit":
            assert value <= self.allowed
            self.wallet, self.credit, self.allowed = self.wallet - value, self.credit + value, 0
        elif kind == "submit":
            assert value.fee + value.bond <= self.credit
            self.credit -= value.fee + value.bond
            self.tasks.append(value)

    def send_and_wait(self, name: str, call: Call, timeout: float = 0) -> None:
        self.send(name, call)


@dataclass
class FakeIPFS:
    """Keeps files by digest; fails after `fails_after` additions."""

    folder: Path
    files: dict[bytes, Path] = field(default_factory=dict)
    fails_after: int = 1000

    def has(self, cid: str | bytes) -> bool:
        return as_digest(cid) in self.files

    def add_file(self, path: Path) -> Added:
        if len(self.files) >= self.fails_after:
            raise IPFSError("the IPFS node is down")
        digest = digest_of_file(path)
        self.files[digest] = self.folder / digest.hex()
        shutil.copy(path, self.files[digest])
        return Added(digest_to_cid(digest), digest, path.stat().st_size)


@dataclass
class World:
    chain: FakeChain
    ipfs: FakeIPFS
    context: Any
    reports: list[dict[str, Any]]
