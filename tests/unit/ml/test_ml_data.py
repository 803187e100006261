"""A requester's own files: each mistake gets a message that says what to change."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from dlbc.errors import InvalidTask
from dlbc.ml.data import Dataset, as_dataset, prepare, validate_split
from dlbc.ml.data_source import read_source

LIMIT = 1 << 16


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def npz_of_headers(path: Path, shape: str, descr: str = "|u1", data: bytes = b"") -> Path:
    """An archive whose arrays declare whatever they like."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", array)
        archive.writestr("y.npy", array)
    return path


def labels(count: int = 4) -> Any:
    return np.arange(count) % 2


def test_read_source__pickled_objects__never_unpickled(tmp_path: Path) -> None:
    path = npz(tmp_path / "d.npz", x=np.array([{"a": 1}] * 4, dtype=object), y=labels())
    with pytest.raises(InvalidTask, match="never unpickled"):
        read_source(path)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(2, 3, 10000000000)", "(99999999999999999999, 9)"])
def test_read_source__huge_declared_shape__refused_before_memory(tmp_path: Path, shape: str) -> None:
    with pytest.raises(InvalidTask, match="at most"):
        read_source(npz_of_headers(tmp_path / "d.npz", shape), max_bytes=LIMIT)


def test_read_source__zip_bomb__unpacks_no_more_than_declared(tmp_path: Path) -> None:
    path = npz_of_headers(tmp_path / "d.npz", "(4, 2)", data=bytes(10_000_000))
    assert path.stat().st_size < LIMIT
    with pytest.raises(InvalidTask, match="damaged"):
        read_source(path, max_bytes=LIMIT)


@pytest.mark.parametrize("shape", ["(-4, 2)", "'abc'", "(True, 2)", "[4]", "(4, 2.5)", "__import__('os')"])
def test_read_source__nonsense_header__refused(tmp_path: Path, shape: str) -> None:
    with pytest.raises(InvalidTask):
        read_source(npz_of_headers(tmp_path / "d.npz", shape, data=bytes(8)), max_bytes=LIMIT)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04garbage", b"plain text"])
def test_read_source__no_archive__refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(InvalidTask, match=r"numpy\.savez"):
        read_source(tmp_path / "d.npz")


def test_read_source__member_that_is_no_array__refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("x.npy", b"junk")
        archive.writestr("y.npy", b"")
    with pytest.raises(InvalidTask, match="not a numpy array"):
        read_source(tmp_path / "d.npz")


def test_read_source__damaged_compression__refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.random.default_rng(0).random((40, 9)), y=labels(40))
    content = bytearray(buffer.getvalue())
    content[200:260] = bytes(60)
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(InvalidTask):
        read_source(tmp_path / "d.npz")


def test_read_source__missing_arrays__lists_what_is_there(tmp_path: Path) -> None:
    path = npz(tmp_path / "d.npz", images=np.zeros((4, 2)), y=labels())
    with pytest.raises(InvalidTask, match="images"):
        read_source(path, "train")


def test_read_source__other_types_and_absent_files__refused(tmp_path: Path) -> None:
    (tmp_path / "d.pt").write_bytes(b"x")
    with pytest.raises(InvalidTask, match=r"\.npz or \.safetensors"):
        read_source(tmp_path / "d.pt")
    with pytest.raises(InvalidTask, match="no such file"):
        read_source(tmp_path / "none.npz")


def test_read_source__larger_than_the_limit__refused(tmp_path: Path) -> None:
    path = npz(tmp_path / "d.npz", x=np.zeros((4, 2)), y=labels())
    with pytest.raises(InvalidTask, match="at most 10"):
        read_source(path, max_bytes=10)


def test_read_source__hostile_safetensors__is_a_task_error(tmp_path: Path) -> None:
    (tmp_path / "d.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(InvalidTask):
        read_source(tmp_path / "d.safetensors")


def test_read_source__both_formats_and_keras_names__same_dataset(tmp_path: Path) -> None:
    x = np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3)
    plain = read_source(npz(tmp_path / "a.npz", x=x, y=labels().astype(np.uint8)))
    keras = read_source(npz(tmp_path / "b.npz", x_test=x, y_test=labels(), x_train=x[:1], y_train=[0]), "test")
    (tmp_path / "c.safetensors").write_bytes(safetensors.numpy.save({"x": x, "y": labels()}, {"by": "us"}))
    tensors = read_source(tmp_path / "c.safetensors")
    for found in (plain, keras, tensors):
        assert found.sample_shape == (1, 3, 3)
        assert found.y.dtype == np.int64
        assert np.array_equal(found.x[:, 0], x)
        assert np.array_equal(found.y, labels())


