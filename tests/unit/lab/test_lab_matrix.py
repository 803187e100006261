"""Cells on a real trained network: each theft leaves the evidence it should, and a broken-off run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from thefts import cell

from dlbc.errors import InvalidArtifact, UsageError
from dlbc.ml.watermark.mark import OWN
from lab import matrix, table
from lab.matrix import CSV_NAME, JSON_NAME, OWNERS
from lab.table import Row


def run(cells: list[matrix.Cell], folder: Path) -> tuple[list[Row], list[Row]]:
    """All rows, and those that were made just now."""
    made: list[Row] = []
    rows = matrix.run(cells, folder, lambda what, _done: made.append(what) if isinstance(what, Row) else None)
    return rows, made


def test_run__nothing_done__all_evidence_is_there(folder: Path) -> None:
    ((row,), _) = run([cell("nothing")], folder)
    assert row.flagged and row.claimable and row.z_public is not None and row.z_public >= OWN
    assert row.kept == 100.0 and row.epochs == 0
    assert row.uchida_published == row.uchida_aligned == 0


def test_run__permuted__uchida_is_gone_as_published_and_back_after_alignment(folder: Path) -> None:
    ((row,), _) = run([cell("permute")], folder)
    assert row.uchida_published is not None and row.uchida_published > 9
    assert row.uchida_aligned is not None and row.uchida_aligned <= 9
    assert row.flagged and row.claimable


def test_run__fresh_network_on_the_stolen_labels__no_evidence(folder: Path) -> None:
    ((row,), _) = run([cell("retrain", 1)], folder)
    assert not row.flagged and not row.claimable and row.share < 1
    assert row.epochs == 1


def test_run__broken_off__goes_on_without_training_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = run([cell("nothing")], folder)
    with (folder / CSV_NAME).open("a") as file:
        file.write("1,digits,lenet,0,quant")  # killed while it wrote
    monkeypatch.setattr(matrix, "train_owner", lambda *_: pytest.fail("the owner's model was kept"))
    rows, made = run([cell("nothing"), cell("quantise")], folder)
    assert [row.attack for row in made] == ["quantise"]
    assert rows == table.read(folder / CSV_NAME) == [*first, *made]
    assert len(json.loads((folder / JSON_NAME).read_text())["rows"]) == 2


def test_run__twice_from_the_start__equal_rows(folder: Path) -> None:
    (first,), _ = run([cell("noise", 1)], folder)
    (folder / CSV_NAME).unlink()
    (second,), _ = run([cell("noise", 1)], folder)
    assert (first.after, first.cosine, first.z_public) == (second.after, second.cosine, second.z_public)


def test_run__rows_of_another_version__refused_and_left_alone(folder: Path) -> None:
    (folder / CSV_NAME).write_text("attack,z\nftal,3\n")
    with pytest.raises(UsageError, match="move it away"):
        run([cell()], folder)
    assert (folder / CSV_NAME).read_text() == "attack,z\nftal,3\n"


def test_run__kept_model_damaged__named(folder: Path) -> None:
    path = folder / OWNERS / "digits-lenet-0.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InvalidArtifact, match="digits-lenet-0"):
        run([cell()], folder)


def test_run__a_file_in_the_folders_place__refused(tmp_path: Path) -> None:
    (tmp_path / "matrix").write_text("")
    with pytest.raises(UsageError, match="choose another --output"):
        run([cell()], tmp_path / "matrix")
