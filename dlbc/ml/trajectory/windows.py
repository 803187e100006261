"""Which pieces of a training are run again, by randomness that is later than the commitment.

Most are drawn where the training made progress: there a thief has to jump. Progress is what the cosine to the final
weights rises by: half the square of the distance of unit vectors, so that a jump which is trained away from afterwards
keeps as large a share as is left of it in the end. It takes nothing but correctly rounded operations, so that everybody
draws the same windows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlbc.ml import prg
from dlbc.ml.trajectory.commitment import Trajectory
from dlbc.ml.trajectory.recipe import Recipe
from dlbc.ml.trajectory.state import Sketch

SEGMENTS = 2  # of a window: a state forged in the first shows in the second
UNIFORM = 2
_SCALE = 1 << 40
_WORD = 16  # bytes a draw


@dataclass(frozen=True)
class Window:
    """Two segments that are run again as one.

    Attributes:
        first: number of the station to start from; states are compared at the two that follow.
        why: what it was chosen for: "first", "last", "mark", "progress" or "uniform".
    """

    first: int
    why: str

    @property
    def stations(self) -> tuple[int, ...]:
        """The stations whose states are needed."""
        return tuple(range(self.first, self.first + SEGMENTS + 1))


def choose(trajectory: Trajectory, seed: bytes, draws: int) -> tuple[Window, ...]:
    """The first window, the last, the mark's, `draws` by progress and two uniform ones; each once.

    Args:
        seed: 32 bytes that nobody knew when the trajectory was committed to.
        draws: 5 to 8; fewer are found where the training has fewer segments with progress.
    """
    return drawn(trajectory.recipe, progress([leaf.sketch for leaf in trajectory.leaves]), seed, draws)


def drawn(recipe: Recipe, weights: Sequence[int], seed: bytes, draws: int) -> tuple[Window, ...]:
    """As `choose`, where the segments' progress is known."""
    last, left = len(recipe.stations) - 1 - SEGMENTS, list(weights)
    windows = {0: "first", last: "last"}
    if recipe.mark_station is not None:
        windows.setdefault(min(recipe.mark_station, last), "mark")
    words = iter(_words(seed, draws + UNIFORM))
    for _ in range(min(draws, sum(weight > 0 for weight in left))):
        segment = _pick(left, next(words))
        left[segment] = 0
        windows.setdefault(_around(segment, last), "progress")
    for word in itertools.islice(words, UNIFORM):
        windows.setdefault(_around(word % (last + SEGMENTS), last), "uniform")
    return tuple(Window(first, why) for first, why in sorted(windows.items()))


def progress(sketches: Sequence[Sketch]) -> list[int]:
    """By how much each segment, from one station to the next, lowers the record of the distance to the end.

    Integers of one part in 2^40 of a cosine; 0 for a segment that comes no nearer than an earlier one did.
    """
    target = sketches[-1].astype(np.float64)
    distances = [_distance(sketch.astype(np.float64), target) for sketch in sketches]
    weights, record = [], distances[0]
    for distance in distances[1:]:
        weights.append(max(0, record - distance))
        record = min(record, distance)
    return weights


def _distance(
    first: np.ndarray[tuple[int], np.dtype[np.float64]], second: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> int:
    """1 - cos of two directions; the largest, 2, for a vector of zeros."""
    # Products of two float16 are exact in float64, and fsum rounds once: the order of summation does not matter.
    product, one, two = (math.fsum(values) for values in (first * second, first * first, second * second))
    cosine = product / math.sqrt(one * two) if one * two > 0 else -1.0
    return math.floor(max(0.0, 1.0 - cosine) * _SCALE)


def _around(segment: int, last: int) -> int:
    """The window in which the segment comes second, after the one in which its state could have been forged."""
    return min(max(segment - 1, 0), last)


def _pick(weights: Sequence[int], word: int) -> int:
    left = word % sum(weights)
    for number, weight in enumerate(weights):
        if left < weight:
            return number
        left -= weight
    raise AssertionError("a draw is below the sum")


def _words(seed: bytes, count: int) -> list[int]:
    stream = prg.expand(seed, "trajectory/windows", count * _WORD)
    return [int.from_bytes(stream[begin : begin + _WORD], "big") for begin in range(0, len(stream), _WORD)]