def test_read_source__column_order_and_big_endian__values_survive(tmp_path: Path) -> None:
    x = np.asfortranarray(np.arange(12, dtype=">f8").reshape(4, 3))
    found = read_source(npz(tmp_path / "a.npz", x=x, y=labels().astype(">i4")))
    assert found.x.dtype == np.float32
    assert found.x.tolist() == np.arange(12).reshape(4, 3).tolist()
    assert found.y.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (np.array([[1.0], [np.nan], [2.0], [3.0]]), labels(), "NaN or infinity in 1 samples, the first is 1"),
        (np.array([[1.0], [2.0], [np.inf], [3.0]]), labels(), "the first is 2"),
        (np.array([[1.0], [2.0], [1e300], [3.0]]), labels(), "the first is 2"),
        (np.zeros((4, 2)), np.array([0.0, 1, 0, 1]), r"astype\('int64'\)"),
        (np.zeros((4, 2)), np.array([0.5, 1, 0, 1]), "integer labels"),
        (np.zeros((4, 2)), np.array(["a", "b", "a", "b"]), "integer labels"),
        (np.zeros((4, 2)), np.array([0, -1, 0, 1]), "negative"),
        (np.zeros((4, 2)), np.array([0, 10**9, 0, 1]), "too large"),
        (np.zeros((4, 2)), labels(3), r"shape \(4,\)"),
        (np.zeros((4, 2)), np.eye(4, dtype=int), r"shape \(4,\)"),
        (np.zeros((0, 2)), labels(0), "empty"),
        (np.zeros((4, 0)), labels(), "at least one number"),
        (np.zeros(4), labels(), "features"),
        (np.zeros((4, 2), np.int32), labels(), r"astype\('uint8'\)"),
        (np.zeros((4, 2), bool), labels(), r"astype\('uint8'\)"),
    ],
)
def test_as_dataset__unusable_arrays__message_says_what_to_do(x: Any, y: Any, reason: str) -> None:
    with pytest.raises(InvalidTask, match=reason):
        as_dataset(x, y, "train.npz")


def sets(**changes: Any) -> tuple[Dataset, Dataset]:
    x = np.arange(40, dtype=np.uint8).reshape(10, 4)
    parts = {"x": x[:6], "y": np.arange(6) % 3, "tx": x[6:], "ty": np.arange(4) % 3, **changes}
    return Dataset(parts["x"], parts["y"]), Dataset(parts["tx"], parts["ty"])


def test_validate_split__repeated_test_sample__names_both() -> None:
    train, test = sets()
    test.x[3] = test.x[1]
    with pytest.raises(InvalidTask, match="samples 1 and 3 are the same"):
        validate_split(train, test)


def test_validate_split__test_sample_in_training_set__names_both() -> None:
    train, test = sets()
    train.x[5] = test.x[2]
    with pytest.raises(InvalidTask, match="sample 2 is also training sample 5"):
        validate_split(train, test)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tx": np.zeros((4, 5), np.uint8)}, "prepare both"),
        ({"tx": np.zeros((4, 4), np.float32)}, "prepare both"),
        ({"ty": np.array([0, 1, 2, 3])}, "label 3 of sample 3 is outside 0 … 2"),
        ({"y": np.zeros(6, np.int64)}, "outside"),
        ({"y": np.zeros(6, np.int64), "ty": np.zeros(4, np.int64)}, "at least two classes"),
        ({"y": np.array([0, 2, 0, 2, 0, 2])}, "label 1 never occurs"),
    ],
)
def test_validate_split__unfair_task__says_why(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidTask, match=reason):
        validate_split(*sets(**changes))


def test_validate_split__declared_classes__bound_the_labels() -> None:
    with pytest.raises(InvalidTask, match="outside 0 … 1"):
        validate_split(*sets(), classes=2)
    assert validate_split(*sets(), classes=5) == 5


def test_validate_split__fair_task__number_of_classes() -> None:
    assert validate_split(*sets()) == 3


def test_prepare__uint8_and_float__scaled_and_untouched() -> None:
    assert prepare(np.array([[0, 255]], np.uint8)).tolist() == [[0.0, 1.0]]
    assert prepare(np.array([[0, 255]], np.float32)).tolist() == [[0.0, 255.0]]
    assert prepare(np.zeros((1, 2), np.uint8)).dtype == torch.float32
