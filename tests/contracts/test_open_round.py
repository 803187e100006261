"""`openRound` and the queue: the largest key first, whatever was submitted, cancelled or opened in between."""

from __future__ import annotations

import random

from round_play import DLBC, paid, plain, refused, wait_until
from storage_rig import fill, unpacked


def changed(values, position, value):
    return (*values[:position], value, *values[position + 1 :])


def cheapest(play, requester, **changes):
    spec, _ = play.spec(requester, **changes)
    floor = play.hub.floors(spec)[0]
    return play.submit(requester, fee=floor, bond=floor, **changes)


def test_open_round__no_such_slot__reverts(play):
    with refused("NoSuchSlot", 4, 4):
        play.hub.openRound.call(4, play.by)


def test_open_round__no_such_slot_at_all__reverts(play):
    with refused("NoSuchSlot", 255, 4):
        play.hub.openRound.call(255, play.by)


def test_open_round__while_paused__reverts(play, requester, guardian):
    play.submit(requester)
    until = play.hub.pause(1, {"from": guardian}).events["PausedUntil"]["until"]
    wait_until(until)
    until = until + 7 * 86_400
    wait_until(until)
    until = play.hub.pause(7 * 86_400, {"from": guardian}).events["PausedUntil"]["until"]
    with refused("Paused", until):
        play.hub.openRound.call(0, play.by)
    wait_until(until)
    assert play.hub.openRound.call(0, play.by) == 1


def test_open_round__nothing_queued__reverts(play):
    with refused("QueueEmpty"):
        play.hub.openRound.call(0, play.by)


def test_open_round__only_cancelled_tasks__reverts(play, requester):
    task_id, spec, _ = play.submit(requester)
    play.hub.cancelTask(task_id, spec, {"from": requester})
    with refused("QueueEmpty"):
        play.hub.openRound.call(0, play.by)


def test_open_round__slot_taken__reverts(play, requester):
    round_ = play.open(requester)
    play.submit(requester)
    with refused("SlotBusy", 0, round_.id):
        play.hub.openRound.call(0, play.by)
    assert play.hub.openRound.call(1, play.by) == round_.id + 1


def test_open_round__task__begins_its_round(play, requester, profile):
    task_id, spec, _ = play.submit(requester)
    transaction = play.hub.openRound(2, play.by)
    event = transaction.events["RoundOpened"]
    round_id = transaction.return_value
    state = play.hub.round(round_id)
    settle, guard, key = profile.timing[:3]
    assert (state["taskId"], state["slot"], state["anchor"]) == (task_id, 2, play.hub.head())
    assert state["openedAt"] == event["openedAt"] == transaction.timestamp
    assert state["commitStart"] == transaction.timestamp + settle
    assert state["commitEnd"] == event["commitEnd"] == state["commitStart"] + spec.trainSecs
    assert state["keyFrom"] == state["commitEnd"] + guard
    assert state["keyUntil"] == state["keyFrom"] + key
    assert state["phase"] == 1
    assert play.hub.roundInSlot(2) == round_id == play.hub.roundCount()
    task = play.hub.task(task_id)
    assert (task["status"], task["roundId"]) == (2, round_id)
    assert play.hub.queueLength() == 0


def test_open_round__after_a_final_round__takes_its_slot_again(play, requester):
    first = play.open(requester)
    play.finalize(first)
    assert play.hub.roundInSlot(0) == 0
    assert play.open(requester).id == first.id + 1


def test_open_round__random_tasks__follow_a_brute_force_maximum(play, requester, chain):
    """The heap against Python: after each submission, cancellation, opening or pause, the best key waits on top."""
    rng = random.Random(7)  # noqa: S311  # a test that repeats
    waiting: dict[int, tuple[int, object]] = {}
    slot = 0
    for _ in range(40):
        action = rng.random()
        if action < 0.55 or not waiting:
            changes = {"flops": rng.randrange(10**6, 10**10), "netBytes": rng.randrange(1, 10**9)}
            task_id, spec, _ = cheapest(play, requester, **changes)
            waiting[task_id] = (play.hub.task(task_id)["key"], spec)
        elif action < 0.7:
            task_id = rng.choice(list(waiting))
            play.hub.cancelTask(task_id, waiting.pop(task_id)[1], {"from": requester})
        elif action < 0.8 and slot < 4:
            best = max(waiting, key=lambda task_id: waiting[task_id][0])
            opened = play.hub.openRound(slot, play.by).events["RoundOpened"]
            assert opened["taskId"] == best
            del waiting[best]
            slot += 1
        else:
            chain.sleep(rng.randrange(100))
        expected = max(waiting, key=lambda task_id: waiting[task_id][0]) if waiting else 0
        assert play.hub.nextTask() == expected
        assert play.hub.queueLength() == len(waiting)
    scores = {task_id: play.hub.rank(task_id)[0] for task_id in waiting}
    assert sorted(waiting, key=lambda task_id: waiting[task_id][0]) == sorted(
        waiting, key=lambda task_id: (scores[task_id], -task_id)
    )
    play.check_conservation()


