"""The journal refuses what is not its own, and gives back what was put in."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from pathlib import Path

import pytest
from engine_fakes import ACCOUNT, HUB, FakeNode, identity_of

from dlbc.chain.events import BlockAppended, LockReleased, Paid, TaskSubmitted
from dlbc.errors import UsageError
from dlbc.journal import Duty, DutyState, Identity, Journal
from dlbc.types import BlockHeader, Payment, TaskSpec

OTHER = "0x4444444444444444444444444444444444444444"
SPEC = TaskSpec(OTHER, b"m" * 32, b"k" * 32, 1, 2, 3, 360, 10, 2, 1, 0, 40, 0, 2**95, 5, 2**256 - 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("chain_id", 1), ("genesis_hash", "0x" + "00" * 32), ("hub", OTHER), ("address", OTHER)],
)
def test_open__journal_of_another__refused_with_what_to_do(
    tmp_path: Path, node: FakeNode, field: str, value: object
) -> None:
    Journal.open(tmp_path / "j", identity_of(node)).close()
    other = dataclasses.replace(identity_of(node), **{field: value})
    with pytest.raises(UsageError, match="another --data-dir") as raised:
        Journal.open(tmp_path / "j", other)
    assert str(value) in str(raised.value)
    with pytest.raises(UsageError, match=str(value)):
        Journal.read_only(tmp_path / "j", other)
    Journal.open(tmp_path / "j", identity_of(node)).close()  # the refusal has let go of the lock


def test_open__journal_of_another_key__refused_but_an_old_one_takes_the_first(tmp_path: Path, node: FakeNode) -> None:
    """Its transactions have that key's nonces."""
    nobodys = identity_of(node)
    Journal.open(tmp_path / "j", nobodys).close()  # as a program wrote it that knew of no operators
    first = dataclasses.replace(nobodys, signer=HUB)
    Journal.open(tmp_path / "j", first).close()
    with pytest.raises(UsageError, match=f"this journal's signer is {HUB}, but the present one is {OTHER}"):
        Journal.open(tmp_path / "j", dataclasses.replace(nobodys, signer=OTHER))
    Journal.read_only(tmp_path / "j", nobodys).close()


def test_open__any_umask__no_file_is_open_to_others(tmp_path: Path, node: FakeNode) -> None:
    """Words and salts of votes lie in it, also in the file beside it that SQLite writes first."""
    before = os.umask(0)
    try:
        journal = Journal.open(tmp_path / "j", identity_of(node))
        journal.note_set("round/1", "votes", "secret")
        modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("j*") if path.suffix != ".lock"}
        journal.close()
    finally:
        os.umask(before)
    assert modes == {"j": 0, "j-wal": 0, "j-shm": 0}


def test_open__newer_schema__refused(tmp_path: Path, node: FakeNode) -> None:
    Journal.open(tmp_path / "j", identity_of(node)).close()
    connection = sqlite3.connect(tmp_path / "j")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(UsageError, match=r"newer dlbc .schema 99.*upgrade"):
        Journal.open(tmp_path / "j", identity_of(node))
    with pytest.raises(UsageError, match="newer dlbc"):
        Journal.read_only(tmp_path / "j")


def test_open__in_use__names_the_process(tmp_path: Path, node: FakeNode) -> None:
    first = Journal.open(tmp_path / "j", identity_of(node))
    with pytest.raises(UsageError, match=r"in use by process \d+"):
        Journal.open(tmp_path / "j", identity_of(node))
    first.close()
    Journal.open(tmp_path / "j", identity_of(node)).close()


def test_open__no_journal__refused(tmp_path: Path, node: FakeNode) -> None:
    (tmp_path / "j").write_bytes(b"something else entirely" * 100)
    with pytest.raises(UsageError, match="cannot be used as a journal"):
        Journal.open(tmp_path / "j", identity_of(node))


def test_read_only__missing__refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no journal there yet"):
        Journal.read_only(tmp_path / "j")


def test_read_only__beside_its_program__sees_and_changes_nothing(tmp_path: Path, node: FakeNode) -> None:
    writer = Journal.open(tmp_path / "j", identity_of(node))
    writer.note_set("round/5", "salt", b"secret")
    reader = Journal.read_only(tmp_path / "j")
    assert reader.note_get("round/5", "salt") == b"secret"
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.note_set("round/5", "salt", b"")
    reader.close()
    writer.close()
    assert (tmp_path / "j").stat().st_mode & 0o077 == 0


def test_read_only__nobody_in_particular__sees_anybodys(tmp_path: Path, node: FakeNode) -> None:
    Journal.open(tmp_path / "j", identity_of(node)).close()
    Journal.read_only(tmp_path / "j", dataclasses.replace(identity_of(node), address="")).close()


