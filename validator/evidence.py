"""From announcements on chain to opened models: what is fetched, decrypted and loaded before a round is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlbc.chain.events import ModelClaimed, ModelCommitted, ModelKeyShown, RoundOpened, TaskSubmitted, TestKeyRevealed
from dlbc.errors import ContentInvalid, ContentUnavailable, InvalidArtifact
from dlbc.journal import Journal
from dlbc.manifest import Manifest
from dlbc.materials import (
    Fetcher,
    check_declared,
    fetch_manifest,
    fetch_model_ciphertext,
    fetch_test_ciphertext,
    fetch_train,
    open_model,
    open_test,
)
from dlbc.ml.data import Dataset
from dlbc.ml.model_file import load_model
from dlbc.types import ModelCommitment, TaskSpec
from dlbc.wire.vote_word import CandidateFlag, TaskFlag
from validator.judge import Opened

NOT_SHOWN = "its key was not shown"


@dataclass(frozen=True)
class Materials:
    """The task as it could be opened.

    Attributes:
        manifest, train, test: None where `flags` says that they cannot be had or are not what was declared.
        flags: what the validator holds against the task.
        reasons: in words, one for each flag.
    """

    manifest: Manifest | None
    train: Dataset | None
    test: Dataset | None
    flags: TaskFlag
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where things are fetched from, kept, and which deployment they are bound to."""

    ipfs: Fetcher
    cache: Path
    chain_id: int
    hub: str


@dataclass
class Budget:
    """Seconds for a number of fetches together: what one leaves, the next ones have.

    Six candidates whose files nobody serves must not cost a validator his vote.
    """

    seconds: float
    fetches: int
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def left(self) -> float:
        """Seconds until the whole budget is spent."""
        return max(0.0, self.seconds - (self.clock() - self._began))

    def next(self) -> float:
        """Seconds for the next fetch."""
        share = self.left() / max(1, self.fetches)
        self.fetches -= 1
        return max(0.2, share)


def spec_of(journal: Journal, round_id: int) -> TaskSpec | None:
    """The round's spec, from the event that carried it."""
    opened = journal.events(RoundOpened, round_id=round_id)
    submitted = journal.events(TaskSubmitted, spec_hash=opened[0].spec_hash) if opened else []
    return submitted[0].spec if submitted else None


def materials(source: Source, spec: TaskSpec, key: bytes, budget: Budget) -> Materials:
    """Fetch and open the task's data with the shown test key.

    Raises:
        IPFSError: our own node fails. That says nothing against the task, so it must not become a flag.
    """
    manifest, train, flags = None, None, TaskFlag.NONE
    reasons: list[str] = []
    try:
        manifest = fetch_manifest(source.ipfs, spec, source.cache, budget.next())
        declared = check_declared(spec, manifest)
        if declared.problems:
            flags |= TaskFlag.MISDECLARED
            reasons += declared.problems
        if declared.measured is None:
            return Materials(None, None, None, flags, tuple(reasons))
        train = fetch_train(source.ipfs, manifest, source.cache, budget.next())
        ciphertext = fetch_test_ciphertext(source.ipfs, manifest, source.cache, budget.next())
        test = open_test(spec, manifest, ciphertext, key, source.chain_id, source.hub, source.cache)
    except ContentUnavailable as error:
        return Materials(manifest, train, None, flags | TaskFlag.DATA_UNAVAILABLE, (*reasons, str(error)))
    except (InvalidArtifact, ContentInvalid) as error:
        return Materials(manifest, train, None, flags | TaskFlag.DATA_INVALID, (*reasons, str(error)))
    return Materials(manifest, train, test, flags, tuple(reasons))


def shown_test_key(journal: Journal, round_id: int) -> bytes | None:
    """The round's test key, once it was shown."""
    shown = journal.events(TestKeyRevealed, round_id=round_id)
    return shown[0].key if shown else None


def open_candidates(
    source: Source,
    journal: Journal,
    round_id: int,
    hashes: Sequence[bytes],
    manifest: Manifest,
    budget: Budget,
) -> list[Opened]:
    """The listed candidates in order, each as far as it can be opened.

    Args:
        hashes: commitment hashes as the hub lists them, best claim first.

    Raises:
        IPFSError: our own node fails.
    """
    claims = {event.commitment_hash: event for event in journal.events(ModelClaimed, round_id=round_id)}
    keys = {event.commitment_hash: event.key for event in journal.events(ModelKeyShown, round_id=round_id)}
    blocks = commit_blocks(journal, round_id)
    opened = [
        _open(source, claims[digest].commitment, claims[digest].sequence, keys.get(digest), manifest, budget)
        for digest in hashes
    ]
    return [replace(one, committed_in=blocks.get(one.commitment.miner, 0)) for one in opened]


def commit_blocks(journal: Journal, round_id: int) -> dict[str, int]:
    """The EVM block of each miner's commit in the round."""
    return {event.miner: event.block_number for event in journal.events(ModelCommitted, round_id=round_id)}


def _open(
    source: Source,
    commitment: ModelCommitment,
    sequence: int,
    key: bytes | None,
    manifest: Manifest,
    budget: Budget,
) -> Opened:
    def closed(flag: CandidateFlag, why: str) -> Opened:
        return Opened(commitment, sequence, None, flag, why)

    if key is None:
        return closed(CandidateFlag.UNAVAILABLE, NOT_SHOWN)
    try:
        ciphertext = fetch_model_ciphertext(source.ipfs, commitment, manifest, source.cache, budget.next())
        path = open_model(commitment, manifest, ciphertext, key, source.chain_id, source.hub, source.cache)
        model = load_model(
            path, manifest.architecture, manifest.input_shape, manifest.classes, manifest.model.max_bytes
        )
    except ContentUnavailable as error:
        return closed(CandidateFlag.UNAVAILABLE, str(error))
    except (InvalidArtifact, ContentInvalid) as error:
        return closed(CandidateFlag.INVALID, str(error))
    return Opened(commitment, sequence, model)
