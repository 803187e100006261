"""Survivors that are known and explained, in accepted.toml: each with the reason why no test can or need find it.

An entry names its mutant by file, function, change and occurrence, never by line (`Mutant.place`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.mutation.points import Mutant

FILE = Path(__file__).with_name("accepted.toml")
KEYS = {"file", "function", "change", "occurrence", "reason"}

Place = tuple[str, str, str, int]


def load(path: Path = FILE) -> dict[Place, str]:
    """The reason of each accepted mutant. No file means none.

    Raises:
        SystemExit: an entry lacks something, has more than it should, gives no reason, or names a mutant twice.
    """
    if not path.exists():
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    except tomllib.TOMLDecodeError as error:
        raise SystemExit(f"{path.name}: {error}") from error
    found: dict[Place, str] = {}
    for entry in entries:
        place = _place(entry, path)
        if place in found:
            raise SystemExit(f"{path.name}: named twice: {place}")
        found[place] = entry["reason"]
    return found


def stale(accepted: Iterable[Place], mutants: Collection[Mutant], outcomes: Mapping[Place, str]) -> list[str]:
    """Entries that have no business there any more, and why: of these mutants' files, nothing is said of others."""
    files, places = {mutant.file for mutant in mutants}, {mutant.place for mutant in mutants}
    found = []
    for place in accepted:
        if place[0] in files and place not in places:
            found.append(f"{place}: there is no such mutant any more")
        elif outcomes.get(place, "survived") != "survived":
            found.append(f"{place}: {outcomes[place]}, so it needs no reason")
    return found


def _place(entry: Mapping[str, Any], path: Path) -> Place:
    if unknown := set(entry) - KEYS:
        raise SystemExit(f"{path.name}: an entry has {sorted(unknown)}; there are only {sorted(KEYS)}: {dict(entry)}")
    file, function, change, reason = (entry.get(key) for key in ("file", "function", "change", "reason"))
    occurrence = entry.get("occurrence", 1)
    if not (isinstance(file, str) and isinstance(function, str) and isinstance(change, str)):
        raise SystemExit(f"{path.name}: an entry needs file, function and change as strings: {dict(entry)}")
    if not isinstance(occurrence, int) or occurrence < 1:
        raise SystemExit(f"{path.name}: occurrence is a number from 1: {dict(entry)}")
    place = file, function, change, occurrence
    if not isinstance(reason, str) or not reason.strip():
        raise SystemExit(f"{path.name}: no reason is given for {place}")
    return place
