"""What counts as stopped, and in which order."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from thefts import row

from benchmarks.lab import section
from dlbc.errors import UsageError
from lab import plots
from lab.summary import Answer, answer, summarise
from lab.words import summary

STOPPED = [
    ({}, Answer.NOTHING),
    ({"epochs": 30}, Answer.EPOCHS),
    ({"epochs": 29}, Answer.NOTHING),
    ({"after": 93.9}, Answer.ACCURACY),
    ({"after": 94.1}, Answer.NOTHING),
    ({"claimable": True, "after": 50.0}, Answer.CLAIMED),
    ({"flagged": True, "claimable": True}, Answer.FLAGGED),
]


@pytest.mark.parametrize(("changes", "expected"), STOPPED)
def test_answer__a_theft__what_stops_it_first(changes: dict[str, object], expected: Answer) -> None:
    assert answer(row(**changes)) is expected


def test_summarise__two_seeds__the_weakest_evidence_counts() -> None:
    (line,) = summarise([row(seed=0, z_private=9.0, share=1.2, flagged=True), row(seed=1, z_private=3.0, share=0.7)])
    assert (line.rows, line.z, line.share) == (2, 3.0, 0.7)
    assert line.answers == {Answer.FLAGGED: 1, Answer.NOTHING: 1}
    assert "gets away 1" in summary([line])


def test_section__a_thief_who_gets_away__stands_in_bold_with_his_epochs() -> None:
    rows = [row("nothing", epochs=0, flagged=True), row("distil", epochs=10), row("distil", epochs=3, after=90.0)]
    measured = {"rows": [asdict(found) for found in rows], "embedding": {"lenet-32": 0.1}}
    answers, epochs, thefts = section(measured).tables
    assert list(answers.rows[0][:7]) == ["digits, lenet", "3", "1", "0", "1", "0", "1"]
    assert {"10: distil, seed 0", "over 30"} <= set(epochs.rows[0])  # stopped after 3, and a tenth to embed
    assert [cells[:2] for cells in thefts.rows] == [["nothing", "0"], ["distil", "3"], ["distil", "10"]]
    assert [cells[2].startswith("**") for cells in thefts.rows] == [False, False, True]


def test_draw__rows__a_picture_of_evidence_and_one_of_epochs(tmp_path: Path) -> None:
    rows = [row("diverge", epochs=epochs, share=1.5 - epochs / 20) for epochs in (1, 10)] + [row("prune", after=90.0)]
    paths = plots.draw(rows, tmp_path / "pictures", "png", None)
    assert [path.name for path in paths] == ["digits-evidence.png", "digits-epochs.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_draw__no_rows_or_another_file_of_savings__refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run dlbc-lab matrix"):
        plots.draw([], tmp_path, "png", None)
    (tmp_path / "trajectory.json").write_text("{}")
    with pytest.raises(UsageError, match="benchmarks trajectory"):
        plots.draw([row()], tmp_path, "png", tmp_path / "trajectory.json")


def test_draw__savings__a_picture_with_the_most_of_each_attack(tmp_path: Path) -> None:
    thefts = '{"name": "n", "rows": [{"name": "jump", "saving": {"5": 0.07, "8": 0.02}}]}'
    (tmp_path / "trajectory.json").write_text(f'{{"measured": {{"thefts": [{thefts}]}}}}')
    paths = plots.draw([row()], tmp_path, "svg", tmp_path / "trajectory.json")
    assert [path.name for path in paths] == ["digits-evidence.svg", "saving.svg"]
