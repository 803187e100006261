"""The protocol's structs and enumerations, as `contracts/interfaces/` states them.

Field names are Solidity's in snake case, in the same order: one definition serves ABI tuples, EIP-712 types
and Python code. `bytes32` is `bytes` of length 32, an address is a checksummed `str` (EIP-55), amounts are
in base units (18 decimals), times in seconds, sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from functools import cache
from typing import Annotated, Any, Self, get_args, get_origin, get_type_hints

from eth_utils.address import (
    is_checksum_address,
    is_checksum_formatted_address,
    is_hex_address,
    is_same_address,
    to_checksum_address,
)

Address = Annotated[str, "address"]
Bytes32 = Annotated[bytes, "bytes32"]
Int32 = Annotated[int, "int32"]
Uint8 = Annotated[int, "uint8"]
Uint16 = Annotated[int, "uint16"]
Uint32 = Annotated[int, "uint32"]
Uint40 = Annotated[int, "uint40"]
Uint64 = Annotated[int, "uint64"]
Uint96 = Annotated[int, "uint96"]
Uint128 = Annotated[int, "uint128"]
Uint256 = Annotated[int, "uint256"]

ZERO_ADDRESS = "0x" + "00" * 20
ZERO_BYTES32 = bytes(32)


class Struct:
    """What the Solidity structs share. Subclasses are frozen dataclasses whose annotations carry the
    Solidity types.

    Values are checked when an instance is made, so that no hash is ever taken of something the chain could
    not hold.

    Raises:
        ValueError: a value does not fit its Solidity type; the message names struct and field.
    """

    @classmethod
    @cache
    def abi_fields(cls) -> tuple[tuple[str, str, type[Struct] | None], ...]:
        """(snake case name, Solidity type, class of a nested struct or None), in order."""
        hints = get_type_hints(cls, include_extras=True)
        described: list[tuple[str, str, type[Struct] | None]] = []
        for field in fields(cls):  # type: ignore[arg-type]  # subclasses are dataclasses
            hint = hints[field.name]
            if get_origin(hint) is Annotated:
                described.append((field.name, get_args(hint)[1], None))
            else:
                described.append((field.name, hint.__name__, hint))
        return tuple(described)

    def __post_init__(self) -> None:
        for name, abi_type, nested in self.abi_fields():
            value = getattr(self, name)
            where = f"{type(self).__name__}.{name}"
            if nested is None:
                object.__setattr__(self, name, _checked(where, abi_type, value))
            elif not isinstance(value, nested):
                raise ValueError(f"{where}: expected a {nested.__name__}, found {type(value).__name__}")

    def to_tuple(self) -> tuple[Any, ...]:
        """The struct as web3 takes it; nested structs become nested tuples."""
        values = (getattr(self, name) for name, _, _ in self.abi_fields())
        return tuple(value.to_tuple() if isinstance(value, Struct) else value for value in values)

    @classmethod
    def from_tuple(cls, values: Sequence[Any] | Mapping[str, Any]) -> Self:
        """The struct from what web3 returns: a tuple in field order, or (in event arguments) a mapping by
        Solidity name.
        """
        described = cls.abi_fields()
        if isinstance(values, Mapping):
            values = [values[camel_case(name)] for name, _, _ in described]
        if len(values) != len(described):
            raise ValueError(f"{cls.__name__}: expected {len(described)} values, found {len(values)}")
        return cls(
            *(
                nested.from_tuple(value) if nested is not None and not isinstance(value, nested) else value
                for (_, _, nested), value in zip(described, values, strict=True)
            )
        )


def camel_case(name: str) -> str:
    """Solidity's spelling of a field: `spec_hash` is `specHash`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _checked(where: str, abi_type: str, value: object) -> object:
    if abi_type == "address":
        if not isinstance(value, str) or not is_hex_address(value):
            raise ValueError(f"{where}: expected an address (0x and 40 hex digits), found {value!r}")
        if is_checksum_formatted_address(value) and not is_checksum_address(value):
            raise ValueError(f"{where}: {value} has a wrong EIP-55 checksum: a digit was mistyped")
        return to_checksum_address(value)
    if abi_type == "bytes32":
        if not isinstance(value, bytes | bytearray) or len(value) != 32:
            raise ValueError(f"{where}: expected 32 bytes, found {value!r}")
        return bytes(value)
    bits = int(abi_type.removeprefix("u").removeprefix("int"))
    least, most = (0, bits) if abi_type.startswith("u") else (-(1 << bits - 1), bits - 1)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1 << most:
        raise ValueError(f"{where}: expected a {abi_type} ({least} to 2^{most} - 1), found {value!r}")
    return int(value)


def same_address(left: str, right: str) -> bool:
    """Whether two addresses name one account, whatever their letter case."""
    return bool(is_same_address(left, right))


