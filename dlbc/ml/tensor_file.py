"""safetensors files from strangers, and our own with bytes that depend on the content alone.

Format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the data
(https://github.com/huggingface/safetensors#format). The library reads the data; before that the header is
checked here, because the library accepts duplicate names and any size that the file declares.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from dlbc.errors import InvalidArtifact

MAX_HEADER_BYTES = 1 << 20
MAX_TENSORS = 4_096
MAX_DIMENSIONS = 8
_WIDTH = {"U8": 1, "F32": 4, "I64": 8}
_DTYPE = {"uint8": "U8", "float32": "F32", "int64": "I64"}

Array = NDArray[Any]


@dataclass(frozen=True)
class TensorSpec:
    """Type and shape of one tensor.

    Attributes:
        dtype: U8, F32 or I64, as safetensors names them.
        shape: sizes, may be ().
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return _WIDTH[self.dtype] * math.prod(self.shape)


def write_tensors(arrays: Mapping[str, Array], path: Path, *, durable: bool = True) -> None:
    """Write uint8, float32 or int64 arrays; equal content gives equal bytes. Replaces `path` atomically.

    Args:
        durable: whether it has to outlive a loss of power, which takes milliseconds; else whoever reads it must look.
    """
    ordered = sorted(arrays.items(), key=lambda item: (-_WIDTH[_DTYPE[item[1].dtype.name]], item[0]))
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(_header({name: TensorSpec(_DTYPE[a.dtype.name], a.shape) for name, a in ordered}))
        for _, array in ordered:
            file.write(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)


def file_bytes(specs: Mapping[str, TensorSpec]) -> int:
    """Size of the file that `write_tensors` makes of tensors with these shapes."""
    ordered = dict(sorted(specs.items(), key=lambda item: (-_WIDTH[item[1].dtype], item[0])))
    return len(_header(ordered)) + sum(spec.bytes for spec in specs.values())


def read_tensors(path: Path, *, max_bytes: int, expected: Iterable[str] | None = None) -> dict[str, Array]:
    """Check the file with `read_specs`, then load it.

    Raises:
        InvalidArtifact: as `read_specs`; or the library refuses the file.
        OSError, MemoryError: this machine fails. That says nothing against the file, so it must not become a vote.
    """
    read_specs(path, max_bytes=max_bytes, expected=expected)
    try:
        return dict(load_file(path))
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise InvalidArtifact(f"{path.name}: safetensors cannot read it ({error})") from error


def read_specs(path: Path, *, max_bytes: int, expected: Iterable[str] | None = None) -> dict[str, TensorSpec]:
    """Names, dtypes and shapes, once the header proved small, unambiguous and true to the file's length.

    Memory stays below a few times MAX_HEADER_BYTES whatever the header declares.

    Raises:
        InvalidArtifact: the file is larger than `max_bytes`, truncated, padded, overlapping, has a name
            twice, a dtype other than U8, F32 or I64, or (where `expected` is given) other names.
        OSError: the disk fails, or there is no such file.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise InvalidArtifact(f"{path.name}: {size:,} bytes, at most {max_bytes:,} are allowed")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 10 or length > size - 8 or length > MAX_HEADER_BYTES:
            raise InvalidArtifact(f"{path.name}: no safetensors file ({size:,} bytes, header of {length:,})")
        raw = file.read(length)
    specs = _parse(path.name, raw, size - 8 - length)
    if expected is not None and set(specs) != set(expected):
        missing, extra = sorted(set(expected) - set(specs)), sorted(set(specs) - set(expected))
        raise InvalidArtifact(f"{path.name}: missing tensors {missing[:3]}, unexpected tensors {_short(extra[:3])}")
    return specs


def _header(specs: Mapping[str, TensorSpec]) -> bytes:
    entries, offset = {}, 0
    for name, spec in specs.items():
        end = offset + spec.bytes
        entries[name] = {"dtype": spec.dtype, "shape": list(spec.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # aligned data can be memory-mapped
    return len(text).to_bytes(8, "little") + text


def _parse(name: str, raw: bytes, data_bytes: int) -> dict[str, TensorSpec]:
    try:
        header = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidArtifact(f"{name}: the safetensors header is not valid JSON ({_short(error)})") from error
    if not isinstance(header, dict):
        raise InvalidArtifact(f"{name}: the safetensors header is not an object")
    header.pop("__metadata__", None)
    if not 1 <= len(header) <= MAX_TENSORS:
        raise InvalidArtifact(f"{name}: {len(header):,} tensors, 1 to {MAX_TENSORS:,} are allowed")
    specs, spans = {}, []
    for key, entry in header.items():
        spec, span = _entry(name, key, entry)
        specs[key] = spec
        spans.append(span)
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise InvalidArtifact(f"{name}: tensor data overlaps or leaves a gap at byte {position:,}")
        position = end
    if position != data_bytes:
        raise InvalidArtifact(f"{name}: the header describes {position:,} bytes of data, the file has {data_bytes:,}")
    return specs


def _entry(name: str, key: str, entry: object) -> tuple[TensorSpec, tuple[int, int]]:
    where = f"{name}: tensor {_short(key)}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise InvalidArtifact(f"{where} needs exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _WIDTH:
        raise InvalidArtifact(f"{where} has dtype {_short(dtype)}; allowed are {', '.join(_WIDTH)}")
    if not _sizes(shape) or len(shape) > MAX_DIMENSIONS:
        raise InvalidArtifact(f"{where} has an impossible shape {_short(shape)}")
    if not _sizes(offsets) or len(offsets) != 2:
        raise InvalidArtifact(f"{where} has impossible data_offsets {_short(offsets)}")
    spec = TensorSpec(dtype, tuple(shape))
    if offsets[1] - offsets[0] != spec.bytes:
        raise InvalidArtifact(f"{where}: shape {_short(shape)} needs {spec.bytes} bytes, the offsets span another size")
    return spec, (offsets[0], offsets[1])


def _sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**40 for item in value)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
