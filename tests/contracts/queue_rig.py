"""A queue of any length, written where the hub keeps it: filling one with 4,096 tasks would take minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import brownie

# Where contracts/hub/TaskQueue.sol and Parameters.sol have them; what writes asks the hub whether that is still so.
SETS_SLOT, QUEUE_SLOT, HEAP_SLOT = 0, 2, 5
SET_WORDS = 6  # of one version's parameters
WAITING, HEAPED, VERSION = 112, 128, 248  # bits of QueueState
ROOT = 3  # of TaskHeap
CAPACITY = 4_096


def lengthen(hub: Any, length: int) -> None:
    """Lets the hub believe that so many tasks wait; what stands in their places does not change."""
    word = int.from_bytes(brownie.web3.eth.get_storage_at(hub.address, QUEUE_SLOT), "big")
    for shift in (WAITING, HEAPED):
        word = word & ~(0xFFFF << shift) | length << shift
    _store(hub, QUEUE_SLOT, word)
    assert hub.queueLength() == length


def set_version(hub: Any, version: int, like: int) -> None:
    """Lets the hub stand at a version of its parameters that holds what `like` holds."""
    word = int.from_bytes(brownie.web3.eth.get_storage_at(hub.address, QUEUE_SLOT), "big")
    _store(hub, QUEUE_SLOT, word & ~(0xFF << VERSION) | version << VERSION)
    assert hub.version() == version
    source, target = (
        int.from_bytes(brownie.web3.solidity_keccak(["uint256", "uint256"], [key, SETS_SLOT]), "big")
        for key in (like, version)
    )
    for word in range(SET_WORDS):
        stored = brownie.web3.eth.get_storage_at(hub.address, source + word)
        _store(hub, target + word, int.from_bytes(stored, "big"))


def fill(hub: Any, packed: Sequence[int]) -> None:
    """Puts these keys into the heap, in this order, which must be a heap's."""
    places = [0] * ROOT + list(packed) + [0] * (CAPACITY - len(packed) + 5)
    for number in range(0, len(places) - 1, 2):
        if places[number] or places[number + 1]:
            _store(hub, HEAP_SLOT + number // 2, places[number + 1] << 128 | places[number])
    lengthen(hub, len(packed))


def unpacked(packed: int) -> int:
    """The key that programs see: `DifficultyRanking.unpacked`."""
    rank = (packed >> 32) - (1 << 95) + (1 << 160)
    return rank << 64 | (2**64 - 1 - (2**32 - 1 - packed % 2**32))


def _store(hub: Any, slot: int, word: int) -> None:
    slot_and_word = ["0x" + number.to_bytes(32, "big").hex() for number in (slot, word)]
    answer = brownie.web3.provider.make_request("anvil_setStorageAt", [hub.address, *slot_and_word])
    assert answer["result"], answer