class Mode(IntFlag):
    """Bits of `TaskSpec.modes`."""

    NONE = 0
    TRAJECTORY = 1  # candidates prove how they trained


@dataclass(frozen=True)
class TaskSpec(Struct):
    """What a requester registers; see `IDLBC.TaskSpec`."""

    requester: Address
    manifest: Bytes32
    key_hash: Bytes32
    flops: Uint64
    net_bytes: Uint64
    data_bytes: Uint64
    score_max: Uint40
    min_score: Uint40
    tol: Uint32
    tie_tol: Uint32
    modes: Uint16
    train_secs: Uint32
    prove_secs: Uint32
    fee: Uint96
    bond: Uint96
    nonce: Uint256


@dataclass(frozen=True)
class ModelCommitment(Struct):
    """What a miner commits to; see `IDLBC.ModelCommitment`."""

    round_id: Uint256
    anchor: Bytes32
    spec_hash: Bytes32
    model_hash: Bytes32
    artifact: Bytes32
    artifact_bytes: Uint64
    key_hash: Bytes32
    watermark: Bytes32
    trajectory: Bytes32
    parent: Bytes32
    payload_root: Bytes32
    miner: Address
    salt: Bytes32


@dataclass(frozen=True)
class ModelClaim(Struct):
    """What a miner signs; see `IDLBC.ModelClaim`."""

    commitment: ModelCommitment
    score: Uint40


@dataclass(frozen=True)
class BlockHeader(Struct):
    """The header of a DLBC block; see `IDLBC.BlockHeader`."""

    version: Uint16
    height: Uint64
    parent: Bytes32
    anchor: Bytes32
    round_id: Uint256
    spec_hash: Bytes32
    commitment: Bytes32
    model_hash: Bytes32
    score: Uint40
    score_max: Uint40
    vote_root: Bytes32
    miner: Address
    payload_root: Bytes32
    emission: Uint96
    chain_score: Uint128
    timestamp: Uint40


@dataclass(frozen=True)
class Vote(Struct):
    """What a validator commits to; see `ICommittee.Vote`."""

    round_id: Uint256
    epoch: Uint8
    pos: Uint8
    validator: Address
    word: Uint256
    eval_root: Bytes32
    salt: Bytes32


@dataclass(frozen=True)
class Leaf(Struct):
    """A leaf of a vote's `evalRoot` that a challenge asks for; see `ICommittee.Leaf`."""

    candidate: Uint8
    sample: Uint64
    prediction: Int32


@dataclass(frozen=True)
class MarkKey(Struct):
    """A private watermark key as an accuser shows it; see `IDLBC.MarkKey`."""

    index: Uint8
    shares: Uint8
    secret: Bytes32


class TaskStatus(IntEnum):
    """`IDLBC.TaskStatus`."""

    NONE = 0
    QUEUED = 1
    OPEN = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5


class Phase(IntEnum):
    """`IDLBC.Phase`: computed by the contracts, never stored."""

    NONE = 0
    SETTLE = 1
    TRAIN = 2
    GUARD = 3
    KEY = 4
    CLAIM = 5
    ENLIST = 6
    SHOW = 7
    SEAL = 8
    DRAW = 9
    PROVE = 10
    VOTE_COMMIT = 11
    VOTE_REVEAL = 12
    APPEAL = 13
    TALLY = 14
    FINAL = 15


class Outcome(IntEnum):
    """`IDLBC.Outcome`: how a round ended."""

    NONE = 0
    BLOCK = 1
    NO_COMMIT = 2
    KEY_WITHHELD = 3
    NO_CLAIM = 4
    BELOW_THRESHOLD = 5
    NO_MODEL = 6
    TASK_FAULT = 7
    NO_QUORUM = 8


class Reason(IntEnum):
    """`IDLBC.Reason`: why stake was slashed."""

    UNOPENED = 0
    UNAVAILABLE = 1
    INVALID = 2
    ABSENT = 3
    OVERCLAIMED = 4
    OFF_MEDIAN = 5
    STOLEN = 6


class Payment(IntEnum):
    """`IDLBC.Payment`: what a credit was for."""

    REFUND = 0
    BOND = 1
    WINNER = 2
    SECOND = 3
    THIRD = 4
    PARENT = 5
    VALIDATOR = 6
    EMISSION = 7
    COMPENSATION = 8
    FINDER = 9
    TIP = 10
    APPEAL_BOND = 11
    CHALLENGE_BOND = 12
    ACCUSATION_BOND = 13


class EpochCause(IntEnum):
    """`IDLBC.EpochCause`: why another epoch began."""

    NO_QUORUM = 0
    APPEAL = 1
    EXCLUDED = 2
    ACCUSATION = 3
