"""What the laboratory found, for people: lines and tables."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table

from dlbc.ml.attacks import ATTACKS, UNTRAINED
from dlbc.ml.watermark.mark import PRESENT
from lab.summary import Answer, Line, answer
from lab.table import Row
from lab.theft import Theft

WIDTH = 110
BITS = 64


def methods() -> list[tuple[str, str, str]]:
    """Name, "none" or "as given", and the first sentence of what it does."""
    return [
        (name, "none" if name in UNTRAINED else "as given", _first_line(attack.__doc__ or ""))
        for name, attack in ATTACKS.items()
    ]


def theft(found: Theft) -> str:
    """Evidence before and after."""
    before, after = found.before, found.after
    rows = [
        ("accuracy", f"{100 * before.accuracy:.2f} %", f"{100 * after.accuracy:.2f} %", ""),
        ("lineage, cosine", f"{before.cosine:.2f}", f"{after.cosine:.2f}", ""),
        ("lineage, match", f"{before.match:.2f}", f"{after.match:.2f}", ""),
        ("lineage, core", f"{before.core:.2f}", f"{after.core:.2f}", "flagged" if after.related else "not flagged"),
        ("public mark, z", _number(before.z_public), _number(after.z_public), _presence(after.z_public)),
        ("private mark, z", _number(before.z_private), _number(after.z_private), _presence(after.z_private)),
        ("Uchida, as published", _bits(before.uchida_published), _bits(after.uchida_published), ""),
        ("Uchida, aligned", _bits(before.uchida_aligned), _bits(after.uchida_aligned), ""),
    ]
    head = f"{found.method}: {found.epochs} epochs of the thief's; the stolen model is {found.output}\n"
    return head + table(("Evidence", "Before", "After", ""), rows)


def row(found: Row) -> str:
    """One finished cell on one line."""
    core = "-" if found.core is None else f"{found.core:.2f}"
    return (
        f"{found.cell.in_words()}: accuracy {found.after:.1f} of {found.before:.1f}, cosine {found.cosine:.2f}, match "
        f"{found.match:.2f}, core {core}, z {found.z:.1f}: {answer(found)}"
    )


def summary(lines: Sequence[Line]) -> str:
    """A table of all attacks, and how many thefts each answer stopped."""
    rows = [
        (
            f"{line.task} · {line.architecture}",
            line.attack,
            str(line.epochs),
            f"{line.kept:.1f} %",
            f"{line.z:.1f}",
            f"{line.share:.2f}",
            _bits(line.uchida),
            ", ".join(f"{name} {count}" for name, count in line.answers.items()),
        )
        for line in lines
    ]
    columns = ("Model", "Attack", "Epochs", "Kept", "z", "Lineage", "Uchida wrong", "Thieves")
    totals = {found: sum(line.answers.get(found, 0) for line in lines) for found in Answer}
    said = ", ".join(f"{count} {name}" for name, count in totals.items() if count)
    note = (
        "z and Lineage: the least over the seeds; a mark is present from z 8, lineage flags from 1.00 (cosine, match "
        "or core as a share of its threshold).\n"
    )
    return f"{table(columns, rows)}{note}{sum(totals.values())} thefts: {said}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table that fits a terminal."""
    grid = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        grid.add_column(column, no_wrap=number == 0)
    for cells in rows:
        grid.add_row(*cells)
    text = StringIO()
    Console(file=text, width=WIDTH, highlight=False, markup=False).print(grid)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _presence(z: float | None) -> str:
    return "" if z is None else ("present" if z >= PRESENT else "absent")


def _bits(wrong: int | None) -> str:
    return "-" if wrong is None else f"{wrong} of {BITS}"
