"""What a block may carry: the round's batch or nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dlbc.chain.events import ItemPosted
from dlbc.journal import Identity, Journal
from dlbc.keeper import NO_COMMITMENT
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32
from dlbc.wire.inbox import batch_root
from dlbc.wire.vote_word import TaskFlag
from validator import payload

POSTED = 9


def item(index: int) -> bytes:
    return bytes([index]) * 32


@pytest.fixture
def journal() -> Journal:
    """One that read nine items."""
    journal = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, ZERO_ADDRESS))
    with journal.transaction():
        for index in range(1, POSTED + 1):
            journal.history.add(ItemPosted(index, b"h" * 32, index, index, ZERO_ADDRESS, item(index), ZERO_BYTES32))
    return journal


def batch(first: int, last: int) -> Any:
    return SimpleNamespace(inbox_from=first, inbox_to=last)


def test_expected_root__batch_in_the_middle__covers_it_in_order(journal: Journal) -> None:
    assert payload.expected_root(journal, batch(3, 6), POSTED) == batch_root(map(item, (3, 4, 5, 6)))


def test_expected_root__first_item_alone__covers_it(journal: Journal) -> None:
    assert payload.expected_root(journal, batch(1, 1), POSTED) == batch_root([item(1)])


@pytest.mark.parametrize(("first", "last"), [(1, 0), (7, 6)])
def test_expected_root__no_batch__zero(journal: Journal, first: int, last: int) -> None:
    assert payload.expected_root(journal, batch(first, last), POSTED) == ZERO_BYTES32


def test_expected_root__last_items_are_not_read_yet__unknown(journal: Journal) -> None:
    assert payload.expected_root(journal, batch(8, 11), 11) is None


def test_faults__neither_batch_nor_nothing__flagged_by_position() -> None:
    good = batch_root([item(1)])
    roots = (good, ZERO_BYTES32, item(5), good, item(6))
    commitments = [replace(NO_COMMITMENT, payload_root=root) for root in roots]
    assert payload.faults(commitments, good) == TaskFlag.PAYLOAD_BAD_2 | TaskFlag.PAYLOAD_BAD_4
    assert payload.faults(commitments[:1], ZERO_BYTES32) == TaskFlag.PAYLOAD_BAD_0
