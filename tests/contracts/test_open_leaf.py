"""Challenges: one leaf of a validator's work, chosen by nobody, and its proof up to what he committed."""

from __future__ import annotations

from typing import NamedTuple

import brownie
import pytest
from committee_rig import Rig, Vote, closing, leaves, root_of, spec_of
from round_play import SKIPPED, UNAVAILABLE, ZERO, Spec, keccak, plain, refused, wait_until, wrong_phase

from dlbc.wire import merkle

NOBODY = "0x" + "00" * 20
SAMPLES = 5
# Three candidates, of whom the second was not evaluated.
PREDICTIONS = [[3, 1, 4, 1, 5], [], [-1, 2**31 - 1, -(2**31), 0, 6]]
WORD = 300 | SKIPPED << 40 | 280 << 80


class Case(NamedTuple):
    """A round in phase Appeal in which position 0 was challenged."""

    rig: Rig
    round_id: int
    spec: Spec
    votes: list[Vote]
    challenged: object

    @property
    def vote(self) -> Vote:
        return self.votes[0]

    def asked(self) -> tuple[int, int]:
        return plain(self.rig.committee.challengedLeaf(self.round_id, 0, self.spec))

    def answer(self, predictions=None) -> tuple[tuple[int, int, int], list[str]]:
        """(leaf, proof) of what is asked for."""
        predictions = predictions or PREDICTIONS
        candidate, sample = self.asked()
        index = sum(map(len, predictions[:candidate])) + sample
        proof = merkle.proof(leaves(self.vote.salt, predictions), index)
        return (candidate, sample, predictions[candidate][sample]), ["0x" + node.hex() for node in proof]

    def open(self, leaf=None, proof=None, *, vote=None, spec=None):
        if leaf is None:
            leaf, proof = self.answer()
        return self.rig.committee.openLeaf(vote or self.vote, spec or self.spec, leaf, proof, self.rig.by)


def judged(rig: Rig, validators, *, word: int = WORD, predictions=None, listed: int = 3) -> Case:
    predictions = predictions or PREDICTIONS
    rig.seat(*validators[:3])
    spec = spec_of(max(map(len, predictions)))
    round_id = rig.drawn(listed=listed, spec=spec)
    votes = rig.judge(round_id, word, word, word, predictions=predictions)
    return Case(rig, round_id, spec, votes, None)


@pytest.fixture
def revealed(rig, validators):
    """All three have voted, nobody is challenged."""
    return judged(rig, validators)


@pytest.fixture
def case(revealed, stranger):
    challenged = revealed.rig.stub.challenge(revealed.round_id, 0, {"from": stranger})
    return revealed._replace(challenged=challenged)


# CHALLENGING


def test_challenge__stranger__reverts(revealed, stranger):
    with refused("NotHub", stranger):
        revealed.rig.committee.challenge.call(revealed.round_id, 0, stranger, {"from": stranger})


@pytest.mark.parametrize("round_id", [0, 99, 2**256 - 1])
def test_challenge__no_such_round__reverts(revealed, round_id):
    with refused("WrongPhase", 0):
        revealed.rig.stub.challenge.call(round_id, 0, revealed.rig.by)


@pytest.mark.parametrize("pos", [3, 15, 16, 255])
def test_challenge__no_such_position__reverts(revealed, pos):
    with refused("NotRevealed", revealed.round_id, pos):
        revealed.rig.stub.challenge.call(revealed.round_id, pos, revealed.rig.by)


