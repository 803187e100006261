"""Models that were open to everybody before a round's commits: what a thief could have started from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dlbc.chain.events import BlockAppended, ModelCommitted
from dlbc.journal import Journal
from dlbc.library import ShownModel, shown_model

KEPT_WINNERS = 64  # the last so many blocks (docs/protocol.md, "Lineage")


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


def commit_blocks(journal: Journal, round_id: int) -> dict[str, int]:
    """The EVM block of each miner's commit in the round."""
    return {event.miner: event.block_number for event in journal.events(ModelCommitted, round_id=round_id)}
