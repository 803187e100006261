"""Random cases with what the programs' own code makes of them, for the contracts to be held against:
`python -m scripts.reference KIND SEED COUNT` prints the ABI encoding of COUNT cases.

Forge calls it once for a whole batch (tests/forge/differential), since starting Python takes longer than hundreds of
cases. A case is a tuple with the members of the Solidity struct that its test decodes. Numbers come from the edges of
their types as often as from between.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from eth_abi.abi import encode

from dlbc.wire import fees, ranking, tally, vote_word
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote, TaskFlag
from scripts.vectors.examples import SPEC

CLOCK_BITS = 71  # of two clocks that are added: a clock stays below 2^72
NOBODY = 2**256 - 1


class Numbers:
    """Random numbers as they break things: ends of ranges, powers of two and their neighbours, and any."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # nosec B311 - test cases, not secrets

    def between(self, least: int, most: int) -> int:
        """From `least` to `most`, both included."""
        kind = self._random.randrange(4)
        if kind == 0:
            return self._random.choice([least, most, min(least + 1, most), max(most - 1, least)])
        if kind == 1:
            power = 1 << self._random.randrange(max(1, (most - least).bit_length()))
            return max(least, min(most, least + power + self._random.randrange(-1, 2)))
        if kind == 2:
            return least + self._random.getrandbits(self._random.randrange(1, 257)) % (most - least + 1)
        return self._random.randint(least, most)

    def bits(self, count: int) -> int:
        """An unsigned integer of that many bits."""
        return self.between(0, (1 << count) - 1)

    def signed(self, count: int) -> int:
        """A signed integer of that many bits."""
        return self.between(-(1 << count - 1), (1 << count - 1) - 1)

    def yes(self) -> bool:
        """Either."""
        return bool(self._random.getrandbits(1))

    def word(self) -> bytes:
        """32 bytes."""
        return self._random.randbytes(32)


def lg(numbers: Numbers) -> tuple[Any, ...]:
    x = numbers.bits(256)
    return x, ranking.lg(x)


def queue(numbers: Numbers) -> tuple[Any, ...]:
    """A task from its declared sizes to its place in the queue."""
    weights = ranking.Weights(*(numbers.signed(32) for _ in range(4)))
    spec = replace(
        SPEC,
        flops=numbers.bits(64),
        net_bytes=numbers.bits(64),
        data_bytes=numbers.bits(64),
        fee=numbers.bits(96),
    )
    submitted, later, task_id = numbers.bits(CLOCK_BITS), numbers.bits(CLOCK_BITS), numbers.bits(32)
    alpha, gamma, waiting = numbers.bits(32), numbers.bits(32), numbers.between(0, 4096)
    fee_unit, queued = numbers.bits(96), numbers.between(0, 4096)
    base = ranking.base(weights, spec)
    return (
        (weights.flops, weights.net, weights.data, weights.fee),
        (spec.flops, spec.net_bytes, spec.data_bytes),
        spec.fee,
        (submitted, submitted + later),
        task_id,
        (alpha, gamma, waiting),
        (fee_unit, queued),
        base,
        ranking.queue_key(base, submitted, task_id),
        ranking.score(base, submitted, submitted + later),
        ranking.clock_rate(alpha, gamma, waiting),
        ranking.fee_floor(fee_unit, spec, queued),
    )


def order(numbers: Numbers) -> tuple[Any, ...]:
    """Tasks that come and go. A step submits the next task, with its base and the clock, or opens the best of those
    that wait: `opened` names it then, and is 0 otherwise. The best is looked for among all of them, by score, then by
    age.
    """
    waiting: dict[int, tuple[int, int]] = {}
    clock, tasks = 0, 0
    steps: list[tuple[int, int, int]] = []
    for _ in range(numbers.between(1, 48)):
        clock += numbers.bits(numbers.between(1, 40))
        if waiting and numbers.between(0, 2) == 0:
            best = min(waiting, key=lambda task: (-ranking.score(*waiting[task], clock), task))
            del waiting[best]
            steps.append((0, clock, best))
        else:
            tasks += 1
            waiting[tasks] = numbers.signed(numbers.between(2, 20)), clock
            steps.append((*waiting[tasks], 0))
    return (steps,)


def ballot(numbers: Numbers) -> tuple[Any, ...]:
    """A committee's votes, most of them near what the models scored, and all that follows from them."""
    tol, candidates = numbers.between(0, 40), numbers.between(0, 6)
    size = numbers.between(0, 15)
    quorum = numbers.between(1, 15)
    truth = [numbers.between(0, 1000) for _ in range(6)]
    words = [_vote(numbers, truth, tol) if numbers.between(0, 4) else None for _ in range(size)]
    found, task_flags = tally.verdicts(words, candidates, tol=tol, quorum=quorum)
    shown = [position for position in range(6) if numbers.between(0, 3)]
    placed = [position for position in shown if numbers.yes()][:3]
    dissent = tally.dissent(words, found, shown=shown, placed=placed, tol=tol)
    claims = [max(0, score + numbers.between(-6 * tol, 6 * tol)) for score in truth]
    min_score = numbers.between(0, 1000)
    return (
        [word or 0 for word in words],
        _mask(position for position, word in enumerate(words) if word is not None),
        quorum,
        tol,
        (_mask(shown), _mask(placed)),
        claims,
        min_score,
        [(verdict.median, int(verdict.flags), verdict.stable) for verdict in found],
        int(task_flags),
        [verdict.qualifies(claim, min_score, tol) for verdict, claim in zip(found, claims, strict=False)],
        [verdict.overclaimed(claim, tol) for verdict, claim in zip(found, claims, strict=False)],
        (_mask(dissent.off), _mask(dissent.incoherent)),
    )


