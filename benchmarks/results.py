"""What a run measured, kept as JSON in build/benchmarks/, one file a part."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "benchmarks"


@dataclass(frozen=True)
class Result:
    """One run of one part.

    Attributes:
        command: what made it.
        measured: what the part's `measure` returned: plain JSON.
        seconds: that the run took.
    """

    part: str
    command: str
    date: str
    seconds: float
    machine: dict[str, Any]
    load_after: float
    measured: dict[str, Any]


def run(part: str, measure: Callable[[], dict[str, Any]]) -> Result:
    """Measures, and keeps the result."""
    where, began = machine.describe(), time.monotonic()
    measured = measure()
    result = Result(
        part=part,
        command=f"python -m benchmarks {part}",
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        seconds=round(time.monotonic() - began, 1),
        machine=where,
        load_after=machine.load(),
        measured=measured,
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    path(part).write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    return result


def load(part: str) -> Result | None:
    """The part's last result, None where it never ran here."""
    return Result(**json.loads(path(part).read_text(encoding="utf-8"))) if path(part).is_file() else None


def path(part: str) -> Path:
    """Where a part's result lies."""
    return FOLDER / f"{part}.json"
