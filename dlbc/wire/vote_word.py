"""The validator's 256-bit vote word (docs/protocol.md, "Vote word").

Candidate i (0 to 5) has bits [40i, 40i + 40): score in the low 35, flags in the upper 5. Bits [240, 256)
are the task's flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

MAX_CANDIDATES = 6
SCORE_BITS = 35
FLAG_BITS = 5
CANDIDATE_BITS = SCORE_BITS + FLAG_BITS
TASK_FLAGS_SHIFT = MAX_CANDIDATES * CANDIDATE_BITS
MAX_SCORE = 2**SCORE_BITS - 2  # the largest value is SKIPPED's


class CandidateFlag(IntFlag):
    """What a validator holds against one candidate; any of them, from a majority, disqualifies."""

    NONE = 0
    UNAVAILABLE = 1
    INVALID = 2
    LINEAGE = 4
    MARK = 8
    TRAJECTORY = 16


class TaskFlag(IntFlag):
    """What a validator holds against the task itself, and against candidates' payloads; bit 0 is bit 240 of the
    word.
    """

    NONE = 0
    DATA_UNAVAILABLE = 1
    DATA_INVALID = 2
    MISDECLARED = 4
    PAYLOAD_BAD_0 = 8
    PAYLOAD_BAD_1 = 16
    PAYLOAD_BAD_2 = 32
    PAYLOAD_BAD_3 = 64
    PAYLOAD_BAD_4 = 128
    PAYLOAD_BAD_5 = 256
    STOLEN_0 = 512
    STOLEN_1 = 1024
    STOLEN_2 = 2048
    STOLEN_3 = 4096
    STOLEN_4 = 8192
    STOLEN_5 = 16384


TASK_FAULT = TaskFlag.DATA_UNAVAILABLE | TaskFlag.DATA_INVALID | TaskFlag.MISDECLARED


def payload_bad(position: int) -> TaskFlag:
    """The flag against a candidate's payload: the block carries none if he wins, and nothing else happens to him.

    Raises:
        ValueError: there is no such position.
    """
    return _of_candidate(TaskFlag.PAYLOAD_BAD_0, position)


def stolen(position: int) -> TaskFlag:
    """The flag that says that the accuser's mark is in a candidate's model; it counts against the accused alone.

    Raises:
        ValueError: there is no such position.
    """
    return _of_candidate(TaskFlag.STOLEN_0, position)


def _of_candidate(first: TaskFlag, position: int) -> TaskFlag:
    if not 0 <= position < MAX_CANDIDATES:
        raise ValueError(f"candidate {position} is not in 0 to {MAX_CANDIDATES - 1}")
    return TaskFlag(first << position)


@dataclass(frozen=True)
class CandidateVote:
    """One candidate's part of the word.

    Attributes:
        score: measured, 0 to 2^35 - 2; 0 where flags kept the model from being evaluated.
        flags: reasons against the candidate.
    """

    score: int
    flags: CandidateFlag = CandidateFlag.NONE

    @property
    def skipped(self) -> bool:
        """Whether the validator did not look: outside median and flags."""
        return self == SKIPPED

    @property
    def scored(self) -> bool:
        """Whether the model was evaluated: only then does the score count, and have leaves in `evalRoot`."""
        return not self.skipped and not self.flags & SCORELESS


SCORELESS = CandidateFlag.UNAVAILABLE | CandidateFlag.INVALID
SKIPPED = CandidateVote(2**SCORE_BITS - 1, CandidateFlag(2**FLAG_BITS - 1))


def pack(candidates: Sequence[CandidateVote], task_flags: TaskFlag = TaskFlag.NONE) -> int:
    """The word of up to six candidates in the order of the hub's `candidates`; absent ones are 0.

    Raises:
        ValueError: too many candidates, or a value that does not fit.
    """
    if len(candidates) > MAX_CANDIDATES:
        raise ValueError(f"{len(candidates)} candidates in a vote word, at most {MAX_CANDIDATES}")
    if not 0 <= task_flags < 1 << 16:
        raise ValueError(f"task flags {task_flags:#x} do not fit in 16 bits")
    word = int(task_flags) << TASK_FLAGS_SHIFT
    for position, candidate in enumerate(candidates):
        if not candidate.skipped and not 0 <= candidate.score <= MAX_SCORE:
            raise ValueError(f"candidate {position}: score {candidate.score} is not in 0 to 2^35 - 2")
        if not 0 <= candidate.flags < 1 << FLAG_BITS:
            raise ValueError(f"candidate {position}: flags {candidate.flags:#x} do not fit in {FLAG_BITS} bits")
        bits = candidate.score | int(candidate.flags) << SCORE_BITS
        word |= bits << CANDIDATE_BITS * position
    return word


def unpack(word: int) -> tuple[list[CandidateVote], TaskFlag]:
    """All six candidates' parts and the task's flags. Every 256-bit word has a reading: strangers choose
    its bits.

    Raises:
        ValueError: not a 256-bit word.
    """
    if not 0 <= word < 1 << 256:
        raise ValueError(f"vote word {word:#x} is not 256 bits")
    candidates = []
    for position in range(MAX_CANDIDATES):
        bits = word >> CANDIDATE_BITS * position
        score = bits & (1 << SCORE_BITS) - 1
        candidates.append(CandidateVote(score, CandidateFlag(bits >> SCORE_BITS & (1 << FLAG_BITS) - 1)))
    return candidates, TaskFlag(word >> TASK_FLAGS_SHIFT)
