"""Formats that end in a number: votes, places, ranks, shares."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dlbc.wire import fees, ranking, tally, vote_word
from dlbc.wire.vote_word import SKIPPED, CandidateVote
from scripts.vectors.examples import RATES, SPEC, WEIGHTS, WORDS, members, repeated


def votes() -> dict[str, Any]:
    """Words in both directions, what a committee of them says, and who wins."""
    words = [*WORDS, vote_word.pack([SKIPPED] * 6), vote_word.pack([CandidateVote(vote_word.MAX_SCORE)] * 6)]
    read = [(word, *vote_word.unpack(word)) for word in words]
    committees = [[], WORDS[:1], WORDS[:2], WORDS, [*WORDS, 0], words, [words[3]] * 3]
    entries = [
        tally.Entry(qualified, median, sequence, repeated(sequence))
        for qualified, median, sequence in (
            (True, 349, 5),
            (False, 360, 1),
            (True, 348, 2),
            (True, 350, 3),
            (True, 330, 4),
        )
    ]
    rules = [tally.Rules(early, 2, repeated(seed)) for early, seed in ((0, 1), (3, 1), (3, 4), (5, 1))]
    return {
        "words": [
            {
                "word": word.to_bytes(32),
                "candidates": [asdict(candidate) for candidate in candidates],
                "taskFlags": task_flags,
            }
            for word, candidates, task_flags in read
        ],
        "verdicts": [
            {
                "words": [word.to_bytes(32) for word in committee],
                "verdicts": [asdict(verdict) for verdict in tally.verdicts(committee, 6)[0]],
                "taskFlags": tally.verdicts(committee, 6)[1],
            }
            for committee in committees
        ],
        "medians": [
            {"scores": scores, "median": tally.lower_median(scores)}
            for scores in ([], [5], [9, 1], [3, 1, 2], [4, 1, 3, 2], [0, 0, 7, 7, 7])
        ],
        "podium": {
            "entries": [asdict(entry) for entry in entries],
            "cases": [{"rules": asdict(rule), "places": tally.podium(entries, rule)} for rule in rules],
        },
    }


def rankings() -> dict[str, Any]:
    """The logarithm's table, difficulty, clock, keys and floors."""
    xs = [0, 1, 2, 3, 4, 5, 6, 7, 10, 100, 1000, 1024, 10**6, 10**9, 2**32 - 1, 2**63, 2**64 - 1, 2**96 - 1]
    xs += [2**127, 2**128 - 1, 2**128, 2**255, 2**256 - 1]
    base = ranking.base(WEIGHTS, SPEC)
    keys = [(base, 0, 1), (base, 0, 2), (base, 1 << 70, 3), (-base, 12345, 4), (0, 0, 5)]
    return {
        "lg": [{"x": x, "lg": ranking.lg(x)} for x in xs],
        "base": {"weights": asdict(WEIGHTS), "base": base},
        "clockRates": [
            {
                "alpha": alpha,
                "gamma": gamma,
                "waiting": waiting,
                "rate": ranking.clock_rate(alpha, gamma, waiting),
            }
            for alpha, gamma, waiting in (
                (1000, 7, 0),
                (1000, 7, 1),
                (1000, 7, 2),
                (2**32 - 1, 2**32 - 1, 4096),
            )
        ],
        "keys": [
            {
                "base": base_,
                "clock": clock,
                "taskId": task_id,
                "key": ranking.queue_key(base_, clock, task_id),
            }
            for base_, clock, task_id in keys
        ],
        "floors": [
            {"feeUnit": 10**17, "queued": queued, "floor": ranking.fee_floor(10**17, SPEC, queued)}
            for queued in (0, 511, 512, 4096)
        ],
        "spec": members(SPEC),
    }


def fee_splits() -> dict[str, Any]:
    """Fees divided, and emissions under each limit."""
    cases = [
        (10_000, 3, True, True),
        (10_000, 0, False, False),
        (9, 2, True, True),
        (SPEC.fee, 7, True, False),
    ]
    cases.append((2**96 - 1, 15, True, True))
    schedule = {"initial": 1000, "halvingSecs": 100, "kappaBps": 9000}
    rounds = [(0, 10**20, 10**20), (99, 5000, 5000), (100, 5000, 5000), (999, 5000, 5000), (1000, 5000, 5000)]
    rounds += [(10**9, 5000, 5000), (0, 100, 5000), (0, 5000, 7)]
    return {
        "rates": asdict(RATES),
        "splits": [
            {
                "fee": fee,
                "validators": validators,
                "second": second,
                "third": third,
                "shares": asdict(fees.split(RATES, fee, validators, second=second, third=third)),
            }
            for fee, validators, second, third in cases
        ],
        "schedule": schedule,
        "emissions": [
            {
                "elapsed": elapsed,
                "burned": burned,
                "left": left,
                "amount": fees.emission(1000, 100, 9000, elapsed=elapsed, fee_burned=burned, left=left),
            }
            for elapsed, burned, left in rounds
        ],
    }
