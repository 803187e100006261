"""The journal as programs use it."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self, TypeVar

from dlbc.journal.agenda import Agenda, Duty, DutyRow, DutyState
from dlbc.journal.database import (
    Database,
    Identity,
    open_database,
    open_database_in_memory,
    open_database_read_only,
)
from dlbc.journal.history import Event, History
from dlbc.journal.outbox import Outbox

E = TypeVar("E", bound=Event)


class Journal:
    """Everything a program remembers. Safe to use from several threads; on disk when a call returns.

    Attributes:
        history: cursor and events, moved by `dlbc.chain.follower`.
        agenda: duties, worked off by `dlbc.service`.
        outbox: transactions, sent by `dlbc.chain.transactions`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.history = History(database)
        self.agenda = Agenda(database)
        self.outbox = Outbox(database)

    @classmethod
    def open(cls, path: Path, identity: Identity) -> Self:
        """The journal at `path`, for this process alone; made if missing.

        Raises:
            UsageError: in use, of another chain, hub or key, of a newer program, or no journal.
        """
        return cls(open_database(path, identity))

    @classmethod
    def read_only(cls, path: Path, identity: Identity | None = None) -> Self:
        """A journal to look at while its program runs.

        Args:
            identity: whose it must be, its address "" for anybody's; None takes any journal.

        Raises:
            UsageError: there is none, or it is another's.
        """
        return cls(open_database_read_only(path, identity))

    @classmethod
    def in_memory(cls, identity: Identity) -> Self:
        """A journal that is gone with the process."""
        return cls(open_database_in_memory(identity))

    def close(self) -> None:
        """Closes the file and gives up its lock. May be called twice."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All changes inside happen together or not at all; may be nested."""
        return self._database.transaction()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `transaction()`: what it wrote is not on disk yet."""
        return self._database.in_transaction

    def note_set(self, scope: str | int, key: str, value: Any) -> None:
        """Stores bytes, or anything JSON can hold; on disk when it returns, in a handler with its event.

        Args:
            scope: what it belongs to, such as "round/5".
        """
        stored = bytes(value) if isinstance(value, bytes | bytearray) else json.dumps(value)
        self._database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (str(scope), key, stored))

    def note_get(self, scope: str | int, key: str, default: Any = None) -> Any:
        """A note as it was set, or `default`."""
        rows = self._database.execute("SELECT value FROM notes WHERE scope = ? AND key = ?", (str(scope), key))
        return _note(rows[0]["value"]) if rows else default

    def notes(self, scope: str | int) -> dict[str, Any]:
        """All notes of a scope, by key."""
        rows = self._database.execute("SELECT key, value FROM notes WHERE scope = ? ORDER BY key", (str(scope),))
        return {row["key"]: _note(row["value"]) for row in rows}

    def note_delete(self, scope: str | int, key: str) -> None:
        """Forgets a note; nothing happens if there is none."""
        self._database.execute("DELETE FROM notes WHERE scope = ? AND key = ?", (str(scope), key))

    def owe(self, duty: Duty) -> bool:
        """Adds a duty unless one of its (kind, round_id, subject) exists; True if it is new."""
        return self.agenda.owe(duty)

    def duties(self, state: DutyState | None = None, kind: str | None = None) -> list[DutyRow]:
        """All duties, or those of a state or kind."""
        return self.agenda.all(state, kind)

    def events(self, kind: type[E], /, **filters: object) -> list[E]:
        """Events seen on the canonical chain, oldest first, whose fields equal the filters.

        Example: `journal.events(TaskSubmitted, spec_hash=round.spec_hash)`.

        Raises:
            ValueError: a filter that is not a field of the event.
        """
        return self.history.events(kind, filters)

    def latest(self, kind: type[E], count: int) -> list[E]:
        """The last `count` events of a kind, oldest first: for what is looked at on every block."""
        return self.history.events(kind, {}, latest=count)

    def part(self, kind: type[E], first: int, count: int) -> list[E]:
        """`count` events of a kind, or as many as there are, from the `first`-th (from 0) on: for what is numbered in
        the chain's order.
        """
        return self.history.part(kind, first, count)


def _note(stored: Any) -> Any:
    return stored if isinstance(stored, bytes) else json.loads(stored)
