"""docs/benchmarks.md: one marked section a part, so that a run of one part leaves the others as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.results import ROOT, Result
from benchmarks.tables import Section, markdown

DOCUMENT = ROOT / "docs" / "benchmarks.md"

PREFACE = """\
# Benchmarks

Written by `make bench`, which runs `python -m benchmarks`. Every part runs by itself too, with the command that stands
above its tables, and then rewrites its own section only. Change the text in `benchmarks/`, not here.

Each section says on what machine it was measured and how busy that machine was. Seconds on a shared machine are noisy:
where a ratio is given, both sides were measured in turns in one run, and it is the median of their quotients. All
other seconds are medians.

The paper is "DLBC: A Deep Learning-Based Consensus in Blockchains for Deep Learning Services" (arXiv 1904.07349v2).
Its machine, its network and the sizes of its models are not known here, so its seconds stand beside ours for the order
of magnitude and nothing more.
"""


def write(parts: Sequence[str], written: Mapping[str, tuple[Section, Result]], path: Path = DOCUMENT) -> None:
    """Rewrites the sections of the parts in `written`; the others stay as the document has them.

    Args:
        parts: all of them, in the document's order.
    """
    kept = sections(path.read_text(encoding="utf-8")) if path.is_file() else {}
    blocks = [PREFACE]
    for part in parts:
        if part in written:
            body = render(*written[part])
        else:
            body = kept.get(part, f"## {part.capitalize()}\n\nNot measured yet: `python -m benchmarks {part}`.\n")
        blocks.append(f"<!-- {part} -->\n\n{body}\n<!-- end of {part} -->\n")
    path.write_text("\n".join(blocks), encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The bodies of a document's sections by part."""
    found = re.finditer(r"<!-- (\w+) -->\n\n(.*?)\n<!-- end of \1 -->", text, re.DOTALL)
    return {match[1]: match[2] for match in found}


def render(section: Section, result: Result) -> str:
    """A section's body in Markdown."""
    lines = [f"## {section.title}", "", section.text.strip(), ""]
    for table in section.tables:
        lines.append(markdown(table, result.command))
    lines.append(
        f"*Measured {result.date} in {result.seconds:.0f} s on {machine.in_words(result.machine, result.load_after)}.*"
    )
    return "\n".join(lines) + "\n"
