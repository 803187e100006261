"""A declared earlier model: it must have been shown in a round that is final, and its miner has a share."""

from __future__ import annotations

import pytest
from money import BOND, Split, gains, left, settle
from round_play import keccak, paid, refused


@pytest.fixture
def earlier(play, requester, miner, other_miner):
    """A final round: `miner` won, the other showed his key, too."""
    round_ = play.judged(requester, {miner: 310, other_miner: 300})
    play.finalize(round_, round_.models[0])
    return round_


def committed(play, requester, miner, parent):
    round_ = play.open(requester)
    play.commit(round_, miner, parent=parent)
    play.reveal_key(round_)
    return round_


def claim(play, round_, parent_round):
    model = round_.models[0]
    return play.hub.claimModel.call(model.commitment, 300, round_.spec, parent_round, play.sign(model, 300), play.by)


def test_claim_model__parent_that_nobody_knows__reverts(play, requester, earlier, miners):
    round_ = committed(play, requester, miners[2], keccak("parent"))
    with refused("UnknownParent", keccak("parent"), earlier.id):
        claim(play, round_, earlier.id)


def test_claim_model__parent_in_no_such_round__reverts(play, requester, earlier, miners):
    round_ = committed(play, requester, miners[2], earlier.models[0].hash)
    for parent_round in (0, 99):
        with refused("UnknownParent", earlier.models[0].hash, parent_round):
            claim(play, round_, parent_round)


def test_claim_model__parent_in_a_live_round__reverts(play, requester, miners):
    live = play.shown(requester, {miners[3]: 300})
    round_ = play.open(requester, slot=1)
    play.commit(round_, miners[2], parent=live.models[0].hash)
    play.reveal_key(round_)
    with refused("UnknownParent", live.models[0].hash, live.id):
        claim(play, round_, live.id)


def test_claim_model__parent_that_was_not_shown__reverts(play, requester, miners):
    old = play.claimed(requester, {miners[0]: 300, miners[1]: 310})
    play.show(old.models[0])
    play.wait_for(old, "Seal")
    play.draw(old)
    play.judge(old, *[play.word(old, {})] * 3)
    play.finalize(old, old.models[0])
    round_ = committed(play, requester, miners[2], old.models[1].hash)
    with refused("UnknownParent", old.models[1].hash, old.id):
        claim(play, round_, old.id)


@pytest.mark.parametrize("which", [0, 1])
def test_claim_model__parent_that_was_shown__is_accepted(play, requester, earlier, miners, which):
    round_ = committed(play, requester, miners[2], earlier.models[which].hash)
    claim(play, round_, earlier.id)


def test_finalize__other_parent_round__reverts(play, requester, earlier, miners):
    round_ = _judged(play, requester, earlier, miners[2])
    play.wait_for(round_, "Tally")
    with refused("UnknownParent", earlier.models[1].hash, 0):
        play.hub.finalize.call(*play.finalize_arguments(round_, round_.models[0], 0), play.by)


def test_finalize__winner_with_a_parent__shares_the_fee(play, requester, earlier, other_miner, miners):
    """The parent need not have won: it was shown."""
    round_ = _judged(play, requester, earlier, miners[2])
    validators = play.owners(round_)
    transaction, ledger = settle(play, round_, round_.models[0], earlier.id)
    split = Split(left(play, round_))
    assert ledger.credits == gains(
        (miners[2], split.winner(places=1)),
        (other_miner, split.place),
        *((validator, split.each) for validator in validators),
        (requester, BOND),
        (play.keeper, play.tip),
    )
    assert (other_miner, "Parent", split.place) in paid(transaction)
    play.check_conservation()


def _judged(play, requester, earlier, miner):
    round_ = committed(play, requester, miner, earlier.models[1].hash)
    play.claim(round_, round_.models[0], 300, earlier.id)
    play.show(round_.models[0])
    play.draw(round_)
    play.judge(round_, 300, 300, 300)
    return round_
