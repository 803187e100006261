"""Why the contracts refuse, in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import HUB
from eth_abi.abi import encode

from dlbc.chain.abi_codec import load_abi
from dlbc.chain.refusal_words import PHASES, SENTENCES, TASK_STATUSES
from dlbc.chain.refusals import errors_by_selector, refusal_of
from dlbc.types import Phase, TaskStatus


def test_sentences__every_error_of_our_contracts__has_one_that_fits() -> None:
    for contract in ("DLBC", "Committee"):
        for name, entry in load_abi(contract).errors.items():
            used = set(re.findall(r"\{(\w+)", SENTENCES.get(name, "")))
            assert used <= {parameter["name"] for parameter in entry.inputs}, name
    assert errors_of_the_interfaces() <= set(SENTENCES)
    assert set(PHASES) == {phase.name for phase in Phase}
    assert set(TASK_STATUSES) == {status.name for status in TaskStatus}


def errors_of_the_interfaces() -> set[str]:
    folder = Path(__file__).parents[3] / "contracts" / "interfaces"
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.sol")))
    return set(re.findall(r"^\s+error (\w+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("name", "types", "values", "words"),
    [
        ("WrongPhase", ["uint8"], [5], "in phase Claim (miners claim their scores)"),
        ("WrongPhase", ["uint8"], [11], "in phase VoteCommit (validators commit"),
        ("WrongTaskStatus", ["uint256", "uint8"], [7, 1], "task 7 is Queued (it waits"),
        ("FeeTooLow", ["uint256", "uint256"], [10**18, 25 * 10**17], "fee of 1 DLBC is below the floor of 2.5 DLBC"),
        ("StillUnbonding", ["uint256"], [1_767_225_600], "from 2026-01-01 00:00:00 UTC on"),
        ("BadParameter", ["bytes32"], [b"kappaBps" + bytes(24)], "parameter kappaBps is out"),
        ("ERC20InsufficientAllowance", ["address", "uint256", "uint256"], [HUB, 0, 1], "approve the difference"),
        ("FailedCall", [], [], "FailedCall()"),
    ],
)  # fmt: skip
def test_refusal_of__custom_error__in_words(name: str, types: list[str], values: list[Any], words: str) -> None:
    entry = next(entry for entry in errors_by_selector().values() if entry.name == name)
    refusal = refusal_of(entry.selector + encode(types, values))
    assert words in str(refusal)
    assert refusal.error == name


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "without a reason"),
        (b"\x01\x02\x03\x04", "does not know: 0x01020304"),
        (bytes.fromhex("08c379a0") + encode(["string"], ["paused"]), "refuses the call: paused"),
        (bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]), "too large or too small (panic 0x11)"),
        (bytes.fromhex("08c379a0") + b"torn", "does not know"),
    ],
)
def test_refusal_of__other_reverts__in_words(raw: bytes, words: str) -> None:
    assert words in str(refusal_of(raw))