def _vote(numbers: Numbers, truth: list[int], tol: int) -> int:
    if numbers.between(0, 9) == 0:
        return numbers.bits(256)  # strangers choose a word's bits
    parts = []
    for score in truth:
        kind = numbers.between(0, 11)
        flags = CandidateFlag(numbers.bits(5) if kind < 3 else 0)
        near = max(0, score + numbers.between(-tol, tol) * (1 if numbers.between(0, 5) else 5))
        parts.append(SKIPPED if kind == 3 else CandidateVote(near, flags))
    return vote_word.pack(parts, TaskFlag(numbers.bits(16) if numbers.between(0, 3) == 0 else 0))


def _mask(positions: Iterable[int]) -> int:
    return sum(1 << position for position in positions)


def podium(numbers: Numbers) -> tuple[Any, ...]:
    """Candidates with medians so close that tolerances matter."""
    entries = [
        tally.Entry(numbers.between(0, 3) != 0, numbers.between(0, 12), sequence, numbers.word())
        for sequence in sorted(range(1, 7), key=lambda _: numbers.bits(32))[: numbers.between(0, 6)]
    ]
    rules = tally.Rules(numbers.between(0, 7), numbers.between(0, 4), numbers.word())
    places = tally.podium(entries, rules)
    return (
        [(entry.qualified, entry.median, entry.sequence, entry.commitment) for entry in entries],
        (rules.early, rules.tie_tol, rules.seed),
        places + [NOBODY] * (3 - len(places)),
    )


def shares(numbers: Numbers) -> tuple[Any, ...]:
    """A fee from its tips to the winner's share, after up to two epochs that advanced a part of it."""
    left = 9_999
    bps = []
    for _ in range(5):
        bps.append(numbers.between(0, left))
        left -= bps[-1]
    rates = fees.FeeRates(*bps)
    fee, tip = numbers.bits(96), 0
    tip = numbers.between(0, fee // 8)
    advanced = 0
    advances = []
    for validators in (numbers.between(1, 15) for _ in range(numbers.between(0, 2))):
        each = fees.advance(rates, fees.after_tips(fee, tip), advanced, validators)
        advances.append((advanced, validators, each))
        advanced += each * validators
    shared = fees.after_tips(fee, tip, numbers.between(0, fees.MOST_TIPS))
    validators = numbers.between(0, 15)
    second, third, parent = numbers.yes(), numbers.yes(), numbers.yes()
    parts = fees.split(rates, shared, validators, second=second, third=third, parent=parent, advanced=advanced)
    return (
        bps,
        fees.after_tips(fee, tip),
        advances,
        (shared, advanced),
        (validators, second, third, parent),
        (parts.burned, parts.per_validator, parts.second, parts.third, parts.parent, parts.winner),
    )


def emission(numbers: Numbers) -> tuple[Any, ...]:
    initial, halving, kappa = numbers.bits(96), numbers.between(1, 2**32 - 1), numbers.between(0, 10_000)
    elapsed, burned, left = numbers.bits(40), numbers.bits(96), numbers.bits(96)
    return (
        (initial, halving, kappa),
        (elapsed, burned, left),
        fees.emission(initial, halving, kappa, elapsed=elapsed, fee_burned=burned, left=left),
    )


KINDS: dict[str, tuple[Callable[[Numbers], tuple[Any, ...]], str]] = {
    "lg": (lg, "(uint256,uint256)"),
    "queue": (
        queue,
        "(int256[4],uint64[3],uint96,uint256[2],uint256,uint256[3],uint256[2],int64,uint256,int256,uint256,uint256)",
    ),
    "order": (order, "((int64,uint256,uint256)[])"),
    "ballot": (
        ballot,
        "(uint256[],uint16,uint8,uint256,uint256[2],uint256[],uint256,(uint40,uint8,bool)[],uint16,bool[],bool[],uint256[2])",
    ),
    "shares": (
        shares,
        "(uint256[5],uint256,(uint256,uint256,uint256)[],uint256[2],(uint256,bool,bool,bool),"
        "(uint256,uint256,uint256,uint256,uint256,uint256))",
    ),
    "podium": (podium, "((bool,uint40,uint40,bytes32)[],(uint40,uint32,bytes32),uint256[3])"),
    "emission": (emission, "(uint256[3],uint256[3],uint256)"),
}


def batch(kind: str, seed: int, count: int) -> bytes:
    """The ABI encoding of `count` cases, as one dynamic array; the same for the same seed."""
    make, layout = KINDS[kind]
    numbers = Numbers(seed)
    return encode([f"{layout}[]"], [[make(numbers) for _ in range(count)]])


def main() -> None:
    """Prints the batch that the command line asks for."""
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS:
        raise SystemExit(f"usage: python -m scripts.reference {'|'.join(KINDS)} SEED COUNT")
    print("0x" + batch(sys.argv[1], int(sys.argv[2], 0), int(sys.argv[3])).hex())


if __name__ == "__main__":
    main()
