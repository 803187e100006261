"""The batch of the inbox that a round's block may carry, from the events that the journal has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.chain.events import ItemPosted
from dlbc.types import ZERO_BYTES32
from dlbc.wire.inbox import MOST_CARRIED, batch_root

if TYPE_CHECKING:
    from dlbc.chain.contracts import Round
    from dlbc.journal import Journal


def carried_root(journal: Journal, found: Round) -> bytes | None:
    """The root over the items that the round's block may carry, 32 zero bytes where there are none; None while the
    journal lacks one of them.

    Raises:
        ValueError: more items than a block may carry.
    """
    wanted = range(found.inbox_from, found.inbox_to + 1)
    if not wanted:
        return ZERO_BYTES32
    if len(wanted) > MOST_CARRIED:
        raise ValueError(f"items {wanted.start} to {wanted[-1]} are more than the {MOST_CARRIED} of a block")
    # Item n, from 1, is the n-th that was posted: anybody may make the backlog long, and it is not read here.
    events = journal.part(ItemPosted, wanted.start - 1, len(wanted))
    if [event.index for event in events] != list(wanted):
        return None
    return batch_root(event.item for event in events)
