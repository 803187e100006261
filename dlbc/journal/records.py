"""Values as journal text, and values again from their dataclass's type hints.

`plain` is what the journal stores: integers as decimal text (SQLite and JSON readers lose those above
2^53), bytes as 0x hex, structs and sequences as lists. `revive` turns that, or what `eth_abi` decoded, back
into the annotated types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any, get_args, get_origin, get_type_hints

from eth_utils.address import to_checksum_address


def plain(value: object) -> Any:
    """`value` as nested lists and text.

    Raises:
        TypeError: a value of a kind that no event or struct of the protocol has.
    """
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return [plain(getattr(value, field.name)) for field in fields(value)]
    raise TypeError(f"cannot store a {type(value).__name__}")


_SHAPES: dict[type, Mapping[str, Any]] = {}  # resolving hints is slow


def shape_of(kind: type) -> Mapping[str, Any]:
    """Names and types of a dataclass's or NamedTuple's fields, in order; `Annotated` notes are dropped."""
    if kind not in _SHAPES:
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(hints)
        _SHAPES[kind] = {name: hints[name] for name in names}
    return _SHAPES[kind]


def revive(hint: Any, raw: Any) -> Any:
    """`raw` as the type `hint`.

    Args:
        hint: a dataclass, NamedTuple, IntEnum, tuple[X, ...], int, bool, bytes, or str, where an address gets
            its checksum.

    Raises:
        ValueError: the wrong number of values, or an enumeration member that this version does not know.
    """
    if get_origin(hint) is tuple:
        return tuple(revive(get_args(hint)[0], item) for item in raw)
    if isinstance(hint, type) and (is_dataclass(hint) or issubclass(hint, tuple)):
        shape = shape_of(hint)
        if len(raw) != len(shape):
            raise ValueError(f"{hint}: expected {len(shape)} values, found {len(raw)}")
        return hint(*(revive(part, item) for part, item in zip(shape.values(), raw, strict=True)))
    if hint is bool:
        return bool(int(raw))
    if hint is bytes:
        return bytes.fromhex(raw[2:]) if isinstance(raw, str) else bytes(raw)
    if hint is str:
        return to_checksum_address(raw) if raw.startswith("0x") and len(raw) == 42 else str(raw)
    if hint is int or (isinstance(hint, type) and issubclass(hint, IntEnum)):
        return hint(int(raw))
    raise ValueError(f"no way to read a {hint}")
