"""`python -m scripts.coverage REPORT`: which lines and branches of the contracts Forge's tests run.

REPORT is what `forge coverage --report lcov` wrote (lcov's tracefile format, geninfo(1)). Prints a row for each
contract and the total, then each gap that docs/security.md ("Coverage gaps") does not explain, and each explanation
that no longer has a gap: whoever changed the contracts sees what to write. Exits with 1 where less than 95 % of lines
or of branches run.

Lines of inline assembly are left out on both sides: compiled by the IR with a minimum of optimisation they count as 0,
however often they run. The functions and loops around them have lines of their own, which count.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEAST = 0.95
ASSEMBLY = re.compile(r"^(\s*)assembly\b.*\{\s*$")
EXPLAINED = re.compile(r"^\| `([\w/]+\.sol)` \| `([^`]+)` \|[^|]+\|$", re.MULTILINE)


@dataclass
class Coverage:
    """Of one contract: how often each line ran, and each branch of a line (0: never)."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: list[tuple[int, int]] = field(default_factory=list)

    def without(self, left_out: set[int]) -> Coverage:
        return Coverage(
            {line: count for line, count in self.lines.items() if line not in left_out},
            [(line, count) for line, count in self.branches if line not in left_out],
        )

    def gaps(self) -> list[int]:
        """Lines that never ran, or a branch of which never did."""
        return sorted(
            {line for line, count in self.lines.items() if not count}
            | {line for line, count in self.branches if not count}
        )


def parse(report: Iterable[str]) -> dict[str, Coverage]:
    """Coverage by file. Raises ValueError where a record belongs to no file."""
    found: dict[str, Coverage] = {}
    current: Coverage | None = None
    for entry in report:
        kind, _, rest = entry.strip().partition(":")
        if kind == "SF":
            current = found.setdefault(rest, Coverage())
        elif kind in ("DA", "BRDA"):
            if current is None:
                raise ValueError(f"{entry.strip()!r} comes before the first file: is this a report in lcov's format?")
            values = rest.split(",")
            count = 0 if values[-1] == "-" else int(values[-1])
            if kind == "DA":
                current.lines[int(values[0])] = count
            else:
                current.branches.append((int(values[0]), count))
    return found


def assembly_lines(source: str) -> set[int]:
    """The lines of inline assembly, from 1, each block with its first and last."""
    found: set[int] = set()
    end = ""
    for number, line in enumerate(source.splitlines(), start=1):
        opening = ASSEMBLY.match(line)
        if opening:
            end = opening.group(1) + "}"
        if end:
            found.add(number)
        if line == end:
            end = ""
    return found


def explanations(document: str) -> list[tuple[str, str]]:
    """File (below contracts/) and code of each row of the document's table."""
    _, _, section = document.partition("### Coverage gaps\n")
    return EXPLAINED.findall(section.partition("\n#")[0])


def unexplained(gaps: dict[str, list[str]], explained: list[tuple[str, str]]) -> list[str]:
    """Where gaps, the code of each by file, and explanations do not fit: a message for each."""
    found = [
        f"not explained: {file}: {code}"
        for file, codes in gaps.items()
        for code in codes
        if not any(file == of and part in code for of, part in explained)
    ]
    found += [
        f"explained, but runs now or is gone: {file}: {part}"
        for file, part in explained
        if not any(part in code for code in gaps.get(file, []))
    ]
    return found


def _row(name: str, coverages: list[Coverage]) -> tuple[str, float]:
    counts = [
        [count for coverage in coverages for count in coverage.lines.values()],
        [count for coverage in coverages for _, count in coverage.branches],
    ]
    ran = [(sum(map(bool, some)), len(some)) for some in counts]
    shares = [part / whole if whole else 1.0 for part, whole in ran]
    columns = [f"{share:7.1%} {part:5} of {whole:5}" for share, (part, whole) in zip(shares, ran, strict=True)]
    return f"{name:38} {columns[0]}  {columns[1]}", min(shares)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.coverage", description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, metavar="REPORT")
    path: Path = parser.parse_args().report
    found: dict[str, Coverage] = {}
    gaps: dict[str, list[str]] = {}
    for file, coverage in sorted(parse(path.read_text(encoding="utf-8").splitlines()).items()):
        source = (ROOT / file).read_text(encoding="utf-8")
        name = file.removeprefix("contracts/")
        found[name] = coverage.without(assembly_lines(source))
        lines = source.splitlines()
        gaps[name] = [lines[number - 1].strip() for number in found[name].gaps()]
    print(f"{'':38} {'lines':>22}  {'branches':>22}")
    for name, coverage in found.items():
        print(_row(name, [coverage])[0])
    total, least = _row("total", [*found.values()])
    print(total)
    print(*unexplained(gaps, explanations((ROOT / "docs/security.md").read_text(encoding="utf-8"))), sep="\n")
    if least < LEAST:
        print(f"less than {LEAST:.0%} of lines or branches run", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
