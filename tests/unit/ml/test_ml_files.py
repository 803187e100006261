"""Model and data files from strangers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from dlbc.errors import InvalidArtifact
from dlbc.ml.channels import tensors
from dlbc.ml.data import Dataset, read_canonical, write_canonical
from dlbc.ml.model_file import load_model, save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import file_bytes, read_specs, write_tensors

MLP: dict[str, object] = {"name": "mlp", "hidden": 64, "layers": 1}
LIMIT = 1 << 20


def raw_file(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (b"not json", b""),
        (b"[]", b""),
        (b"{}", b""),
        (b'"' + b"x" * 20 + b'"', b""),
        (b"[" * 100_000, b""),
        (b'{"a":' + b"9" * 10_000 + b"}", b""),
        (b"\xff\xfe{}", b""),
        (
            b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
            bytes(8),
        ),
        (b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
        ({"a": 7}, b""),
        ({"a": entry(extra=1)}, bytes(8)),
        ({"a": entry(dtype="F64")}, bytes(8)),
        ({"a": entry(dtype=["F32"])}, bytes(8)),
        ({"a": entry(shape=[3])}, bytes(8)),
        ({"a": entry(shape=[-2])}, bytes(8)),
        ({"a": entry(shape=[2.0])}, bytes(8)),
        ({"a": entry(shape=[True, 2])}, bytes(8)),
        ({"a": entry(shape="2")}, bytes(8)),
        ({"a": entry(shape=[1] * 8 + [2])}, bytes(8)),
        ({"a": entry(shape=[2**62], data_offsets=[0, 2**64])}, bytes(8)),
        ({"a": entry(shape=[2**39, 0])}, bytes(8)),
        ({"a": entry(data_offsets=[8, 0])}, bytes(8)),
        ({"a": entry(data_offsets=[0, 8, 8])}, bytes(8)),
        ({"a": entry(data_offsets=[8, 16])}, bytes(16)),
        ({"a": entry(), "b": entry()}, bytes(8)),
        ({"a": entry(), "b": entry(data_offsets=[12, 20])}, bytes(20)),
        ({"a": entry()}, bytes(7)),
        ({"a": entry()}, bytes(9)),
        ({f"t{i}": entry(shape=[0], data_offsets=[0, 0]) for i in range(5_000)}, b""),
    ],
)
def test_read_specs__hostile_header__refused(tmp_path: Path, header: object, data: bytes) -> None:
    with pytest.raises(InvalidArtifact, match="file"):
        read_specs(raw_file(tmp_path / "file", header, data), max_bytes=LIMIT)


@pytest.mark.parametrize("length", [0, 2**63, 10**9, 1 << 21])
def test_read_specs__lying_header_length__refused_without_memory(tmp_path: Path, length: int) -> None:
    with pytest.raises(InvalidArtifact):
        read_specs(raw_file(tmp_path / "file", {"a": entry()}, bytes(8), length), max_bytes=LIMIT)


@pytest.mark.parametrize("content", [b"", b"\x00", bytes(8), bytes(9)])
def test_read_specs__too_short_for_a_header__refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidArtifact):
        read_specs(tmp_path / "file", max_bytes=LIMIT)


def test_read_specs__larger_than_allowed__refused_unread(tmp_path: Path) -> None:
    path = raw_file(tmp_path / "file", {"a": entry()}, bytes(8))
    with pytest.raises(InvalidArtifact, match="at most 10"):
        read_specs(path, max_bytes=10)


def test_read_specs__disk_fails__blames_no_stranger(tmp_path: Path) -> None:
    """An InvalidArtifact would become a vote against an honest miner."""
    with pytest.raises(FileNotFoundError):
        read_specs(tmp_path / "file", max_bytes=LIMIT)


def test_write_tensors__any_order__same_bytes_as_the_library(tmp_path: Path) -> None:
    """Interoperable: what the safetensors library writes for the same tensors is this, byte for byte."""
    arrays = {"b": np.ones((2, 3), np.float32), "a": np.zeros(5, np.uint8), "c": np.arange(3)}
    write_tensors(arrays, tmp_path / "one")
    write_tensors(dict(reversed(arrays.items())), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes() == safetensors.numpy.save(arrays)
    assert file_bytes(read_specs(tmp_path / "one", max_bytes=LIMIT)) == (tmp_path / "one").stat().st_size


def model_arrays() -> dict[str, np.ndarray[Any, Any]]:
    model = build(MLP, (64,), 10)
    initialise(model, bytes(32))
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors(model).items()}


def stored(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> Path:
    path.write_bytes(safetensors.numpy.save(arrays))
    return path


def test_load_model__missing_or_extra_tensor__names_it(tmp_path: Path) -> None:
    arrays = model_arrays()
    extra = stored(tmp_path / "file", {**arrays, "evil": np.zeros(1, np.float32)})
    with pytest.raises(InvalidArtifact, match="evil"):
        load_model(extra, MLP, (64,), 10, LIMIT)
    del arrays["head.bias"]
    with pytest.raises(InvalidArtifact, match=r"head\.bias"):
        load_model(stored(tmp_path / "file", arrays), MLP, (64,), 10, LIMIT)


def test_load_model__another_shape_or_dtype__refused(tmp_path: Path) -> None:
    arrays = model_arrays()
    path = stored(tmp_path / "file", {**arrays, "head.bias": np.zeros(11, np.float32)})
    with pytest.raises(InvalidArtifact, match="11"):
        load_model(path, MLP, (64,), 10, LIMIT)
    path = stored(tmp_path / "file", {**arrays, "head.bias": np.zeros(10, np.int64)})
    with pytest.raises(InvalidArtifact, match="I64"):
        load_model(path, MLP, (64,), 10, LIMIT)
    path = stored(tmp_path / "file", {**arrays, "head.weight": arrays["head.weight"].T.copy()})
    with pytest.raises(InvalidArtifact, match=r"head\.weight"):
        load_model(path, MLP, (64,), 10, LIMIT)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_load_model__not_finite__refused(tmp_path: Path, value: float) -> None:
    arrays = model_arrays()
    arrays["head.weight"][3, 3] = value
    with pytest.raises(InvalidArtifact, match="NaN or infinity"):
        load_model(stored(tmp_path / "file", arrays), MLP, (64,), 10, LIMIT)


def test_load_model__negative_variance__refused(tmp_path: Path) -> None:
    arrays = model_arrays()
    arrays["input_norm.running_var"][0] = -1
    with pytest.raises(InvalidArtifact, match="variance"):
        load_model(stored(tmp_path / "file", arrays), MLP, (64,), 10, LIMIT)


def test_load_model__larger_than_the_task_allows__refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArtifact, match="at most"):
        load_model(stored(tmp_path / "file", model_arrays()), MLP, (64,), 10, 1_000)


def test_load_model__saved_model__same_weights_and_bytes(tmp_path: Path) -> None:
    model = build(MLP, (64,), 10)
    initialise(model, b"x" * 32)
    save_model(model, tmp_path / "one")
    loaded = load_model(tmp_path / "one", MLP, (64,), 10, LIMIT)
    save_model(loaded, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert not loaded.training
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (np.zeros((4, 3), np.float32), np.zeros(3, np.int64), "y is"),
        (np.zeros((4, 3), np.float32), np.zeros(4, np.uint8), "y is"),
        (np.zeros((4, 3, 3), np.uint8), np.zeros(4, np.int64), "x is"),
        (np.zeros((4, 3), np.int64), np.zeros(4, np.int64), "x is"),
        (np.zeros((0, 3), np.uint8), np.zeros(0, np.int64), "x is"),
        (np.zeros((4, 3), np.uint8), np.array([0, 1, 2, -1]), "labels"),
        (np.zeros((4, 3), np.uint8), np.array([0, 1, 2, 9]), "labels"),
        (np.full((4, 3), np.nan, np.float32), np.zeros(4, np.int64), "NaN"),
        (np.zeros((4, 2), np.uint8), np.zeros(4, np.int64), "task says"),
        (np.zeros((9, 3), np.uint8), np.zeros(9, np.int64), "samples"),
    ],
)
def test_read_canonical__hostile_data__refused(tmp_path: Path, x: Any, y: Any, reason: str) -> None:
    path = stored(tmp_path / "file", {"x": x, "y": y})
    with pytest.raises(InvalidArtifact, match=reason):
        read_canonical(path, max_bytes=LIMIT, sample_shape=(3,), classes=9, max_samples=8)


def test_read_canonical__names_other_than_x_and_y__refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "file", {"x": np.zeros((4, 3), np.uint8), "z": np.zeros(4, np.int64)})
    with pytest.raises(InvalidArtifact, match="missing"):
        read_canonical(path, max_bytes=LIMIT)


def test_read_canonical__written_dataset__comes_back(tmp_path: Path) -> None:
    data = Dataset(np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2), np.array([1, 0]))
    write_canonical(data, tmp_path / "file")
    back = read_canonical(tmp_path / "file", max_bytes=LIMIT, sample_shape=(3, 2, 2), classes=2)
    assert np.array_equal(back.x, data.x)
    assert np.array_equal(back.y, data.y)
    assert back.sample_shape == (3, 2, 2)
    assert back.bytes == 24 + 16
