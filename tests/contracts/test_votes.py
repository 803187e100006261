"""`commitVote` and `revealVote`: hidden, bound to their validator, once; and how a ballot is closed."""

from __future__ import annotations

import pytest
from committee_rig import SEAT, closing
from round_play import PHASES, ZERO, keccak, plain, refused, wrong_phase

from dlbc.wire import merkle


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


@pytest.fixture
def seated(rig, validators):
    """A rig with five seats."""
    rig.seat(*validators)
    return rig


# COMMITTING


@pytest.mark.parametrize("phase", range(len(PHASES)))
def test_commit_vote__nobody_drawn__reverts(seated, phase):
    round_id = seated.round(phase=phase)
    with refused("WrongPhase", phase):
        seated.committee.commitVote.call(round_id, 0, keccak("vote"), seated.by)


def test_commit_vote__sealed_only__reverts(seated):
    round_id = seated.round()
    seated.committee.draw(round_id, seated.by)
    with wrong_phase("Draw"):
        seated.committee.commitVote.call(round_id, 0, keccak("vote"), seated.by)


@pytest.mark.parametrize("beyond", [-1, 1, 2_048, 2**32, 2**64, 2**255])
def test_commit_vote__no_such_round__reverts(seated, beyond):
    """Also where the tag, or the lowest 32 bits, are those of a round at work."""
    seated.rounds += 1
    round_id = seated.drawn()
    with refused("WrongPhase", 0):
        seated.committee.commitVote.call(round_id + beyond, 0, keccak("vote"), seated.by)


def test_commit_vote__not_drawn__reverts(play, drawn, stranger):
    with refused("NotDrawn", drawn.id, stranger):
        play.committee.commitVote.call(drawn.id, 0, keccak("vote"), {"from": stranger})


def test_commit_vote__on_anothers_position__reverts(play, drawn):
    owner = play.committee.members(drawn.id)[0][1]
    with refused("NotDrawn", drawn.id, owner):
        play.committee.commitVote.call(drawn.id, 1, keccak("vote"), {"from": owner})


@pytest.mark.parametrize("pos", [3, 7, 15, 16, 255])
def test_commit_vote__no_such_position__reverts(play, drawn, pos):
    owner = play.committee.members(drawn.id)[0][1]
    with refused("NotDrawn", drawn.id, owner):
        play.committee.commitVote.call(drawn.id, pos, keccak("vote"), {"from": owner})


def test_commit_vote__twice__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    play.commit_vote(vote)
    with refused("AlreadyVoted", drawn.id, 0):
        play.committee.commitVote.call(drawn.id, 0, keccak("other"), {"from": vote[3]})


def test_commit_vote__too_late__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    assert play.wait(drawn) == "VoteReveal"
    with wrong_phase("VoteReveal"):
        play.committee.commitVote.call(drawn.id, 0, keccak("vote"), {"from": vote[3]})


def test_commit_vote__closed_ballot__reverts(seated):
    round_id = seated.drawn()
    vote = seated.vote(round_id, 0)
    seated.close(round_id)
    with wrong_phase("Final"):
        seated.commit(vote)


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


@pytest.mark.parametrize("pos", [0, 6, 7, 14])
def test_commit_vote__any_position_of_fifteen__counts_once(rig, accounts, pos):
    rig.seat(*accounts[1:16])
    rig.rules(15)
    round_id = rig.drawn()
    vote = rig.vote(round_id, pos, 2**256 - 1)
    rig.commit(vote)
    members = rig.committee.members(round_id)
    assert [number for number, member in enumerate(members) if str(member[2]) != ZERO] == [pos]
    rig.pass_phase(round_id, "VoteCommit")
    rig.reveal(vote)
    votes = rig.committee.votes(round_id)
    assert (votes["size"], votes["quorum"], votes["revealed"], votes["unopened"]) == (15, 11, 1 << pos, 0)
    assert plain(votes["words"]) == tuple(2**256 - 1 if number == pos else 0 for number in range(15))


