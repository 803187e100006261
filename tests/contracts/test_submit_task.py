"""`submitTask`, and the floors that it goes by."""

from __future__ import annotations

import pytest
from round_play import DLBC, plain, refused, wait_until
from storage_rig import fill, lengthen


@pytest.mark.parametrize(
    ("error", "found", "changes"),
    [
        ("UnknownMode", [2], {"modes": 2}),
        ("UnknownMode", [2**16 - 1], {"modes": 2**16 - 1}),
        ("BadParameter", [], {"proveSecs": 1}),
        ("BadParameter", [], {"modes": 1}),
        ("ScoreOutOfRange", [0, 1, 2**35 - 2], {"scoreMax": 0, "minScore": 0}),
        ("ScoreOutOfRange", [2**35 - 1, 1, 2**35 - 2], {"scoreMax": 2**35 - 1}),
        ("ScoreOutOfRange", [361, 1, 360], {"minScore": 361}),
        ("ScoreOutOfRange", [0, 1, 360], {"minScore": 0}),
        ("ToleranceOutOfRange", [1, 2, 36], {"tol": 1}),
        ("ToleranceOutOfRange", [99, 100, 10_000], {"scoreMax": 100_000, "tol": 99}),
        ("ToleranceOutOfRange", [37, 2, 36], {"tol": 37}),
        ("ToleranceOutOfRange", [3, 2, 2], {"scoreMax": 29, "minScore": 1, "tol": 3}),
        ("ToleranceOutOfRange", [3, 0, 2], {"tieTol": 3}),
        ("TrainSecsOutOfRange", [4, 5, 3_005], {"trainSecs": 4}),
        ("TrainSecsOutOfRange", [3_006, 5, 3_005], {"trainSecs": 3_006}),
        ("TrainSecsOutOfRange", [3_601, 5, 3_600], {"trainSecs": 3_601, "flops": 2**60}),
        ("InsufficientCredit", [5_000 * DLBC, 5_100 * DLBC], {"fee": 5_000 * DLBC}),
        ("InsufficientCredit", [5_000 * DLBC, 2 * (2**96 - 1)], {"fee": 2**96 - 1, "bond": 2**96 - 1}),
    ],
)
def test_submit_task__bad_spec__reverts(play, requester, error, found, changes):
    spec, _ = play.spec(requester, **changes)
    with refused(error, *found):
        play.hub.submitTask.call(spec, {"from": requester})


def test_submit_task__for_another__reverts(play, requester, stranger):
    spec, _ = play.spec(requester)
    with refused("NotRequester", stranger, requester):
        play.hub.submitTask.call(spec, {"from": stranger})


def test_submit_task__fee_below_the_floor__reverts(play, requester):
    spec, _ = play.spec(requester)
    floor, bond = play.hub.floors(spec)
    assert floor == bond
    with refused("FeeTooLow", floor - 1, floor):
        play.hub.submitTask.call(spec._replace(fee=floor - 1), {"from": requester})
    with refused("BondTooLow", floor - 1, floor):
        play.hub.submitTask.call(spec._replace(bond=floor - 1), {"from": requester})


def test_submit_task__twice__reverts(play, requester):
    _, spec, _ = play.submit(requester)
    with refused("DuplicateTask", play.hub.hashSpec(spec)):
        play.hub.submitTask.call(spec, {"from": requester})


def test_submit_task__queue_full__reverts(play, requester):
    spec, _ = play.spec(requester)
    lengthen(play.hub, 4_096)
    with refused("QueueFull", 4_096):
        play.hub.submitTask.call(spec, {"from": requester})


def test_submit_task__while_paused__reverts(play, requester, guardian):
    until = play.hub.pause(600, {"from": guardian}).events["PausedUntil"]["until"]
    spec, _ = play.spec(requester)
    with refused("Paused", until):
        play.hub.submitTask.call(spec, {"from": requester})
    wait_until(until)
    play.submit(requester)


def test_submit_task__refused__changes_nothing(play, requester):
    spec, _ = play.spec(requester, tol=1)
    before = state(play, requester)
    with refused("ToleranceOutOfRange"):
        play.hub.submitTask(spec, {"from": requester})
    with refused("FeeTooLow"):
        play.hub.submitTask(spec._replace(tol=4, fee=1), {"from": requester})
    assert state(play, requester) == before


def state(play, requester):
    return play.credit(requester), play.hub.taskCount(), play.hub.queueLength(), plain(play.hub.queueKeys())


