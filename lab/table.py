"""The matrix on disk: one CSV row a finished cell, appended as they finish, and all of them as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from dlbc.errors import UsageError
from lab.cells import Cell

VERSION = 3  # of what a row means; rows of another one are not comparable
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Row:
    """One finished cell; see `Evidence` for what is measured.

    Attributes:
        epochs: that the thief spent.
        before: the owner's accuracy on the test set, in percent.
        after: the thief's.
        kept: the second as a share of the first, in percent.
        core: None in rows from before it was looked for; their flags are those of cosine and match.
        flagged: validators withhold the reward (LINEAGE).
        claimable: a private key of the owner's is found, so that the thief can be slashed.
        seconds: of the processor.
    """

    version: int
    task: str
    architecture: str
    seed: int
    attack: str
    budget: int
    epochs: int
    before: float
    after: float
    kept: float
    z_public: float | None
    z_private: float | None
    uchida_published: int | None
    uchida_aligned: int | None
    cosine: float
    match: float
    core: float | None
    share: float
    flagged: bool
    claimable: bool
    seconds: float

    @property
    def cell(self) -> Cell:
        """What it answers."""
        return Cell(self.task, self.architecture, self.seed, self.attack, self.budget)

    @property
    def z(self) -> float:
        """Of the owner's strongest key; 0 where even that is negative."""
        return max(z for z in (self.z_public, self.z_private, 0.0) if z is not None)

    @property
    def lost(self) -> float:
        """Points of accuracy that the attack cost."""
        return self.before - self.after


COLUMNS = tuple(field.name for field in fields(Row))
_TYPES = {field.name: str(field.type) for field in fields(Row)}


def append(path: Path, row: Row) -> None:
    """Adds a row at the end of the file, and the head where there is no file."""
    new = not path.exists()
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if new:
        writer.writeheader()
    writer.writerow({name: "" if value is None else value for name, value in asdict(row).items()})
    with path.open("a", encoding="utf-8") as file:
        file.write(text.getvalue())


def read(path: Path) -> list[Row]:
    """The rows of a file; a last line that was not written to its end is left out.

    Raises:
        UsageError: the file is no matrix, or of another version.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes, so no matrix of dlbc-lab's")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; make it with dlbc-lab matrix") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error
    lines = csv.DictReader(io.StringIO(_whole_lines(text)))
    if tuple(lines.fieldnames or ()) != COLUMNS:
        raise UsageError(f"{path}: no matrix of this dlbc-lab's (its columns differ); move it away, or name another")
    return [_row(path, number, values) for number, values in enumerate(lines, 2)]


def mend(path: Path) -> None:
    """Cuts off a last line that a broken-off run did not write to its end."""
    text = path.read_text(encoding="utf-8")
    if text != (whole := _whole_lines(text)):
        path.write_text(whole, encoding="utf-8")


def write_json(path: Path, rows: Sequence[Row]) -> None:
    """All rows with what they hold; replaces the file at once."""
    temporary = path.with_name(path.name + ".part")
    content = {"version": VERSION, "rows": [asdict(row) for row in rows]}
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def _whole_lines(text: str) -> str:
    return text[: text.rfind("\n") + 1]


def _row(path: Path, number: int, values: Mapping[str, str | None]) -> Row:
    if values.get("version") != str(VERSION):
        found = str(values.get("version"))[:20]
        raise UsageError(
            f"{path}, line {number}: written by version {found} of the matrix, this is {VERSION}; move the file away "
            "and run dlbc-lab matrix again"
        )
    try:
        return Row(**{name: _value(_TYPES[name], values[name] or "") for name in COLUMNS})
    except (ValueError, KeyError) as error:
        raise UsageError(f"{path}, line {number}: {error}; delete that line, and its cell is run again") from error


def _value(kind: str, text: str) -> Any:
    kind, _, optional = kind.partition(" | ")
    if optional and not text:
        return None
    if kind == "bool":
        if text not in {"True", "False"}:
            raise ValueError(f"{text[:20]!r} is neither True nor False")
        return text == "True"
    if kind == "int":
        return int(text)
    if kind == "float":
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:20]!r} is no finite number")
        return number
    return text
