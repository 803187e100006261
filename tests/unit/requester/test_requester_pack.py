"""A requester's data: everything that miners or the committee would refuse is refused before it costs anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from requester_world import TASK, save

from dlbc import materials
from dlbc.artifact import cipher_size
from dlbc.errors import InvalidTask
from dlbc.manifest import Manifest
from dlbc.task import load_task_file
from dlbc.types import Mode
from requester.pack import Prepared, pack, packed, prepare
from requester.quote import make_spec


def prepared(folder: Path, old: str = "", new: str = "") -> Prepared:
    assert old in TASK
    (folder / "task.yaml").write_text(TASK.replace(old, new) if old else TASK)
    return prepare(load_task_file(folder / "task.yaml"))


def test_prepare__nan_in_data__refused_with_the_sample(folder: Path) -> None:
    x = np.random.default_rng(1).random((80, 16), dtype=np.float32)
    x[7, 3] = np.nan
    save(folder / "train.npz", 1, 80, x=x)
    with pytest.raises(InvalidTask, match=r"train\.npz: .*NaN.* 7"):
        prepared(folder)


@pytest.mark.parametrize(
    ("part", "y", "message"),
    [
        ("train", np.zeros(80, np.int64), "at least two classes"),
        ("train", -np.arange(80), "negative"),
        ("train", np.linspace(0, 1, 80), "integer labels"),
        ("train", np.arange(79), r"needs shape \(80,\)"),
        ("test", np.arange(40), "outside 0 … 3"),
        ("test", np.full(40, 4), "outside 0 … 3"),
    ],
)
def test_prepare__bad_labels__refused(folder: Path, part: str, y: np.ndarray, message: str) -> None:
    save(folder / f"{part}.npz", 1 if part == "train" else 2, len(y) if part == "test" else 80, y=y)
    with pytest.raises(InvalidTask, match=message):
        prepared(folder)


@pytest.mark.parametrize("part", ["train", "test"])
def test_prepare__empty_split__refused(folder: Path, part: str) -> None:
    save(folder / f"{part}.npz", 1, 0)
    with pytest.raises(InvalidTask, match="is empty"):
        prepared(folder)


def test_prepare__duplicate_test_samples__refused_with_both(folder: Path) -> None:
    x = np.random.default_rng(2).integers(0, 256, (40, 16), dtype=np.uint8)
    x[9] = x[4]
    save(folder / "test.npz", 2, 40, x=x)
    with pytest.raises(InvalidTask, match="samples 4 and 9 are the same"):
        prepared(folder)


def test_prepare__test_sample_in_the_training_set__refused(folder: Path) -> None:
    x = np.random.default_rng(2).integers(0, 256, (40, 16), dtype=np.uint8)
    x[3] = np.random.default_rng(1).integers(0, 256, (80, 16), dtype=np.uint8)[11]
    save(folder / "test.npz", 2, 40, x=x)
    with pytest.raises(InvalidTask, match="also training sample 11"):
        prepared(folder)


def test_prepare__one_file_for_both__refused(folder: Path) -> None:
    with pytest.raises(InvalidTask, match="also training sample"):
        prepared(folder, "test: test.npz", "test: train.npz")


def test_prepare__other_shape_in_the_test_set__refused(folder: Path) -> None:
    save(folder / "test.npz", 2, 40, x=np.zeros((40, 15), np.uint8))
    with pytest.raises(InvalidTask, match="prepare both in the same way"):
        prepared(folder)


def test_prepare__pickled_objects__refused_unopened(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (folder / "exploded",))

    save(folder / "train.npz", 1, 80, x=np.array([Bomb()] * 80, dtype=object))
    with pytest.raises(InvalidTask, match="Python objects"):
        prepared(folder)
    assert not (folder / "exploded").exists()


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("name: mlp", "name: gpt", "architecture.name", "choose one of"),
        ("hidden: 64", "hiden: 64", "architecture.hiden", "no such argument"),
        ("hidden: 64", "hidden: 0", "architecture.hidden", "an integer from"),
        ("{name: mlp, hidden: 64, layers: 2}", "{name: resnet, depth: 8, width: 16}", "architecture.name", "images"),
        ("minimum: 0.9", "minimum: 0.99", "minimum", "0.9750 or less"),
        ("fee: 100", "fee: 100\ntolerance: 5", "tolerance", "2 to 4 "),
        ("fee: 100", "fee: 100\ntolerance: 4\ntie_tolerance: 3", "tie_tolerance", "at most half"),
    ],
)
def test_prepare__task_does_not_fit_the_data__says_where(
    folder: Path, old: str, new: str, where: str, message: str
) -> None:
    with pytest.raises(InvalidTask, match=message) as caught:
        prepared(folder, old, new)
    assert caught.value.where == where


def test_prepare__minimum_within_reach_of_guessing__warned(folder: Path) -> None:
    save(folder / "test.npz", 2, 40, y=np.array([0] * 38 + [1, 2]))
    assert "most frequent label gets 38 of 40" in prepared(folder).warnings[0]


def test_prepare__good__scores_and_sizes_are_exact(folder: Path, tmp_path: Path) -> None:
    found = prepared(folder)
    assert (found.score_max, found.min_score, found.tol, found.tie_tol) == (40, 36, 2, 1)
    files = pack(found, tmp_path / "out", b"k" * 32, b"c" * 32)
    assert files.manifest.data_bytes == found.data_bytes
    assert files.manifest.data.test.bytes == cipher_size(files.test.stat().st_size)


def test_pack__twice__another_ciphertext_but_the_same_training_file(folder: Path, tmp_path: Path) -> None:
    found = prepared(folder)
    one, two = (pack(found, tmp_path / name, b"k" * 32, b"c" * 32) for name in "ab")
    assert one.manifest.data.train == two.manifest.data.train
    assert one.manifest.data.test.cid != two.manifest.data.test.cid


def test_pack__plain_test_set__readable_by_nobody_else(folder: Path, tmp_path: Path) -> None:
    files = pack(prepared(folder), tmp_path / "out", b"k" * 32, b"c" * 32)
    assert files.test.stat().st_mode & 0o077 == 0
    assert files.test not in files.public
    secret = prepared(folder).test.x[0].tobytes()
    assert all(secret not in path.read_bytes() for path in files.public)


def test_pack__written__read_again_as_it_was(folder: Path, tmp_path: Path) -> None:
    files = pack(prepared(folder), tmp_path / "out", b"k" * 32, b"c" * 32)
    assert packed(tmp_path / "out") == files
    assert Manifest.from_bytes(files.public[-1].read_bytes()) == files.manifest
    assert files.manifest.data.test.samples_root == materials.samples_root(prepared(folder).test)


def test_pack__proof_of_training__is_in_manifest_and_spec(folder: Path) -> None:
    """Miners read the manifest, the contracts the spec: they must say the same."""
    found = prepared(folder, "fee: 100", "fee: 100\nproof: trajectory\nprove_seconds: 9")
    assert pack(found, folder / "packed", b"k" * 32, b"c" * 32).manifest.proof == "trajectory"
    spec = make_spec(found, "0x" + "11" * 20, 1)
    assert (spec.modes, spec.prove_secs) == (Mode.TRAJECTORY, 9)
