"""Openings from strangers: a verdict that names the fault, and never a crash."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trajectories import DRAW, Recorded, blank, mark, recipe, recorded

from dlbc.errors import InvalidArtifact
from dlbc.ml.data import Dataset
from dlbc.ml.tensor_file import Array, read_tensors, write_tensors
from dlbc.ml.trajectory import Bounds, Kind, max_opening_bytes, read_opening, verify, write_opening
from dlbc.ml.trajectory.state import Layout

Arrays = dict[str, Array]


@pytest.fixture(scope="module")
def honest(train_set: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(train_set, tmp_path_factory.mktemp("honest"), recipe(train_set, marked=True), mark)


@pytest.fixture
def file(honest: Recorded, tmp_path: Path) -> Path:
    write_opening(honest.opening, tmp_path / "opening")
    return tmp_path / "opening"


@pytest.fixture(scope="module")
def layout(train_set: Dataset) -> Layout:
    return Layout(blank(train_set))


def test_read_opening__written_by_us__the_same(honest: Recorded, file: Path, layout: Layout) -> None:
    found = read_opening(file, layout)
    assert found.trajectory.digest == honest.opening.trajectory.digest
    assert found.states.keys() == honest.opening.states.keys()
    for number, state in found.states.items():
        expected = honest.opening.states[number]
        assert (state.step, state.weights_hash, state.optimizer_hash, state.buffers_hash) == (
            expected.step,
            expected.weights_hash,
            expected.optimizer_hash,
            expected.buffers_hash,
        )


def test_verify__honest_file__passes(honest: Recorded, file: Path, train_set: Dataset) -> None:
    verdict = verify(file, honest.claim, train_set, draw=DRAW)
    assert not verdict.flagged, verdict.words
    assert verdict.windows


def _without(name: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        del arrays[name]

    return change


def _with(name: str, value: Callable[[Arrays], Array]) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = value(arrays)

    return change


def _poisoned(name: str, value: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name].flat[0] = value

    return change


def _sketch_of_nan(arrays: Arrays) -> None:
    arrays["leaves"] = arrays["leaves"].copy()
    arrays["leaves"][2, -2:] = (0x00, 0x7E)


HOSTILE: dict[str, tuple[Callable[[Arrays], None], str]] = {
    "no recipe": (_without("recipe"), "recipe is missing"),
    "no leaves": (_without("leaves"), "leaves is missing"),
    "no weights": (_without("0/weights"), "station 0 needs"),
    "no buffers": (_without("1/buffers"), "station 1 needs"),
    "no second moments": (_without("1/second"), "station 1 needs"),
    "a tensor too many": (_with("1/third", lambda a: a["1/first"]), "station 1 needs"),
    "another optimizer's": (_with("0/momentum", lambda a: a.pop("0/first") * a.pop("0/second")), "another optimizer"),
    "fewer weights": (_with("0/weights", lambda a: a["0/weights"][:-1]), "station 0 needs"),
    "another dtype": (_with("0/weights", lambda a: a["0/weights"].astype(np.int64)), "station 0 needs"),
    "weights in two dimensions": (_with("0/weights", lambda a: a["0/weights"][None]), "station 0 needs"),
    "a huge tensor": (_with("0/weights", lambda a: np.zeros(1_000_000, np.float32)), "station 0 needs"),
    "an unknown name": (_with("evil", lambda a: a["recipe"]), "unexpected tensor 'evil'"),
    "a path": (_with("../0/weights", lambda a: a["0/weights"]), "unexpected tensor"),
    "a padded number": (_with("00/weights", lambda a: a["0/weights"]), "unexpected tensor"),
    "a huge number": (_with("9" * 5_000 + "/weights", lambda a: a["0/weights"]), "unexpected tensor"),
    "an Arabic number": (_with("٣/weights", lambda a: a["0/weights"]), "unexpected tensor"),
    "a station beyond the end": (
        lambda a: a.update({f"999/{part}": a[f"0/{part}"] for part in ("weights", "buffers", "first", "second")}),
        "station 999",
    ),
    "too many stations": (
        lambda a: a.update({f"{n}/weights": a["recipe"] for n in range(100, 141)}),
        "at most 40",
    ),
    "NaN": (_poisoned("0/weights", np.nan), "station 0 holds NaN"),
    "infinite momentum": (_poisoned("1/first", np.inf), "station 1 holds NaN"),
    "a negative square": (_poisoned("1/second", -1.0), "negative square"),
    "more momentum than clipped gradients leave": (_poisoned("1/first", 1e12), "first of station 1 is 1e+12 long"),
    "larger squares than clipped gradients leave": (_poisoned("1/second", 1e12), "second of station 1 is 1e+12 long"),
    "NaN in buffers": (_poisoned("2/buffers", np.nan), "station 2 holds NaN"),
    "NaN in a sketch": (_sketch_of_nan, "sketch of leaf 2"),
    "a leaf too few": (_with("leaves", lambda a: a["leaves"][:-1]), "leaves, the recipe has"),
    "short leaves": (_with("leaves", lambda a: a["leaves"][:, :-1]), "leaves are U8"),
    "flat leaves": (_with("leaves", lambda a: a["leaves"].reshape(-1)), "leaves are U8"),
    "no leaf at all": (_with("leaves", lambda a: a["leaves"][:0]), "leaves, the recipe has"),
    "garbage for a recipe": (_with("recipe", lambda a: a["recipe"][:-1]), "recipe: not JSON"),
    "a long recipe": (_with("recipe", lambda a: np.zeros(70_000, np.uint8)), "recipe must be at most"),
    "an empty recipe": (_with("recipe", lambda a: a["recipe"][:0]), "recipe: not JSON"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_verify__hostile_file__names_the_fault(honest: Recorded, file: Path, train_set: Dataset, case: str) -> None:
    change, words = HOSTILE[case]
    arrays = read_tensors(file, max_bytes=1 << 30)
    change(arrays)
    write_tensors(arrays, file)
    verdict = verify(file, honest.claim, train_set, draw=DRAW)
    assert [fault.kind for fault in verdict.faults] == [Kind.FILE]
    assert words in verdict.words
    assert verdict.flagged
    assert not verdict.slashable


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(100), struct.pack("<Q", 2**62)])
def test_verify__no_tensor_file__flagged(honest: Recorded, file: Path, train_set: Dataset, content: bytes) -> None:
    file.write_bytes(content)
    assert verify(file, honest.claim, train_set, draw=DRAW).flagged


def test_verify__recipe_out_of_bounds__names_the_field(honest: Recorded, file: Path, train_set: Dataset) -> None:
    verdict = verify(file, honest.claim, train_set, draw=DRAW, bounds=Bounds(batch=16))
    assert "recipe.batch" in verdict.words


def test_verify__recipe_that_holds_everything_out__names_the_field(
    honest: Recorded, file: Path, train_set: Dataset
) -> None:
    recipe_ = replace(honest.opening.trajectory.recipe, held_out=len(train_set) - 1)
    write_opening(replace(honest.opening, trajectory=replace(honest.opening.trajectory, recipe=recipe_)), file)
    assert "recipe.held_out" in verify(file, honest.claim, train_set, draw=DRAW).words


def test_verify__recipe_exchanged__is_not_what_was_committed_to(
    honest: Recorded, file: Path, train_set: Dataset
) -> None:
    recipe_ = honest.opening.trajectory.recipe
    other = replace(honest.opening.trajectory, recipe=replace(recipe_, clip=recipe_.clip * 2))
    write_opening(replace(honest.opening, trajectory=other), file)
    assert [fault.kind for fault in verify(file, honest.claim, train_set, draw=DRAW).faults] == [Kind.DIGEST]


def test_read_opening__larger_than_any_opening__refused_unread(file: Path, layout: Layout) -> None:
    with file.open("r+b") as opened:
        opened.truncate(max_opening_bytes(layout) + 1)
    with pytest.raises(InvalidArtifact, match="at most"):
        read_opening(file, layout)


def test_read_opening__disk_fails__blames_no_stranger(tmp_path: Path, layout: Layout) -> None:
    with pytest.raises(FileNotFoundError):
        read_opening(tmp_path / "nothing", layout)


def test_read_opening__shape_that_lies__refused_before_memory_is_taken(tmp_path: Path, layout: Layout) -> None:
    header = {"recipe": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
    header["leaves"] = {"dtype": "U8", "shape": [2**39, 2144], "data_offsets": [1, 1 + 2144 * 2**39]}
    text = json.dumps(header).encode()
    (tmp_path / "opening").write_bytes(struct.pack("<Q", len(text)) + text + bytes(100))
    with pytest.raises(InvalidArtifact, match=r"leaves.*data_offsets"):
        read_opening(tmp_path / "opening", layout)
