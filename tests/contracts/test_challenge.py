"""`challengeVote`: who has not done the work that he voted about is not paid for it."""

from __future__ import annotations

import pytest
from money import APPEAL_BOND, CHALLENGE_BOND, Split, advance, gains, left, settle
from round_play import DLBC, paid, refused, slashed, wait_until, wrong_phase

from dlbc.wire import merkle

SAMPLES = 20


class Bench:
    """A committee that keeps the predictions behind its votes."""

    def __init__(self, play, round_, words):
        self.play, self.round = play, round_
        # a prediction for each sample of the one candidate, other ones by each validator
        self.predictions = [[list(range(pos, pos + SAMPLES))] for pos in range(len(words))]
        self.votes = []
        for pos, word in enumerate(words):
            salt = play.vote(round_, pos, word)[-1]
            root = merkle.eval_root(bytes.fromhex(salt[2:]), self.predictions[pos])
            self.votes.append(play.vote(round_, pos, word, evalRoot="0x" + root.hex()))
        for vote in self.votes:
            play.commit_vote(vote)
        play.wait_for(round_, "VoteReveal")
        for vote in self.votes:
            play.reveal_vote(vote)
        self.owners = play.owners(round_)

    def open(self, pos):
        candidate, sample = self.play.committee.challengedLeaf(self.round.id, pos, self.round.spec)
        salt = bytes.fromhex(self.votes[pos][-1][2:])
        leaf, proof = merkle.eval_opening(salt, self.predictions[pos], candidate, sample)
        proof = ["0x" + node.hex() for node in proof]
        found = (leaf.candidate, leaf.sample, leaf.prediction)
        return self.play.committee.openLeaf(self.votes[pos], self.round.spec, found, proof, self.play.by)


@pytest.fixture
def bench(play, requester, miner):
    round_ = play.drawn(requester, {miner: 18}, scoreMax=SAMPLES, minScore=10, tol=2)
    return Bench(play, round_, [18, 18, 18])


def challenge(play, bench, pos, by):
    return play.hub.challengeVote(bench.round.id, pos, {"from": by})


# REVERTS


def test_challenge_vote__before_the_votes_are_in__reverts(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 300})
    with wrong_phase("VoteCommit"):
        play.hub.challengeVote.call(round_.id, 0, {"from": other_miner})


def test_challenge_vote__second_half_of_the_phase__reverts(play, bench, other_miner, profile):
    half = play.hub.phase(bench.round.id)[1] - profile.timing[7] // 2
    wait_until(half - 1)
    play.hub.challengeVote.call(bench.round.id, 0, {"from": other_miner})
    wait_until(half)
    with wrong_phase("Appeal"):
        play.hub.challengeVote.call(bench.round.id, 0, {"from": other_miner})


def test_challenge_vote__after_the_phase__reverts(play, bench, other_miner):
    play.wait(bench.round)
    with wrong_phase("Tally"):
        play.hub.challengeVote.call(bench.round.id, 0, {"from": other_miner})


def test_challenge_vote__without_credit__reverts(play, bench, deployer):
    with refused("InsufficientCredit", 0, CHALLENGE_BOND):
        play.hub.challengeVote.call(bench.round.id, 0, {"from": deployer})


def test_challenge_vote__no_such_vote__reverts(play, bench, other_miner):
    with refused("NotRevealed", bench.round.id, 3):
        play.hub.challengeVote.call(bench.round.id, 3, {"from": other_miner})


def test_challenge_vote__twice__reverts(play, bench, other_miner, miner):
    challenge(play, bench, 1, other_miner)
    with refused("AlreadyChallenged", bench.round.id, 1):
        play.hub.challengeVote.call(bench.round.id, 1, {"from": miner})


# AND WHAT BECOMES OF IT


