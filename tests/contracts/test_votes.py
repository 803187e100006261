"""`commitVote` and `revealVote`: hidden, bound to their validator, once."""

from __future__ import annotations

import pytest
from round_play import ZERO, keccak, plain, refused


@pytest.fixture
def drawn(play, requester, miner, other_miner):
    return play.drawn(requester, {miner: 300, other_miner: 310})


@pytest.fixture
def committed(play, drawn):
    """All three have committed: (round, votes)."""
    votes = [play.vote(drawn, pos, 300 + pos) for pos in range(3)]
    for vote in votes:
        play.commit_vote(vote)
    return drawn, votes


def test_commit_vote__before_the_draw__reverts(play, requester, miner):
    round_ = play.shown(requester, {miner: 300})
    with refused("WrongPhase", 7):
        play.committee.commitVote.call(round_.id, 0, keccak("vote"), play.by)


def test_commit_vote__not_drawn__reverts(play, drawn, stranger):
    with refused("NotDrawn", drawn.id, stranger):
        play.committee.commitVote.call(drawn.id, 0, keccak("vote"), {"from": stranger})


def test_commit_vote__no_such_position__reverts(play, drawn):
    owner = play.committee.members(drawn.id)[0][1]
    with refused("NotDrawn", drawn.id, owner):
        play.committee.commitVote.call(drawn.id, 3, keccak("vote"), {"from": owner})


def test_commit_vote__twice__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    play.commit_vote(vote)
    with refused("AlreadyVoted", drawn.id, 0):
        play.committee.commitVote.call(drawn.id, 0, keccak("other"), {"from": vote[3]})


def test_commit_vote__too_late__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    assert play.wait(drawn) == "VoteReveal"
    with refused("WrongPhase", 11):
        play.committee.commitVote.call(drawn.id, 0, keccak("vote"), {"from": vote[3]})


def test_commit_vote__last_one__ends_the_phase(play, drawn, profile):
    for pos in range(3):
        assert play.phase(drawn) == "VoteCommit"
        vote = play.vote(drawn, pos, 300)
        transaction = play.commit_vote(vote)
    assert transaction.events["VoteCommitted"] == {
        "roundId": drawn.id,
        "validator": vote[3],
        "epoch": 0,
        "pos": 2,
        "voteHash": play.committee.hashVote(vote),
    }
    ballot = play.committee.ballot(drawn.id)
    assert (ballot["committed"], ballot["commitEnd"]) == (3, transaction.timestamp)
    assert ballot["revealEnd"] == transaction.timestamp + profile.timing[6]
    assert play.phase(drawn) == "VoteReveal"


def test_reveal_vote__while_votes_are_committed__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    play.commit_vote(vote)
    with refused("WrongPhase", 10):
        play.committee.revealVote.call(vote, {"from": vote[3]})


@pytest.mark.parametrize("change", [{"word": 1}, {"evalRoot": keccak("root")}, {"salt": keccak("salt")}, {"epoch": 1}])
def test_reveal_vote__other_than_committed__reverts(play, committed, change):
    round_, _ = committed
    changed = play.vote(round_, 0, change.pop("word", 300), **change)
    with refused("VoteMismatch"):
        play.committee.revealVote.call(changed, {"from": changed[3]})


def test_reveal_vote__never_committed__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    play.wait_for(drawn, "VoteReveal")
    with refused("VoteMismatch", play.committee.hashVote(vote), ZERO):
        play.committee.revealVote.call(vote, {"from": vote[3]})


def test_reveal_vote__copied_vote__opens_for_nobody(play, drawn):
    """A thief commits his neighbour's hash: it names his neighbour and his neighbour's position."""
    vote, stolen = play.vote(drawn, 0, 300), play.vote(drawn, 1, 300)
    play.commit_vote(vote)
    thief = stolen[3]
    play.committee.commitVote(drawn.id, 1, play.committee.hashVote(vote), {"from": thief})
    play.wait_for(drawn, "VoteReveal")
    copied = play.vote(drawn, 1, 300, salt=vote[6])
    with refused("VoteMismatch"):
        play.committee.revealVote.call(copied, {"from": thief})
    moved = play.vote(drawn, 1, 300, validator=vote[3], salt=vote[6])
    with refused("NotDrawn", drawn.id, vote[3]):
        play.committee.revealVote.call(moved, {"from": thief})


def test_reveal_vote__of_an_earlier_epoch__reverts(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    owner = play.committee.members(round_.id)[0][1]
    old = play.vote(round_, 0, 300)
    play.finalize(round_)
    play.draw(round_)
    members = [member[1] for member in play.committee.members(round_.id)]
    pos = members.index(owner) if owner in members else 0
    old = (*old[:2], pos, members[pos], *old[4:])
    play.commit_vote(old)
    play.wait_for(round_, "VoteReveal")
    with refused("VoteMismatch"):
        play.committee.revealVote.call(old, {"from": old[3]})


def test_reveal_vote__twice__reverts(play, committed):
    round_, votes = committed
    play.reveal_vote(votes[0])
    with refused("AlreadyVoted", round_.id, 0):
        play.committee.revealVote.call(votes[0], {"from": votes[0][3]})


def test_reveal_vote__too_late__reverts(play, committed):
    round_, votes = committed
    assert play.wait(round_) == "Tally"
    with refused("WrongPhase", 13):
        play.committee.revealVote.call(votes[0], {"from": votes[0][3]})


def test_reveal_vote__last_one__ends_the_phase(play, committed):
    round_, votes = committed
    for vote in votes:
        assert play.phase(round_) == "VoteReveal"
        transaction = play.reveal_vote(vote)
    event = transaction.events["VoteRevealed"]
    assert (event["pos"], event["word"], event["validator"]) == (2, 302, votes[2][3])
    assert play.phase(round_) == "Tally"
    assert [member[3] for member in play.committee.members(round_.id)] == [300, 301, 302]
    verdicts, _ = play.committee.verdicts(round_.id, 1)
    assert verdicts[0][0] == 301


def test_close__stranger__reverts(play, drawn, stranger):
    with refused("NotHub", stranger):
        play.committee.close.call(drawn.id, False, 0, 0, {"from": stranger})


def test_ballot__next_round_of_the_slot__forgets_the_last_one(play, requester, miner):
    first = play.judged(requester, {miner: 300})
    play.finalize(first, first.models[0])
    assert play.committee.ballot(first.id)["revealed"] == 3
    second = play.judged(requester, {miner: 310})
    assert play.committee.ballot(first.id)["revealed"] == 0
    assert plain(play.committee.members(first.id)) == ()
    assert plain(play.committee.verdicts(second.id, 1)[0]) == ((310, 0),)
