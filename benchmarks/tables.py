"""A table, for the terminal and for the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column stands left, the others right.

    Attributes:
        note: paragraphs that stand below it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {len(self.columns)} columns, but a row has {len(row)}: {row}")


@dataclass(frozen=True)
class Section:
    """One part of the document.

    Attributes:
        text: paragraphs above the tables: what was measured, and what may be compared with what.
    """

    title: str
    text: str
    tables: Sequence[Table] = field(default_factory=tuple)


def markdown(table: Table, command: str) -> str:
    """The table with its title, and the command that made it."""
    lines = [f"**{table.title}** · `{command}`", "", _line(table.columns)]
    lines += [_line(["---", *["---:"] * (len(table.columns) - 1)]), *map(_line, table.rows)]
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


def show(section: Section) -> None:
    """Prints the tables: with rich, or where that is not installed as they stand in the document."""
    for block in _printable(section):
        print(block)


def _printable(section: Section) -> Iterator[str]:
    try:
        from rich.console import Console  # noqa: PLC0415  # a machine that only trains has no rich
        from rich.table import Table as RichTable  # noqa: PLC0415
    except ImportError:
        yield from (markdown(table, "") for table in section.tables)
        return
    console = Console()
    if not console.is_terminal:
        console.width = 140
    for table in section.tables:
        rich = RichTable(title=table.title, title_justify="left")
        for number, column in enumerate(table.columns):
            rich.add_column(column, justify="right" if number else "left")
        for row in table.rows:
            rich.add_row(*(cell.replace("**", "") for cell in row))
        with console.capture() as captured:
            console.print(rich)
        yield captured.get()


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
