"""Function calls, results and logs as bytes, straight from the packaged ABIs.

`eth_abi` alone: a web3 contract object costs 100 ms to build, and what we read becomes dataclasses
of ours anyway.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import EncodingError
from eth_utils.crypto import keccak

from dlbc.errors import UsageError

CONTRACTS = ("DLBC", "Committee", "DLBCToken", "Lens", "AccessManager")


@dataclass(frozen=True)
class Entry:
    """One function, event or error of an ABI.

    Attributes:
        inputs, outputs: ABI parameters as in the JSON.
    """

    name: str
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]

    @property
    def signature(self) -> str:
        """Such as "phase(uint256)"."""
        return f"{self.name}({','.join(self.input_types)})"

    @cached_property
    def topic(self) -> bytes:
        """keccak of the signature: an event's topic 0; its first four bytes select a function or an error."""
        return keccak(text=self.signature)

    @property
    def selector(self) -> bytes:
        """The four bytes that name a function or an error."""
        return self.topic[:4]

    @property
    def input_types(self) -> list[str]:
        """ABI types of the arguments; structs as "(uint256,address)"."""
        return [type_of(parameter) for parameter in self.inputs]

    @property
    def output_types(self) -> list[str]:
        """ABI types of the results."""
        return [type_of(parameter) for parameter in self.outputs]

    def encode(self, arguments: Sequence[object]) -> bytes:
        """Calldata; structs of ours may be given as they are.

        Raises:
            UsageError: an argument does not fit its type.
        """
        values = [abi_value(argument) for argument in arguments]
        try:
            return self.selector + encode(self.input_types, values)
        except (EncodingError, ValueError) as error:
            raise UsageError(f"{self.signature}: {error}") from error

    def decode_inputs(self, data: bytes) -> tuple[Any, ...]:
        """The arguments of an error, given without its selector."""
        return tuple(decode(self.input_types, data))

    def decode_outputs(self, data: bytes) -> tuple[Any, ...]:
        """What a call returned.

        Raises:
            eth_abi.exceptions.DecodingError: too short; a call to an address without code returns nothing.
        """
        return tuple(decode(self.output_types, data))

    def decode_log(self, topics: Sequence[bytes], data: bytes) -> tuple[Any, ...]:
        """An event's arguments in the order of its declaration; `topics` with topic 0.

        Raises:
            DecodingError: the data is not what the declaration says.
            ValueError: another number of topics.
        """
        hashed = [parameter for parameter in self.inputs if parameter["indexed"]]
        indexed = iter([decode([type_of(p)], topic)[0] for p, topic in zip(hashed, topics[1:], strict=True)])
        rest = iter(decode([type_of(parameter) for parameter in self.inputs if not parameter["indexed"]], data))
        return tuple(next(indexed) if parameter["indexed"] else next(rest) for parameter in self.inputs)


@dataclass(frozen=True)
class Abi:
    """A contract's functions, events and errors by name; none of ours is overloaded."""

    functions: Mapping[str, Entry]
    events: Mapping[str, Entry]
    errors: Mapping[str, Entry]


def type_of(parameter: Mapping[str, Any]) -> str:
    """The ABI type of a JSON parameter, with a struct's members spelled out."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(type_of(member) for member in parameter["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def abi_value(value: object) -> object:
    """`value` as `eth_abi` takes it: structs as tuples, also inside lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return tuple(abi_value(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, list | tuple):
        return [abi_value(item) for item in value]
    return value


def parse_abi(entries: Sequence[Mapping[str, Any]]) -> Abi:
    """An ABI as compilers print it."""
    parsed: dict[str, dict[str, Entry]] = {"function": {}, "event": {}, "error": {}}
    for item in entries:
        if item["type"] in parsed:
            entry = Entry(item["name"], tuple(item.get("inputs", ())), tuple(item.get("outputs", ())))
            parsed[item["type"]][entry.name] = entry
    return Abi(parsed["function"], parsed["event"], parsed["error"])


@cache
def load_abi(contract: str) -> Abi:
    """The packaged ABI of one of `CONTRACTS`.

    Raises:
        UsageError: the file is missing, as in a checkout whose contracts were never compiled.
    """
    content = json.loads(_packaged(contract))
    return parse_abi(content["abi"] if isinstance(content, dict) else content)


def abi_sha256(contract: str) -> str:
    """The hex hash by which a deployment file names the ABI it was made with: of the packaged file's bytes."""
    return hashlib.sha256(_packaged(contract)).hexdigest()


def _packaged(contract: str) -> bytes:
    try:
        return resources.files("dlbc.chain").joinpath("abi", f"{contract}.json").read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            f"dlbc/chain/abi/{contract}.json is missing: reinstall dlbc, or in a checkout run scripts/export_abi.py"
        ) from error