# OPERATORS


def test_commit_vote__operator__votes_for_the_owner(seated, operator, stranger):
    round_id = seated.drawn()
    vote = seated.vote(round_id, 0, 300)
    seated.stub.setOperator(operator, {"from": vote.validator})
    with refused("NotDrawn", round_id, stranger):
        seated.commit(vote, stranger)
    event = seated.commit(vote, operator).events["VoteCommitted"]
    assert event["validator"] == vote.validator
    with refused("AlreadyVoted", round_id, 0):
        seated.commit(vote)
    seated.pass_phase(round_id, "VoteCommit")
    assert seated.reveal(vote).events["VoteRevealed"]["validator"] == vote.validator


def test_commit_vote__operator_of_another_member__reverts(seated, operator):
    round_id = seated.drawn()
    votes = [seated.vote(round_id, pos) for pos in range(2)]
    seated.stub.setOperator(operator, {"from": votes[0].validator})
    with refused("NotDrawn", round_id, operator):
        seated.commit(votes[1], operator)


def test_commit_vote__operator_taken_back__reverts(play, drawn, operator):
    vote = play.vote(drawn, 0, 300)
    play.hub.setOperator(operator, {"from": vote[3]})
    play.hub.setOperator("0x" + "00" * 20, {"from": vote[3]})
    with refused("NotDrawn", drawn.id, operator):
        play.committee.commitVote.call(drawn.id, 0, keccak("vote"), {"from": operator})


def test_commit_vote__operator_of_the_hub__votes(play, drawn, operator):
    vote = play.vote(drawn, 0, 300)
    play.hub.setOperator(operator, {"from": vote[3]})
    hashed = play.committee.hashVote(vote)
    event = play.committee.commitVote(drawn.id, 0, hashed, {"from": operator}).events["VoteCommitted"]
    assert event["validator"] == vote[3]


# REVEALING


def test_reveal_vote__while_votes_are_committed__reverts(play, drawn):
    vote = play.vote(drawn, 0, 300)
    play.commit_vote(vote)
    with wrong_phase("VoteCommit"):
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


@pytest.mark.parametrize("pos", [3, 14, 15, 255])
def test_reveal_vote__no_such_position__reverts(seated, pos):
    round_id = seated.drawn()
    vote = seated.vote(round_id, 0)._replace(pos=pos)
    seated.pass_phase(round_id, "VoteCommit")
    with refused("NotDrawn", round_id, vote.validator):
        seated.reveal(vote)


def test_reveal_vote__left_over_from_the_slots_last_round__reverts(seated):
    """The words of the last round lie where those of this one will: nothing of them counts."""
    old = seated.judge(seated.drawn(), 300, 300, 300)[0]
    seated.close(old.roundId)
    round_id = seated.drawn()
    assert plain(seated.committee.votes(round_id)["words"]) == (0, 0, 0)
    assert all(str(member[2]) == ZERO and not member[4] for member in seated.committee.members(round_id))
    seated.pass_phase(round_id, "VoteCommit")
    with wrong_phase("Final"):
        seated.reveal(old)
    again = old._replace(roundId=round_id)
    with refused("VoteMismatch", seated.committee.hashVote(again), ZERO):
        seated.reveal(again)


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


def test_reveal_vote__committed_in_anothers_name__reverts(seated):
    """Nobody puts words into another one's mouth, even at a position of his own."""
    round_id = seated.drawn()
    victim, liar = (seated.vote(round_id, pos, 300) for pos in range(2))
    forged = liar._replace(validator=victim.validator)
    seated.committee.commitVote(round_id, 1, seated.committee.hashVote(forged), {"from": liar.validator})
    seated.pass_phase(round_id, "VoteCommit")
    with refused("NotDrawn", round_id, victim.validator):
        seated.reveal(forged)


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
    with wrong_phase("Tally"):
        play.committee.revealVote.call(votes[0], {"from": votes[0][3]})


