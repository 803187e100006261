"""One round in memory: task, journal and wire formats are real; chain, IPFS and sender are stood in for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from eth_account import Account as EthAccount

from dlbc import materials
from dlbc.artifact import encrypt_file, sha256_file
from dlbc.chain.client import Head
from dlbc.chain.contracts import (
    Account,
    AppealCase,
    Ballot,
    Candidate,
    Commit,
    Economy,
    ExcludedClaim,
    Limits,
    Parameters,
    Preview,
    Round,
    Timing,
)
from dlbc.chain.deployment import Deployment
from dlbc.chain.events import ModelClaimed, ModelCommitted, RoundFinalized, RoundOpened, TaskSubmitted, TestKeyRevealed
from dlbc.chain.transactions import Sent
from dlbc.config import Settings
from dlbc.errors import ContentUnavailable, TransactionRefused
from dlbc.ipfs.cid import as_digest, digest_to_cid
from dlbc.ipfs.client import Added
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.journal import Event, Identity, Journal, TransactionState
from dlbc.manifest import Data, Manifest, ModelLimits, Shard, TestData, TrainData, Training
from dlbc.ml.data import Dataset, write_canonical
from dlbc.ml.measure import measure
from dlbc.service import Context, StatusBoard
from dlbc.types import ModelCommitment, Outcome, Phase, TaskSpec
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commit_digest, commitment_hash, spec_hash

CHAIN_ID = 31337
HUB = "0x1111111111111111111111111111111111111111"
COMMITTEE = "0x2222222222222222222222222222222222222222"
TOKEN = "0x3333333333333333333333333333333333333333"
LENS = "0x4444444444444444444444444444444444444444"
REQUESTER = "0x4444444444444444444444444444444444444444"
MINER = EthAccount.from_key(b"\x07" * 32)
RIVAL = "0x5555555555555555555555555555555555555555"
KEY, NONCE, ROUND, TASK = b"k" * 32, 77, 9, 3
ANCHOR = b"\xaa" * 32
UNIT = 10**18
OPENED, COMMIT_START, COMMIT_END = 1_000, 1_005, 1_045
ARCHITECTURE = {"name": "mlp", "hidden": 64, "layers": 2}


class Crash(BaseException):
    """The process dies here."""


class FakeChain:
    """Time stands still but for `per_look` seconds at each look at the clock."""

    def __init__(self) -> None:
        self.deployment = Deployment(CHAIN_ID, b"g" * 32, 1, HUB, COMMITTEE, TOKEN)
        self.time = float(COMMIT_START)
        self.per_look = 0.0
        self.on_look: Callable[[], None] = lambda: None

    @property
    def latest(self) -> Head:
        return Head(int(self.time), b"h" * 32, int(self.time), b"p" * 32, 0, 0.0)

    def head(self) -> Head:
        return self.latest

    def header(self, number: int) -> Head:
        return Head(number, b"h" * 32, number, b"p" * 32, 0, 0.0)  # a block a second

    def now(self) -> float:
        self.time += self.per_look
        self.on_look()
        return self.time


class FakeCalls:
    """`hub.anything(arguments)` is the call ("anything", arguments), unless a subclass knows it as a getter."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: (name, arguments)


