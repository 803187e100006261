"""Results as they come, in a CSV file that a later run goes on with, and as a table."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scripts.mutation.campaign import Result
from scripts.mutation.points import Mutant

COLUMNS = ("key", "file", "line", "function", "change", "outcome", "test", "seconds")
FOUND = ("killed", "timeout")


def keys(mutants: Sequence[Mutant], sources: Mapping[str, bytes]) -> dict[int, str]:
    """A name for each mutant that another run gives it as well, as long as its file stays as it is."""
    prints = {file: hashlib.sha256(text).hexdigest()[:12] for file, text in sources.items()}
    seen: Counter[tuple[str, int, str]] = Counter()
    found = {}
    for mutant in mutants:
        place = mutant.file, mutant.line, mutant.change
        seen[place] += 1
        text = f"{prints[mutant.file]}|{mutant.line}|{mutant.change}|{seen[place]}"
        found[mutant.number] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


class Record:
    """The CSV file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, dict[str, str]] = {}
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                self._rows = {row["key"]: row for row in csv.DictReader(file)}

    def outcome(self, key: str) -> str | None:
        """What became of a mutant in an earlier run."""
        row = self._rows.get(key)
        return row["outcome"] if row else None

    def add(self, key: str, result: Result) -> None:
        """Written at once: a run may be broken off."""
        mutant = result.mutant
        self._rows[key] = {
            "key": key,
            "file": mutant.file,
            "line": str(mutant.line),
            "function": mutant.function,
            "change": mutant.change,
            "outcome": result.outcome,
            "test": result.test,
            "seconds": f"{result.seconds:.1f}",
        }
        self._write(self._rows.values())

    def keep(self, wanted: Iterable[str], files: Iterable[str]) -> None:
        """Forget the mutants of these files that there are no more."""
        kept, named = set(wanted), set(files)
        self._rows = {key: row for key, row in self._rows.items() if row["file"] not in named or key in kept}
        self._write(self._rows.values())

    def markdown(self) -> str:
        """A table by file, and the survivors one by one."""
        by_file: dict[str, Counter[str]] = {}
        for row in self._rows.values():
            by_file.setdefault(row["file"], Counter())[row["outcome"]] += 1
        lines = [
            "# Mutants",
            "",
            "| File | Mutants | Killed | Timed out | Survived | Not compiling | Found |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        total: Counter[str] = Counter()
        for file in sorted(by_file):
            lines.append(_row(file, by_file[file]))
            total += by_file[file]
        lines += [_row("all", total), "", "## Survivors", ""]
        survivors = [row for row in self._rows.values() if row["outcome"] == "survived"]
        for row in sorted(survivors, key=lambda row: (row["file"], int(row["line"]))):
            lines.append(
                f"- `{row['file']}:{row['line']}` {row['function']}: {row['change'].replace('|', chr(92) + '|')}"
            )
        return "\n".join(lines) + "\n"

    def _write(self, rows: Iterable[dict[str, str]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(".tmp")
        with scratch.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: (row["file"], int(row["line"]), row["key"])))
        scratch.replace(self._path)


def _row(name: str, counted: Counter[str]) -> str:
    found = sum(counted[outcome] for outcome in FOUND)
    tried = found + counted["survived"]
    share = f"{100 * found / tried:.1f} %" if tried else "-"
    numbers = (counted["killed"], counted["timeout"], counted["survived"], counted["refused"])
    return f"| {name} | {counted.total()} | " + " | ".join(str(number) for number in numbers) + f" | {share} |"
