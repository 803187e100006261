"""The lens says in one call what hub and committee say in many, and no more."""

from __future__ import annotations

import pytest
from round_play import DLBC, INVALID, PHASES, ZERO, plain, refused
from storage_rig import fill, lengthen, unpacked
from test_open_round import cheapest

PAGE = 64


def test_lens__wiring__is_the_hubs(lens, hub, committee):
    assert (lens.hub(), lens.committee()) == (hub.address, committee.address)


@pytest.mark.parametrize("round_id", [0, 1, 2**256 - 1])
def test_round__no_such_round__is_empty(lens, hub, round_id):
    found = lens.round(round_id)
    assert plain(found["round"]) == plain(hub.round(round_id))
    assert (len(found["candidates"]), len(found["members"]), len(found["appeals"])) == (0, 0, 0)
    assert (found["challengeUntil"], found["appealUntil"]) == (0, 0)


def test_round__any_moment__is_what_hub_and_committee_say(play, lens, requester, miner, other_miner):
    def check(round_):
        found = lens.round(round_.id)
        assert plain(found["round"]) == plain(play.hub.round(round_.id))
        assert plain(found["candidates"]) == plain(play.hub.candidates(round_.id))
        assert plain(found["ballot"]) == plain(play.committee.ballot(round_.id))
        assert plain(found["members"]) == plain(play.committee.members(round_.id))
        assert plain(found["appeals"]) == plain(play.hub.appealsOf(round_.id))

    round_ = play.open(requester)
    check(round_)
    play.commit(round_, miner, other_miner)
    play.reveal_key(round_)
    for model, score in zip(round_.models, (200, 190), strict=True):
        play.claim(round_, model, score)
        check(round_)
    for model in round_.models:
        play.show(model)
    play.draw(round_)
    check(round_)
    play.judge(round_, *[play.word(round_, {})] * play.committee.ballot(round_.id)["size"])
    check(round_)
    play.finalize(round_, round_.models[0])
    check(round_)


def test_round__appeal_times__are_the_phases(play, lens, requester, miner, other_miner, profile):
    round_ = play.judged(requester, {miner: 200, other_miner: 190})
    assert play.phase(round_) == "Appeal"
    found = lens.round(round_.id)
    assert found["appealUntil"] == play.hub.phase(round_.id)[1]
    assert found["challengeUntil"] == found["appealUntil"] - profile.timing[-1] // 2


def test_round__no_quorum_of_votes__has_no_time_to_appeal(play, lens, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 200, other_miner: 190})
    assert lens.round(round_.id)["appealUntil"] == 0


def test_judged_round__other_spec__reverts(play, lens, requester, miner, other_miner):
    round_ = play.judged(requester, {miner: 200, other_miner: 190})
    with refused("SpecMismatch"):
        lens.judgedRound(round_.id, round_.spec._replace(tol=36))
    with refused("SpecMismatch"):
        lens.judgedRound(2**256 - 1, round_.spec)


def test_judged_round__votes_open__says_who_qualifies_and_who_would_win(play, lens, requester, miners):
    """The first is scored far below his claim, the second a little, the third is called invalid."""
    first, second, third, fourth = miners[:4]
    round_ = play.drawn(requester, {first: 300, second: 250, third: 240, fourth: 230})
    word = play.word(round_, {first: 250, second: 240, third: INVALID, fourth: 228})
    play.judge(round_, *[word] * play.committee.ballot(round_.id)["size"])
    found, judgement = lens.judgedRound(round_.id, round_.spec)
    assert plain(found) == plain(lens.round(round_.id))
    verdicts, task_flags = play.committee.verdicts(round_.id, 4, round_.spec.tol)
    assert plain(judgement["verdicts"]) == plain(verdicts)
    assert judgement["taskFlags"] == task_flags == 0
    assert list(judgement["qualified"]) == [False, False, False, True]
    assert list(judgement["overclaimed"]) == [True, False, False, False]
    assert plain(judgement)[4:] == plain(play.hub.preview(round_.id, round_.spec))
    assert judgement["winner"] == round_.models[3].hash