class FakeHub(FakeCalls):
    def __init__(self) -> None:
        super().__init__(HUB)
        self.rounds: dict[int, Round] = {}
        self.commits: dict[int, Commit] = {}
        self.listed: list[Candidate] = []
        self.money = Account(0, 100 * UNIT, 0, 0, 0)
        self.queue = 0
        self.next = 0
        self.winner = b""
        self.claim_secs = 30
        self.tip = 0
        self.excluded = ExcludedClaim(bytes(32), 0)
        self.appeals: list[AppealCase] = []

    def economy(self) -> Economy:
        return Economy(
            fee_unit=UNIT,
            miner_unit=50 * UNIT,
            halving_secs=10**8,
            min_miners=2,
            slots=2,
            committee_size=3,
            quorum=2,
            seat_unit=100 * UNIT,
            initial_emission=100 * UNIT,
            burn_bps=1000,
            validator_bps=1000,
            kappa_bps=9000,
            parent_bps=0,
            tip=self.tip,
            appeal_bond=30 * UNIT,
            second_bps=500,
            third_bps=500,
        )

    def timing(self) -> Timing:
        return Timing(5, 5, 30, self.claim_secs, 30, 30, 30, 0)

    def parameters_of(self, version: int) -> Parameters:
        """Those of version 1; another version locks twice as much."""
        unit = 50 * UNIT * version
        limits = Limits(1, 3600, 60, 10_000, 0, 1, 1, 1, 1, 1, 1)
        return Parameters(self.timing(), replace(self.economy(), miner_unit=unit), limits)

    def excluded_of(self, round_id: int, miner: str) -> ExcludedClaim:
        return self.excluded

    def appeals_of(self, round_id: int) -> list[AppealCase]:
        return self.appeals

    def account(self, owner: str) -> Account:
        return self.money

    def round(self, round_id: int) -> Round:
        return self.rounds[round_id]

    def round_in_slot(self, slot: int) -> int:
        return next((id for id, found in self.rounds.items() if found.slot == slot), 0)

    def commit_of(self, round_id: int, miner: str) -> Commit:
        return self.commits.get(round_id, Commit(0, False, False))

    def candidates(self, round_id: int) -> list[Candidate]:
        return self.listed

    def round_count(self) -> int:
        return len(self.rounds)

    def next_task(self) -> int:
        return self.next

    def queue_length(self) -> int:
        return self.queue

    def preview(self, round_id: int, spec: TaskSpec) -> Preview:
        return Preview(Outcome.BLOCK, self.winner, 0)


class FakeCommittee(FakeCalls):
    seal_block = 0

    def ballot(self, round_id: int) -> Ballot:
        return Ballot(0, 0, 0, 0, 0, 0, 0, 0, self.seal_block, bytes(32), False)


class FakeTransactions:
    """Remembers what was sent under which name; once a name, as the real one."""

    def __init__(self, journal: Journal) -> None:
        self.sent: dict[str, Any] = {}
        self.refuse: dict[str, TransactionRefused] = {}
        self.on_send: Callable[[str], None] = lambda name: None
        self.state = TransactionState.PENDING
        self.journal = journal

    def send(self, name: str, call: Any) -> Sent:
        assert not self.journal.in_transaction
        kind = name.split("/", maxsplit=1)[0]
        if name not in self.sent and kind in self.refuse:
            raise self.refuse[kind]
        self.on_send(name)
        self.sent.setdefault(name, call)
        return Sent(name, self.state, b"t" * 32)


