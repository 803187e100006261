"""What running processes use of memory and cores, as Linux tells it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Of one process, in MiB.

    Attributes:
        now: resident.
        peak: the most that was ever resident.
    """

    now: float
    peak: float


def quiet() -> None:
    """No log lines between the tables but warnings."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def cpu_seconds(pids: Iterable[int]) -> float:
    """Seconds that these processes have had a core, in all, in user and system mode."""
    ticks = 0
    for pid in pids:
        # The name, in brackets, may hold spaces; utime and stime are fields 14 and 15.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def memory(pid: int) -> Memory:
    """Resident memory of one process."""
    found = {}
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in {"VmRSS", "VmHWM"}:
            found[name] = int(value.split()[0]) / 1024
    return Memory(found.get("VmRSS", 0.0), found.get("VmHWM", 0.0))


def children(pid: int) -> list[int]:
    """Processes that this one started and that run, youngest last."""
    found = []
    for task in (PROC / str(pid) / "task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return sorted(found)


def command(pid: int) -> list[str]:
    """The words that it was started with."""
    return [word.decode(errors="replace") for word in (PROC / str(pid) / "cmdline").read_bytes().split(b"\0") if word]
