"""`appeal`: a larger committee, once a round, against a bond which only another judgement gives back."""

from __future__ import annotations

import pytest
from money import (
    APPEAL_BOND,
    BOND,
    MINER_UNIT,
    SEAT_UNIT,
    Split,
    advance,
    gains,
    left,
    outcome_of,
    settle,
)
from round_play import (
    INVALID,
    MISDECLARED,
    OUTCOMES,
    PHASES,
    ZERO,
    ended,
    paid,
    plain,
    refused,
    slashed,
    wait_until,
    wrong_phase,
)


@pytest.fixture
def benches(play, validators):
    """A second seat for each validator: ten."""
    play.seat(*validators)


@pytest.fixture
def judged(play, benches, requester, miner, other_miner):
    """The first committee found for `miner`."""
    return play.judged(requester, {miner: 310, other_miner: 300})


def appeal(play, round_, by):
    return play.hub.appeal(round_.id, round_.spec, {"from": by})


def judge_again(play, round_, word=None):
    play.draw(round_)
    size = play.committee.ballot(round_.id)["size"]
    play.judge(round_, *[play.word(round_, {}) if word is None else word] * size)
    return play.owners(round_)


# REVERTS


def test_appeal__before_the_votes_are_in__reverts(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    with wrong_phase("VoteCommit"):
        play.hub.appeal.call(round_.id, round_.spec, {"from": miner})


def test_appeal__too_late__reverts(play, judged, miner):
    play.wait(judged)
    with wrong_phase("Tally"):
        play.hub.appeal.call(judged.id, judged.spec, {"from": miner})


def test_appeal__without_a_quorum__reverts(play, requester, miner):
    """There is no judgement to appeal: the epoch is void anyway."""
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, 300)
    play.wait_for(round_, "Tally")
    with wrong_phase("Tally"):
        play.hub.appeal.call(round_.id, round_.spec, {"from": miner})


def test_appeal__other_spec__reverts(play, judged, miner):
    with refused("SpecMismatch"):
        play.hub.appeal.call(judged.id, judged.spec._replace(fee=1), {"from": miner})


def test_appeal__without_credit__reverts(play, judged, deployer):
    with refused("InsufficientCredit", 0, APPEAL_BOND):
        play.hub.appeal.call(judged.id, judged.spec, {"from": deployer})


def test_appeal__until_the_last_second__is_heard(play, judged, miner):
    end = play.hub.phase(judged.id)[1]
    wait_until(end - 1)
    play.hub.appeal.call(judged.id, judged.spec, {"from": miner})
    wait_until(end)
    with wrong_phase("Tally"):
        play.hub.appeal.call(judged.id, judged.spec, {"from": miner})


def test_appeal__a_second_time__reverts(play, judged, miner, other_miner):
    """It could use up the epoch in which excluded claims enter."""
    appeal(play, judged, miner)
    judge_again(play, judged)
    assert play.phase(judged) == "Appeal"
    with refused("NoAppealLeft", 1, 1):
        play.hub.appeal.call(judged.id, judged.spec, {"from": other_miner})


def test_appeal__of_the_last_epoch__reverts(play, benches, requester, miner):
    round_ = play.shown(requester, {miner: 300})
    for _ in range(2):
        play.draw(round_)
        play.finalize(round_)
    judge_again(play, round_)
    assert play.phase(round_) == "Appeal"
    with refused("NoAppealLeft", 2, 0):
        play.hub.appeal.call(round_.id, round_.spec, {"from": miner})


# THE NEXT EPOCH


def test_appeal__takes_the_bond_pays_the_committee_and_draws_a_larger_one(play, judged, other_miner):
    validators = play.owners(judged)
    ledger = play.watch()
    transaction = appeal(play, judged, other_miner)
    each = advance(play, 3)
    assert transaction.events["Appealed"] == {
        "roundId": judged.id,
        "appellant": other_miner,
        "epoch": 0,
        "outcome": OUTCOMES.index("Block"),
        "winner": judged.models[0].hash,
    }
    assert ended(transaction) == (0, "Appeal")
    assert ledger.credits == gains((other_miner, -APPEAL_BOND), *((v, each) for v in validators))
    assert not ledger.stakes
    assert ledger.supply == 0
    assert plain(play.hub.appealsOf(judged.id)) == ((other_miner, APPEAL_BOND, judged.models[0].hash, 1),)
    state = play.hub.round(judged.id)
    assert (state["epoch"], state["appeals"], state["tips"], state["advanced"]) == (1, 1, 2, 3 * each)
    assert PHASES[state["phase"]] == "Seal"
    play.check_conservation()

    play.draw(judged)
    ballot = play.committee.ballot(judged.id)
    assert (ballot["epoch"], ballot["size"], ballot["quorum"]) == (1, 7, 5)


