"""How many mutants were found, and how sure that is when only some were tried."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from scripts.mutation.accepted import Place
from scripts.mutation.points import Mutant

FOUND = ("killed", "timeout")
ENOUGH = 0.9  # of those tried; an accepted survivor counts as one that was not found
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Score:
    """What became of the mutants that were to be tried.

    Attributes:
        left: not tried yet.
        survivors: those that nobody has explained.
    """

    found: int
    accepted: int
    left: int
    survivors: tuple[Mutant, ...]

    @property
    def tried(self) -> int:
        return self.found + self.accepted + len(self.survivors)

    @property
    def good(self) -> bool:
        """All tried, enough found, and each survivor explained."""
        return not self.left and not self.survivors and self.found >= ENOUGH * self.tried

    def __str__(self) -> str:
        low, high = wilson(self.found, self.tried)
        share = 100 * self.found / self.tried if self.tried else 100.0
        return (
            f"{self.found} of {self.tried} found: {share:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %);"
            f" {self.accepted} survivors accepted, {len(self.survivors)} not, {self.left} not tried"
        )


def count(mutants: Sequence[Mutant], outcomes: Mapping[Place, str], accepted: Collection[Place]) -> Score:
    """The score of these mutants; what the compiler refuses is none of them."""
    known = [(mutant, outcomes.get(mutant.place)) for mutant in mutants]
    survivors = [mutant for mutant, outcome in known if outcome == "survived"]
    return Score(
        found=sum(outcome in FOUND for _, outcome in known),
        accepted=sum(mutant.place in accepted for mutant in survivors),
        left=sum(outcome is None for _, outcome in known),
        survivors=tuple(mutant for mutant in survivors if mutant.place not in accepted),
    )


def sample(mutants: Sequence[Mutant], size: int | None, seed: str) -> list[Mutant]:
    """So many of the mutants by chance, each as likely as the next, in their order; the same ones for the same seed."""
    if size is None or size >= len(mutants):
        return list(mutants)
    chosen = random.Random(seed).sample(range(len(mutants)), size)  # noqa: S311
    return [mutants[at] for at in sorted(chosen)]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share, from independent trials.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, NORMAL_95**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    reach = NORMAL_95 / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)
