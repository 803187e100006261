"""How often what a thief shows is found out, over real recorded trajectories and real draws of windows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from benchmarks.trajectory_attacks import Shown, Stage
from dlbc.ml import prg
from dlbc.ml.trajectory import Opening, Window
from dlbc.ml.trajectory.execution import Numerics
from dlbc.ml.trajectory.state import Sketcher
from dlbc.ml.trajectory.verify import TOLERANCE, allowed, blind, rerun
from dlbc.ml.trajectory.windows import SEGMENTS, drawn, progress

DRAWINGS = 1_000
_ROOT = bytes(32)


@dataclass(frozen=True)
class Path:
    """One way in which a machine may compute the same.

    Attributes:
        numerics: dtype and memory layout; None for the recipe's.
        mkldnn: whether oneDNN's kernels are used.
        threads: torch's, which decide in what order sums are taken.
    """

    name: str
    numerics: Numerics | None = None
    mkldnn: bool = True
    threads: int = 1

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Within it, torch computes so."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.backends.mkldnn.flags(enabled=self.mkldnn):
                yield
        finally:
            torch.set_num_threads(before)


SAME = Path("the same")


def errors(stage: Stage, shown: Shown, path: Path = SAME) -> list[float]:
    """The largest error of every window there is, by its first station."""
    opening = Opening(shown.trajectory, dict(enumerate(shown.states)))
    with path.taken():
        run = stage.execution(shown.recipe, path.numerics)
        windows = range(len(shown.states) - SEGMENTS)
        return [rerun(run, opening, Window(first, "all"), shown.seed).worst for first in windows]


def uncaught(shown: Shown, found: list[float], draws: int, drawings: int = DRAWINGS) -> float:
    """The share of draws in which no window that is opened is over the tolerance or has a lying sketch."""
    trajectory = shown.trajectory
    weights = progress([leaf.sketch for leaf in trajectory.leaves])
    tolerance = TOLERANCE[shown.recipe.precision]
    lies = liars(shown)
    caught = {first for first, error in enumerate(found) if error > allowed(tolerance, first)}
    free = 0
    for number in range(drawings):
        windows = drawn(shown.recipe, weights, prg.derive(_ROOT, f"draw {number}"), draws)
        free += not any(w.first in caught or lies.intersection(w.stations) for w in windows)
    return free / drawings


def liars(shown: Shown) -> set[int]:
    """Stations whose sketch is not of their state, or does not see how far that is from the end."""
    sketcher = Sketcher(shown.seed, shown.states[0].weights.size)
    own = [sketcher(state.weights) for state in shown.states]
    leaves, final = shown.sketches or own, shown.states[-1].weights
    return {
        number
        for number, (sketch, state) in enumerate(zip(leaves, shown.states, strict=True))
        if (sketch != own[number]).any() or blind(state.weights, sketch, final, leaves[-1])
    }


def caught_progress(shown: Shown, found: list[float]) -> float:
    """The share of all progress in segments whose draw finds an error over the tolerance."""
    weights = progress([leaf.sketch for leaf in shown.trajectory.leaves])
    last = len(shown.states) - 1 - SEGMENTS
    tolerance = TOLERANCE[shown.recipe.precision]
    drawn_for = [min(max(number - 1, 0), last) for number in range(len(weights))]
    hit = sum(w for w, first in zip(weights, drawn_for, strict=True) if found[first] > allowed(tolerance, first))
    return hit / sum(weights)
