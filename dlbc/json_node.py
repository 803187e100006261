"""Reading JSON that a stranger wrote: each complaint names the field it is about."""

from __future__ import annotations

import re
from typing import NoReturn

import base58

from dlbc.errors import InvalidArtifact

_CID = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}")
_HEX = re.compile(r"[0-9a-f]{64}")


class JSONNode:
    """A JSON value and where it stands, so that each complaint names its field."""

    def __init__(self, value: object, where: str) -> None:
        self.value = value
        self.where = where

    def fail(self, message: str) -> NoReturn:
        raise InvalidArtifact(f"{self.where}: {message}")

    def fields(self, *names: str) -> dict[str, JSONNode]:
        if not isinstance(self.value, dict):
            raise InvalidArtifact(f"{self.where}: expected an object")
        for name in names:
            if name not in self.value:
                raise InvalidArtifact(f"{self.where}: lacks {name!r}")
        for name in self.value:
            if name not in names:
                raise InvalidArtifact(f"{self.where}: has the unknown field {name[:40]!r}")
        return {name: JSONNode(self.value[name], f"{self.where}.{name}") for name in names}

    def items(self, least: int, most: int) -> list[JSONNode]:
        if not isinstance(self.value, list) or not least <= len(self.value) <= most:
            raise InvalidArtifact(f"{self.where}: expected a list of {least} to {most} items")
        return [JSONNode(item, f"{self.where}[{i}]") for i, item in enumerate(self.value)]

    def integer(self, least: int, most: int) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise InvalidArtifact(f"{self.where}: expected an integer")
        if not least <= self.value <= most:
            raise InvalidArtifact(f"{self.where}: {self.value} is not within {least} to {most}")
        return self.value

    def text(self, pattern: re.Pattern[str]) -> str:
        if not isinstance(self.value, str) or not pattern.fullmatch(self.value):
            raise InvalidArtifact(f"{self.where}: expected text that matches {pattern.pattern}")
        return self.value

    def one_of(self, *allowed: str) -> str:
        if not isinstance(self.value, str) or self.value not in allowed:
            raise InvalidArtifact(f"{self.where}: only {' or '.join(allowed)} is supported")
        return self.value

    def digest(self) -> bytes:
        return bytes.fromhex(self.text(_HEX))

    def cid(self) -> str:
        text = self.text(_CID)
        raw = base58.b58decode(text)
        if len(raw) != 34 or raw[:2] != b"\x12\x20" or base58.b58encode(raw).decode() != text:
            raise InvalidArtifact(f"{self.where}: expected a CIDv0 (Qm…)")
        return text