def test_open_round__equal_tasks__first_come_first_served(play, requester):
    ids = [play.submit(requester)[0] for _ in range(3)]
    for slot, task_id in enumerate(ids):
        assert play.hub.openRound(slot, play.by).events["RoundOpened"]["taskId"] == task_id


def test_rank__waiting__grows_by_the_clock(play, requester, profile, chain, Harness, accounts):
    harness = accounts[0].deploy(Harness)
    weights, alpha, gamma = list(profile.limits[5:9]), *profile.limits[9:11]
    task_id, spec, _ = play.submit(requester)
    lgs = [harness.lg(value) for value in (spec.flops, spec.netBytes, spec.dataBytes)]
    base = harness.base(weights, *lgs, spec.fee)
    since = play.hub.task(task_id)["submittedAt"]
    wait_until(since + 50)
    assert plain(play.hub.rank(task_id)) == ((base << 24) + 50 * harness.rate(alpha, gamma, 1), base)
    second = play.hub.submitTask(play.spec(requester)[0], {"from": requester})
    elapsed = second.timestamp - since
    wait_until(second.timestamp + 10)
    clock = elapsed * harness.rate(alpha, gamma, 1) + 10 * harness.rate(alpha, gamma, 2)
    assert plain(play.hub.rank(task_id)) == ((base << 24) + clock, base)


def test_rank__weaker_task__passes_a_stronger_one_that_came_late_enough(play, requester, chain):
    weak, *_ = cheapest(play, requester)
    base = play.hub.rank(weak)[1]
    chain.sleep(5_000)
    strong, *_ = play.submit(requester, flops=2**63, netBytes=2**50, dataBytes=2**60, fee=300 * DLBC)
    assert play.hub.rank(strong)[1] > base
    assert play.hub.nextTask() == (weak if play.hub.rank(strong)[1] - base < 5_000 else strong)


def test_open_round__many_tombstones__keeps_what_it_dropped(play, requester):
    """More cancelled tasks on top than one call may drop: nothing opens, the next call goes on."""
    last, *_ = cheapest(play, requester)
    for _ in range(10):
        task_id, spec, _ = cheapest(play, requester, flops=10**10)
        play.hub.cancelTask(task_id, spec, {"from": requester})
    assert play.hub.nextTask() == last
    first = play.hub.openRound(0, play.by)
    assert first.return_value == 0
    assert "RoundOpened" not in first.events
    assert play.hub.roundInSlot(0) == 0
    assert play.hub.openRound(0, play.by).events["RoundOpened"]["taskId"] == last


def test_open_round__caller__is_tipped_from_the_fee(play, requester, stranger, profile):
    play.submit(requester)
    before = play.credit(stranger)
    transaction = play.hub.openRound(0, play.by)
    assert paid(transaction, tips=True) == [(str(stranger), "Tip", play.tip)]
    assert play.credit(stranger) == before + play.tip
    assert play.hub.round(1)["tips"] == 1
    play.check_conservation()


def test_open_round__only_tombstones_dropped__tips_nobody(play, requester, stranger):
    cheapest(play, requester)
    for _ in range(9):
        task_id, spec, _ = cheapest(play, requester, flops=10**10)
        play.hub.cancelTask(task_id, spec, {"from": requester})
    before = play.credit(stranger)
    assert "Paid" not in play.hub.openRound(0, play.by).events
    assert play.credit(stranger) == before


def test_open_round__no_tip__pays_nobody(play, requester, stranger, governor, profile):
    play.hub.setParams(profile.timing, changed(profile.economy, 13, 0), profile.limits, {"from": governor})
    assert play.hub.economy()["tip"] == 0
    play.submit(requester)
    transaction = play.hub.openRound(0, play.by)
    assert "Paid" not in transaction.events
    assert play.hub.round(1)["tips"] == 0


def test_open_round__older_task__opens_by_its_own_parameters(play, requester, governor, profile):
    """And a slot that is no more is not opened, whatever the task's parameters say."""
    play.submit(requester)
    timing = (1_000, *profile.timing[1:])
    limits = changed(profile.limits, 3, profile.limits[3] + 1_000)
    play.hub.setParams(timing, changed(profile.economy, 4, 1), limits, {"from": governor})
    with refused("NoSuchSlot", 1, 1):
        play.hub.openRound.call(1, play.by)
    play.hub.openRound(0, play.by)
    found = play.hub.round(1)
    assert found["version"] == 1
    assert found["commitStart"] == found["openedAt"] + profile.timing[0]


def test_open_round__4096_tasks_wait__costs_no_more(play, requester):
    """The last key goes the whole way down again, and what lies beside it comes up."""
    rng = random.Random(11)  # noqa: S311  # a test that repeats
    play.finalize(play.open(requester))
    task_id, *_ = play.submit(requester)
    top = max(play.hub.queueKeys())
    packed = (top >> 64) - (1 << 160) + (1 << 95) << 32 | (2**32 - 1 - task_id)
    others = sorted((rng.randrange(1, 1 << 126) for _ in range(4_095)), reverse=True)
    fill(play.hub, [packed, *others])
    transaction = play.hub.openRound(0, play.by)
    assert transaction.events["RoundOpened"]["taskId"] == task_id
    assert max(play.hub.queueKeys()) == unpacked(others[0])
    assert transaction.gas_used <= 230_000
