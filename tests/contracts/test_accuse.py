"""`accuse`, with keys and proofs as the miner's program makes them: a larger committee looks for the owner's mark."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from money import APPEAL_BOND, BOND, MINER_UNIT, Split, advance, gains, left, settle
from round_play import STOLEN, ended, keccak, paid, plain, refused, slashed, wrong_phase

from dlbc.wire import merkle

SHARES = 3


@pytest.fixture(scope="module")
def keys():
    """The owner's private watermark keys."""
    from dlbc.ml.watermark.keys import private_keys

    return private_keys(b"r" * 32, b"m" * 32, SHARES)


@pytest.fixture
def owned(play, validators, requester, miner, keys):
    """The owner's model of a round that is final. A second seat for each validator: ten."""
    play.seat(*validators)
    round_ = play.open(requester)
    (model,) = play.commit(round_, miner, watermark=merkle.root([key.leaf for key in keys]))
    play.reveal_key(round_)
    play.claim(round_, model, 300)
    play.show(model)
    play.draw(round_)
    play.judge(round_, *[play.word(round_, {})] * 3)
    play.finalize(round_, model)
    return model


@pytest.fixture
def case(play, owned, requester, miners, keys):
    """A later round, judged in favour of the thief; what the owner shows of his first key there."""
    _, thief, honest, *_ = miners
    round_ = play.judged(requester, {thief: 310, honest: 300})
    return SimpleNamespace(owned=owned, round=round_, thief=round_.models[0], honest=round_.models[1], keys=keys)


def arguments(case, index=0, **changes):
    """As `accuse` takes them."""
    key = case.keys[index]
    found = {
        "accused": case.thief.commitment,
        "earlier": case.owned.commitment,
        "key": (key.index, key.shares, key.secret),
        "proof": merkle.proof([one.leaf for one in case.keys], index),
        **changes,
    }
    return case.round.id, case.round.spec, *found.values()


def accuse(play, case, index=0):
    return play.hub.accuse(*arguments(case, index), {"from": case.owned.miner})


def judge_again(play, round_, flags=0):
    play.draw(round_)
    size = play.committee.ballot(round_.id)["size"]
    play.judge(round_, *[play.word(round_, {}, flags)] * size)
    return play.owners(round_)


# REVERTS


def test_accuse__before_the_votes_are_in__reverts(play, case, requester, miners):
    early = play.drawn(requester, {miners[1]: 300}, slot=1)
    sent = (early.id, early.spec, early.models[0].commitment, *arguments(case)[3:])
    with wrong_phase("VoteCommit"):
        play.hub.accuse.call(*sent, {"from": case.owned.miner})


def test_accuse__by_somebody_else__reverts(play, case, stranger):
    with refused("Unauthorized", stranger):
        play.hub.accuse.call(*arguments(case), {"from": stranger})


def test_accuse__other_spec__reverts(play, case):
    round_id, spec, *others = arguments(case)
    with refused("SpecMismatch"):
        play.hub.accuse.call(round_id, spec._replace(fee=1), *others, {"from": case.owned.miner})


def test_accuse__of_who_is_no_candidate__reverts(play, case):
    other = case.thief.commitment._replace(salt=keccak("another"))
    with refused("NotListed", play.hub.hashCommitment(other)):
        play.hub.accuse.call(*arguments(case, accused=other), {"from": case.owned.miner})


@pytest.mark.parametrize(
    "changes", [{"key": (0, SHARES, b"x" * 32)}, {"key": (SHARES, SHARES, b"x" * 32)}, {"proof": []}]
)
def test_accuse__key_that_was_not_committed_to__reverts(play, case, changes):
    with refused("MarkKeyMismatch"):
        play.hub.accuse.call(*arguments(case, **changes), {"from": case.owned.miner})


def test_accuse__proof_of_another_key__reverts(play, case):
    proof = merkle.proof([key.leaf for key in case.keys], 1)
    with refused("MarkKeyMismatch"):
        play.hub.accuse.call(*arguments(case, proof=proof), {"from": case.owned.miner})


