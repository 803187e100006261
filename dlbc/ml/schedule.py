"""When training is where in its cycle: planned against a clock that others keep, or by counting epochs."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from dlbc.ml.checkpoint import Progress


def countdown(seconds: float) -> Callable[[], float]:
    """Seconds left of a budget that starts now; negative when it is spent."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def main_rate(share: float) -> float:
    """Learning rate as a share of the peak, where `share` of the main phase is over."""
    if share < 0.1:
        return 0.1 + 0.9 * share / 0.1
    return 0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * (share - 0.1) / 0.9))


def final_rate(share: float) -> float:
    """The same, where `share` of the final phase is over."""
    return 0.1 * (1.0 - share)


def final_epochs(epochs: int) -> int:
    """Length of the final phase of a training of so many epochs."""
    return max(1, round(epochs / 10))


@dataclass
class Plan:
    """The cycle: a main phase, then a final phase that begins with the mark.

    The final phase takes a tenth of the whole, and at least one epoch unless that is over a quarter.
    """

    steps_per_epoch: int
    epochs: int | None
    seconds_left: Callable[[], float] | None
    resumed: float = 0.0  # share of the main phase that an earlier run had done
    step_times: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    began: float = field(default_factory=lambda: time.monotonic())  # noqa: PLW0108  # looked up late: tests bring a clock
    final_seconds: float = math.inf

    def left(self) -> float:
        return math.inf if self.seconds_left is None else self.seconds_left()

    def final_steps(self) -> int:
        """Steps of the final phase, where the number of epochs is given."""
        return self.steps_per_epoch * final_epochs(self.epochs or 0)

    def main_share(self, progress: Progress) -> float:
        """How much of the main phase is over, 0 … 1; never falls."""
        shares = [progress.share]
        if self.epochs is not None:
            shares.append(progress.step / (self.epochs * self.steps_per_epoch - self.final_steps()))
        if self.seconds_left is not None:
            used, left = time.monotonic() - self.began, self.left()
            main = left - self._reserve(used + left)
            timed = used / (used + main) if main > 0 else 1.0
            shares.append(self.resumed + (1.0 - self.resumed) * timed)
        return min(1.0, max(shares))

    def begin_final(self) -> None:
        self.final_seconds = max(self.left(), 1e-9)

    def final_share(self, progress: Progress) -> float:
        """How much of the final phase is over, 0 … 1."""
        shares = [0.0]
        if self.epochs is not None:
            shares.append((progress.step - (progress.marked_at or 0)) / self.final_steps())
        if self.seconds_left is not None:
            shares.append(1.0 - (self.left() - self._step_seconds()) / self.final_seconds)
        return min(1.0, max(shares))

    def rate(self, progress: Progress) -> float:
        """Learning rate as a share of the peak."""
        return final_rate(self.final_share(progress)) if progress.marked_at is not None else main_rate(progress.share)

    def _reserve(self, whole: float) -> float:
        one_epoch = 1.5 * self.steps_per_epoch * self._step_seconds()
        return max(0.1 * whole, min(one_epoch, 0.25 * whole))

    def _step_seconds(self) -> float:
        times = list(self.step_times)[1:]  # the first step of a process is far slower than all others
        return median(times) if times else 0.0
