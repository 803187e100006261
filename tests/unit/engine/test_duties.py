"""Duties: their pauses fit before the deadline, their outcomes are written down, a long one runs beside."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest
from engine_fakes import GENESIS_TIME
from engine_harness import Harness

from dlbc.errors import ContentInvalid, ContentUnavailable, InvalidArtifact, TransactionRefused
from dlbc.journal import Duty, DutyState
from dlbc.service import Context, Done, Drop, Retry, Wait


@pytest.mark.parametrize(
    "error", [TransactionRefused("too early"), ContentUnavailable("not there yet")], ids=["refused", "absent"]
)
def test_step__action_refused__tried_several_times_before_the_deadline_then_missed(
    harness: Harness, error: Exception
) -> None:
    attempts: list[float] = []

    def work(_duty: Duty, context: Context) -> Done:
        attempts.append(context.chain.now() - GENESIS_TIME)
        raise error

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5, due_at=GENESIS_TIME + 10, deadline=GENESIS_TIME + 30))
    service = harness.service()
    harness.turns(service, 29)
    assert attempts[0] == 10
    assert attempts[1] - attempts[0] == 1
    assert 28 <= attempts[-1] <= 29
    assert len(attempts) >= 5
    harness.turns(service, 2)
    assert harness.duty().state is DutyState.MISSED
    assert harness.duty().last_error == str(error)


def test_step__refused_without_deadline__backs_off_to_a_minute(harness: Harness) -> None:
    attempts: list[float] = []

    def work(_duty: Duty, context: Context) -> Done:
        attempts.append(context.chain.now())
        raise TransactionRefused("no")

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5))
    harness.turns(harness.service(), 200)
    gaps = [round(after - before) for before, after in pairwise(attempts)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60]


def test_step__refused_with_a_far_deadline__looks_again_within_seconds(harness: Harness) -> None:
    """A claim's deadline is not known when it is owed; its phase may last less than a minute."""
    attempts: list[float] = []

    def work(_duty: Duty, context: Context) -> Done:
        attempts.append(context.chain.now())
        raise TransactionRefused("the node is busy")

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5, deadline=1 << 40))
    harness.turns(harness.service(), 40)
    gaps = [round(after - before) for before, after in pairwise(attempts)]
    assert gaps == [1, 2, 4, 5, 5, 5, 5, 5, 5]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()], ids=["disk", "memory"])
def test_step__machine_is_full__never_given_up(harness: Harness, error: Exception) -> None:
    """It may be free again before the stake is lost."""
    attempts = []

    def work(_duty: Duty, _context: Context) -> Done:
        attempts.append(1)
        if len(attempts) < 8:
            raise error
        return Done()

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5, deadline=1 << 40))
    harness.turns(harness.service(), 60)
    assert harness.duty().state is DutyState.DONE


@pytest.mark.parametrize(
    "error", [KeyError("x"), InvalidArtifact("torn"), ContentInvalid("larger than allowed")], ids=str
)
def test_step__action_fails_for_good__given_up_after_five(harness: Harness, error: Exception) -> None:
    attempts = []

    def work(_duty: Duty, _context: Context) -> Done:
        attempts.append(1)
        raise error

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5))
    harness.turns(harness.service(), 100)
    assert len(attempts) == 5
    assert harness.duty().state is DutyState.FAILED


def test_step__long_action_exits_its_thread__a_failure_like_others(harness: Harness) -> None:
    def train(_duty: Duty, _context: Context) -> Done:
        raise SystemExit(1)

    harness.actions["train"] = train
    harness.long = {"train"}
    harness.journal.owe(Duty("train", 5))
    service = harness.service()
    harness.turns(service, 1)
    assert service._runner.join(5)
    assert harness.duty("train").last_error == "SystemExit: 1"


def test_step__unknown_kind__failed_in_words(harness: Harness) -> None:
    harness.journal.owe(Duty("work", 5))
    harness.turns(harness.service(), 1)
    assert "no action" in harness.duty().last_error


def test_step__outcomes__written_down(harness: Harness) -> None:
    answers = iter([Wait(GENESIS_TIME + 5, "too early"), Retry(3, "pending"), Done()])
    times: list[float] = []

    def work(_duty: Duty, context: Context) -> Any:
        times.append(context.chain.now() - GENESIS_TIME)
        return next(answers)

    harness.actions = {"work": work, "drop": lambda duty, context: Drop("not wanted")}
    harness.journal.owe(Duty("work", 5))
    harness.journal.owe(Duty("drop", 5))
    harness.turns(harness.service(), 12)
    assert times == [1, 5, 8]
    assert (harness.duty().state, harness.duty().attempts) == (DutyState.DONE, 2)
    assert (harness.duty("drop").state, harness.duty("drop").last_error) == (DutyState.DROPPED, "not wanted")


def test_step__told_to_stop_during_a_duty__the_next_is_left(harness: Harness) -> None:
    def work(_duty: Duty, context: Context) -> Done:
        context.stopping.set()
        return Done()

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5))
    harness.journal.owe(Duty("work", 6))
    harness.turns(harness.service(), 1)
    assert [row.state for row in harness.journal.duties()] == [DutyState.DONE, DutyState.OWED]


def test_step__nearest_deadline__first(harness: Harness) -> None:
    order: list[str] = []

    def work(duty: Duty, _context: Context) -> Done:
        order.append(duty.subject)
        return Done()

    harness.actions["work"] = work
    for subject, deadline in (("none", 0), ("late", 900), ("soon", 100)):
        harness.journal.owe(Duty("work", 5, subject, deadline=GENESIS_TIME + deadline if deadline else 0))
    harness.turns(harness.service(), 1)
    assert order == ["soon", "late", "none"]


def test_step__long_action__one_at_a_time_beside_the_loop(harness: Harness) -> None:
    release, started = threading.Event(), threading.Semaphore(0)
    running: list[int] = []

    def train(duty: Duty, context: Context) -> Done:
        running.append(duty.round_id)
        started.release()
        assert release.wait(5)
        context.journal.note_set("trained", str(duty.round_id), b"model")
        return Done()

    harness.actions = {"train": train, "work": lambda duty, context: Done()}
    harness.long = {"train"}
    harness.journal.owe(Duty("train", 5, deadline=GENESIS_TIME + 2))
    harness.journal.owe(Duty("train", 6))
    harness.journal.owe(Duty("work", 5))
    service = harness.service()
    harness.turns(service, 1)
    assert started.acquire(timeout=5)
    harness.turns(service, 3)
    assert harness.duty("work").state is DutyState.DONE  # the loop goes on meanwhile
    assert harness.duty("train").state is DutyState.OWED  # past its deadline, but being worked on
    assert running == [5]
    release.set()
    service._runner.join(5)
    harness.turns(service, 1)
    assert harness.duty("train").state is DutyState.DONE
    assert started.acquire(timeout=5)
    service._runner.join(5)
    assert running == [5, 6]
