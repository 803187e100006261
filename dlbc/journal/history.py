"""Which blocks were read, and the events in them that still lie on the canonical chain."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from dlbc.journal.database import Database
from dlbc.journal.records import plain, revive, shape_of

# A deeper reorganisation is still survived: everything is then read again from the deployment's block.
KEPT_BLOCKS = 1024
POSITION = ("block_number", "block_hash", "log_index")


@dataclass(frozen=True)
class Event:
    """One log; the subclasses in `dlbc.chain.events` add its arguments.

    Attributes:
        block_hash: with `log_index` the event's identity; a number may come to hold another block.
    """

    block_number: int
    block_hash: bytes
    log_index: int


E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Cursor:
    """A block whose events, and those of all before it, are in the journal."""

    number: int
    hash: bytes


class History:
    """Cursor, recent block hashes and events. Change them inside `Journal.transaction()` only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self) -> Cursor | None:
        """The last block read, or None at the start."""
        return next(self.recent(), None)

    def recent(self) -> Iterator[Cursor]:
        """Blocks at which a walk back may stop, newest first."""
        for row in self._database.execute("SELECT number, hash FROM blocks ORDER BY number DESC"):
            yield Cursor(row["number"], row["hash"])

    def advance(self, cursor: Cursor) -> None:
        """Notes that everything up to `cursor` is in the journal."""
        self._database.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?)", (cursor.number, cursor.hash))
        self._database.execute(
            "DELETE FROM blocks WHERE number NOT IN (SELECT number FROM blocks ORDER BY number DESC LIMIT ?)",
            (KEPT_BLOCKS,),
        )

    def rewind(self, number: int) -> int:
        """Forgets blocks and events above `number`; returns how many events went."""
        self._database.execute("DELETE FROM blocks WHERE number > ?", (number,))
        return self._database.change("DELETE FROM events WHERE block_number > ?", (number,))

    def add(self, event: Event) -> bool:
        """Stores an event; False if it was there already."""
        arguments = {name: plain(getattr(event, name)) for name in shape_of(type(event)) if name not in POSITION}
        return (
            self._database.change(
                "INSERT OR IGNORE INTO events (block_hash, log_index, block_number, name, arguments) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    event.block_hash,
                    event.log_index,
                    event.block_number,
                    type(event).__name__,
                    json.dumps(arguments),
                ),
            )
            == 1
        )

    def events(self, kind: type[E], filters: dict[str, object], *, latest: int | None = None) -> list[E]:
        """Events of one kind, oldest first, whose fields equal `filters`.

        Args:
            latest: only the last so many of them.

        Raises:
            ValueError: a filter that is not a field of `kind`.
        """
        shape = shape_of(kind)
        conditions, values = ["name = ?"], [kind.__name__]
        for name, value in filters.items():
            if name not in shape:
                raise ValueError(f"{kind.__name__} has no field {name}; it has {', '.join(shape)}")
            if name in POSITION:
                conditions.append(f"{name} = ?")
                values.append(value)  # type: ignore[arg-type]
            else:
                conditions.append(f"json_extract(arguments, '$.{name}') = ?")
                values.append(plain(value))
        rows = self._database.execute(
            "SELECT block_number, block_hash, log_index, arguments FROM events WHERE "  # noqa: S608  # names are fields
            + " AND ".join(conditions)
            + " ORDER BY block_number DESC, log_index DESC LIMIT ?",
            [*values, -1 if latest is None else latest],
        )
        return [_event(kind, row) for row in reversed(rows)]

    def part(self, kind: type[E], first: int, count: int) -> list[E]:
        """`count` events of one kind in the chain's order, or as many as there are, from the `first`-th (from 0) on.

        The index over (name, block, log) leads there: the cost does not grow with the events behind them.
        """
        rows = self._database.execute(
            "SELECT block_number, block_hash, log_index, arguments FROM events WHERE name = ? "
            "ORDER BY block_number, log_index LIMIT ? OFFSET ?",
            (kind.__name__, count, first),
        )
        return [_event(kind, row) for row in rows]


def _event(kind: type[E], row: sqlite3.Row) -> E:
    arguments = json.loads(row["arguments"])
    shape = shape_of(kind)
    raw = [row[name] if name in POSITION else arguments[name] for name in shape]
    return kind(*(revive(hint, item) for hint, item in zip(shape.values(), raw, strict=True)))
