"""Samples and labels: canonical file, checks, and the preprocessing that miner and validator share.

Canonical file: safetensors with `x`, uint8 or float32, shape (N, C, H, W) or (N, F), and `y`, int64, shape
(N,). Preprocessing is part of the task and has no parameters: uint8 is divided by 255, float32 is used as it
is (`prepare`). Statistics of the training set live inside the models, whose first layer is a batch norm
without gain, so a score depends on the model file and the test file alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dlbc.errors import InvalidArtifact, InvalidTask
from dlbc.ml.tensor_file import Array, read_specs, read_tensors, write_tensors

MAX_SAMPLES = 10_000_000
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class Dataset:
    """Samples with their labels.

    Attributes:
        x: samples, uint8 or float32, (N, C, H, W) or (N, F).
        y: labels, int64, (N,), 0 … classes-1.
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: (C, H, W) or (F,)."""
        return tuple(int(size) for size in self.x.shape[1:])

    @property
    def bytes(self) -> int:
        """Bytes of samples and labels, as the ranking counts them."""
        return int(self.x.nbytes + self.y.nbytes)


def prepare(x: Array | torch.Tensor, device: torch.device | None = None) -> torch.Tensor:
    """The float32 tensor that models see: uint8 / 255, float32 unchanged; equal bits on every device. Same shape."""
    tensor = x if isinstance(x, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(x))
    if device is not None:
        tensor = tensor.to(device)  # before it has four times the bytes
    if tensor.dtype != torch.uint8:
        return tensor
    # CUDA multiplies by the inverse of a number that the host gives, which may be a bit off; a tensor is divided by.
    return tensor.to(torch.float32) / torch.full((), 255.0, device=tensor.device)


def as_dataset(x: Array, y: Array, where: str) -> Dataset:
    """Bring a user's arrays into canonical form, without changing a value.

    Accepted are x as uint8 or any float (stored as float32), (N, H, W) as one-channel images, and y as any
    integer type.

    Raises:
        InvalidTask: with `where`, what was found and how to mend it.
    """
    if x.ndim not in {2, 3, 4}:
        raise InvalidTask(
            where,
            f"x has shape {x.shape}; (N, F) features or (N, C, H, W) images are needed (channels first)",
        )
    if y.ndim != 1 or y.shape[0] != x.shape[0]:
        raise InvalidTask(
            where, f"y has shape {y.shape}, but x has {x.shape[0]} samples; y needs shape ({x.shape[0]},)"
        )
    if x.shape[0] == 0:
        raise InvalidTask(where, "is empty: x has no samples")
    if x.shape[0] > MAX_SAMPLES or 0 in x.shape:
        raise InvalidTask(
            where, f"x has shape {x.shape}; 1 to {MAX_SAMPLES:,} samples of at least one number are needed"
        )
    if x.dtype.kind != "f" and x.dtype != np.uint8:
        raise InvalidTask(where, f"x has dtype {x.dtype}; convert it with x.astype('uint8') or x.astype('float32')")
    if x.dtype.kind == "f":
        _refuse_non_finite(x, where)
        with np.errstate(over="ignore"):
            # Adding 0 turns -0.0 into 0.0, so that equal samples have equal bytes.
            x = x.astype(np.float32) + np.float32(0.0)
        _refuse_non_finite(x, where)
    if x.ndim == 3:
        x = x[:, None]
    return Dataset(np.ascontiguousarray(x), _labels(y, where))


def validate_split(train: Dataset, test: Dataset, classes: int | None = None) -> int:
    """Check that training and test set make a fair task together, and return the number of classes.

    Args:
        classes: as the task declares it; None takes the largest training label + 1.

    Raises:
        InvalidTask: shapes or dtypes differ, labels out of range, only one class, a test label that training
            never shows, the same test sample twice, or a test sample in the training set.
    """
    if train.sample_shape != test.sample_shape or train.x.dtype != test.x.dtype:
        raise InvalidTask(
            "test",
            f"samples are {test.x.dtype} {test.sample_shape}, the training set has "
            f"{train.x.dtype} {train.sample_shape}; prepare both in the same way",
        )
    count = int(train.y.max()) + 1 if classes is None else classes
    for where, part in (("train", train), ("test", test)):
        bad = np.flatnonzero((part.y < 0) | (part.y >= count))
        if bad.size:
            raise InvalidTask(
                where,
                f"label {int(part.y[bad[0]])} of sample {int(bad[0])} is outside 0 … {count - 1} "
                f"({bad.size} such); number the classes from 0",
            )
    if np.unique(train.y).size < 2:
        raise InvalidTask("train", f"every label is {int(train.y[0])}; at least two classes are needed")
    unseen = np.setdiff1d(test.y, train.y)
    if unseen.size:
        raise InvalidTask("test", f"label {int(unseen[0])} never occurs in the training set; split the data anew")
    seen: dict[bytes, int] = {}
    for index, digest in enumerate(_digests(test.x)):
        first = seen.setdefault(digest, index)
        if first != index:
            raise InvalidTask("test", f"samples {first} and {index} are the same; remove the copy, each may count once")
    for index, digest in enumerate(_digests(train.x)):
        if digest in seen:
            raise InvalidTask(
                "test",
                f"sample {seen[digest]} is also training sample {index}; remove it from one of the two",
            )
    return count


def write_canonical(dataset: Dataset, path: Path) -> None:
    """Write the canonical file; equal datasets give equal bytes. Replaces `path` atomically."""
    write_tensors({"x": dataset.x, "y": dataset.y}, path)


def read_canonical(
    path: Path,
    *,
    max_bytes: int,
    sample_shape: tuple[int, ...] | None = None,
    classes: int | None = None,
    max_samples: int = MAX_SAMPLES,
) -> Dataset:
    """Read a canonical file that may come from a stranger; sizes are checked before data is read.

    Raises:
        InvalidArtifact: malformed, larger than allowed, another sample shape than `sample_shape`, labels
            outside 0 … classes-1, NaN or infinity.
    """
    specs = read_specs(path, max_bytes=max_bytes, expected=("x", "y"))
    x, y = specs["x"], specs["y"]
    if x.dtype not in {"U8", "F32"} or len(x.shape) not in {2, 4} or 0 in x.shape:
        raise InvalidArtifact(f"{path.name}: x is {x.dtype} {x.shape}; U8 or F32 (N, C, H, W) or (N, F) is needed")
    if y.dtype != "I64" or y.shape != x.shape[:1]:
        raise InvalidArtifact(f"{path.name}: y is {y.dtype} {y.shape}; I64 ({x.shape[0]},) is needed")
    if x.shape[0] > max_samples:
        raise InvalidArtifact(f"{path.name}: {x.shape[0]:,} samples, at most {max_samples:,} are allowed")
    if sample_shape is not None and x.shape[1:] != tuple(sample_shape):
        raise InvalidArtifact(f"{path.name}: samples have shape {x.shape[1:]}, the task says {tuple(sample_shape)}")
    arrays = read_tensors(path, max_bytes=max_bytes, expected=("x", "y"))
    limit = MAX_CLASSES if classes is None else classes
    if arrays["y"].min() < 0 or arrays["y"].max() >= limit:
        raise InvalidArtifact(f"{path.name}: labels must lie in 0 … {limit - 1}")
    if arrays["x"].dtype.kind == "f" and not np.isfinite(arrays["x"]).all():
        raise InvalidArtifact(f"{path.name}: x holds NaN or infinity")
    return Dataset(arrays["x"], arrays["y"])


def _labels(y: Array, where: str) -> Array:
    if y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.floor(y)).all():
        raise InvalidTask(where, f"y has dtype {y.dtype}; convert it with y.astype('int64')")
    if y.dtype.kind not in "iu":
        raise InvalidTask(where, f"y has dtype {y.dtype}; integer labels 0, 1, 2, … are needed")
    if int(y.min()) < 0:
        raise InvalidTask(where, f"label {int(y.min())} is negative; number the classes from 0")
    if int(y.max()) >= MAX_CLASSES:
        raise InvalidTask(where, f"label {int(y.max())} is too large; at most {MAX_CLASSES:,} classes are allowed")
    return np.ascontiguousarray(y, dtype=np.int64)


def _refuse_non_finite(x: Array, where: str) -> None:
    bad = np.flatnonzero(~np.isfinite(x).reshape(x.shape[0], -1).all(axis=1))
    if bad.size:
        raise InvalidTask(
            where,
            f"x holds NaN or infinity in {bad.size} samples, the first is {int(bad[0])}; remove or fill them",
        )


def _digests(x: Array) -> list[bytes]:
    return [hashlib.sha256(row.tobytes()).digest() for row in x]