def test_challenge__never_revealed__reverts(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    rig.judge(round_id, WORD, WORD)
    with refused("NotRevealed", round_id, 2):
        rig.stub.challenge.call(round_id, 2, rig.by)


def test_challenge__twice__reverts(case):
    with refused("AlreadyChallenged", case.round_id, 0):
        case.rig.stub.challenge.call(case.round_id, 0, case.rig.by)


@pytest.mark.parametrize(
    ("word", "listed"),
    [
        (SKIPPED | SKIPPED << 40 | SKIPPED << 80, 3),
        (UNAVAILABLE | (UNAVAILABLE << 1) << 40, 2),
        (SKIPPED | 300 << 40, 1),  # a score for a candidate that does not exist
        (300, 0),
    ],
)
def test_challenge__nothing_evaluated__reverts(rig, validators, word, listed):
    round_ = judged(rig, validators, word=word, listed=listed)
    with refused("NothingEvaluated", round_.round_id, 1):
        rig.stub.challenge.call(round_.round_id, 1, rig.by)


def test_challenge__revealed_vote__counts_as_unopened(revealed, stranger):
    committee = revealed.rig.committee
    by = {"from": stranger}
    revealed.rig.stub.challenge(revealed.round_id, 1, by)
    assert committee.votes(revealed.round_id)["unopened"] == 0b010
    revealed.rig.stub.challenge(revealed.round_id, 2, by)
    assert committee.votes(revealed.round_id)["unopened"] == 0b110


# WHICH LEAF


def test_challenged_leaf__nobody_challenged__reverts(revealed):
    with refused("NotChallenged", revealed.round_id, 0):
        revealed.asked()


def test_challenged_leaf__other_spec__reverts(case):
    other = case.spec._replace(nonce=1)
    with refused("SpecMismatch", case.rig.stub.hashSpec(other), case.rig.stub.hashSpec(case.spec)):
        case.rig.committee.challengedLeaf(case.round_id, 0, other)


def test_challenged_leaf__any_challenge__is_by_the_last_blocks_hash(revealed, stranger):
    """Never of the candidate that was not evaluated."""
    rig, evaluated = revealed.rig, [0, 2]
    found = set()
    for number in range(20):
        before = brownie.web3.provider.make_request("evm_snapshot", [])["result"]
        # another time makes another block
        brownie.web3.provider.make_request("evm_increaseTime", [1 + number])
        brownie.web3.provider.make_request("evm_mine", [])
        # past Brownie, which would wait for a transaction that was taken back
        stub = brownie.web3.eth.contract(address=rig.stub.address, abi=rig.stub.abi)
        sent = stub.functions.challenge(revealed.round_id, 0).transact({"from": str(stranger), "gas": 10**6})
        receipt = brownie.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        parent = brownie.web3.eth.get_block(receipt["blockNumber"] - 1)["hash"]
        packed = bytes(parent) + b"".join(part.to_bytes(32, "big") for part in (revealed.round_id, 0, 0))
        seed = int.from_bytes(brownie.web3.keccak(packed), "big") % 2**96
        leaf = seed % (len(evaluated) * SAMPLES)
        assert revealed.asked() == (evaluated[leaf // SAMPLES], leaf % SAMPLES)
        found.add(leaf)
        brownie.web3.provider.make_request("evm_revert", [before])
    assert {leaf // SAMPLES for leaf in found} == {0, 1}


# OPENING


def test_open_leaf__what_is_asked_for__opens(case, stranger):
    leaf, proof = case.answer()
    assert case.rig.committee.votes(case.round_id)["unopened"] == 1
    event = case.rig.committee.openLeaf(case.vote, case.spec, leaf, proof, {"from": stranger}).events["LeafOpened"]
    assert plain((event["roundId"], event["validator"], event["epoch"], event["pos"])) == (
        case.round_id,
        case.vote.validator,
        0,
        0,
    )
    assert plain(event["leaf"]) == leaf
    assert case.rig.committee.votes(case.round_id)["unopened"] == 0


@pytest.mark.parametrize("samples", [1, 2, 3, 4, 6, 7, 9, 17, 33])
@pytest.mark.parametrize("word", [300, 300 | 290 << 40])
def test_open_leaf__any_size_of_tree__opens(rig, validators, samples, word):
    """Odd last nodes move up: proofs of one tree differ in length."""
    predictions = [[sample - candidate for sample in range(samples)] for candidate in range(1 + (word >> 40 != 0))]
    case = judged(rig, validators, word=word, predictions=predictions, listed=len(predictions))
    rig.stub.challenge(case.round_id, 0, rig.by)
    leaf, proof = case.answer(predictions)
    case.open(leaf, proof)
    assert rig.committee.votes(case.round_id)["unopened"] == 0


def test_open_leaf__wrong_phase__reverts(case):
    """The clock of the appeal decides, to the second."""
    leaf, proof = case.answer()
    ends = case.rig.stub.phase(case.round_id)[1]
    wait_until(ends)
    with wrong_phase("Tally"):
        case.rig.committee.openLeaf.call(case.vote, case.spec, leaf, proof, case.rig.by)


@pytest.mark.parametrize("phase", [0, 1, 5, 7, 15])
def test_open_leaf__any_other_phase__reverts(case, phase):
    leaf, proof = case.answer()
    case.rig.set_phase(case.round_id, 0, phase, 3, case.spec)
    with refused("WrongPhase", phase):
        case.rig.committee.openLeaf.call(case.vote, case.spec, leaf, proof, case.rig.by)


def test_open_leaf__not_challenged__reverts(case):
    with refused("NotChallenged", case.round_id, 1):
        case.open(vote=case.votes[1])


def test_open_leaf__twice__reverts(case):
    leaf, proof = case.answer()
    case.open(leaf, proof)
    with refused("NotChallenged", case.round_id, 0):
        case.rig.committee.openLeaf(case.vote, case.spec, leaf, proof, case.rig.by)


@pytest.mark.parametrize(
    "change",
    [{"salt": keccak("other")}, {"evalRoot": keccak("other")}, {"word": 301}, {"epoch": 1}, {"validator": NOBODY}],
)
def test_open_leaf__other_vote_than_revealed__reverts(case, change):
    changed = case.vote._replace(**change)
    committee = case.rig.committee
    with refused("VoteMismatch", committee.hashVote(changed), committee.hashVote(case.vote)):
        case.open(vote=changed)


def test_open_leaf__other_spec__reverts(case):
    """Another number of samples would ask for another leaf."""
    leaf, proof = case.answer()
    with refused("SpecMismatch"):
        case.open(leaf, proof, spec=case.spec._replace(scoreMax=1))


def test_open_leaf__another_leaf_with_its_proof__reverts(case):
    candidate, sample = case.asked()
    for other in range(SAMPLES):
        if other == sample:
            continue
        index = (0 if candidate == 0 else SAMPLES) + other
        proof = ["0x" + node.hex() for node in merkle.proof(leaves(case.vote.salt, PREDICTIONS), index)]
        with refused("WrongLeaf", candidate, other, candidate, sample):
            case.open((candidate, other, PREDICTIONS[candidate][other]), proof)


def test_open_leaf__another_candidates_leaf__reverts(case):
    candidate, sample = case.asked()
    for other in {0, 1, 2, 255} - {candidate}:
        with refused("WrongLeaf", other, sample, candidate, sample):
            case.open((other, sample, 0), [])


@pytest.mark.parametrize("prediction", [-(2**31), -1, 0, 7, 2**31 - 1])
def test_open_leaf__wrong_prediction__reverts(case, prediction):
    (candidate, sample, right), proof = case.answer()
    with refused("WrongProof"):
        case.open((candidate, sample, prediction if prediction != right else 8), proof)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: [],
        lambda proof: proof[:-1],
        lambda proof: proof[1:],
        lambda proof: [*proof, proof[-1]],
        lambda proof: [*proof, ZERO],
        lambda proof: [*proof[:-1], keccak("other")],
        lambda proof: [keccak("other"), *proof[1:]],
        lambda proof: proof[::-1],
    ],
)
def test_open_leaf__wrong_proof__reverts(case, spoil):
    leaf, proof = case.answer()
    with refused("WrongProof"):
        case.open(leaf, spoil(proof))


def test_open_leaf__tree_with_a_leaf_too_many__reverts(rig, validators):
    """Who pads his tree has no proof of the right length."""
    padded = [[1, 2, 3, 4, 5]]
    rig.seat(*validators[:3])
    spec = spec_of(4)
    round_id = rig.drawn(listed=1, spec=spec)
    votes = rig.judge(round_id, 300, 300, 300, predictions=padded)
    rig.stub.challenge(round_id, 0, rig.by)
    _, sample = rig.committee.challengedLeaf(round_id, 0, spec)
    proof = ["0x" + node.hex() for node in merkle.proof(leaves(votes[0].salt, padded), sample)]
    with refused("WrongProof"):
        rig.committee.openLeaf(votes[0], spec, (0, sample, padded[0][sample]), proof, rig.by)


def test_open_leaf__no_root_committed__reverts(rig, validators, stranger):
    """Who committed no predictions at all cannot make a missing proof pass for one."""
    rig.seat(*validators[:3])
    spec = spec_of(2)
    round_id = rig.drawn(listed=1, spec=spec)
    votes = [rig.vote(round_id, pos, 300) for pos in range(3)]
    for vote in votes:
        rig.commit(vote)
    for vote in votes:
        rig.reveal(vote)
    rig.stub.challenge(round_id, 0, {"from": stranger})
    leaf = (*plain(rig.committee.challengedLeaf(round_id, 0, spec)), 0)
    for proof in ([], [ZERO, ZERO]):
        with refused("WrongProof"):
            rig.committee.openLeaf(votes[0], spec, leaf, proof, rig.by)


# WHAT COMES OF IT


def test_close__challenges__name_their_challengers(case, miner, stranger):
    case.rig.stub.challenge(case.round_id, 2, {"from": miner})
    case.open()
    assert case.rig.committee.votes(case.round_id)["unopened"] == 0b100
    _, _, challengers, _ = closing(case.rig.close(case.round_id))
    assert challengers == [str(stranger), NOBODY, str(miner)]


def test_challenge__next_epoch__starts_anew(case, stranger):
    """Masks of the last epoch must not leave a challenge, or an opening, behind."""
    rig, round_id = case.rig, case.round_id
    case.open()
    rig.close(round_id, again=True)
    rig.draw(round_id)
    votes = rig.judge(round_id, WORD, WORD, WORD, predictions=PREDICTIONS)
    assert rig.committee.votes(round_id)["unopened"] == 0
    with refused("NotChallenged", round_id, 0):
        rig.committee.challengedLeaf(round_id, 0, case.spec)
    rig.stub.challenge(round_id, 0, {"from": stranger})
    with refused("VoteMismatch"):
        case.open()
    again = case._replace(votes=votes)
    assert again.open().events["LeafOpened"]["epoch"] == 1


def test_challenge__slots_next_round__starts_anew(case):
    case.rig.close(case.round_id)
    round_id = case.rig.drawn()
    case.rig.judge(round_id, WORD, WORD, WORD)
    assert case.rig.committee.votes(round_id)["unopened"] == 0
    _, _, challengers, _ = closing(case.rig.close(round_id))
    assert challengers == []


def test_open_leaf__whole_round__with_the_hub(play, requester, miner, other_miner, stranger):
    """The hub's challenge, and its answer while the appeal lasts."""
    play.fund(stranger, stake=0)
    round_ = play.drawn(requester, {miner: 300, other_miner: 310}, scoreMax=360)
    word = play.word(round_, {})
    predictions = [[sample % 10 for sample in range(360)] for _ in range(2)]
    votes = []
    for pos in range(3):
        vote = Vote(*play.vote(round_, pos, word))
        votes.append(vote._replace(evalRoot=root_of(vote.salt, predictions)))
    for vote in votes:
        play.commit_vote(vote)
    for vote in votes:
        play.reveal_vote(vote)
    assert play.phase(round_) == "Appeal"
    play.hub.challengeVote(round_.id, 1, {"from": stranger})
    candidate, sample = plain(play.committee.challengedLeaf(round_.id, 1, round_.spec))
    proof = merkle.proof(leaves(votes[1].salt, predictions), candidate * 360 + sample)
    leaf = (candidate, sample, predictions[candidate][sample])
    opened = play.committee.openLeaf(votes[1], round_.spec, leaf, ["0x" + node.hex() for node in proof], play.by)
    assert opened.gas_used < 130_000
    assert play.committee.votes(round_.id)["unopened"] == 0
    play.finalize(round_, round_.model_of(play.hub.preview(round_.id, round_.spec)[1]))
    play.check_conservation()
