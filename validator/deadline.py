"""Work on strangers' numbers, which must not cost a vote."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_time(seconds: float, work: Callable[[], T]) -> T | Unfinished:
    """What `work` finds, or in words why it found nothing.

    Work that goes on is left to itself: numpy, scipy and torch cannot be interrupted.
    """
    answer: queue.SimpleQueue[T | Unfinished] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put(work())
        except Exception as error:  # reported by the caller
            answer.put(Unfinished(f"failed ({type(error).__name__}: {error})"))

    if seconds <= 0:
        return Unfinished("was left out for want of time")
    threading.Thread(target=run, name="judging", daemon=True).start()
    try:
        return answer.get(timeout=None if math.isinf(seconds) else seconds)
    except queue.Empty:
        return Unfinished(f"did not end in {seconds:.0f} s")


class Unfinished(str):
    """Why there is no answer, to follow a noun in a sentence."""

    __slots__ = ()
