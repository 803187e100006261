"""No sockets here: a test that opens one is no unit test."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from engine_fakes import Clock, FakeNode, identity_of
from engine_harness import Harness, Sender

from dlbc.journal import Journal

Dump = dict[str, list[tuple[object, ...]]]


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """A command under test sets up logging for its process; the next test starts anew."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a unit test opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Opens the journal file of a name; opening one again is a restart: the first handle is closed unsaved."""
    opened: dict[str, Journal] = {}

    def open_named(node: FakeNode, name: str = "journal") -> Journal:
        if name in opened:
            opened[name].close()
        opened[name] = Journal.open(tmp_path / f"{name}.sqlite", identity_of(node))
        return opened[name]

    yield open_named
    for journal in opened.values():
        journal.close()


@pytest.fixture
def journal(node: FakeNode, open_journal: Callable[..., Journal]) -> Journal:
    return open_journal(node)


@pytest.fixture
def dump(tmp_path: Path) -> Callable[[str], Dump]:
    """All rows of a journal, without the ids that count attempts to write."""

    def dump_named(name: str) -> Dump:
        connection = sqlite3.connect(tmp_path / f"{name}.sqlite")
        tables = {
            "blocks": "SELECT * FROM blocks ORDER BY number",
            "events": "SELECT * FROM events ORDER BY block_number, log_index",
            "duties": "SELECT kind, round_id, subject, payload, due_at, deadline, state, orphaned FROM duties "
            "ORDER BY kind, round_id, subject",
            "transactions": "SELECT * FROM transactions ORDER BY name",
            "attempts": "SELECT * FROM attempts ORDER BY hash",
            "notes": "SELECT * FROM notes ORDER BY scope, key",
        }
        rows = {table: connection.execute(query).fetchall() for table, query in tables.items()}
        connection.close()
        return rows

    return dump_named


@pytest.fixture
def harness(node: FakeNode, journal: Journal, tmp_path: Path) -> Harness:
    return Harness(node, journal, tmp_path)


@pytest.fixture
def sender(node: FakeNode, journal: Journal) -> Sender:
    return Sender(node, journal)
