"""The vote word has one reading for every 256 bits, and no value spills into its neighbour."""

from __future__ import annotations

import pytest
from wire_samples import repeatable_random

from dlbc.wire import vote_word
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote, TaskFlag


@pytest.mark.parametrize(
    ("vote", "message"),
    [
        (CandidateVote(-1), "score"),
        (CandidateVote(2**35 - 1), "score"),  # SKIPPED's score without its flags
        (CandidateVote(2**35), "score"),
        (CandidateVote(0, CandidateFlag(32)), "flags"),
    ],
)
def test_pack__value_that_does_not_fit__is_refused(vote: CandidateVote, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vote_word.pack([CandidateVote(1), vote])


def test_pack__seventh_candidate_or_wide_task_flags__are_refused() -> None:
    with pytest.raises(ValueError, match="at most 6"):
        vote_word.pack([CandidateVote(1)] * 7)
    with pytest.raises(ValueError, match="16 bits"):
        vote_word.pack([], TaskFlag(1 << 16))


@pytest.mark.parametrize("word", [-1, 1 << 256])
def test_unpack__not_256_bits__is_refused(word: int) -> None:
    with pytest.raises(ValueError, match="256 bits"):
        vote_word.unpack(word)


@pytest.mark.parametrize(
    ("candidates", "task_flags", "word"),
    [
        ([], TaskFlag.NONE, 0),
        ([CandidateVote(1)], TaskFlag.NONE, 1),
        ([CandidateVote(0), CandidateVote(1)], TaskFlag.NONE, 1 << 40),
        ([CandidateVote(0, CandidateFlag.UNAVAILABLE)], TaskFlag.NONE, 1 << 35),
        ([CandidateVote(0, CandidateFlag.INVALID)], TaskFlag.NONE, 1 << 36),
        ([CandidateVote(0, CandidateFlag.LINEAGE)], TaskFlag.NONE, 1 << 37),
        ([CandidateVote(0, CandidateFlag.MARK)], TaskFlag.NONE, 1 << 38),
        ([CandidateVote(0, CandidateFlag.TRAJECTORY)], TaskFlag.NONE, 1 << 39),
        ([CandidateVote(0)] * 5 + [SKIPPED], TaskFlag.NONE, (2**40 - 1) << 200),
        ([], TaskFlag.DATA_UNAVAILABLE, 1 << 240),
        ([], TaskFlag.DATA_INVALID, 1 << 241),
        ([], TaskFlag.MISDECLARED, 1 << 242),
        ([], vote_word.payload_bad(0), 1 << 243),
        ([], vote_word.payload_bad(5), 1 << 248),
    ],
)
def test_pack__one_thing_set__has_the_documented_bit(
    candidates: list[CandidateVote], task_flags: TaskFlag, word: int
) -> None:
    assert vote_word.pack(candidates, task_flags) == word


@pytest.mark.parametrize("position", [-1, 6])
def test_payload_bad__no_such_candidate__is_refused(position: int) -> None:
    with pytest.raises(ValueError, match=f"candidate {position} is not in 0 to 5"):
        vote_word.payload_bad(position)


def test_payload_bad__any__is_no_fault_of_the_task() -> None:
    assert not any(vote_word.payload_bad(position) & vote_word.TASK_FAULT for position in range(6))


@pytest.mark.parametrize(
    ("vote", "scored"),
    [
        (CandidateVote(0), True),
        (CandidateVote(5, CandidateFlag.LINEAGE | CandidateFlag.MARK | CandidateFlag.TRAJECTORY), True),
        (CandidateVote(5, CandidateFlag.UNAVAILABLE), False),
        (CandidateVote(5, CandidateFlag.INVALID | CandidateFlag.MARK), False),
        (SKIPPED, False),
    ],
)
def test_scored__flags__say_whether_the_model_was_evaluated(vote: CandidateVote, scored: bool) -> None:
    assert vote.scored is scored


def test_unpack__all_ones__is_six_skipped() -> None:
    candidates, task_flags = vote_word.unpack(2**256 - 1)
    assert all(candidate.skipped for candidate in candidates)
    assert task_flags == 0xFFFF


def test_unpack__of_pack__is_the_vote() -> None:
    chance = repeatable_random(5)
    for _ in range(500):
        candidates = [
            chance.choice([SKIPPED, CandidateVote(chance.randrange(2**35 - 1), CandidateFlag(chance.randrange(32)))])
            for _ in range(6)
        ]
        task_flags = TaskFlag(chance.randrange(512))
        assert vote_word.unpack(vote_word.pack(candidates, task_flags)) == (candidates, task_flags)


def test_unpack__any_word__has_a_reading() -> None:
    chance = repeatable_random(6)
    for _ in range(500):
        word = chance.getrandbits(256)
        candidates, task_flags = vote_word.unpack(word)
        rebuilt = task_flags << 240 | sum(
            (vote.score | vote.flags << 35) << 40 * position for position, vote in enumerate(candidates)
        )
        assert rebuilt == word
