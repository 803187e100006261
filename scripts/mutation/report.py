"""Results as they come, in a CSV file that a later run goes on with, and as a table."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from scripts.mutation.accepted import Place
from scripts.mutation.campaign import Result
from scripts.mutation.points import Mutant
from scripts.mutation.score import FOUND

COLUMNS = ("key", "file", "line", "function", "change", "occurrence", "outcome", "test", "seconds")

_COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def keys(mutants: Sequence[Mutant], sources: Mapping[str, bytes]) -> dict[int, str]:
    """A name for each mutant that another run gives it as well, as long as its file's code stays as it is."""
    prints = {file: _fingerprint(text.decode()) for file, text in sources.items()}
    return {
        mutant.number: hashlib.sha256(f"{prints[mutant.file]}|{mutant.place}".encode()).hexdigest()[:16]
        for mutant in mutants
    }


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

    def kills(self) -> Iterator[tuple[str, str, str]]:
        """File, function and test of each mutant that was killed."""
        for row in self._rows.values():
            if row["outcome"] == "killed":
                yield row["file"], row["function"], row["test"]

    def add(self, key: str, result: Result) -> None:
        """Written at once: a run may be broken off."""
        mutant = result.mutant
        self._rows[key] = {
            "key": key,
            "file": mutant.file,
            "line": str(mutant.line),
            "function": mutant.function,
            "change": mutant.change,
            "occurrence": str(mutant.occurrence),
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

    def markdown(self, accepted: Mapping[Place, str]) -> str:
        """A table by file, and the survivors one by one, with the reasons of those that are accepted."""
        by_file: dict[str, Counter[str]] = {}
        survivors = []
        for row in sorted(self._rows.values(), key=lambda row: (row["file"], int(row["line"]), row["key"])):
            counted = by_file.setdefault(row["file"], Counter())
            place = row["file"], row["function"], row["change"], int(row["occurrence"])
            known = row["outcome"] == "survived" and place in accepted
            counted["accepted" if known else row["outcome"]] += 1
            if row["outcome"] == "survived":
                reason = accepted.get(place, "**not explained**")
                survivors.append(f"- `{row['file']}:{row['line']}` {row['function']}: `{row['change']}`: {reason}")
        lines = [
            "# Mutants",
            "",
            "| File | Mutants | Killed | Timed out | Accepted | Survived | Not compiling | Found |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *(_row(file, counted) for file, counted in by_file.items()),
            _row("all", sum(by_file.values(), Counter())),
        ]
        return "\n".join([*lines, "", "## Survivors", "", *survivors]) + "\n"

    def _write(self, rows: Iterable[dict[str, str]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(".tmp")
        with scratch.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: (row["file"], int(row["line"]), row["key"])))
        scratch.replace(self._path)


def _fingerprint(source: str) -> str:
    """Of the code alone: comments and the breaking of lines change no mutant."""
    code = _COMMENT_OR_STRING.sub(lambda found: found[0] if found[0].startswith('"') else " ", source)
    return hashlib.sha256(" ".join(code.split()).encode()).hexdigest()[:12]


def _row(name: str, counted: Counter[str]) -> str:
    found = sum(counted[outcome] for outcome in FOUND)
    tried = found + counted["survived"] + counted["accepted"]
    share = f"{100 * found / tried:.1f} %" if tried else "-"
    columns = ("killed", "timeout", "accepted", "survived", "refused")
    return f"| {name} | {counted.total()} | " + " | ".join(str(counted[column]) for column in columns) + f" | {share} |"
