"""Canonical JSON: RFC 8785 (JCS), narrowed so that every implementation writes the same bytes.

Integers only with |n| < 2^53 (I-JSON, RFC 7493), strings in Unicode NFC, no duplicate names, at most
`MAX_BYTES` and `MAX_DEPTH` containers deep, UTF-8 without byte-order mark.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Any, NoReturn

import rfc8785

from dlbc.errors import InvalidArtifact

MAX_BYTES = 65_536
MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


def dumps(value: object) -> bytes:
    """The one encoding of `value` (dict, list or tuple, str, int, bool, None).

    Raises:
        InvalidArtifact: the value breaks a rule; the message names the place, as in `data.train.shards[0]`.
    """
    _check(value, "document", MAX_DEPTH)
    encoded = rfc8785.dumps(value)  # type: ignore[arg-type]  # _check has narrowed it
    if len(encoded) > MAX_BYTES:
        raise InvalidArtifact(f"canonical JSON of {len(encoded)} bytes is over the limit of {MAX_BYTES}: shorten it")
    return encoded


def loads(encoded: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """The value of canonical bytes from a stranger; bytes that `dumps` would not have written are refused.

    Raises:
        InvalidArtifact: too large, not JSON, not canonical, or against a rule of `dumps`.
    """
    limit = min(max_bytes, MAX_BYTES)
    if len(encoded) > limit:
        raise InvalidArtifact(f"JSON of {len(encoded)} bytes is over the limit of {limit}")
    try:
        value = json.loads(
            # Decoded here, because json.loads would guess UTF-16 and UTF-32 too.
            encoded.decode("utf-8"),
            object_pairs_hook=_unique_names,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
        )
    except UnicodeDecodeError as error:
        raise InvalidArtifact(f"JSON is not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise InvalidArtifact(f"JSON is nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:  # JSONDecodeError, and Python's limit on the digits of an integer
        raise InvalidArtifact(f"not JSON: {error}") from error
    if dumps(value) != encoded:
        raise InvalidArtifact(
            "JSON is not canonical (RFC 8785): names must be sorted, without spaces or needless escapes; "
            "write it with dlbc.wire.canonical.dumps"
        )
    return value


def _check(value: object, where: str, depth: int) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise InvalidArtifact(f"{where}: an integer beyond 2^53 - 1 is not exact in JSON; write it as a string")
    elif isinstance(value, dict | list | tuple):
        if depth == 0:
            raise InvalidArtifact(f"{where}: nested deeper than {MAX_DEPTH}")
        for inner_where, inner in _members(value, where):
            _check(inner, inner_where, depth - 1)
    else:
        raise InvalidArtifact(f"{where}: {type(value).__name__} is not allowed; use integers, strings, lists, objects")


def _members(value: dict[Any, Any] | list[Any] | tuple[Any, ...], where: str) -> Iterable[tuple[str, object]]:
    if not isinstance(value, dict):
        yield from ((f"{where}[{index}]", inner) for index, inner in enumerate(value))
        return
    for name, inner in value.items():
        if not isinstance(name, str):
            raise InvalidArtifact(f"{where}: name {name!r} is not a string")
        _check_text(name, f"{where}: name {name[:40]!r}")
        # A stranger's name goes into messages, and those onto terminals.
        yield f"{where}.{name if name.isprintable() and len(name) <= 40 else repr(name[:40])}", inner


def _check_text(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArtifact(f"{where}: a lone surrogate is no Unicode text") from error
    if not unicodedata.is_normalized("NFC", text):
        raise InvalidArtifact(f"{where}: text is not in Unicode NFC; normalise it first")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise InvalidArtifact(f"JSON has the name {name[:40]!r} twice in one object")
        members[name] = value
    return members


def _refuse_float(text: str) -> NoReturn:
    raise InvalidArtifact(f"JSON number {text} is not an integer; scale it to one")