def test_transaction__inner_failure_caught__only_the_inner_part_undone(journal: Journal) -> None:
    with journal.transaction():
        journal.note_set("a", "kept", 1)
        with pytest.raises(RuntimeError), journal.transaction():
            journal.note_set("a", "lost", 2)
            raise RuntimeError
    assert journal.notes("a") == {"kept": 1}


def test_note_set__bytes_and_json__come_back_as_they_were(journal: Journal) -> None:
    journal.note_set("vote/3", "salt", b"\x00\xff")
    journal.note_set("vote/3", "word", {"scores": [1, 2], "flag": None})
    assert journal.notes("vote/3") == {"salt": b"\x00\xff", "word": {"scores": [1, 2], "flag": None}}
    assert journal.note_get("vote/3", "none", "default") == "default"


def test_events__unknown_filter__refused(journal: Journal) -> None:
    with pytest.raises(ValueError, match="LockReleased has no field round; it has"):
        journal.events(LockReleased, round=1)


def test_events__stored__same_dataclass_again(journal: Journal) -> None:
    header = BlockHeader(
        1, 1, b"p" * 32, b"a" * 32, 5, b"s" * 32, b"c" * 32, b"m" * 32, 300, 360, b"v" * 32, OTHER, bytes(32),
        2**95, 2**127, 99,
    )  # fmt: skip
    events = [
        TaskSubmitted(7, b"h" * 32, 0, 1, OTHER, b"s" * 32, SPEC, 2**255),
        Paid(8, b"i" * 32, 1, 5, ACCOUNT.address, Payment.WINNER, 10**20),
        BlockAppended(8, b"i" * 32, 2, 1, b"d" * 32, header),
    ]
    for event in events:
        assert journal.history.add(event)
        assert not journal.history.add(event)
        assert journal.events(type(event)) == [event]
    assert journal.events(TaskSubmitted, spec_hash=b"s" * 32, requester=OTHER) == [events[0]]
    assert journal.events(TaskSubmitted, key=2**255) == [events[0]]
    assert journal.events(Paid, round_id=5, kind=Payment.WINNER, block_number=8) == [events[1]]
    assert journal.events(Paid, round_id=6) == []


def test_owe__twice__once(journal: Journal) -> None:
    assert journal.owe(Duty("train", 5, due_at=10))
    assert not journal.owe(Duty("train", 5, due_at=99, payload={"other": 1}))
    assert [row.duty for row in journal.duties()] == [Duty("train", 5, due_at=10)]


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("ended", [DutyState.DONE, DutyState.DROPPED, DutyState.MISSED])
def test_owe__event_lost_and_seen_again__owed_anew_with_its_record_for_the_same_work_only(
    journal: Journal, same: bool, ended: DutyState
) -> None:
    with journal.agenda.born_in(8):
        journal.owe(Duty("train", 5, due_at=10, deadline=50, payload={"anchor": "a"}))
    journal.owe(Duty("watch", 5))
    row = journal.agenda.find("train", 5)
    assert row is not None
    journal.agenda.begin(row)
    journal.agenda.settle(row, ended)
    assert journal.agenda.orphan(7) == 1
    assert journal.agenda.find("train", 5) is None
    with journal.agenda.born_in(9):
        journal.owe(Duty("train", 5, due_at=11, deadline=51, payload={"anchor": "a" if same else "b"}))
    again = journal.agenda.find("train", 5)
    assert again is not None
    assert (again.duty.due_at, again.duty.deadline, again.born_in) == (11, 51, 9)
    assert again.state is DutyState.OWED
    assert (again.id == row.id, again.attempts) == (same, int(same))


def test_owe__parent_done_before_its_event_was_lost__its_followers_come_back(journal: Journal) -> None:
    def judge() -> None:
        """What a handler and its action do: the first owes the parent, the second what follows from it."""
        with journal.agenda.born_in(8):
            journal.owe(Duty("judge", 5))
        for row in journal.agenda.due(0):
            if row.duty.kind == "judge":
                with journal.agenda.born_in(row.born_in):
                    journal.owe(Duty("reveal-vote", 5))
                journal.agenda.settle(row, DutyState.DONE)

    judge()
    assert journal.agenda.orphan(7) == 2
    judge()
    assert [row.duty.kind for row in journal.agenda.due(0)] == ["reveal-vote"]


def test_in_memory__identity__not_needed_twice() -> None:
    journal = Journal.in_memory(Identity(1, "0x", HUB, ""))
    assert not journal.in_transaction
    journal.close()
