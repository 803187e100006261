"""Formats that end in a number: votes, places, ranks, shares."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dlbc.wire import fees, ranking, tally, vote_word
from dlbc.wire.vote_word import SKIPPED, CandidateVote
from scripts.vectors.ballots import BALLOTS, Ballot, mask
from scripts.vectors.examples import RATES, SPEC, WEIGHTS, WORDS, members, repeated


def _judged(case: Ballot) -> dict[str, Any]:
    found, task_flags = tally.verdicts(case.words, len(case.claims), tol=case.tol, quorum=case.quorum)
    against = tally.dissent(case.words, found, shown=case.shown, placed=case.placed, tol=case.tol)
    claimed = list(zip(found, case.claims, strict=True))
    return {
        "verdicts": [asdict(verdict) for verdict in found],
        "taskFlags": task_flags,
        "qualifies": [verdict.qualifies(claim, case.min_score, case.tol) for verdict, claim in claimed],
        "overclaimed": [verdict.overclaimed(claim, case.tol) for verdict, claim in claimed],
        "off": mask(against.off),
        "incoherent": mask(against.incoherent),
    }


def votes() -> dict[str, Any]:
    """Words in both directions, what committees say and whom they contradict, and who wins."""
    words = [
        *WORDS,
        vote_word.pack([CandidateVote(5)] * 2, vote_word.payload_bad(0) | vote_word.payload_bad(5)),
        vote_word.pack([SKIPPED] * 6),
        vote_word.pack([CandidateVote(vote_word.MAX_SCORE)] * 6),
    ]
    read = [(word, *vote_word.unpack(word)) for word in words]
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
                "why": why,
                "words": [(word or 0).to_bytes(32) for word in case.words],
                "revealed": mask(position for position, word in enumerate(case.words) if word is not None),
                "quorum": case.quorum,
                "tol": case.tol,
                "minScore": case.min_score,
                "claims": case.claims,
                "shown": mask(case.shown),
                "placed": mask(case.placed),
                **_judged(case),
            }
            for why, case in BALLOTS.items()
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
    """Fees divided, at the end and in epochs before it; tips; and emissions under each limit."""
    cases = [
        (10_000, 3, True, True, False, 0),
        (10_000, 3, True, True, True, 0),
        (10_000, 3, True, True, True, 499),
        (10_000, 3, False, False, True, 1000),
        (10_000, 0, False, False, False, 0),
        (9, 2, True, True, True, 0),
        (SPEC.fee, 7, True, False, False, 0),
    ]
    cases.append((2**96 - 1, 15, True, True, True, 2**90))
    advances = [
        (10_000, 0, 3),
        (10_000, 499, 3),
        (10_000, 1000, 3),
        (SPEC.fee, 0, 1),
        (2**96 - 1, 2**90, 15),
        (9, 0, 2),
    ]
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
                "parent": parent,
                "advanced": advanced,
                "shares": asdict(
                    fees.split(RATES, fee, validators, second=second, third=third, parent=parent, advanced=advanced)
                ),
            }
            for fee, validators, second, third, parent, advanced in cases
        ],
        "advances": [
            {
                "fee": fee,
                "advanced": advanced,
                "validators": validators,
                "perValidator": fees.advance(RATES, fee, advanced, validators),
            }
            for fee, advanced, validators in advances
        ],
        "afterTips": [
            {"fee": fee, "tip": tip, "tips": tips, "left": fees.after_tips(fee, tip, tips)}
            for fee, tip, tips in (
                (SPEC.fee, 10**16, 0),
                (SPEC.fee, 10**16, 3),
                (8, 1, fees.MOST_TIPS),
                (SPEC.fee, 0, 7),
            )
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
