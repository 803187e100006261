"""Medians, flags and places: the reference for `contracts/libraries/Tally.sol` and `Podium.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from dlbc.wire.vote_word import CandidateFlag, TaskFlag, unpack

PLACES = 3


@dataclass(frozen=True)
class Verdict:
    """The committee's word on one candidate; `median` is 0 where everyone skipped him."""

    median: int
    flags: CandidateFlag


@dataclass(frozen=True)
class Entry:
    """A listed candidate when places are given.

    Attributes:
        qualified: shown, unflagged, and with a median of at least `minScore`.
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


def verdicts(words: Sequence[int], candidates: int) -> tuple[list[Verdict], TaskFlag]:
    """What a committee's revealed vote words say of the first `candidates` positions, and of the task.

    A SKIPPED vote is outside the median and raises no flag; a flag needs more than half of all revealed
    votes.
    """
    votes = [unpack(word) for word in words]
    task_bits = _majority([int(task_flags) for _, task_flags in votes], 16, len(words))
    found = []
    for position in range(candidates):
        cast = [parts[position] for parts, _ in votes if not parts[position].skipped]
        flags = CandidateFlag(_majority([int(vote.flags) for vote in cast], 5, len(words)))
        found.append(Verdict(lower_median([vote.score for vote in cast]), flags))
    return found, TaskFlag(task_bits)


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


def _commit_order(entry: Entry, rules: Rules) -> tuple[int, bytes]:
    if entry.sequence <= rules.early:
        return 0, keccak(encode(["bytes32", "bytes32"], [rules.seed, entry.commitment]))
    return entry.sequence, b""


def _majority(raised: Sequence[int], bits: int, voters: int) -> int:
    won = (1 << bit for bit in range(bits) if 2 * sum(flags >> bit & 1 for flags in raised) > voters)
    return reduce(or_, won, 0)
