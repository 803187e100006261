"""The inbox: a hash chain of posted items, and the root over the batch that a block carries (docs/protocol.md,
"The inbox").
"""

from __future__ import annotations

from collections.abc import Iterable

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from dlbc.wire import merkle

MOST_CARRIED = 1024  # items in one block
EMPTY_HEAD = bytes(32)


def follow(head: bytes, sender: str, item: bytes) -> bytes:
    """The chain's head after `sender` has posted `item`."""
    return keccak(encode(["bytes32", "address", "bytes32"], [head, sender, item]))


def batch_root(items: Iterable[bytes]) -> bytes:
    """`payloadRoot` of a batch, items in the order of their indices; 32 zero bytes for none.

    Raises:
        ValueError: an item is not 32 bytes.
    """
    return merkle.root(map(_checked, items))


def _checked(item: bytes) -> bytes:
    if len(item) != 32:
        raise ValueError(f"an item has 32 bytes, found {len(item)}")
    return item