class FakeIPFS:
    """A folder of files by digest.

    Attributes:
        down: every call fails.
        missing: digests that nobody has.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.down = False
        self.missing: set[bytes] = set()
        self.added: list[bytes] = []
        self.unpinned: list[bytes] = []

    def add_file(self, path: Path) -> Added:
        self._check()
        digest = digest_of_file(path)
        shutil.copy(path, self.folder / digest.hex())
        self.added.append(digest)
        return Added(digest_to_cid(digest), digest, path.stat().st_size)

    def fetch_file(self, cid_or_digest: str | bytes, target: Path, *, max_bytes: int, timeout: float) -> int:
        self._check()
        digest = as_digest(cid_or_digest)
        if digest in self.missing or not (self.folder / digest.hex()).is_file():
            raise ContentUnavailable(f"{digest_to_cid(digest)} did not arrive")
        shutil.copy(self.folder / digest.hex(), target)
        return target.stat().st_size

    def has(self, digest: bytes) -> bool:
        self._check()
        return (self.folder / digest.hex()).is_file()

    def unpin(self, digest: bytes) -> None:
        self.unpinned.append(digest)

    def _check(self) -> None:
        if self.down:
            raise ContentUnavailable("the node is down")


@dataclass
class World:
    """A context and everything a test wants to turn."""

    context: Context
    chain: FakeChain
    hub: FakeHub
    committee: FakeCommittee
    ipfs: FakeIPFS
    transactions: FakeTransactions
    journal: Journal
    manifest: Manifest
    spec: TaskSpec
    test: Dataset
    said: list[str] = field(default_factory=list)
    logs: int = 0

    def event(self, kind: type[Event], *arguments: Any, block: int = 5) -> Event:
        """An event that the journal has seen."""
        self.logs += 1
        found = kind(block, b"b" * 32, self.logs, *arguments)
        with self.journal.transaction():
            self.journal.history.add(found)
        return found

    def opened(self, round_id: int = ROUND, anchor: bytes = ANCHOR, spec: TaskSpec | None = None) -> RoundOpened:
        """A task's round, live on the chain and in the journal."""
        spec = spec or self.spec
        task_id = TASK + round_id - ROUND
        self.event(TaskSubmitted, task_id, REQUESTER, spec_hash(spec), spec, 1)
        slot = round_id - ROUND
        self.hub.rounds[round_id] = live_round(task_id, spec_hash(spec), anchor, slot)
        found = self.event(
            RoundOpened, round_id, task_id, spec_hash(spec), slot, anchor, OPENED, COMMIT_START, COMMIT_END
        )
        assert isinstance(found, RoundOpened)
        return found

    def phase(self, phase: Phase, time: float, **changes: Any) -> None:
        """Moves the round and the clock."""
        self.chain.time = time
        self.hub.rounds[ROUND] = replace(self.hub.rounds[ROUND], phase=phase, **changes)

    def committed(self, commitment: ModelCommitment) -> ModelCommitted:
        """The commit is on the chain."""
        self.hub.commits[ROUND] = Commit(1, False, True)
        found = self.event(
            ModelCommitted,
            ROUND,
            MINER.address,
            1,
            commit_digest(commitment),
            commitment.artifact,
            commitment.artifact_bytes,
        )
        assert isinstance(found, ModelCommitted)
        return found

    def key_revealed(self) -> TestKeyRevealed:
        """The test key is shown, and claiming begins."""
        self.phase(Phase.CLAIM, COMMIT_END + 10, key_at=COMMIT_END + 10, claim_end=COMMIT_END + 40)
        found = self.event(TestKeyRevealed, ROUND, KEY)
        assert isinstance(found, TestKeyRevealed)
        return found

    def claimed(self, commitment: ModelCommitment, score: int, listed: bool = True) -> ModelClaimed:
        """The claim is on the chain."""
        self.hub.commits[ROUND] = Commit(1, True, True)
        own = commitment_hash(commitment)
        if listed:
            self.hub.listed = [Candidate(MINER.address, score, 1, False, own)]
        found = self.event(ModelClaimed, ROUND, MINER.address, own, 1, score, listed, commitment)
        assert isinstance(found, ModelClaimed)
        return found

    def finalized(self, outcome: Outcome) -> RoundFinalized:
        """The round is over."""
        self.phase(Phase.FINAL, COMMIT_END + 100)
        found = self.event(RoundFinalized, ROUND, TASK, outcome, 0)
        assert isinstance(found, RoundFinalized)
        return found


def live_round(task_id: int, of_spec: bytes, anchor: bytes, slot: int) -> Round:
    return Round(
        task_id=task_id,
        spec_hash=of_spec,
        anchor=anchor,
        slot=slot,
        epoch=0,
        outcome=Outcome.NONE,
        phase=Phase.TRAIN,
        phase_ends_at=COMMIT_END,
        opened_at=OPENED,
        commit_start=COMMIT_START,
        commit_end=COMMIT_END,
        key_from=COMMIT_END + 5,
        key_until=COMMIT_END + 35,
        key_at=0,
        claim_end=0,
        show_end=0,
        commits=0,
        claims=0,
        listed=0,
        shown=0,
        appeals=0,
        tips=0,
        version=1,
        excluded=0,
        best_excluded=0,
        inbox_from=1,
        inbox_to=0,
        compensation=0,
        advanced=0,
        prove_secs=0,
    )


