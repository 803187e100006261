"""The documents for auditors name tests: each must exist, and each invariant must have one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("docs/protocol.md", "docs/security.md")
FOLDERS = {"A/": "forge/attacks/", "L/": "forge/libraries/"}
CITED = re.compile(r"`([\w/]+\.(?:t\.sol|py))::(\w+)`")
INVARIANTS = 42


def cited(document: str) -> list[tuple[str, str]]:
    return CITED.findall((ROOT / document).read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_citations__of_a_document__exist(document: str) -> None:
    missing = []
    for file, name in cited(document):
        short = next((prefix for prefix in FOLDERS if file.startswith(prefix)), "")
        path = ROOT / "tests" / (FOLDERS.get(short, "") + file.removeprefix(short))
        if not path.is_file() or not re.search(rf"\b(?:def|function) {name}\b", path.read_text(encoding="utf-8")):
            missing.append(f"{file}::{name}")
    assert not missing
    assert cited(document), "none was found: has the notation changed?"


def test_invariants__each__has_a_row_with_something_that_checks_it() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (I\d\d(?:, I\d\d)*) \|[^|]+\|([^|]+)\|$", text, flags=re.MULTILINE)
    found = {number: checked for numbers, checked in rows for number in numbers.split(", ")}
    assert sorted(found) == [f"I{number:02}" for number in range(1, INVARIANTS + 1)]
    assert all("::" in checked or "market" in checked for checked in found.values())