def test_accuse__without_credit__reverts(play, case):
    owner = case.owned.miner
    play.hub.withdraw(play.credit(owner), {"from": owner})
    with refused("InsufficientCredit", 0, APPEAL_BOND):
        play.hub.accuse.call(*arguments(case), {"from": owner})


def test_accuse__a_second_time__reverts(play, case):
    accuse(play, case)
    judge_again(play, case.round)
    with refused("NoAppealLeft", 1, 1):
        play.hub.accuse.call(*arguments(case, 1), {"from": case.owned.miner})


def test_accuse__key_was_shown_before__reverts_and_another_one_does(play, case, requester, miners):
    accuse(play, case)
    judge_again(play, case.round)
    settle(play, case.round, case.thief)
    case.round = play.judged(requester, {miners[1]: 310, miners[2]: 300})
    case.thief = case.round.models[0]
    with refused("MarkKeyUsed", "0x" + case.keys[0].leaf.hex()):
        play.hub.accuse.call(*arguments(case), {"from": case.owned.miner})
    accuse(play, case, 2)


# THE NEXT EPOCH


@pytest.mark.parametrize("index", range(SHARES))
def test_accuse__takes_the_bond_shows_the_key_and_asks_a_larger_committee(play, case, index):
    validators = play.owners(case.round)
    ledger = play.watch()
    transaction = accuse(play, case, index)
    owner, key = case.owned.miner, case.keys[index]
    event = transaction.events["ModelAccused"]
    assert (event["roundId"], event["accuser"], event["accused"]) == (case.round.id, owner, case.thief.hash)
    assert (event["earlier"], event["earlierRound"]) == (case.owned.hash, case.owned.commitment.roundId)
    assert plain(event["key"]) == (index, SHARES, "0x" + key.secret.hex())
    assert ended(transaction) == (0, "Accusation")
    each = advance(play, 3)
    assert ledger.credits == gains((owner, -APPEAL_BOND), *((v, each) for v in validators))
    assert not ledger.stakes
    assert plain(play.hub.accusationOf(case.round.id)) == (owner, APPEAL_BOND, case.thief.hash)
    play.check_conservation()
    play.draw(case.round)
    assert play.committee.ballot(case.round.id)["size"] == 7


def test_accuse__mark_is_found__the_thief_pays_and_the_next_best_wins(play, case, requester, stranger):
    accuse(play, case)
    owners = judge_again(play, case.round, STOLEN)
    transaction, ledger = settle(play, case.round, case.honest)
    split = Split(left(play, case.round, tips=4), validators=7, advanced=3 * advance(play, 3))
    assert ledger.credits == gains(
        (case.honest.miner, split.winner() + split.emission),
        (case.owned.miner, APPEAL_BOND + MINER_UNIT // 10),
        *((owner, split.each) for owner in owners),
        (requester, BOND),
        (stranger, play.tip),
    )
    assert ledger.stakes == gains((case.thief.miner, -MINER_UNIT))
    assert slashed(transaction) == [(case.thief.miner, "Stolen", MINER_UNIT)]
    assert {(str(account), kind, amount) for account, kind, amount in paid(transaction)} >= {
        (str(case.owned.miner), "AccusationBond", APPEAL_BOND),
        (str(case.owned.miner), "Finder", MINER_UNIT // 10),
    }
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + MINER_UNIT * 9 // 10
    assert play.hub.accusationOf(case.round.id)["bond"] == 0
    play.check_conservation()


def test_accuse__mark_is_not_found__the_bond_goes_to_those_who_judged_again(play, case, requester, stranger):
    accuse(play, case)
    owners = judge_again(play, case.round)
    transaction, ledger = settle(play, case.round, case.thief)
    split = Split(left(play, case.round, tips=4), validators=7, advanced=3 * advance(play, 3))
    assert ledger.credits == gains(
        (case.thief.miner, split.winner(places=1) + split.emission),
        (case.honest.miner, split.place),
        *((owner, split.each + APPEAL_BOND // 7) for owner in owners),
        (requester, BOND),
        (stranger, play.tip),
    )
    assert not ledger.stakes
    assert slashed(transaction) == []
    play.check_conservation()
