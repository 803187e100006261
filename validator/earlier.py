"""Models that were open to everybody before a round's commits: what a thief could have started from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dlbc.chain.events import BlockAppended, ModelClaimed, ModelCommitted, ModelKeyShown, TaskSubmitted
from dlbc.errors import InvalidArtifact, InvalidTask, IPFSError
from dlbc.journal import Journal
from dlbc.manifest import Manifest
from dlbc.materials import Fetcher, fetch_manifest, fetch_model_ciphertext, open_model
from dlbc.ml.channels import Network
from dlbc.ml.model_file import load_model
from dlbc.types import ModelCommitment, TaskSpec

KEPT_WINNERS = 64  # the last so many blocks (docs/protocol.md, "Lineage")


@dataclass(frozen=True)
class Winner:
    """A block's model: everything needed to open it."""

    height: int
    commitment: ModelCommitment
    key: bytes
    spec: TaskSpec
    opened_in: int


def winners(journal: Journal, *, before_block: int) -> Iterator[Winner]:
    """The latest blocks' models whose keys were shown before EVM block `before_block`, newest first."""
    for block in reversed(journal.latest(BlockAppended, KEPT_WINNERS)):
        winner = _winner(journal, block)
        if winner is not None and winner.opened_in < before_block:
            yield winner


def winner_of(journal: Journal, round_id: int) -> Winner | None:
    """The winner of a round, if its block is among the latest ones, which later models are compared with."""
    blocks = [block for block in journal.latest(BlockAppended, KEPT_WINNERS) if block.header.round_id == round_id]
    return _winner(journal, blocks[-1]) if blocks else None


def _winner(journal: Journal, block: BlockAppended) -> Winner | None:
    header = block.header
    shown = journal.events(ModelKeyShown, round_id=header.round_id, commitment_hash=header.commitment)
    claimed = journal.events(ModelClaimed, round_id=header.round_id, commitment_hash=header.commitment)
    submitted = journal.events(TaskSubmitted, spec_hash=header.spec_hash)
    if not (shown and claimed and submitted):
        return None
    return Winner(header.height, claimed[0].commitment, shown[0].key, submitted[0].spec, shown[0].block_number)


def commit_blocks(journal: Journal, round_id: int) -> dict[str, int]:
    """The EVM block of each miner's commit in the round."""
    return {event.miner: event.block_number for event in journal.events(ModelCommitted, round_id=round_id)}


@dataclass(frozen=True)
class Library:
    """Where earlier models are fetched from and kept.

    Attributes:
        timeout: seconds for each file that is not here yet.
    """

    ipfs: Fetcher
    cache: Path
    chain_id: int
    hub: str
    timeout: float = 1.0

    def load(self, winner: Winner, task: Manifest) -> Network | None:
        """The winner's network, or None where it is of another architecture than `task` or cannot be had any more.

        A model that nobody serves cannot convict anybody, and must not hold up the vote.
        """
        try:
            manifest = fetch_manifest(self.ipfs, winner.spec, self.cache, self.timeout)
            if not _same_network(manifest, task):
                return None
            ciphertext = fetch_model_ciphertext(self.ipfs, winner.commitment, manifest, self.cache, self.timeout)
            path = open_model(winner.commitment, manifest, ciphertext, winner.key, self.chain_id, self.hub, self.cache)
            return load_model(
                path, manifest.architecture, manifest.input_shape, manifest.classes, manifest.model.max_bytes
            )
        except (IPFSError, InvalidArtifact, InvalidTask, OSError):
            return None


def _same_network(left: Manifest, right: Manifest) -> bool:
    return (dict(left.architecture), left.input_shape, left.classes) == (
        dict(right.architecture),
        right.input_shape,
        right.classes,
    )
