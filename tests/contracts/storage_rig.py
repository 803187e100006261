"""What the hub holds, written where it holds it: filling a queue with 4,096 tasks would take minutes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import brownie

from scripts.solc import ROOT, compile_standard

HUB = "contracts/DLBC.sol"
SET_WORDS = 6  # of one version's parameters
WAITING, HEAPED, VERSION = 112, 128, 248  # bits of QueueState
HEAP_ROOT = 3  # of TaskHeap
CAPACITY = 4_096


@cache
def slot_of(variable: str) -> int:
    """Where the compiler puts a variable of the hub."""
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {HUB: {"content": (ROOT / HUB).read_text(encoding="utf-8")}},
            "settings": {
                "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
                "evmVersion": "cancun",
                "outputSelection": {HUB: {"DLBC": ["storageLayout"]}},
            },
        }
    )
    layout = output["contracts"][HUB]["DLBC"]["storageLayout"]["storage"]
    return next(int(entry["slot"]) for entry in layout if entry["label"] == variable)


def lengthen(hub: Any, length: int) -> None:
    """Lets the hub believe that so many tasks wait; what stands in their places does not change."""
    word = int.from_bytes(brownie.web3.eth.get_storage_at(hub.address, slot_of("_queue")), "big")
    for shift in (WAITING, HEAPED):
        word = word & ~(0xFFFF << shift) | length << shift
    store(hub, slot_of("_queue"), word)
    assert hub.queueLength() == length


def set_version(hub: Any, version: int, like: int) -> None:
    """Lets the hub stand at a version of its parameters that holds what `like` holds."""
    word = int.from_bytes(brownie.web3.eth.get_storage_at(hub.address, slot_of("_queue")), "big")
    store(hub, slot_of("_queue"), word & ~(0xFF << VERSION) | version << VERSION)
    assert hub.version() == version
    source, target = (
        int.from_bytes(brownie.web3.solidity_keccak(["uint256", "uint256"], [key, slot_of("_sets")]), "big")
        for key in (like, version)
    )
    for word in range(SET_WORDS):
        stored = brownie.web3.eth.get_storage_at(hub.address, source + word)
        store(hub, target + word, int.from_bytes(stored, "big"))


def fill(hub: Any, packed: Sequence[int]) -> None:
    """Puts these keys into the heap, in this order, which must be a heap's."""
    places = [0] * HEAP_ROOT + list(packed) + [0] * (CAPACITY - len(packed) + 5)
    for number in range(0, len(places) - 1, 2):
        if places[number] or places[number + 1]:
            store(hub, slot_of("_heap") + number // 2, places[number + 1] << 128 | places[number])
    lengthen(hub, len(packed))


def unpacked(packed: int) -> int:
    """The key that programs see: `DifficultyRanking.unpacked`."""
    rank = (packed >> 32) - (1 << 95) + (1 << 160)
    return rank << 64 | (2**64 - 1 - (2**32 - 1 - packed % 2**32))


def store(hub: Any, slot: int, word: int) -> None:
    slot_and_word = ["0x" + number.to_bytes(32, "big").hex() for number in (slot, word)]
    answer = brownie.web3.provider.make_request("anvil_setStorageAt", [hub.address, *slot_and_word])
    assert answer["result"], answer
