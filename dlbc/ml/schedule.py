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


@dataclass
class Plan:
    """Where in the cycle a step lies, and when the last epoch must begin."""

    steps_per_epoch: int
    epochs: int | None
    seconds_left: Callable[[], float] | None
    resumed: float = 0.0  # progress that an earlier run had made
    step_times: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    began: float = field(default_factory=time.monotonic)
    final_seconds: float = 0.0

    def left(self) -> float:
        return math.inf if self.seconds_left is None else self.seconds_left()

    def reserve(self) -> float:
        """Seconds to keep for the last epoch: 1.5 measured epochs, at most a quarter of the whole time."""
        times = list(self.step_times)[1:] or [0.0]  # the first step of a process is far slower
        whole = self.left() + time.monotonic() - self.began
        return min(1.5 * self.steps_per_epoch * median(times), 0.25 * whole) if math.isfinite(whole) else 0.0

    def mark_due(self, progress: Progress) -> bool:
        """Also updates `progress.share`, which never falls."""
        shares = [progress.share]
        if self.epochs is not None:
            shares.append(progress.step / ((self.epochs - 1) * self.steps_per_epoch))
        if self.seconds_left is not None:
            used, main = time.monotonic() - self.began, self.left() - self.reserve()
            timed = used / (used + main) if main > 0 else 1.0
            shares.append(self.resumed + (1.0 - self.resumed) * timed)
        progress.share = min(1.0, max(shares))
        return progress.share >= 1.0

    def begin_final(self) -> None:
        self.final_seconds = self.left()

    def final_share(self, progress: Progress) -> float:
        done = (progress.step - (progress.marked_at or 0)) / self.steps_per_epoch
        if self.seconds_left is not None and self.final_seconds > 0:
            done = max(done, 1.0 - self.left() / self.final_seconds)
        return min(1.0, done)

    def over(self, progress: Progress) -> bool:
        return progress.marked_at is not None and (self.final_share(progress) >= 1.0 or self.left() <= 0)

    def rate(self, progress: Progress) -> float:
        """Learning rate as a share of the peak."""
        if progress.marked_at is not None:
            return 0.1 * (1.0 - self.final_share(progress))
        if progress.share < 0.1:
            return 0.1 + 0.9 * progress.share / 0.1
        return 0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * (progress.share - 0.1) / 0.9))
