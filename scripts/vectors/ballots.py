"""Committees' votes, each with what it is an example of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dlbc.wire.vote_word import MAX_SCORE, SKIPPED, CandidateFlag, CandidateVote, TaskFlag, pack, payload_bad
from scripts.vectors.examples import WORDS

TOL = 4
UNAVAILABLE = CandidateVote(0, CandidateFlag.UNAVAILABLE)
INVALID = CandidateVote(0, CandidateFlag.INVALID)


@dataclass(frozen=True)
class Ballot:
    """Attributes:
    words: by position; None where nothing was revealed.
    claims: of the listed candidates, by position in the list.
    shown: candidates who showed their keys.
    placed: candidates who take a paid place.
    """

    words: Sequence[int | None]
    claims: Sequence[int]
    quorum: int
    tol: int = TOL
    min_score: int = 300
    shown: frozenset[int] = frozenset(range(6))
    placed: frozenset[int] = frozenset()


def mask(positions: Iterable[int]) -> int:
    """A bit for each position."""
    return sum(1 << position for position in positions)


def _scores(*scores: int) -> list[int]:
    """A word for each score of one candidate."""
    return [pack([CandidateVote(score)]) for score in scores]


def _votes(*votes: CandidateVote) -> list[int]:
    return [pack([vote]) for vote in votes]


FIRST = frozenset({0})
_SKIP, _GOOD = SKIPPED, CandidateVote(350)

BALLOTS: dict[str, Ballot] = {
    "no votes": Ballot([None] * 3, [350, 340], 2),
    "one vote is no quorum": Ballot([WORDS[0], None, None], [351, 340, 320], 2),
    "a quorum of two": Ballot([WORDS[0], WORDS[1], None], [351, 340, 320], 2, placed=frozenset({0, 1})),
    "all three; the second skipped by one": Ballot(WORDS, [351, 340, 320, 0, 0, 0], 2, placed=frozenset({0, 1})),
    "agreement at exactly the tolerance": Ballot(_scores(350, 346, 354), [354], 3, placed=FIRST),
    "one beyond the tolerance: unstable by one": Ballot(_scores(350, 346, 355), [350], 3, placed=FIRST),
    "the same with a quorum of two: stable, the third unpaid": Ballot(_scores(350, 346, 355), [350], 2, placed=FIRST),
    "unstable: nobody is off, nobody over-claims": Ballot(_scores(300, 350, 400), [2000], 2, placed=FIRST),
    "even number: the lower median": Ballot([*_scores(350, 352, 354, 356), None], [352], 3, placed=FIRST),
    "off by exactly four tolerances: unpaid only": Ballot(_scores(350, 350, 366), [350], 2, placed=FIRST),
    "off by one more: slashed": Ballot(_scores(350, 350, 367), [350], 2, placed=FIRST),
    "off downwards, to zero": Ballot(_scores(350, 350, 0), [350], 2, placed=FIRST),
    "claims around tol and 4 tol above the median": Ballot(
        [pack([CandidateVote(340)] * 5)] * 3, [340, 344, 345, 356, 357], 2, placed=frozenset({0, 1})
    ),
    "medians around the minimum": Ballot(
        [pack([CandidateVote(score) for score in (301, 300, 299)])] * 3, [301, 300, 299], 2, placed=frozenset({0, 1})
    ),
    "one score and two skips: no quorum of scores": Ballot(_votes(_GOOD, _SKIP, _SKIP), [350], 2),
    "two scores and a skip of a placed candidate": Ballot(_votes(_GOOD, _GOOD, _SKIP), [350], 2, placed=FIRST),
    "a skip where he takes no place": Ballot(_votes(_GOOD, _GOOD, _SKIP), [350], 2),
    "unavailable to one": Ballot(_votes(_GOOD, _GOOD, UNAVAILABLE), [350], 2, placed=FIRST),
    "invalid to one, its score does not count": Ballot(
        _votes(_GOOD, _GOOD, CandidateVote(9, CandidateFlag.INVALID)), [350], 2, placed=FIRST
    ),
    "unavailable to half: no majority, and no quorum of scores": Ballot(
        [*_votes(_GOOD, _GOOD, UNAVAILABLE, UNAVAILABLE), None], [350], 3
    ),
    "unavailable to most: the one who scored him contradicts nobody": Ballot(
        _votes(_GOOD, UNAVAILABLE, UNAVAILABLE), [350], 2
    ),
    "unavailable and invalid, no majority of either": Ballot(_votes(_GOOD, UNAVAILABLE, INVALID), [350], 2),
    "a mark is missing: flagged, its score stands": Ballot(
        _votes(*[CandidateVote(350, CandidateFlag.MARK)] * 2, _GOOD), [350], 2
    ),
    "lineage by one: no majority": Ballot(
        _votes(CandidateVote(350, CandidateFlag.LINEAGE), _GOOD, _GOOD), [350], 2, placed=FIRST
    ),
    "a stray score of one who showed no key": Ballot(
        [pack([_GOOD, CandidateVote(1)]), pack([_GOOD, _GOOD]), pack([_GOOD, _GOOD])],
        [350, 350],
        2,
        shown=FIRST,
        placed=FIRST,
    ),
    "task flags by half and by most": Ballot(
        [
            pack([_GOOD], TaskFlag.DATA_INVALID | TaskFlag.MISDECLARED),
            pack([_GOOD], TaskFlag.DATA_INVALID | TaskFlag.MISDECLARED),
            pack([_GOOD], TaskFlag.DATA_INVALID),
            pack([_GOOD]),
        ],
        [350],
        3,
        placed=FIRST,
    ),
    "payloads of candidates 0 and 5": Ballot(
        [pack([_GOOD], payload_bad(0) | payload_bad(5)), pack([_GOOD], payload_bad(5)), pack([_GOOD])],
        [350],
        2,
        placed=FIRST,
    ),
    "seven votes, quorum five, two liars": Ballot(
        _scores(350, 351, 349, 352, 350, 0, MAX_SCORE), [354], 5, placed=FIRST
    ),
    "seven votes, quorum five, three liars: unstable": Ballot(
        _scores(350, 351, 349, 352, 0, 0, 0), [354], 5, placed=FIRST
    ),
    "fifteen of fifteen, tolerance 0": Ballot(_scores(*[350] * 15), [350], 11, tol=0, placed=FIRST),
    "every bit set": Ballot([2**256 - 1] * 3, [350] * 6, 2, placed=frozenset({0, 1, 2})),
    "six candidates, all skipped by one": Ballot(
        [pack([_GOOD] * 6), pack([_GOOD] * 6), pack([_SKIP] * 6)], [350] * 6, 2, placed=frozenset({0, 3, 5})
    ),
}
