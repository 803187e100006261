"""Structs hold only what the chain can hold, and survive the way through web3's tuples."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from wire_samples import COMMITMENT, HEADER, MINER, SPEC, VOTE

from dlbc import types
from dlbc.types import Leaf, MarkKey, ModelClaim, ModelCommitment, TaskSpec, camel_case, same_address

INTERFACES = Path(__file__).parents[3] / "contracts" / "interfaces"


def interfaces() -> str:
    """The text of all interfaces; which file holds a type is the contracts' own affair."""
    return "".join(path.read_text() for path in sorted(INTERFACES.glob("*.sol")))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requester", "0x1234"),
        ("requester", "0x7E5F4552091A69125d5DfCb7b8C2659029395BdF"),  # wrong checksum
        ("requester", None),
        ("manifest", b"\x00" * 31),
        ("manifest", "0x" + "00" * 32),
        ("flops", 1 << 64),
        ("flops", -1),
        ("flops", 1.0),
        ("flops", True),
        ("score_max", 1 << 40),
        ("fee", 1 << 96),
    ],
)
def test_task_spec__value_outside_its_solidity_type__is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"TaskSpec\.{field}"):
        replace(SPEC, **{field: value})


def test_model_claim__commitment_of_another_type__is_refused() -> None:
    with pytest.raises(ValueError, match="expected a ModelCommitment"):
        ModelClaim(SPEC, 1)  # type: ignore[arg-type]


def test_from_tuple__wrong_length__is_refused() -> None:
    with pytest.raises(ValueError, match="expected 16 values, found 15"):
        TaskSpec.from_tuple(SPEC.to_tuple()[:-1])


@pytest.mark.parametrize("prediction", [-(1 << 31) - 1, 1 << 31])
def test_leaf__prediction_outside_int32__is_refused(prediction: int) -> None:
    with pytest.raises(ValueError, match=r"Leaf\.prediction: expected a int32 \(-2147483648 to 2\^31 - 1\)"):
        Leaf(0, 0, prediction)


@pytest.mark.parametrize(
    "struct", [SPEC, COMMITMENT, HEADER, VOTE, ModelClaim(COMMITMENT, 5), Leaf(1, 2, -3), MarkKey(1, 3, b"s" * 32)]
)
def test_from_tuple__of_to_tuple__is_the_same(struct: types.Struct) -> None:
    assert type(struct).from_tuple(struct.to_tuple()) == struct


def test_from_tuple__event_arguments_by_solidity_name__are_read() -> None:
    names = [camel_case(name) for name, _, _ in ModelCommitment.abi_fields()]
    commitment = dict(zip(names, COMMITMENT.to_tuple(), strict=True))
    claim = ModelClaim.from_tuple({"score": 5, "commitment": commitment})
    assert claim == ModelClaim(COMMITMENT, 5)


def test_address__lower_case__becomes_checksummed() -> None:
    assert replace(SPEC, requester=MINER.lower()).requester == MINER
    assert same_address(MINER, MINER.lower())


@pytest.mark.parametrize("struct", [TaskSpec, ModelCommitment, types.BlockHeader, types.Vote, Leaf, MarkKey])
def test_structs__fields__are_those_of_the_interface(struct: type[types.Struct]) -> None:
    source = interfaces()
    body = re.search(rf"struct {struct.__name__} {{(.*?)\n    }}", source, re.DOTALL)
    assert body is not None
    declared = re.findall(r"^\s+(\w+) (\w+);", body[1], re.MULTILINE)
    assert [(kind, camel_case(name)) for name, kind, _ in struct.abi_fields()] == declared


@pytest.mark.parametrize(
    "enum", [types.TaskStatus, types.Phase, types.Outcome, types.Reason, types.Payment, types.EpochCause]
)
def test_enums__members__are_those_of_the_interface(enum: type[IntEnum]) -> None:
    source = interfaces()
    body = re.search(rf"enum {enum.__name__} {{(.*?)\n    }}", source, re.DOTALL)
    assert body is not None
    declared = re.findall(r"^\s+(\w+)", re.sub(r"//.*", "", body[1]), re.MULTILINE)
    snake = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() for name in declared]
    assert [member.name for member in enum] == snake
    assert [member.value for member in enum] == list(range(len(declared)))
