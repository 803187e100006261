"""Seconds and memory of a call, and what is said of many."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median

__all__ = ["median", "peak_of", "percentile", "ratio", "seconds_of", "short", "timed"]


def seconds_of(call: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """As `seconds_of`, and the seconds that this process had a core: hardly more where others use the cores too."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def peak_of(call: Callable[[], object]) -> int:
    """The most bytes that Python and numpy held at once during a call, besides what they held before."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(round(share * len(ordered), 6)) - 1)]


def ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """The median of the quotients of two things measured in turns, which noise on the machine disturbs least."""
    return median(value / other for value, other in zip(values, others, strict=True))


def short(seconds: float) -> str:
    """Seconds with three significant digits, thousandths of one in ms."""
    if seconds >= 0.9995:
        return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:.0f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 0.000_999_5 else f"{seconds * 1e6:.3g} µs"
