"""Rows on disk: what is read is what was written, and what is not ours is refused by name and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from thefts import row

from dlbc.errors import UsageError
from lab import table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.csv"
    table.append(path, row("ftal"))
    table.append(path, row("prune+ftal", z_private=-0.5, uchida_published=None, flagged=True))
    return path


def test_read__what_was_appended__the_same_rows(path: Path) -> None:
    assert table.read(path) == [row("ftal"), row("prune+ftal", z_private=-0.5, uchida_published=None, flagged=True)]


def test_mend__last_line_broken_off__only_that_one_is_lost(path: Path) -> None:
    whole = path.read_text()
    path.write_text(whole + "1,digits,len")
    assert len(table.read(path)) == 2
    table.mend(path)
    assert path.read_text() == whole


def test_read__no_file__says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make it with dlbc-lab matrix"):
        table.read(tmp_path / "matrix.csv")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version,task", "task,version", "its columns differ"),
        (f"\n{table.VERSION},digits,lenet,0,prune", "\n0,digits,lenet,0,prune", "line 3: written by version 0"),
        (",95.5,", ",nan,", "line 2: 'nan' is no finite number"),
        (",False,False,", ",False,maybe,", "line 2: 'maybe' is neither True nor False"),
        ("lenet,0,ftal,3", "lenet,zero,ftal,3", "line 2: .*zero.*delete that line"),
    ],
)
def test_read__spoiled__refused_with_what_to_do(path: Path, old: str, new: str, said: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=said):
        table.read(path)


def test_read__bytes_of_something_else__refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        table.read(path)


def test_write_json__rows__with_names_and_version(tmp_path: Path) -> None:
    table.write_json(tmp_path / "m.json", [row()])
    found = json.loads((tmp_path / "m.json").read_text())
    assert found["version"] == table.VERSION
    assert found["rows"][0]["attack"] == "ftal"
    assert found["rows"][0]["z_private"] is None
