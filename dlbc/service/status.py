"""status.json: what a program is doing, for another process to read at any time."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FILE_NAME = "status.json"
LEAST_PAUSE = 0.25  # seconds between two writes: training reports many times a second


class StatusBoard:
    """Collects and writes the status. Safe to use from several threads.

    The file holds program, pid, address, chain_id, state, updated_at (wall clock), what `update` was given,
    `last` (the newest report) and `reports` (the newest of each event name).
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic, **identity: Any) -> None:
        self._path = folder / FILE_NAME
        self._clock = clock
        self._lock = threading.Lock()
        self._content: dict[str, Any] = {**identity, "pid": os.getpid(), "state": "starting", "reports": {}}
        self._written_at = float("-inf")
        self._dirty = False

    def report(self, event: Mapping[str, Any]) -> None:
        """Keeps a report as the newest, in all and of its name."""
        with self._lock:
            stamped = {**event, "at": round(time.time(), 3)}
            self._content["last"] = stamped
            self._content["reports"][str(event.get("event", "report"))] = stamped
            self._dirty = True
            self._write_if_time()

    def update(self, **values: Any) -> None:
        """Sets fields of the status."""
        with self._lock:
            self._content.update(values)
            self._dirty = True
            self._write_if_time()

    def flush(self) -> None:
        """Writes now what is not written yet."""
        with self._lock:
            if self._dirty:
                self._write()

    def _write_if_time(self) -> None:
        if self._clock() - self._written_at >= LEAST_PAUSE:
            self._write()

    def _write(self) -> None:
        self._content["updated_at"] = round(time.time(), 3)
        text = json.dumps(self._content, indent=1, default=_plain)
        half = self._path.with_name(self._path.name + ".part")
        self._written_at = self._clock()
        # A full disk must not end a training or a duty over what is only looked at; it stays dirty, and is tried again.
        with contextlib.suppress(OSError):
            half.write_text(text, encoding="utf-8")
            half.replace(self._path)
            self._dirty = False


def read_status(folder: Path) -> dict[str, Any] | None:
    """A program's status, None if it never ran there.

    Adds `alive` (its process exists) and `age` (seconds since it wrote).
    """
    try:
        content: dict[str, Any] = json.loads((folder / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    content["alive"] = _exists(int(content.get("pid", 0)))
    content["age"] = round(time.time() - float(content.get("updated_at", 0)), 1)
    return content


def _exists(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _plain(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes | bytearray) else str(value)
