"""What a round's block may carry, whatever else was posted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dlbc.chain.events import ItemPosted
from dlbc.inbox_batch import carried_root
from dlbc.journal import Identity, Journal
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32
from dlbc.wire.inbox import MOST_CARRIED, batch_root

POSTED = 9


def item(index: int) -> bytes:
    return index.to_bytes(32, "big")


def posted(*indices: int) -> Journal:
    """A journal that read these items, two a block."""
    journal = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, ZERO_ADDRESS))
    with journal.transaction():
        for index in indices:
            place = (index // 2, bytes([index // 2]) * 32, index % 2)
            journal.history.add(ItemPosted(*place, index, ZERO_ADDRESS, item(index), ZERO_BYTES32))
    return journal


@pytest.fixture
def journal() -> Journal:
    return posted(*range(1, POSTED + 1))


def batch(first: int, last: int) -> Any:
    return SimpleNamespace(inbox_from=first, inbox_to=last)


@pytest.mark.parametrize(("first", "last"), [(3, 6), (1, 1), (8, 9), (1, 9)])
def test_carried_root__batch_is_known__covers_it_in_order(journal: Journal, first: int, last: int) -> None:
    assert carried_root(journal, batch(first, last)) == batch_root(map(item, range(first, last + 1)))


@pytest.mark.parametrize(("first", "last"), [(1, 0), (7, 6)])
def test_carried_root__no_batch__zero(journal: Journal, first: int, last: int) -> None:
    assert carried_root(journal, batch(first, last)) == ZERO_BYTES32


def test_carried_root__last_items_are_not_read_yet__unknown(journal: Journal) -> None:
    assert carried_root(journal, batch(8, 11)) is None


def test_carried_root__an_item_before_or_in_it_is_missing__unknown() -> None:
    assert carried_root(posted(1, 3, 4, 5, 6), batch(3, 4)) is None
    assert carried_root(posted(1, 2, 3, 5), batch(3, 5)) is None


def test_carried_root__more_than_a_block_carries__refused(journal: Journal) -> None:
    with pytest.raises(ValueError, match="more than the 1024"):
        carried_root(journal, batch(1, MOST_CARRIED + 1))


def test_carried_root__long_backlog__reads_the_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog is anybody's to make: what each vote and block reads of it must not grow with it."""
    journal, read = posted(*range(1, 201)), 0
    execute = journal._database.execute

    def counted(*arguments: Any) -> Any:
        nonlocal read
        rows = execute(*arguments)
        read += len(rows)
        return rows

    monkeypatch.setattr(journal._database, "execute", counted)
    assert carried_root(journal, batch(3, 6)) == batch_root(map(item, (3, 4, 5, 6)))
    assert read == 4
