"""Models that are open to everybody, from the events that opened them to networks in memory.

A validator compares with them, an owner looks for his mark in them, a miner may improve one, and a thief start from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dlbc.chain.events import BlockAppended, ModelClaimed, ModelKeyShown, TaskSubmitted
from dlbc.errors import InvalidArtifact, InvalidTask, IPFSError
from dlbc.journal import Journal
from dlbc.manifest import Manifest
from dlbc.materials import Fetcher, fetch_manifest, fetch_model_ciphertext, open_model
from dlbc.ml.channels import Network
from dlbc.ml.model_file import load_model
from dlbc.types import ModelCommitment, TaskSpec
from dlbc.wire.typed_data import commitment_hash

KEPT_WINNERS = 64  # the last so many blocks (docs/protocol.md, "Lineage")


@dataclass(frozen=True)
class ShownModel:
    """A model whose key was shown: everything needed to open it.

    Attributes:
        spec: of the task that it was trained for.
        opened_in: EVM block in which its key was shown.
    """

    commitment: ModelCommitment
    key: bytes
    spec: TaskSpec
    opened_in: int

    @cached_property
    def digest(self) -> bytes:
        """The commitment's hash, which names the model."""
        return commitment_hash(self.commitment)


def shown_model(journal: Journal, round_id: int, digest: bytes) -> ShownModel | None:
    """The model of a round with this commitment hash; None where the journal does not know that it was shown."""
    shown = journal.events(ModelKeyShown, round_id=round_id, commitment_hash=digest)
    claimed = journal.events(ModelClaimed, round_id=round_id, commitment_hash=digest)
    if not (shown and claimed):
        return None
    commitment = claimed[0].commitment
    submitted = journal.events(TaskSubmitted, spec_hash=commitment.spec_hash)
    return ShownModel(commitment, shown[0].key, submitted[0].spec, shown[0].block_number) if submitted else None


@dataclass(frozen=True)
class Winner:
    """A block's model."""

    height: int
    model: ShownModel


def winners(journal: Journal, *, before_block: int) -> Iterator[Winner]:
    """The latest blocks' models whose keys were shown before EVM block `before_block`, newest first."""
    for block in reversed(journal.latest(BlockAppended, KEPT_WINNERS)):
        winner = _winner(journal, block)
        if winner is not None and winner.model.opened_in < before_block:
            yield winner


def winner_of(journal: Journal, round_id: int) -> Winner | None:
    """The winner of a round, if its block is among the latest ones, which later models are compared with."""
    blocks = [block for block in journal.latest(BlockAppended, KEPT_WINNERS) if block.header.round_id == round_id]
    return _winner(journal, blocks[-1]) if blocks else None


def _winner(journal: Journal, block: BlockAppended) -> Winner | None:
    model = shown_model(journal, block.header.round_id, block.header.commitment)
    return None if model is None else Winner(block.height, model)


@dataclass(frozen=True)
class Library:
    """Where models are fetched from and kept.

    Attributes:
        timeout: seconds for each file that is not here yet.
    """

    ipfs: Fetcher
    cache: Path
    chain_id: int
    hub: str
    timeout: float = 1.0

    def open(self, shown: ShownModel, task: Manifest) -> Network:
        """The model's network.

        Args:
            task: whose architecture it must have.

        Raises:
            IPFSError: it cannot be had.
            InvalidArtifact: it is of another architecture than `task`, or not what was committed to.
            InvalidTask: its own task is none.
        """
        manifest = fetch_manifest(self.ipfs, shown.spec, self.cache, self.timeout)
        if not _same_network(manifest, task):
            commitment = shown.commitment
            raise InvalidArtifact(
                f"the model of {commitment.miner} in round {commitment.round_id} is of another architecture"
            )
        ciphertext = fetch_model_ciphertext(self.ipfs, shown.commitment, manifest, self.cache, self.timeout)
        path = open_model(shown.commitment, manifest, ciphertext, shown.key, self.chain_id, self.hub, self.cache)
        return load_model(path, manifest.architecture, manifest.input_shape, manifest.classes, manifest.model.max_bytes)

    def declared_parent(self, journal: Journal, commitment: ModelCommitment, task: Manifest) -> Network | None:
        """The network that a commitment says it improves, or None where that explains nothing.

        Only one of the latest winners does: a thief could declare what he was not paid for, and so launder it.

        Raises:
            IPFSError: it cannot be had.
        """
        for block in journal.latest(BlockAppended, KEPT_WINNERS):
            winner = _winner(journal, block) if block.header.commitment == commitment.parent else None
            if winner is not None:
                try:
                    return self.open(winner.model, task)
                except (InvalidArtifact, InvalidTask, OSError):
                    return None  # of another architecture, or damaged: nothing was made of it
        return None

    def load(self, shown: ShownModel, task: Manifest) -> Network | None:
        """As `open`, but None where there is nothing to compare with.

        A model that nobody serves cannot convict anybody, and must not hold up a vote.
        """
        try:
            return self.open(shown, task)
        except (IPFSError, InvalidArtifact, InvalidTask, OSError):
            return None


def _same_network(left: Manifest, right: Manifest) -> bool:
    return (dict(left.architecture), left.input_shape, left.classes) == (
        dict(right.architecture),
        right.input_shape,
        right.classes,
    )
