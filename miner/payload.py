"""What a block carries of the inbox: the items that were posted before its round opened, and in no block before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.inbox_batch import carried_root
from dlbc.types import ZERO_BYTES32

if TYPE_CHECKING:
    from dlbc.service import Context


def payload_root(context: Context, round_id: int) -> bytes:
    """The root over the round's batch; zero, which carries nothing and is always right, where there is no batch or its
    items are not all known here.
    """
    root = carried_root(context.journal, context.hub.round(round_id))
    if root is None:
        context.log.warning("items of the inbox are not known here: the block would carry none", round_id=round_id)
        return ZERO_BYTES32
    return root