def test_reveal_vote__sent_by_anyone__opens(seated, stranger):
    round_id = seated.drawn()
    vote = seated.vote(round_id, 0, 300)
    seated.commit(vote)
    seated.pass_phase(round_id, "VoteCommit")
    event = seated.committee.revealVote(vote, {"from": stranger}).events["VoteRevealed"]
    assert (event["validator"], event["evalRoot"], event["salt"]) == (vote.validator, vote.evalRoot, vote.salt)


def test_reveal_vote__last_one__ends_the_phase(play, committed, profile):
    round_, votes = committed
    for vote in votes:
        assert play.phase(round_) == "VoteReveal"
        transaction = play.reveal_vote(vote)
    event = transaction.events["VoteRevealed"]
    assert (event["pos"], event["word"], event["validator"]) == (2, 302, votes[2][3])
    assert play.phase(round_) == "Appeal"
    assert play.hub.phase(round_.id)[1] == transaction.timestamp + profile.timing[7]
    assert [member[3] for member in play.committee.members(round_.id)] == [300, 301, 302]
    verdicts, _ = play.committee.verdicts(round_.id, 1, 4)
    assert plain(verdicts[0]) == (301, 0, True)


def test_reveal_vote__empty_word__counts(seated):
    """A word may be 0: masks say who voted, not words."""
    round_id = seated.drawn()
    seated.judge(round_id, 0, 0, 0)
    assert seated.committee.votes(round_id)["revealed"] == 0b111
    assert plain(seated.committee.verdicts(round_id, 1, 0)[0]) == ((0, 0, True),)


# CLOSING


def test_close__stranger__reverts(play, drawn, stranger):
    with refused("NotHub", stranger):
        play.committee.close.call(drawn.id, False, 0, 0, 0, SEAT, {"from": stranger})


def test_close__votes_and_gaps__in_one_root(seated):
    """By position, 32 zero bytes for who committed nothing; a commit that was never opened counts."""
    round_id = seated.drawn()
    votes = [seated.vote(round_id, pos, 300 + pos) for pos in range(3)]
    for pos in (0, 2):
        seated.commit(votes[pos])
    seated.pass_phase(round_id, "VoteCommit")
    seated.reveal(votes[2])
    owners, penalties, challengers, root = closing(seated.close(round_id, absent=100))
    assert owners == [vote.validator for vote in votes]
    assert penalties == [SEAT // 100, SEAT // 100, 0]
    assert challengers == []
    hashes = [bytes(seated.committee.hashVote(vote)) for vote in votes]
    assert root == "0x" + merkle.vote_root([hashes[0], bytes(32), hashes[2]]).hex()


def test_close__failed_draw__says_nothing(rig):
    round_id = rig.drawn()
    assert closing(rig.close(round_id)) == ([], [], [], ZERO)


def test_close__one_of_two_rounds__leaves_the_other_at_work(rig, accounts):
    rig.seat(*accounts[1:8])
    first, second = rig.drawn(0), rig.drawn(1)
    vote = rig.vote(second, 0, 300)
    rig.close(first)
    assert rig.committee.availableSeats() == 4
    assert rig.commit(vote).events["VoteCommitted"]["roundId"] == second


def test_ballot__next_round_of_the_slot__forgets_the_last_one(play, requester, miner):
    first = play.judged(requester, {miner: 300})
    play.finalize(first, first.models[0])
    assert play.committee.ballot(first.id)["revealed"] == 3
    second = play.judged(requester, {miner: 310})
    assert play.committee.ballot(first.id)["revealed"] == 0
    assert plain(play.committee.members(first.id)) == ()
    assert plain(play.committee.votes(first.id)) == (0, 0, 0, 0, False, 0, ZERO, ())
    assert plain(play.committee.verdicts(second.id, 1, 4)[0]) == ((310, 0, True),)
    assert play.committee.ballotWord(first.id, 0) == 0
