"""The first SIGTERM or SIGINT asks to finish the step, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals(stopping: threading.Event) -> Iterator[None]:
    """Sets `stopping` on the first signal, raises KeyboardInterrupt on the second. For the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        # Nothing is logged here: the signal may have come while this thread holds the logger's lock.
        if stopping.is_set():
            raise KeyboardInterrupt(signal.Signals(number).name)
        stopping.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
