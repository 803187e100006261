"""Medians, flags, coherence and places: the reference for `contracts/libraries/Tally.sol` and `Podium.sol`.

A committee's votes are words by position, None where nothing was revealed; candidates go by their position in
the list, best claim first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from dlbc.wire.vote_word import SCORELESS, CandidateFlag, CandidateVote, TaskFlag, unpack

PLACES = 3
FAR = 4  # so many tolerances off is nobody's device


@dataclass(frozen=True)
class Verdict:
    """The committee's word on one candidate.

    Attributes:
        median: lower median of the scores given, 0 where there are none.
        flags: those that a strict majority of the revealed votes raised.
        stable: a quorum of scores lies within the tolerance of the median; if not, it decides nothing.
    """

    median: int
    flags: CandidateFlag
    stable: bool

    def qualifies(self, claim: int, min_score: int, tol: int) -> bool:
        """Whether a candidate who showed his key may take a place."""
        return self.stable and not self.flags and self.median >= min_score and claim <= self.median + tol

    def overclaimed(self, claim: int, tol: int) -> bool:
        """Whether he claimed what no device explains."""
        return self.stable and claim > self.median + FAR * tol


@dataclass(frozen=True)
class Dissent:
    """Positions whose votes disagree with verdicts on which a quorum agrees.

    Attributes:
        off: more than `FAR` tolerances off a median: slashed.
        incoherent: not paid; those that are `off` among them.
    """

    off: frozenset[int]
    incoherent: frozenset[int]


@dataclass(frozen=True)
class Entry:
    """A listed candidate when places are given.

    Attributes:
        qualified: shown, and his verdict qualifies.
        sequence: of his commit, from 1.
        commitment: hashStruct of his ModelCommitment.
    """

    qualified: bool
    median: int
    sequence: int
    commitment: bytes


@dataclass(frozen=True)
class Rules:
    """How close candidates are ordered.

    Attributes:
        early: the last sequence number given in the first half of the training time.
        tie_tol: candidates this close to the best compete by commit order.
        seed: the committee's; orders the early ones.
    """

    early: int
    tie_tol: int
    seed: bytes


def lower_median(scores: Sequence[int]) -> int:
    """The middle score; of an even number the lower of the two, of none 0."""
    return sorted(scores)[(len(scores) - 1) // 2] if scores else 0


def verdicts(words: Sequence[int | None], candidates: int, *, tol: int, quorum: int) -> tuple[list[Verdict], TaskFlag]:
    """What a committee's votes say of the first `candidates` positions, and of the task.

    A vote that skipped a candidate, or could not have or run his model, gives him no score; a flag needs more than
    half of all revealed votes, of which one that skipped raises none.

    Args:
        quorum: of the ballot: scores that must lie within `tol` of the median.
    """
    votes = [unpack(word) for word in words if word is not None]
    task_bits = _majority([int(task_flags) for _, task_flags in votes], 16, len(votes))
    found = [_verdict([parts[position] for parts, _ in votes], tol, quorum) for position in range(candidates)]
    return found, TaskFlag(task_bits)


def dissent(
    words: Sequence[int | None],
    found: Sequence[Verdict],
    *,
    shown: Collection[int],
    placed: Collection[int],
    tol: int,
) -> Dissent:
    """Which votes disagree with the verdicts `found`.

    Args:
        shown: candidates who showed their keys: only they are judged.
        placed: candidates who take a paid place: nobody may skip them.
    """
    off, incoherent = set(), set()
    for position, word in enumerate(words):
        parts = [] if word is None else unpack(word)[0][: len(found)]
        for candidate, (vote, verdict) in enumerate(zip(parts, found, strict=False)):
            if candidate not in shown or not verdict.stable or verdict.flags & SCORELESS:
                continue
            distance = abs(vote.score - verdict.median)
            if vote.skipped:
                strays = candidate in placed
            else:
                strays = not vote.scored or distance > tol
                if vote.scored and distance > FAR * tol:
                    off.add(position)
            if strays:
                incoherent.add(position)
    return Dissent(frozenset(off), frozenset(incoherent))


def podium(entries: Sequence[Entry], rules: Rules) -> list[int]:
    """Positions of winner, second and third in `entries`; fewer where there are fewer qualified ones.

    For each place, those within `tie_tol` of the best that is left compete, and the earliest commit takes
    it. Commits of the first half of the training time rank equal, and the seed orders them: an early commit
    of trash gains nothing.
    """
    left = [position for position, entry in enumerate(entries) if entry.qualified]
    places: list[int] = []
    while left and len(places) < PLACES:
        best = max(entries[position].median for position in left)
        close = [position for position in left if entries[position].median + rules.tie_tol >= best]
        chosen = min(close, key=lambda position: _commit_order(entries[position], rules))
        places.append(chosen)
        left.remove(chosen)
    return places


def _verdict(votes: Sequence[CandidateVote], tol: int, quorum: int) -> Verdict:
    raised = [0 if vote.skipped else int(vote.flags) for vote in votes]
    scores = [vote.score for vote in votes if vote.scored]
    median = lower_median(scores)
    near = sum(abs(score - median) <= tol for score in scores)
    stable = bool(scores) and near >= quorum
    return Verdict(median, CandidateFlag(_majority(raised, 5, len(votes))), stable)


def _commit_order(entry: Entry, rules: Rules) -> tuple[int, bytes]:
    if entry.sequence <= rules.early:
        return 0, keccak(encode(["bytes32", "bytes32"], [rules.seed, entry.commitment]))
    return entry.sequence, b""


def _majority(raised: Sequence[int], bits: int, voters: int) -> int:
    won = (1 << bit for bit in range(bits) if 2 * sum(flags >> bit & 1 for flags in raised) > voters)
    return reduce(or_, won, 0)
