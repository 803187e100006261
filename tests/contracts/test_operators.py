"""`setOperator`: who may work for an account, and what he may not do with it."""

from __future__ import annotations

from round_play import DLBC, refused

NOBODY = "0x" + "00" * 20


def test_set_operator__nobody_before_and_after__reverts(hub, miner):
    with refused("SameOperator", NOBODY):
        hub.setOperator.call(NOBODY, {"from": miner})


def test_set_operator__the_same_again__reverts(hub, miner, operator):
    hub.setOperator(operator, {"from": miner})
    with refused("SameOperator", operator):
        hub.setOperator.call(operator, {"from": miner})


def test_set_operator__oneself__reverts(hub, miner):
    with refused("SameOperator", miner):
        hub.setOperator.call(miner, {"from": miner})


def test_set_operator__another__replaces_the_first(hub, miner, operator, stranger):
    assert hub.operatorOf(miner) == NOBODY
    for chosen in (operator, stranger, NOBODY):
        transaction = hub.setOperator(chosen, {"from": miner})
        assert transaction.events["OperatorSet"] == {"account": miner, "operator": chosen}
        assert hub.operatorOf(miner) == chosen
    assert hub.operatorOf(operator) == NOBODY


def test_operator__of_two_accounts__works_for_both(hub, miner, other_miner, operator):
    for owner in (miner, other_miner):
        hub.setOperator(operator, {"from": owner})
        assert hub.operatorOf(owner) == operator


def test_operator__another_accounts_money__stays_where_it_is(play, miner, validators, committee, operator):
    """Every verb that moves money or a seat is for the owner: an operator meets his own empty account."""
    owner = validators[0]
    play.hub.setOperator(operator, {"from": owner})
    before = play.hub.account(owner)
    for verb in (play.hub.withdraw, play.hub.stake):
        with refused("InsufficientCredit", 0, 1):
            verb.call(1, {"from": operator})
    with refused("InsufficientStake", 0, 1):
        play.hub.requestUnbond.call(1, {"from": operator})
    with refused("NothingUnbonding"):
        play.hub.unbond.call({"from": operator})
    with refused("NotSeatOwner"):
        committee.leaveSeat.call(committee.seatsOf(owner)[0], {"from": operator})
    assert play.hub.account(owner) == before


def test_commit_model__by_a_stranger_for_a_miner__reverts(play, requester, miner, stranger):
    round_ = play.open(requester)
    with refused("Unauthorized", stranger):
        play.hub.commitModel.call(*play.commit_arguments(round_, play.model(round_, miner)), {"from": stranger})


def test_commit_model__by_a_former_operator__reverts(play, requester, miner, operator):
    round_ = play.open(requester)
    play.hub.setOperator(operator, {"from": miner})
    play.hub.setOperator(NOBODY, {"from": miner})
    with refused("Unauthorized", operator):
        play.hub.commitModel.call(*play.commit_arguments(round_, play.model(round_, miner)), {"from": operator})


def test_commit_model__by_an_operator__locks_the_miners_stake(play, requester, miner, operator, profile):
    round_ = play.open(requester)
    play.hub.setOperator(operator, {"from": miner})
    model = play.model(round_, miner)
    transaction = play.hub.commitModel(*play.commit_arguments(round_, model), {"from": operator})
    assert transaction.events["ModelCommitted"]["miner"] == miner
    assert play.hub.account(miner)["locked"] == profile.economy[1]
    assert play.hub.account(operator)["locked"] == 0
    assert tuple(play.hub.commitOf(round_.id, miner)) == (1, False, True)


def test_claim_model__signed_by_the_operator__is_the_miners(play, requester, miner, operator):
    round_ = play.open(requester)
    (model,) = play.commit(round_, miner)
    play.reveal_key(round_)
    signature = play.sign(model, 200, signer=operator)
    with refused("BadSignature", miner):
        play.hub.claimModel.call(model.commitment, 200, round_.spec, 0, signature, play.by)
    play.hub.setOperator(operator, {"from": miner})
    play.hub.claimModel(model.commitment, 200, round_.spec, 0, signature, play.by)
    assert play.hub.candidates(round_.id)[0][0] == miner


def test_commit_vote__by_the_operator__is_the_validators(play, requester, miner, other_miner, operator):
    round_ = play.drawn(requester, {miner: 200, other_miner: 190})
    vote = play.vote(round_, 0, play.word(round_, {}))
    digest = play.committee.hashVote(vote)
    with refused("NotDrawn", round_.id, operator):
        play.committee.commitVote.call(round_.id, 0, digest, {"from": operator})
    play.hub.setOperator(operator, {"from": vote[3]})
    transaction = play.committee.commitVote(round_.id, 0, digest, {"from": operator})
    assert transaction.events["VoteCommitted"]["validator"] == vote[3]


def test_operator__withdraws__his_own_only(play, miner, operator):
    play.fund(operator, stake=0)
    play.hub.setOperator(operator, {"from": miner})
    before = play.credit(miner)
    play.hub.withdraw(5_000 * DLBC, {"from": operator})
    assert (play.credit(operator), play.credit(miner)) == (0, before)