def test_judged_round__key_not_shown__does_not_qualify(play, lens, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 200, other_miner: 190})
    play.show(round_.models[0])
    play.wait_for(round_, "Seal")
    play.draw(round_)
    play.judge(round_, *[play.word(round_, {})] * play.committee.ballot(round_.id)["size"])
    assert list(lens.judgedRound(round_.id, round_.spec)[1]["qualified"]) == [True, False]


def test_task__parts__add_up_to_the_rank(play, lens, requester, chain):
    task_id, *_ = play.submit(requester)
    chain.sleep(500)
    play.submit(requester, flops=10**9)
    found = lens.task(task_id)
    assert plain(found["task"]) == plain(play.hub.task(task_id))
    assert plain(found["factors"]) == plain(play.hub.factors(task_id))
    total, *parts = plain(found["score"])
    assert total == sum(parts) == play.hub.rank(task_id)[0]
    weights, factors = play.hub.limits(), found["factors"]
    assert parts[:4] == [
        weights[f"weight{name}"] * factors[f"lg{name}"] << 24 for name in ("Flops", "Net", "Data", "Fee")
    ]
    assert parts[4] >= 500 * weights["alpha"]


@pytest.mark.parametrize("task_id", [0, 1, 2**256 - 1])
def test_task__no_such_task__is_empty(lens, task_id):
    found = lens.task(task_id)
    assert plain(found["score"]) == (0,) * 6
    assert found["task"]["status"] == 0


def test_task__older_parameters__is_weighed_by_its_own(play, lens, requester, governor, profile):
    task_id, *_ = play.submit(requester)
    before = plain(lens.task(task_id)["score"])[1:5]
    limits = (*profile.limits[:5], 100, 100, 100, 100, *profile.limits[9:])
    play.hub.setParams(profile.timing, profile.economy, limits, {"from": governor})
    found = lens.task(task_id)
    assert plain(found["score"])[1:5] == before
    assert found["score"]["total"] == play.hub.rank(task_id)[0]
    newer, *_ = play.submit(requester)
    assert lens.task(newer)["score"]["flops"] == 100 * lens.task(newer)["factors"]["lgFlops"] << 24
    page, _ = lens.queue(0, 2)
    assert {entry["taskId"]: plain(entry["score"]) for entry in page} == {
        entry: plain(lens.task(entry)["score"]) for entry in (task_id, newer)
    }


@pytest.mark.parametrize("n", [PAGE + 1, 2**256 - 1])
def test_queue__page_too_long__reverts(lens, n):
    with refused("TooMany", n, PAGE):
        lens.queue(0, n)


def test_queue__empty__has_no_page(lens):
    for n in (0, 1, PAGE):
        assert plain(lens.queue(0, n)) == ((), 0)


def test_queue__pages__are_in_the_order_of_the_ranks(play, lens, requester):
    """Cancelled tasks are shown as such, as long as they lie in the heap."""
    waiting = []
    for number in (3, 1, 5, 2, 4, 6, 0):
        task_id, spec, _ = cheapest(play, requester, flops=10**6 * 10**number)
        waiting.append(task_id)
    play.hub.cancelTask(task_id, spec, {"from": requester})
    keys = {task_id: play.hub.task(task_id)["key"] for task_id in waiting}
    order = sorted(waiting, key=lambda task_id: -keys[task_id])
    for size in (1, 2, 3, 7, PAGE):
        seen, below = [], 0
        while True:
            page, following = lens.queue(below, size)
            assert len(page) <= size
            seen += [entry["taskId"] for entry in page]
            if not following:
                break
            assert following == keys[seen[-1]]
            below = following
        assert seen == order
    statuses = {entry["taskId"]: entry["task"]["status"] for entry in lens.queue(0, PAGE)[0]}
    assert statuses == {task_id: 5 if task_id == waiting[-1] else 1 for task_id in waiting}
    assert lens.queue(0, 1)[0][0]["taskId"] == play.hub.nextTask()


def test_queue__no_entries_asked_for__is_empty(play, lens, requester):
    play.submit(requester)
    assert plain(lens.queue(0, 0)) == ((), 0)