def test_challenge_vote__takes_the_bond(play, bench, other_miner):
    ledger = play.watch()
    transaction = challenge(play, bench, 1, other_miner)
    assert transaction.events["VoteChallenged"] == {"roundId": bench.round.id, "challenger": other_miner, "pos": 1}
    assert ledger.credits == {str(other_miner): -CHALLENGE_BOND}
    play.check_conservation(unclaimed=CHALLENGE_BOND)


def test_challenge_vote__leaf_opened__the_bond_is_the_validators(play, bench, miner, other_miner, requester):
    challenge(play, bench, 1, other_miner)
    bench.open(1)
    transaction, ledger = settle(play, bench.round, bench.round.models[0])
    split = Split(left(play, bench.round))
    assert ledger.credits == gains(
        (miner, split.winner()),
        *((owner, split.each) for owner in bench.owners),
        (bench.owners[1], CHALLENGE_BOND),
        (requester, 100 * DLBC),
        (play.keeper, play.tip),
    )
    assert (bench.owners[1], "ChallengeBond", CHALLENGE_BOND) in paid(transaction)
    play.check_conservation()


def test_challenge_vote__leaf_not_opened__his_pay_is_burned_but_for_a_tenth(play, bench, miner, other_miner, requester):
    challenge(play, bench, 1, other_miner)
    transaction, ledger = settle(play, bench.round, bench.round.models[0])
    split = Split(left(play, bench.round))
    assert ledger.credits == gains(
        (miner, split.winner()),
        (bench.owners[0], split.each),
        (bench.owners[2], split.each),
        (other_miner, split.each // 10 + CHALLENGE_BOND),
        (requester, 100 * DLBC),
        (play.keeper, play.tip),
    )
    assert (other_miner, "Finder", split.each // 10) in paid(transaction)
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + split.each - split.each // 10
    assert not slashed(transaction)
    play.check_conservation()


def test_challenge_vote__incoherent_and_silent__has_no_pay_to_lose(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 18}, scoreMax=SAMPLES, minScore=10, tol=2)
    bench = Bench(play, round_, [18, 13, 18])
    challenge(play, bench, 1, other_miner)
    transaction = play.finalize(round_, round_.models[0])
    assert [payment[:2] for payment in paid(transaction) if payment[0] == other_miner] == [
        (other_miner, "ChallengeBond")
    ]
    split = Split(left(play, round_), validators=2)
    assert paid(transaction)[0] == (miner, "Winner", split.winner())
    play.check_conservation()


def test_challenge_vote__appealed_epoch__returns_bonds_and_pays_all(play, bench, validators, other_miner, miner):
    """The votes are disputed as a whole. Who opened his leaf keeps the bond, though."""
    challenge(play, bench, 0, other_miner)
    challenge(play, bench, 1, miner)
    bench.open(0)
    ledger = play.watch()
    play.hub.appeal(bench.round.id, bench.round.spec, {"from": miner})
    each = advance(play, 3)
    assert ledger.credits == gains(
        *((owner, each) for owner in bench.owners),
        (bench.owners[0], CHALLENGE_BOND),
        (miner, CHALLENGE_BOND - APPEAL_BOND),
    )
    play.check_conservation()


def test_challenge_vote__silent_judges__have_no_part_in_a_lost_appeal(play, validators, requester, miner, other_miner):
    play.seat(*validators)
    round_ = play.drawn(requester, {miner: 18}, scoreMax=SAMPLES, minScore=10, tol=2)
    Bench(play, round_, [18, 18, 18])
    play.hub.appeal(round_.id, round_.spec, {"from": other_miner})
    play.draw(round_)
    bench = Bench(play, round_, [18] * 7)
    challenge(play, bench, 2, other_miner)
    transaction = play.finalize(round_, round_.models[0])
    bonds = [payment for payment in paid(transaction) if payment[1] == "AppealBond"]
    assert bonds == [(owner, "AppealBond", APPEAL_BOND // 6) for pos, owner in enumerate(bench.owners) if pos != 2]
    play.check_conservation()
