"""`showTrajectory`, and the phase Prove that a task may ask for."""

from __future__ import annotations

import pytest
from round_play import DLBC, ZERO, keccak, refused, wait_until, wrong_phase

PROVE_SECS = 67  # the most that 60 seconds of training allow
PROVEN = {"modes": 1, "proveSecs": PROVE_SECS}
STATES = keccak("opened states")


@pytest.fixture
def proving(play, requester, miner, other_miner):
    """A round in phase Prove with two candidates."""
    round_ = play.drawn(requester, {miner: 300, other_miner: 310}, **PROVEN)
    assert play.phase(round_) == "Prove"
    return round_


def test_submit_task__proof_longer_than_the_training_allows__reverts(play, requester):
    spec, _ = play.spec(requester, **{**PROVEN, "proveSecs": PROVE_SECS + 1})
    with refused("BadParameter"):
        play.hub.submitTask.call(spec, {"from": requester})


def test_show_trajectory__task_without_proof__reverts(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    with wrong_phase("VoteCommit"):
        play.hub.showTrajectory.call(round_.id, miner, STATES, 1_000, {"from": miner})


def test_show_trajectory__before_the_draw__reverts(play, requester, miner, other_miner):
    round_ = play.shown(requester, {miner: 300, other_miner: 310}, **PROVEN)
    with wrong_phase("Seal"):
        play.hub.showTrajectory.call(round_.id, miner, STATES, 1_000, {"from": miner})


def test_show_trajectory__too_late__reverts(play, proving, miner):
    assert play.wait(proving) == "VoteCommit"
    with wrong_phase("VoteCommit"):
        play.hub.showTrajectory.call(proving.id, miner, STATES, 1_000, {"from": miner})


def test_show_trajectory__for_another__reverts(play, proving, miner, other_miner):
    with refused("Unauthorized", other_miner):
        play.hub.showTrajectory.call(proving.id, miner, STATES, 1_000, {"from": other_miner})


def test_show_trajectory__never_committed__reverts(play, proving, stranger):
    with refused("NotShown", stranger):
        play.hub.showTrajectory.call(proving.id, stranger, STATES, 1_000, {"from": stranger})


def test_show_trajectory__claim_below_the_threshold__reverts(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 300, other_miner: 99}, **PROVEN)
    with refused("NotShown", other_miner):
        play.hub.showTrajectory.call(round_.id, other_miner, STATES, 1_000, {"from": other_miner})


def test_show_trajectory__key_not_shown__reverts(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 310}, **PROVEN)
    play.show(round_.models[0])
    play.wait_for(round_, "Seal")
    play.draw(round_)
    with refused("NotShown", other_miner):
        play.hub.showTrajectory.call(round_.id, other_miner, STATES, 1_000, {"from": other_miner})


def test_show_trajectory__candidate__is_announced(play, proving, miner):
    event = play.hub.showTrajectory(proving.id, miner, STATES, 1_000, {"from": miner}).events["TrajectoryShown"]
    assert event == {
        "roundId": proving.id,
        "miner": miner,
        "commitmentHash": proving.models[0].hash,
        "epoch": 0,
        "artifact": STATES,
        "artifactBytes": 1_000,
    }


def test_show_trajectory__by_the_operator__is_announced(play, proving, miner, operator):
    play.hub.setOperator(operator, {"from": miner})
    shown = play.hub.showTrajectory(proving.id, miner, STATES, 1_000, {"from": operator})
    assert shown.events["TrajectoryShown"]["miner"] == miner


def test_prove__votes__wait_for_it_and_have_as_much_more_time(play, proving):
    """Who judges runs again what was opened: a vote before that would be one on a claim."""
    ballot = play.committee.ballot(proving.id)
    assert ballot["commitEnd"] - ballot["voteStart"] == play.hub.timing()["voteCommitSecs"] + PROVE_SECS
    assert ballot["revealEnd"] - ballot["commitEnd"] == play.hub.timing()["voteRevealSecs"]
    owner = play.owners(proving)[0]
    wait_until(ballot["voteStart"] - 1)
    with wrong_phase("Prove"):
        play.committee.commitVote.call(proving.id, 0, keccak("vote"), {"from": owner})
    wait_until(ballot["voteStart"])
    play.committee.commitVote(proving.id, 0, keccak("vote"), {"from": owner})


def test_prove__flagged_by_a_majority__is_not_paid(play, proving, miner, other_miner):
    """The flag decides, whatever was announced; nobody is slashed for what a machine may have miscounted."""
    play.wait_for(proving, "VoteCommit")
    before = play.watch()
    forged = 310 | 1 << 39
    play.judge(proving, *[play.word(proving, {other_miner: forged})] * 3)
    play.finalize(proving, proving.models[0])
    assert before.credits.get(str(other_miner), 0) == 0
    assert before.credits[str(miner)] > 100 * DLBC
    assert before.stakes == {}
    assert play.hub.head() != ZERO


def test_prove__second_epoch__proves_again(play, proving, requester):
    """Another committee, another seed, other states to open."""
    play.wait_for(proving, "Tally")
    play.finalize(proving)
    assert play.phase(proving) == "Seal"
    play.draw(proving)
    assert play.phase(proving) == "Prove"
