"""A requester's own files: `.npz` and `.safetensors`. Sizes are read from headers before memory is taken."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from dlbc.errors import InvalidArtifact, InvalidTask
from dlbc.ml.data import Dataset, as_dataset
from dlbc.ml.tensor_file import Array, read_specs, read_tensors

DEFAULT_MAX_BYTES = 8 << 30
MAX_MEMBERS = 64
MAX_NPY_HEADER = 10_000


def read_source(path: Path, split: str | None = None, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Dataset:
    """Samples `x` and labels `y` of one split, in canonical form.

    Args:
        path: a `.npz` (never unpickled) or `.safetensors` file.
        split: "train" or "test"; then `x_train`, `y_train` … are read where the file has them, so that one
            file in the form of Keras' mnist.npz serves both splits.
        max_bytes: of each array, unpacked, and of the file.

    Raises:
        InvalidTask: the file cannot be used; the message says what to change.
    """
    where = path.name
    if not path.is_file():
        raise InvalidTask(where, f"no such file: {path}")
    if path.stat().st_size > max_bytes:
        raise InvalidTask(where, f"{path.stat().st_size:,} bytes, at most {max_bytes:,} are allowed")
    if path.suffix == ".npz":
        x, y = _read_npz(path, split, max_bytes)
    elif path.suffix == ".safetensors":
        try:
            names = _choose(where, set(read_specs(path, max_bytes=max_bytes)), split)
            arrays = read_tensors(path, max_bytes=max_bytes)
        except InvalidArtifact as error:
            raise InvalidTask(where, str(error)) from error
        except OSError as error:
            raise InvalidTask(where, f"cannot be read ({error.strerror or error}); check the file") from error
        x, y = arrays[names[0]], arrays[names[1]]
    else:
        raise InvalidTask(where, f"files of type {path.suffix or 'none'} are not read; use .npz or .safetensors")
    return as_dataset(x, y, where)


def _choose(where: str, present: set[str], split: str | None) -> tuple[str, str]:
    if split is not None and {f"x_{split}", f"y_{split}"} <= present:
        return f"x_{split}", f"y_{split}"
    if {"x", "y"} <= present:
        return "x", "y"
    wanted = "x and y" if split is None else f"x and y, or x_{split} and y_{split}"
    raise InvalidTask(where, f"needs arrays named {wanted}; found {', '.join(sorted(present))[:200] or 'none'}")


def _read_npz(path: Path, split: str | None, max_bytes: int) -> tuple[Array, Array]:
    where = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            if len(members) > MAX_MEMBERS:
                raise InvalidTask(where, f"{len(members):,} arrays, at most {MAX_MEMBERS} are allowed")
            if len(set(members)) != len(members):
                raise InvalidTask(where, "an array occurs twice")
            present = {member.removesuffix(".npy") for member in members}
            first, second = (
                _read_npy(archive.open(f"{name}.npy"), f"{where}:{name}", max_bytes)
                for name in _choose(where, present, split)
            )
            return first, second
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise InvalidTask(where, f"is not a readable .npz file ({error}); write it with numpy.savez") from error


def _read_npy(stream: IO[bytes], where: str, max_bytes: int) -> Array:
    """One array of an archive; its declared shape must pass the limit before data is unpacked."""
    with stream:
        try:
            version = npy.read_magic(stream)
            reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, fortran, dtype = reader(stream, max_header_size=MAX_NPY_HEADER)
        except (ValueError, KeyError, SyntaxError, RecursionError, MemoryError) as error:
            raise InvalidTask(where, "is not a numpy array; write it with numpy.savez") from error
        if dtype.hasobject:
            raise InvalidTask(
                where,
                "holds Python objects, which are never unpickled; convert it to uint8, float32 or int64",
            )
        if dtype.kind not in "fiub":
            raise InvalidTask(where, f"has dtype {dtype}; numbers are needed")
        size = math.prod(shape) * dtype.itemsize
        if size > max_bytes:
            raise InvalidTask(where, f"declares shape {shape}, {size:,} bytes; at most {max_bytes:,} are allowed")
        data = stream.read(size)
        if len(data) != size or stream.read(1):
            raise InvalidTask(where, f"declares {size:,} bytes and holds another number; the file is damaged")
    array = np.frombuffer(data, dtype=dtype.newbyteorder("=") if dtype.isnative else dtype)
    return array.reshape(shape, order="F" if fortran else "C")