def test_appeal__judgement_confirmed__the_bond_goes_to_those_who_judged_again(
    play, judged, miner, other_miner, requester, stranger
):
    appeal(play, judged, other_miner)
    owners = judge_again(play, judged)
    transaction, ledger = settle(play, judged, judged.models[0])
    split = Split(left(play, judged, tips=4), validators=7, advanced=3 * advance(play, 3))
    assert ledger.credits == gains(
        (miner, split.winner(places=1) + split.emission),
        (other_miner, split.place),
        *((owner, split.each + APPEAL_BOND // 7) for owner in owners),
        (requester, BOND),
        (stranger, play.tip),
    )
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + APPEAL_BOND % 7
    assert play.hub.appealsOf(judged.id)[0]["bond"] == 0
    assert [payment for payment in paid(transaction) if payment[1] == "AppealBond"] == [
        (owner, "AppealBond", APPEAL_BOND // 7) for owner in owners
    ]
    play.check_conservation()


def test_appeal__another_winner__gives_the_bond_back(play, judged, miner, other_miner):
    appeal(play, judged, other_miner)
    judge_again(play, judged, play.word(judged, {miner: INVALID}))
    transaction = play.finalize(judged, judged.models[1])
    assert outcome_of(transaction) == "Block"
    assert [payment for payment in paid(transaction) if payment[1] == "AppealBond"] == [
        (other_miner, "AppealBond", APPEAL_BOND)
    ]
    assert slashed(transaction) == [(miner, "Invalid", MINER_UNIT // 2)]
    play.check_conservation()


def test_appeal__another_outcome__gives_the_bond_back(play, judged, requester):
    appeal(play, judged, requester)
    judge_again(play, judged, play.word(judged, {}, MISDECLARED))
    transaction = play.finalize(judged)
    assert outcome_of(transaction) == "TaskFault"
    assert (requester, "AppealBond", APPEAL_BOND) in paid(transaction)
    play.check_conservation()


def test_appeal__fault_confirmed__the_bond_is_lost(play, benches, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, *[300 | MISDECLARED] * 3)
    appeal(play, round_, requester)
    assert plain(play.hub.appealsOf(round_.id)[0])[2:] == (ZERO, OUTCOMES.index("TaskFault"))
    owners = judge_again(play, round_, 300 | MISDECLARED)
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "TaskFault"
    assert str(requester) not in ledger.credits
    split = Split(left(play, round_, tips=4), validators=7, advanced=3 * advance(play, 3))
    share = split.winner() + BOND
    assert ledger.credits == gains(
        *((owner, split.each + APPEAL_BOND // 7) for owner in owners), (miner, share // 2), (play.keeper, play.tip)
    )
    play.check_conservation()


def test_appeal__no_quorum_in_the_end__gives_the_bond_back(play, judged, other_miner, requester):
    appeal(play, judged, other_miner)
    for _ in range(2):
        play.draw(judged)
        transaction, ledger = settle(play, judged)
    assert outcome_of(transaction) == "NoQuorum"
    assert (other_miner, "AppealBond", APPEAL_BOND) in paid(transaction)
    total = left(play, judged, tips=6)
    miners = total - 2 * (total // 10)
    advanced = 3 * advance(play, 3)
    assert ledger.credits[str(requester)] == total - advanced - miners // 2 * 2 + BOND
    play.check_conservation()


def test_appeal__disputed_votes__slash_only_the_absent(play, benches, requester, miner):
    """Who was off the median, and who lied, is judged again: but who did not vote did not vote."""
    round_ = play.drawn(requester, {miner: 350})
    owners = play.owners(round_)
    play.judge(round_, 200, 200)
    play.wait_for(round_, "Appeal")
    ledger = play.watch()
    transaction = appeal(play, round_, miner)
    assert slashed(transaction) == [(owners[2], "Absent", SEAT_UNIT // 100)]
    assert ledger.supply == -SEAT_UNIT // 100
    each = advance(play, 2)
    assert paid(transaction) == [(owner, "Validator", each) for owner in owners[:2]]
    play.check_conservation()


def test_appeal__far_votes__are_paid_and_not_slashed(play, benches, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    owners = play.owners(round_)
    play.judge(round_, 300, 300, 100)
    transaction = appeal(play, round_, miner)
    assert not slashed(transaction)
    assert [account for account, kind, _ in paid(transaction) if kind == "Validator"] == owners
    play.check_conservation()


def test_appeal__of_an_epoch_that_would_go_on__keeps_the_list(play, benches, requester, miners):
    """Six liars and an excluded claim: the appeal comes before the removal."""
    round_ = play.drawn(requester, dict.fromkeys(miners[:6], 350) | {miners[6]: 320})
    play.judge(round_, *[play.word(round_, dict.fromkeys(miners[:6], 200))] * 3)
    appeal(play, round_, miners[0])
    assert plain(play.hub.appealsOf(round_.id)[0])[2:] == (ZERO, 0)
    state = play.hub.round(round_.id)
    assert (state["listed"], state["shown"], state["excluded"]) == (6, 6, 1)
    assert play.phase(round_) == "Seal"
    judge_again(play, round_)
    transaction = play.finalize(round_, round_.model_of(play.hub.preview(round_.id, round_.spec)[1]))
    assert (miners[0], "AppealBond", APPEAL_BOND) in paid(transaction)
    play.check_conservation()


def test_appeal__same_judgement_that_another_epoch_is_due__loses_the_bond_with_it(play, benches, requester, miners):
    """Decided where the judgement falls, not at the round's end: the disqualified cannot wait for another end."""
    round_ = play.drawn(requester, dict.fromkeys(miners[:6], 350) | {miners[6]: 320})
    word = play.word(round_, dict.fromkeys(miners[:6], 200))
    play.judge(round_, word, word, word)
    appeal(play, round_, miners[0])
    owners = judge_again(play, round_, word)
    transaction, ledger = settle(play, round_)
    assert ended(transaction) == (1, "Excluded")
    each = advance(play, 7, 3 * advance(play, 3))
    assert ledger.credits == gains(*((owner, each + APPEAL_BOND // 7) for owner in owners), (play.keeper, play.tip))
    assert ledger.supply == -6 * MINER_UNIT - APPEAL_BOND % 7
    assert plain(play.hub.appealsOf(round_.id)) == ((miners[0], 0, ZERO, 0),)
    play.check_conservation()


def test_appeal__others_qualify_than_before__gives_the_bond_back(play, benches, requester, miners):
    """An epoch is due either way, but one of the liars was none."""
    round_ = play.drawn(requester, dict.fromkeys(miners[:6], 350) | {miners[6]: 349})
    word = play.word(round_, dict.fromkeys(miners[:6], 200))
    play.judge(round_, word, word, word)
    appeal(play, round_, miners[0])
    judge_again(play, round_, play.word(round_, dict.fromkeys(miners[1:6], 200) | {miners[0]: 347}))
    transaction = play.finalize(round_)
    assert ended(transaction) == (1, "Excluded")
    assert [payment for payment in paid(transaction) if payment[1] == "AppealBond"] == [
        (miners[0], "AppealBond", APPEAL_BOND)
    ]
    play.check_conservation()


def test_appeal__few_seats__does_not_ask_for_an_impossible_quorum(play, requester, miner, other_miner):
    """Five seats in all: five are drawn, and four must vote."""
    round_ = play.judged(requester, {miner: 310, other_miner: 300})
    appeal(play, round_, other_miner)
    play.draw(round_)
    ballot = play.committee.ballot(round_.id)
    assert (ballot["size"], ballot["quorum"]) == (5, 4)
