"""Why the contracts refuse a call, in words: our custom errors, OpenZeppelin's, panics, plain reasons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from dlbc.chain.abi_codec import CONTRACTS, Entry, load_abi
from dlbc.chain.refusal_words import OPENZEPPELIN, PANICS, PHASES, SENTENCES, TASK_STATUSES
from dlbc.errors import TransactionRefused
from dlbc.types import Phase, TaskStatus

REASON = bytes.fromhex("08c379a0")  # Error(string)
PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)


class Shown:
    """An argument in a sentence; the format spec says what it is: {needed:dlbc}, {unbondAt:time}."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        if spec == "dlbc" and isinstance(self.value, int):
            return amount_in_words(self.value)
        if spec == "time" and isinstance(self.value, int):
            return datetime.fromtimestamp(min(self.value, 2**40), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if spec == "phase" and isinstance(self.value, int):
            return _named(Phase, self.value, PHASES)
        if spec == "status" and isinstance(self.value, int):
            return _named(TaskStatus, self.value, TASK_STATUSES)
        if isinstance(self.value, bytes):
            text = self.value.rstrip(b"\0")
            return text.decode() if spec == "text" and text.isascii() else "0x" + self.value.hex()
        return str(self.value)


def amount_in_words(base_units: int) -> str:
    """Such as "12.5 DLBC"."""
    whole, rest = divmod(base_units, 10**18)
    decimals = f"{rest:018d}".rstrip("0")
    return f"{whole}{'.' + decimals if decimals else ''} DLBC"


def revert_reason(error: BaseException) -> TransactionRefused:
    """A revert, as web3 raises it, in words.

    Args:
        error: with the revert's bytes in `data`, or nothing but a message.
    """
    data = getattr(error, "data", None)
    if isinstance(data, str) and data.startswith("0x"):
        raw = bytes.fromhex(data[2:])
    elif isinstance(data, bytes | bytearray):
        raw = bytes(data)
    else:
        message = str(getattr(error, "message", None) or error)
        return TransactionRefused(f"the contract refuses the call: {message}")
    return refusal_of(raw)


def refusal_of(raw: bytes) -> TransactionRefused:
    """A revert's bytes in words."""
    if not raw:
        return TransactionRefused(
            "the contract refuses the call without a reason: it may not know this function, or ran out of gas"
        )
    try:
        if raw[:4] == REASON:
            reason = str(decode(["string"], raw[4:])[0])
            return TransactionRefused(f"the contract refuses the call: {reason}", "Error", (reason,))
        if raw[:4] == PANIC:
            code = int(decode(["uint256"], raw[4:])[0])
            words = PANICS.get(code, "an unknown fault")
            return TransactionRefused(f"the contract fails: {words} (panic 0x{code:02x})", "Panic", (code,))
        entry = errors_by_selector().get(raw[:4])
        if entry is not None:
            arguments = entry.decode_inputs(raw[4:])
            return TransactionRefused(_sentence(entry, arguments), entry.name, arguments)
    except DecodingError:
        pass
    return TransactionRefused(
        f"the contract refuses the call with an error that this version does not know: 0x{raw[:68].hex()}"
    )


@cache
def errors_by_selector() -> Mapping[bytes, Entry]:
    """All custom errors that a call of ours may meet, through libraries and the token too."""
    found = {entry.selector: entry for entry in map(_from_text, OPENZEPPELIN)}
    for contract in CONTRACTS:
        for entry in load_abi(contract).errors.values():
            found[entry.selector] = entry
    return found


def _sentence(entry: Entry, arguments: tuple[Any, ...]) -> str:
    names = [str(parameter["name"]) for parameter in entry.inputs]
    template = SENTENCES.get(entry.name)
    if template is not None:
        try:
            return template.format(**dict(zip(names, map(Shown, arguments), strict=True)))
        except KeyError:  # the contracts renamed an argument: fall back rather than fail
            pass
    shown = ", ".join(f"{name} {Shown(value)}" for name, value in zip(names, arguments, strict=True))
    return f"the contract refuses the call: {entry.name}({shown})"


def _from_text(signature: str) -> Entry:
    """ "Name(type a,type b)" as an ABI entry."""
    name, _, rest = signature.rstrip(")").partition("(")
    inputs = tuple(dict(zip(("type", "name"), item.split(" "), strict=True)) for item in rest.split(",") if item)
    return Entry(name, inputs, ())


def _named(kind: type[Phase] | type[TaskStatus], value: int, words: Mapping[str, str]) -> str:
    try:
        name = kind(value).name
    except ValueError:
        return str(value)
    return f"{name.replace('_', ' ').title().replace(' ', '')} ({words[name]})" if name in words else name.title()
