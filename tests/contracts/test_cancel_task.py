"""`cancelTask`, and `prune`, which clears away what was cancelled."""

from __future__ import annotations

import pytest
from round_play import DLBC, refused
from storage_rig import lengthen
from test_open_round import cheapest


def test_cancel_task__not_queued__reverts(play, requester):
    round_ = play.open(requester)
    with refused("WrongTaskStatus", round_.task_id, 2):
        play.hub.cancelTask.call(round_.task_id, round_.spec, {"from": requester})


@pytest.mark.parametrize("task_id", [0, 77, 2**256 - 1])
def test_cancel_task__no_such_task__reverts(play, requester, task_id):
    spec, _ = play.spec(requester)
    with refused("WrongTaskStatus", task_id, 0):
        play.hub.cancelTask.call(task_id, spec, {"from": requester})


def test_cancel_task__twice__reverts(play, requester):
    task_id, spec, _ = play.submit(requester)
    play.hub.cancelTask(task_id, spec, {"from": requester})
    with refused("WrongTaskStatus", task_id, 5):
        play.hub.cancelTask.call(task_id, spec, {"from": requester})


def test_cancel_task__by_another__reverts(play, requester, stranger, operator):
    task_id, spec, _ = play.submit(requester)
    play.hub.setOperator(operator, {"from": requester})
    for caller in (stranger, operator):
        with refused("NotRequester", caller, requester):
            play.hub.cancelTask.call(task_id, spec, {"from": caller})


def test_cancel_task__other_spec__reverts(play, requester):
    task_id, spec, _ = play.submit(requester)
    for changes in ({"fee": 2**96 - 1}, {"bond": 0}, {"nonce": 2**256 - 1}):
        with refused("SpecMismatch"):
            play.hub.cancelTask.call(task_id, spec._replace(**changes), {"from": requester})


def test_cancel_task__queued__refunds_less_a_tenth_of_the_floor(play, requester):
    before = play.credit(requester)
    task_id, spec, _ = play.submit(requester)
    burned = play.hub.floors(spec)[0] // 10
    transaction = play.hub.cancelTask(task_id, spec, {"from": requester})
    assert transaction.events["TaskCancelled"] == {
        "taskId": task_id,
        "refunded": spec.fee + spec.bond - burned,
        "burned": burned,
    }
    assert play.credit(requester) == before - burned
    assert (play.hub.queueLength(), play.hub.nextTask()) == (0, 0)
    assert play.hub.task(task_id)["status"] == 5
    play.check_conservation()


def test_cancel_task__floor_far_above_the_fee__burns_no_more_than_the_fee(play, requester):
    """A queue that grew behind a task must not take its bond."""
    before = play.credit(requester)
    task_id, spec, _ = cheapest(play, requester)
    lengthen(play.hub, 4_000)
    transaction = play.hub.cancelTask(task_id, spec, {"from": requester})
    assert transaction.events["TaskCancelled"]["burned"] == spec.fee
    assert play.credit(requester) == before - spec.fee


def test_cancel_task__while_paused__is_an_exit(play, requester, guardian):
    task_id, spec, _ = play.submit(requester)
    play.hub.pause(3_600, {"from": guardian})
    play.hub.cancelTask(task_id, spec, {"from": requester})
    play.hub.withdraw(play.credit(requester), {"from": requester})


def test_cancel_task__parameters_changed_meanwhile__goes_by_its_own(play, requester, governor, profile):
    task_id, spec, _ = play.submit(requester)
    burned = play.hub.floors(spec)[0] // 10
    economy = (100 * profile.economy[0], *profile.economy[1:])
    play.hub.setParams(profile.timing, economy, profile.limits, {"from": governor})
    assert play.hub.floors(spec)[0] // 10 == 100 * burned
    assert play.hub.cancelTask(task_id, spec, {"from": requester}).events["TaskCancelled"]["burned"] == burned
    play.check_conservation()


def test_prune__nothing_cancelled__changes_nothing(play, requester):
    play.hub.prune(2**256 - 1, play.by)
    task_id, *_ = play.submit(requester)
    for n in (0, 1, 2**256 - 1):
        play.hub.prune(n, play.by)
    assert (play.hub.queueLength(), play.hub.nextTask()) == (1, task_id)


def test_prune__tombstones__leaves_what_waits(play, requester):
    last, *_ = cheapest(play, requester)
    for _ in range(9):
        task_id, spec, _ = cheapest(play, requester, flops=10**10)
        play.hub.cancelTask(task_id, spec, {"from": requester})
    play.hub.prune(4, play.by)
    assert len(play.hub.queueKeys()) == 6
    play.hub.prune(100, play.by)
    play.hub.prune(1, play.by)
    assert len(play.hub.queueKeys()) == play.hub.queueLength() == 1
    assert play.hub.openRound(0, play.by).events["RoundOpened"]["taskId"] == last


def test_prune__only_tombstones__empties_the_heap(play, requester):
    for _ in range(3):
        task_id, spec, _ = play.submit(requester, fee=100 * DLBC)
        play.hub.cancelTask(task_id, spec, {"from": requester})
    play.hub.prune(2**256 - 1, play.by)
    assert list(play.hub.queueKeys()) == []
    assert play.submit(requester)[0] == play.hub.nextTask()
