"""Duties: what a program owes, from when, until when, and how its attempts went."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dlbc.journal.database import Database


class DutyState(StrEnum):
    """Where a duty stands."""

    OWED = "owed"
    DONE = "done"
    DROPPED = "dropped"  # no longer wanted, says its action
    MISSED = "missed"  # its deadline passed
    FAILED = "failed"  # a defect of ours came too often


@dataclass(frozen=True)
class Duty:
    """One thing to do once. (kind, round_id, subject) names it: owing it again changes nothing.

    Attributes:
        kind: names the action, such as "train".
        subject: tells duties of one kind and round apart, such as a candidate's address or an epoch.
        due_at: chain seconds from which it is done.
        deadline: chain seconds from which it is useless; 0 for never.
        payload: JSON values the action needs; it must not hold secrets or floats.
    """

    kind: str
    round_id: int
    subject: str = ""
    due_at: int = 0
    deadline: int = 0
    payload: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}/{self.round_id}" + (f"/{self.subject}" if self.subject else "")


@dataclass(frozen=True)
class DutyRow:
    """A duty with its record.

    Attributes:
        id: changes when a reorganisation replaced the duty by another of the same name.
        next_at: chain seconds of the next attempt.
        born_in: block of the event that made it, 0 if none did.
    """

    id: int
    duty: Duty
    state: DutyState
    attempts: int
    next_at: float
    last_error: str
    born_in: int


class Agenda:
    """The table of duties."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._local = threading.local()

    @contextlib.contextmanager
    def born_in(self, block_number: int) -> Iterator[None]:
        """Duties this thread owes inside come from an event of that block, and rest if it is lost."""
        before = getattr(self._local, "born_in", 0)
        self._local.born_in = block_number
        try:
            yield
        finally:
            self._local.born_in = before

    def owe(self, duty: Duty) -> bool:
        """Adds a duty; True if it is new.

        A duty whose event was lost in a reorganisation is owed anew when its event comes back, however it had
        ended: its transactions, and the duties that followed from it, went with the lost block. Actions find what
        they did before and do not repeat it. With the same payload it keeps its record; with another it is a new
        one (another anchor means other work).
        """
        payload = json.dumps(duty.payload, sort_keys=True)
        born_in = getattr(self._local, "born_in", 0)
        name = (duty.kind, duty.round_id, duty.subject)
        with self._database.transaction():
            found = self._database.execute(
                "SELECT id, payload, orphaned, due_at, deadline FROM duties "
                "WHERE kind = ? AND round_id = ? AND subject = ?",
                name,
            )
            if found and not found[0]["orphaned"]:
                return False
            if found and found[0]["payload"] == payload:
                self._database.execute(
                    "UPDATE duties SET orphaned = 0, state = ?, born_in = ?, due_at = ?, deadline = ?, "
                    "next_at = max(next_at + ?, ?) WHERE id = ?",
                    (
                        DutyState.OWED,
                        born_in,
                        duty.due_at,
                        duty.deadline,
                        duty.due_at - found[0]["due_at"],
                        duty.due_at,
                        found[0]["id"],
                    ),
                )
                return False
            self._database.execute("DELETE FROM duties WHERE kind = ? AND round_id = ? AND subject = ?", name)
            self._database.execute(
                "INSERT INTO duties (kind, round_id, subject, payload, due_at, deadline, state, attempts, "
                "next_at, last_error, born_in, orphaned) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '', ?, 0)",
                (*name, payload, duty.due_at, duty.deadline, DutyState.OWED, duty.due_at, born_in),
            )
            return True

    def orphan(self, number: int) -> int:
        """Lays to rest the duties born above block `number`; returns how many."""
        return self._database.change("UPDATE duties SET orphaned = 1 WHERE born_in > ?", (number,))

    def due(self, now: float) -> list[DutyRow]:
        """Duties to attempt at chain time `now`, the nearest deadline first."""
        return self._select(
            "WHERE state = ? AND orphaned = 0 AND next_at <= ? "
            "ORDER BY CASE deadline WHEN 0 THEN 9e18 ELSE deadline END, due_at, id",
            (DutyState.OWED, now),
        )

    def overdue(self, now: float) -> list[DutyRow]:
        """Owed duties whose deadline has passed."""
        return self._select(
            "WHERE state = ? AND orphaned = 0 AND deadline > 0 AND deadline <= ? ORDER BY id",
            (DutyState.OWED, now),
        )

    def all(self, state: DutyState | None = None, kind: str | None = None) -> list[DutyRow]:
        """All duties, oldest first, or those of one state or kind; resting ones are left out."""
        return self._select(
            "WHERE orphaned = 0 AND (? IS NULL OR state = ?) AND (? IS NULL OR kind = ?) ORDER BY id",
            (state, state, kind, kind),
        )

    def find(self, kind: str, round_id: int, subject: str = "") -> DutyRow | None:
        """The duty of that name, unless it rests."""
        found = self._select(
            "WHERE orphaned = 0 AND kind = ? AND round_id = ? AND subject = ?", (kind, round_id, subject)
        )
        return found[0] if found else None

    def begin(self, row: DutyRow) -> None:
        """Counts an attempt before it starts, so that a crash loop can be seen."""
        self._database.execute("UPDATE duties SET attempts = attempts + 1 WHERE id = ?", (row.id,))

    def settle(self, row: DutyRow, state: DutyState, why: str = "") -> None:
        """Ends a duty. Without effect when a reorganisation has replaced it meanwhile."""
        self._database.execute("UPDATE duties SET state = ?, last_error = ? WHERE id = ?", (state, why, row.id))

    def postpone(self, row: DutyRow, next_at: float, why: str, *, attempted: bool = True) -> None:
        """Sets the next attempt, in chain seconds.

        Args:
            attempted: False takes back the count of `begin`: waiting is no attempt.
        """
        self._database.execute(
            "UPDATE duties SET next_at = ?, last_error = ?, attempts = attempts - ? WHERE id = ?",
            (next_at, why, 0 if attempted else 1, row.id),
        )

    def _select(self, condition: str, values: tuple[object, ...]) -> list[DutyRow]:
        rows = self._database.execute(f"SELECT * FROM duties {condition}", values)  # noqa: S608  # constants above
        return [_row(row) for row in rows]


def _row(row: sqlite3.Row) -> DutyRow:
    return DutyRow(
        id=row["id"],
        duty=Duty(
            row["kind"],
            row["round_id"],
            row["subject"],
            row["due_at"],
            row["deadline"],
            json.loads(row["payload"]),
        ),
        state=DutyState(row["state"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        last_error=row["last_error"],
        born_in=row["born_in"],
    )
