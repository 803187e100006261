"""The inbox's chain and batches bind sender, order and content."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak
from wire_samples import MINER, REQUESTER, word

from dlbc.wire import inbox


def test_follow__item__is_keccak_of_three_words() -> None:
    by_hand = word(1) + bytes(12) + bytes.fromhex(MINER[2:]) + word(2)
    assert inbox.follow(word(1), MINER, word(2)) == keccak(by_hand)


def test_follow__another_order_or_sender__is_another_head() -> None:
    def head(*posts: tuple[str, bytes]) -> bytes:
        found = inbox.EMPTY_HEAD
        for sender, item in posts:
            found = inbox.follow(found, sender, item)
        return found

    heads = {
        head((MINER, word(1)), (MINER, word(2))),
        head((MINER, word(2)), (MINER, word(1))),
        head((MINER, word(1)), (REQUESTER, word(2))),
        head((MINER, word(1))),
    }
    assert len(heads) == 4


def test_batch_root__items__bind_order_and_number() -> None:
    assert inbox.batch_root([]) == bytes(32)
    assert inbox.batch_root([word(1)]) == keccak(b"\x00" + word(1))
    assert inbox.batch_root([word(1), word(2)]) != inbox.batch_root([word(2), word(1)])


def test_batch_root__item_of_another_length__is_refused() -> None:
    with pytest.raises(ValueError, match="an item has 32 bytes, found 31"):
        inbox.batch_root([word(1), bytes(31)])
