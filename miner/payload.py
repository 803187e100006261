"""What a block carries of the inbox: the items that were posted before its round opened, and in no block before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.chain.events import ItemPosted
from dlbc.types import ZERO_BYTES32
from dlbc.wire.inbox import batch_root

if TYPE_CHECKING:
    from dlbc.service import Context


def payload_root(context: Context, round_id: int) -> bytes:
    """The root over the round's batch; zero, which carries nothing and is always right, where there is no batch or its
    items are not all known here.
    """
    found = context.hub.round(round_id)
    first, last = found.inbox_from, found.inbox_to
    if last < first:
        return ZERO_BYTES32
    newest = context.hub.inbox().posted
    posted = context.journal.latest(ItemPosted, max(0, newest - first + 1))
    items = {event.index: event.item for event in posted if first <= event.index <= last}
    if len(items) != last - first + 1:
        context.log.warning(
            f"{last - first + 1 - len(items)} items of the inbox are not known here: the block would carry none",
            round_id=round_id,
        )
        return ZERO_BYTES32
    return batch_root(items[index] for index in sorted(items))