@pytest.mark.parametrize(
    "changes",
    [
        {"trainSecs": 5},
        {"trainSecs": 3_005},
        {"flops": 2**64 - 1, "netBytes": 2**64 - 1, "dataBytes": 2**64 - 1, "trainSecs": 3_600, "bond": 200 * DLBC},
        {"minScore": 1},
        {"minScore": 360},
        {"tol": 2},
        {"tol": 36, "tieTol": 18},
        {"scoreMax": 1, "minScore": 1, "tol": 2, "tieTol": 1},
        {"scoreMax": 2**35 - 2, "minScore": 2**35 - 2, "tol": (2**35 - 2) // 1_000},
        {"scoreMax": 2**35 - 2, "tol": (2**35 - 2) // 10},
        {"nonce": 2**256 - 1},
    ],
)
def test_submit_task__at_a_bound__is_accepted(play, requester, changes):
    task_id, *_ = play.submit(requester, **changes)
    assert play.hub.task(task_id)["status"] == 1


def test_floors__long_queue__double_with_every_512(play, requester):
    spec, _ = play.spec(requester)
    floor = play.hub.floors(spec)[0]
    for queued, times in ((511, 1), (512, 2), (4_095, 128)):
        lengthen(play.hub, queued)
        assert play.hub.floors(spec)[0] == floor * times


def test_floors__largest_numbers__do_not_overflow(play, requester):
    spec, _ = play.spec(requester, flops=2**64 - 1, netBytes=2**64 - 1, dataBytes=2**64 - 1)
    lengthen(play.hub, 4_096)
    assert play.hub.floors(spec)[0] > 0


def test_floors__no_difficulty_declared__one_unit(play, requester, profile):
    """Who declares nothing would fill the queue for nothing."""
    unit = profile.economy[0]
    spec, _ = play.spec(requester, flops=0, netBytes=0, dataBytes=1, trainSecs=5, fee=0, bond=0)
    assert plain(play.hub.floors(spec)) == (unit, unit)
    with refused("FeeTooLow", 0, unit):
        play.hub.submitTask.call(spec, {"from": requester})


def test_submit_task__good_spec__escrows_and_queues(play, requester):
    spec, _ = play.spec(requester)
    before = play.credit(requester)
    transaction = play.hub.submitTask(spec, {"from": requester})
    event = transaction.events["TaskSubmitted"]
    task_id = event["taskId"]
    play.specs[task_id] = spec
    assert task_id == transaction.return_value == play.hub.taskCount() == play.hub.nextTask()
    assert event["specHash"] == play.hub.hashSpec(spec)
    assert plain(event["spec"]) == tuple(spec)
    assert play.credit(requester) == before - spec.fee - spec.bond
    task = play.hub.task(task_id)
    assert (task["status"], task["requester"], task["trainSecs"]) == (1, requester, 60)
    assert (task["submittedAt"], task["key"]) == (transaction.timestamp, event["key"])
    assert play.hub.taskIdOf(event["specHash"]) == task_id
    assert play.hub.queueLength() == 1
    play.check_conservation()


def test_factors__task__are_what_its_rank_is_made_of(play, requester, profile, Harness, accounts):
    harness = accounts[0].deploy(Harness)
    task_id, spec, _ = play.submit(requester)
    found = play.hub.factors(task_id)
    lgs = [harness.lg(value) for value in (spec.flops, spec.netBytes, spec.dataBytes, spec.fee // 10**15)]
    assert plain(found)[:4] == tuple(lgs)
    weights = profile.limits[5:9]
    assert found["base"] == sum(weight * lg for weight, lg in zip(weights, lgs, strict=True))
    assert found["version"] == 1
    assert play.hub.rank(task_id)[1] == found["base"]
    assert plain(play.hub.factors(task_id + 1)) == (0, 0, 0, 0, 0, 0, 0)


def test_submit_task__second_task__notes_the_clock(play, requester):
    play.submit(requester)
    wait_until(play.hub.task(1)["submittedAt"] + 100)
    task_id, *_ = play.submit(requester)
    assert play.hub.factors(1)["clockAtSubmit"] < play.hub.factors(task_id)["clockAtSubmit"] <= play.hub.queueClock()


def test_submit_task__longest_way_to_the_top__costs_no_more(play, requester):
    """4,095 weaker tasks, the worst that a submission can meet."""
    fill(play.hub, [(1 << 127) - number for number in range(4_095)])
    spec, _ = play.spec(requester)
    floor = play.hub.floors(spec)[0]
    play.fund(requester)
    transaction = play.hub.submitTask(spec._replace(fee=floor, bond=floor), {"from": requester})
    assert play.hub.task(transaction.return_value)["key"] == max(play.hub.queueKeys())
    assert transaction.gas_used <= 230_000
