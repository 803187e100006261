"""`commitModel` and `revealKey`: what is bound before anybody can know the test set."""

from __future__ import annotations

import pytest
from round_play import DLBC, PHASES, ZERO, hash_of_key, keccak, plain, refused, wait_until, wrong_phase


def test_commit_model__no_such_round__reverts(play, requester, miner):
    round_ = play.open(requester)
    arguments = play.commit_arguments(round_, play.model(round_, miner))
    with wrong_phase("None"):
        play.hub.commitModel.call(99, *arguments[1:], {"from": miner})


def test_commit_model__before_training__reverts(play, requester, miner):
    _, spec, key = play.submit(requester)
    round_ = play.opened(play.hub.openRound(0, play.by), spec, key)
    with wrong_phase("Settle"):
        play.hub.commitModel.call(*play.commit_arguments(round_, play.model(round_, miner)), {"from": miner})


def test_commit_model__at_the_deadline__reverts(play, requester, miner, other_miner):
    round_ = play.open(requester)
    play.commit(round_, other_miner)
    arguments = play.commit_arguments(round_, play.model(round_, miner))
    end = play.hub.round(round_.id)["commitEnd"]
    wait_until(end - 1)
    play.hub.commitModel.call(*arguments, {"from": miner})
    wait_until(end)
    with wrong_phase("Guard"):
        play.hub.commitModel.call(*arguments, {"from": miner})


def test_commit_model__other_anchor__reverts(play, requester, miner):
    """A reorganisation that changed the anchor must not cost a commit."""
    round_ = play.open(requester)
    arguments = list(play.commit_arguments(round_, play.model(round_, miner)))
    arguments[5] = keccak("elsewhere")
    with refused("AnchorMismatch", keccak("elsewhere"), round_.anchor):
        play.hub.commitModel.call(*arguments, {"from": miner})


def test_commit_model__other_spec__reverts(play, requester, miner):
    round_ = play.open(requester)
    arguments = list(play.commit_arguments(round_, play.model(round_, miner)))
    arguments[6] = keccak("another")
    with refused("SpecMismatch", keccak("another"), round_.spec_hash):
        play.hub.commitModel.call(*arguments, {"from": miner})


def test_commit_model__twice__reverts(play, requester, miner):
    round_ = play.open(requester)
    model = play.commit(round_, miner)[0]
    with refused("AlreadyCommitted", miner):
        play.hub.commitModel.call(*play.commit_arguments(round_, model), {"from": miner})


def test_commit_model__without_stake__reverts(play, requester, stranger):
    round_ = play.open(requester)
    arguments = play.commit_arguments(round_, play.model(round_, stranger))
    with refused("InsufficientStake", 0, 10 * DLBC):
        play.hub.commitModel.call(*arguments, {"from": stranger})


def test_commit_model__one_stake_behind_many_rounds__reverts(play, requester, miner):
    play.hub.requestUnbond(85 * DLBC, {"from": miner})
    first = play.open(requester, slot=0)
    second = play.open(requester, slot=1)
    play.commit(first, miner)
    with refused("InsufficientStake", 5 * DLBC, 10 * DLBC):
        play.hub.commitModel.call(*play.commit_arguments(second, play.model(second, miner)), {"from": miner})


def test_commit_model__in_training__locks_and_numbers(play, requester, miner, other_miner):
    round_ = play.open(requester)
    model = play.model(round_, miner)
    transaction = play.hub.commitModel(*play.commit_arguments(round_, model), {"from": miner})
    assert transaction.events["ModelCommitted"] == {
        "roundId": round_.id,
        "miner": miner,
        "sequence": 1,
        "commitment": play.announced(model),
        "artifact": model.commitment.artifact,
        "artifactBytes": 400_084,
    }
    play.commit(round_, other_miner)
    assert plain(play.hub.commitOf(round_.id, miner)) == (1, False, True)
    assert plain(play.hub.commitOf(round_.id, other_miner)) == (2, False, True)
    assert play.hub.account(miner)["locked"] == 10 * DLBC
    assert play.hub.round(round_.id)["commits"] == 2


def test_reveal_key__in_training__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    with wrong_phase("Train"):
        play.hub.revealKey.call(round_.id, round_.spec, round_.key, play.by)


def test_reveal_key__in_the_guard_time__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    assert play.wait(round_) == "Guard"
    with wrong_phase("Guard"):
        play.hub.revealKey.call(round_.id, round_.spec, round_.key, play.by)


def test_reveal_key__too_late__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.wait_for(round_, "Tally")
    with wrong_phase("Tally"):
        play.hub.revealKey.call(round_.id, round_.spec, round_.key, play.by)


def test_reveal_key__nobody_committed__reverts(play, requester):
    round_ = play.open(requester)
    assert play.wait(round_) == "Tally"
    with wrong_phase("Tally"):
        play.hub.revealKey.call(round_.id, round_.spec, round_.key, play.by)


@pytest.mark.parametrize("key", [ZERO, keccak("another key")])
def test_reveal_key__other_key__reverts(play, requester, miner, key):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.wait_for(round_, "Key")
    with refused("KeyMismatch", hash_of_key(key), round_.spec.keyHash):
        play.hub.revealKey.call(round_.id, round_.spec, key, play.by)


def test_reveal_key__spec_with_another_key_hash__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.wait_for(round_, "Key")
    spec = round_.spec._replace(keyHash=hash_of_key(ZERO))
    with refused("SpecMismatch"):
        play.hub.revealKey.call(round_.id, spec, ZERO, play.by)


def test_reveal_key__by_anyone__starts_the_claims(play, requester, miner, profile):
    round_ = play.open(requester)
    play.commit(round_, miner)
    transaction = play.reveal_key(round_)
    assert transaction.events["TestKeyRevealed"] == {"roundId": round_.id, "key": round_.key}
    state = play.hub.round(round_.id)
    assert state["keyAt"] == transaction.timestamp
    assert state["claimEnd"] == transaction.timestamp + profile.timing[3]
    assert state["showEnd"] == state["claimEnd"] + profile.timing[4]
    assert PHASES[state["phase"]] == "Claim"