def test_queue__4096_rising_keys__fits_into_one_call(lens, hub):
    """The order that costs the selection most; heaps are seldom so."""
    keys = [(1 << 100) + number for number in range(4_096)]
    fill(hub, keys)
    page, following = lens.queue(0, PAGE, {"gas_limit": 30_000_000})
    assert [entry["task"]["status"] for entry in page] == [0] * PAGE
    assert following == unpacked(keys[-PAGE])
    lengthen(hub, 0)


def test_account__stranger__has_nothing(lens, hub, token, stranger):
    found = lens.account(stranger, 0)
    assert plain(found["account"]) == plain(hub.account(stranger))
    assert found["balance"] == token.balanceOf(stranger)
    assert found["allowance"] == token.allowance(stranger, hub)
    assert (found["operator"], found["seatCount"], len(found["seats"])) == ("0x" + "00" * 20, 0, 0)
    assert plain(found["commit"]) == (0, False, False, ZERO, 0)


def test_account__miner__with_his_part_in_a_round(play, lens, requester, miner, operator):
    play.hub.setOperator(operator, {"from": miner})
    round_ = play.open(requester)
    play.commit(round_, miner)
    found = lens.account(miner, round_.id)
    assert plain(found["account"]) == plain(play.hub.account(miner))
    assert found["operator"] == operator
    assert plain(found["commit"]) == (1, False, True, ZERO, 0)
    assert plain(lens.account(miner, round_.id + 1)["commit"]) == (0, False, False, ZERO, 0)


def test_account__claim_without_a_place__is_shown(play, lens, requester, miners):
    round_ = play.claimed(requester, {miner: 200 + number for number, miner in enumerate(miners[:7])})
    excluded = lens.account(miners[0], round_.id)["commit"]
    assert (excluded["excluded"], excluded["excludedScore"]) == (round_.models[0].hash, 200)
    assert lens.account(miners[1], round_.id)["commit"]["excluded"] == ZERO


def test_account__validator__with_his_seats(play, lens, committee, validators):
    owner = validators[0]
    play.seat(owner)
    found = lens.account(owner, 0)
    assert found["seatCount"] == 2
    assert [(entry["seatId"], plain(entry["seat"])) for entry in found["seats"]] == [
        (seat_id, plain(committee.seat(seat_id))) for seat_id in committee.seatsOf(owner)
    ]


def test_account__more_seats_than_a_page__are_cut(play, lens, accounts, deployer):
    owner = accounts[19]
    play.token.transfer(owner, 10_000 * DLBC, {"from": deployer})
    play.token.approve(play.hub, 2**256 - 1, {"from": owner})
    play.fund(owner, stake=4_000 * DLBC)
    for _ in range(PAGE + 1):
        play.seat(owner)
    found = lens.account(owner, 0)
    assert (found["seatCount"], len(found["seats"])) == (PAGE + 1, PAGE)


def test_network__is_what_hub_and_token_say(play, lens, token, hub, committee, requester, miner, guardian):
    play.submit(requester, fee=100 * DLBC)
    round_ = play.open(requester, slot=2)
    play.hub.post(ZERO, {"from": miner})
    until = play.hub.pause(100, {"from": guardian}).events["PausedUntil"]["until"]
    found = lens.network()
    assert plain(found)[:13] == (
        str(hub.head()),
        hub.height(),
        hub.chainScore(),
        token.totalSupply(),
        hub.emitted(),
        1,
        until,
        2,
        1,
        1,
        hub.nextTask(),
        committee.availableSeats(),
        plain(hub.inbox()),
    )
    slots = [plain(slot) for slot in found["slots"]]
    assert [slot[0] for slot in slots] == [0, 1, 2, 3]
    assert slots[2] == (2, round_.id, round_.task_id, PHASES.index("Train"), hub.phase(round_.id)[1])
    assert [slot[1:] for slot in slots if slot[0] != 2] == [(0, 0, 0, 0)] * 3


def test_network__slot_taken_away__is_shown_while_its_round_runs(play, lens, requester, governor, profile):
    round_ = play.open(requester, slot=3)
    economy = (*profile.economy[:4], 1, *profile.economy[5:])
    play.hub.setParams(profile.timing, economy, profile.limits, {"from": governor})
    assert [slot["slot"] for slot in lens.network()["slots"]] == [0, 3]
    play.finalize(round_)
    assert [slot["slot"] for slot in lens.network()["slots"]] == [0]