def dataset(seed: int, count: int) -> Dataset:
    """Four classes that a small network can tell apart: each brightens its own four features."""
    generator = np.random.default_rng(seed)
    y = np.arange(count, dtype=np.int64) % 4
    x = generator.integers(0, 100, (count, 16))
    for label in range(4):
        x[y == label, 4 * label : 4 * label + 4] += 100
    return Dataset(x.astype(np.uint8), y)


class Log:
    """Collects what people would read."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def __getattr__(self, level: str) -> Any:
        return lambda message, /, **facts: self.said.append(message)


def make_world(folder: Path) -> World:
    """A task that is published, and a miner who has stake. No round is open yet."""
    ipfs = FakeIPFS(folder / "ipfs")
    manifest, test = make_manifest(folder, ipfs)
    measured = measure(ARCHITECTURE, (16,), 4)
    path = folder / "manifest"
    path.write_bytes(manifest.to_bytes())
    spec = TaskSpec(
        requester=REQUESTER,
        manifest=ipfs.add_file(path).digest,
        key_hash=key_hash(KEY),
        flops=measured.flops,
        net_bytes=measured.model_bytes,
        data_bytes=manifest.data_bytes,
        score_max=len(test),
        min_score=12,
        tol=2,
        tie_tol=1,
        modes=0,
        train_secs=40,
        prove_secs=0,
        fee=100 * UNIT,
        bond=UNIT,
        nonce=NONCE,
    )
    chain, hub, committee = FakeChain(), FakeHub(), FakeCommittee(COMMITTEE)
    journal = Journal.in_memory(Identity(CHAIN_ID, "0x" + "67" * 32, HUB, MINER.address))
    transactions = FakeTransactions(journal)
    workdir = folder / "work"
    workdir.mkdir()
    said: list[str] = []
    context = Context(
        settings=Settings(),
        chain=chain,  # type: ignore[arg-type]
        hub=hub,  # type: ignore[arg-type]
        committee=committee,  # type: ignore[arg-type]
        token=FakeCalls(TOKEN),  # type: ignore[arg-type]
        lens=FakeCalls(LENS),  # type: ignore[arg-type]
        ipfs=ipfs,  # type: ignore[arg-type]
        journal=journal,
        transactions=transactions,  # type: ignore[arg-type]
        signer=MINER,
        account=MINER.address,
        workdir=workdir,
        board=StatusBoard(workdir),
        log=Log(said),
    )
    return World(context, chain, hub, committee, ipfs, transactions, journal, manifest, spec, test, said)


def make_manifest(folder: Path, ipfs: FakeIPFS) -> tuple[Manifest, Dataset]:
    """A published task of 200 training and 20 test samples."""
    train, test = dataset(1, 200), dataset(2, 20)
    paths = {name: folder / name for name in ("train", "test", "sealed")}
    write_canonical(train, paths["train"])
    write_canonical(test, paths["test"])
    bound_to = artifact_context(CHAIN_ID, HUB, ArtifactKind.TEST_SET, NONCE, REQUESTER)
    encrypt_file(paths["test"], paths["sealed"], KEY, bound_to)
    shard, sealed = ipfs.add_file(paths["train"]), ipfs.add_file(paths["sealed"])
    measured = measure(ARCHITECTURE, (16,), 4)
    manifest = Manifest(
        name="toy",
        architecture=ARCHITECTURE,
        input_shape=(16,),
        classes=4,
        metric="accuracy",
        training=Training(40),
        model=ModelLimits(measured.parameters, measured.model_bytes),
        data=Data(
            TrainData((Shard(shard.cid, shard.size, sha256_file(paths["train"])),), len(train)),
            TestData(
                sealed.cid,
                sealed.size,
                paths["test"].stat().st_size,
                sha256_file(paths["test"]),
                len(test),
                materials.samples_root(test),
            ),
        ),
    )
    return manifest, test
