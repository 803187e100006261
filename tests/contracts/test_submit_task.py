"""`submitTask`, and the floors that it goes by."""

from __future__ import annotations

import pytest
from round_play import DLBC, plain, refused

HEAP_SLOT = 3


@pytest.mark.parametrize(
    ("error", "found", "changes"),
    [
        ("UnknownMode", [1], {"modes": 1}),
        ("BadParameter", [], {"proveSecs": 1}),
        ("ScoreOutOfRange", [0, 1, 2**35 - 2], {"scoreMax": 0, "minScore": 0}),
        ("ScoreOutOfRange", [2**35 - 1, 1, 2**35 - 2], {"scoreMax": 2**35 - 1}),
        ("ScoreOutOfRange", [361, 1, 360], {"minScore": 361}),
        ("ScoreOutOfRange", [0, 1, 360], {"minScore": 0}),
        ("ToleranceOutOfRange", [1, 2, 2**32 - 1], {"tol": 1}),
        ("ToleranceOutOfRange", [99, 100, 2**32 - 1], {"scoreMax": 100_000, "tol": 99}),
        ("ToleranceOutOfRange", [3, 0, 2], {"tieTol": 3}),
        ("TrainSecsOutOfRange", [4, 5, 3_005], {"trainSecs": 4}),
        ("TrainSecsOutOfRange", [3_006, 5, 3_005], {"trainSecs": 3_006}),
        ("TrainSecsOutOfRange", [3_601, 5, 3_600], {"trainSecs": 3_601, "flops": 2**60}),
        ("InsufficientCredit", [5_000 * DLBC, 5_100 * DLBC], {"fee": 5_000 * DLBC}),
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


def test_submit_task__queue_full__reverts(play, requester, web3):
    spec, _ = play.spec(requester)
    length = "0x" + (4_096).to_bytes(32, "big").hex()
    web3.provider.make_request(
        "anvil_setStorageAt", [play.hub.address, "0x" + HEAP_SLOT.to_bytes(32, "big").hex(), length]
    )
    with refused("QueueFull", 4_096):
        play.hub.submitTask.call(spec, {"from": requester})


def test_floors__long_queue__double_with_every_512(play, requester, web3):
    spec, _ = play.spec(requester)
    floor = play.hub.floors(spec)[0]
    for queued, times in ((511, 1), (512, 2), (4_095, 128)):
        length = "0x" + queued.to_bytes(32, "big").hex()
        web3.provider.make_request(
            "anvil_setStorageAt", [play.hub.address, "0x" + HEAP_SLOT.to_bytes(32, "big").hex(), length]
        )
        assert play.hub.floors(spec)[0] == floor * times


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


def test_cancel_task__not_queued__reverts(play, requester):
    round_ = play.open(requester)
    with refused("WrongTaskStatus", round_.task_id, 2):
        play.hub.cancelTask.call(round_.task_id, round_.spec, {"from": requester})


def test_cancel_task__no_such_task__reverts(play, requester):
    spec, _ = play.spec(requester)
    with refused("WrongTaskStatus", 77, 0):
        play.hub.cancelTask.call(77, spec, {"from": requester})


def test_cancel_task__by_another__reverts(play, requester, stranger):
    task_id, spec, _ = play.submit(requester)
    with refused("NotRequester", stranger, requester):
        play.hub.cancelTask.call(task_id, spec, {"from": stranger})


def test_cancel_task__other_spec__reverts(play, requester):
    task_id, spec, _ = play.submit(requester)
    with refused("SpecMismatch"):
        play.hub.cancelTask.call(task_id, spec._replace(fee=1), {"from": requester})


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
