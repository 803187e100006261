"""Whether a candidate's payload is the round's inbox batch. A wrong one costs its miner nothing but the payload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlbc.chain.events import ItemPosted
from dlbc.types import ZERO_BYTES32, ModelCommitment
from dlbc.wire.inbox import batch_root
from dlbc.wire.vote_word import TaskFlag, payload_bad

if TYPE_CHECKING:
    from dlbc.chain.contracts import Round
    from dlbc.journal import Journal


def expected_root(journal: Journal, found: Round, posted: int) -> bytes | None:
    """The root over the items that the round's block may carry, 32 zero bytes where there are none; None while their
    events are not confirmed.

    Args:
        posted: items ever posted, so that not all of them have to be read.
    """
    wanted = range(found.inbox_from, found.inbox_to + 1)
    if not wanted:
        return ZERO_BYTES32
    latest = journal.latest(ItemPosted, posted - wanted.start + 1)
    items = {event.index: event.item for event in latest if event.index in wanted}
    return batch_root(items[index] for index in wanted) if len(items) == len(wanted) else None


def faults(commitments: Sequence[ModelCommitment], expected: bytes) -> TaskFlag:
    """A flag for each candidate, by position, who would carry something else."""
    flags = TaskFlag.NONE
    for position, commitment in enumerate(commitments):
        if commitment.payload_root not in (ZERO_BYTES32, expected):
            flags |= payload_bad(position)
    return flags
