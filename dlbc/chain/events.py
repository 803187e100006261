"""Every event of the hub and the committee as a frozen dataclass, fields in the order of the interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.exceptions import DecodingError

from dlbc.chain.abi_codec import Entry, load_abi
from dlbc.chain.contracts.views import Economy, Limits, Timing
from dlbc.journal import Event
from dlbc.journal.records import revive, shape_of
from dlbc.types import BlockHeader, EpochCause, Leaf, MarkKey, ModelCommitment, Outcome, Payment, Reason, TaskSpec


@dataclass(frozen=True)
class Deposited(Event):
    account: str
    amount: int


@dataclass(frozen=True)
class Withdrawn(Event):
    account: str
    amount: int


@dataclass(frozen=True)
class Staked(Event):
    account: str
    amount: int


@dataclass(frozen=True)
class UnbondRequested(Event):
    account: str
    amount: int
    unbond_at: int


@dataclass(frozen=True)
class Unbonded(Event):
    account: str
    amount: int


@dataclass(frozen=True)
class OperatorSet(Event):
    account: str
    operator: str


@dataclass(frozen=True)
class TaskSubmitted(Event):
    task_id: int
    requester: str
    spec_hash: bytes
    spec: TaskSpec
    key: int


@dataclass(frozen=True)
class TaskCancelled(Event):
    task_id: int
    refunded: int
    burned: int


@dataclass(frozen=True)
class RoundOpened(Event):
    round_id: int
    task_id: int
    spec_hash: bytes
    slot: int
    anchor: bytes
    opened_at: int
    commit_start: int
    commit_end: int


@dataclass(frozen=True)
class ModelCommitted(Event):
    round_id: int
    miner: str
    sequence: int
    commitment: bytes
    artifact: bytes
    artifact_bytes: int


@dataclass(frozen=True)
class TestKeyRevealed(Event):
    __test__ = False  # pytest would collect it for its name

    round_id: int
    key: bytes


@dataclass(frozen=True)
class ModelClaimed(Event):
    round_id: int
    miner: str
    commitment_hash: bytes
    sequence: int
    score: int
    listed: bool
    commitment: ModelCommitment


@dataclass(frozen=True)
class ModelKeyShown(Event):
    round_id: int
    miner: str
    commitment_hash: bytes
    key: bytes


@dataclass(frozen=True)
class TrajectoryShown(Event):
    round_id: int
    miner: str
    commitment_hash: bytes
    epoch: int
    artifact: bytes
    artifact_bytes: int


@dataclass(frozen=True)
class RoundFinalized(Event):
    round_id: int
    task_id: int
    outcome: Outcome
    burned: int


@dataclass(frozen=True)
class EpochEnded(Event):
    round_id: int
    epoch: int
    cause: EpochCause


@dataclass(frozen=True)
class ClaimEnlisted(Event):
    round_id: int
    miner: str
    commitment_hash: bytes
    score: int


@dataclass(frozen=True)
class CandidateRemoved(Event):
    round_id: int
    miner: str
    commitment_hash: bytes


@dataclass(frozen=True)
class Appealed(Event):
    round_id: int
    appellant: str
    epoch: int
    outcome: Outcome
    winner: bytes


@dataclass(frozen=True)
class ModelAccused(Event):
    round_id: int
    accuser: str
    accused: bytes
    earlier: bytes
    earlier_round: int
    key: MarkKey


@dataclass(frozen=True)
class VoteChallenged(Event):
    round_id: int
    challenger: str
    pos: int


@dataclass(frozen=True)
class ItemPosted(Event):
    index: int
    sender: str
    item: bytes
    head: bytes


@dataclass(frozen=True)
class ParametersSet(Event):
    version: int
    timing: Timing
    economy: Economy
    limits: Limits


@dataclass(frozen=True)
class PausedUntil(Event):
    until: int
    guardian: str


@dataclass(frozen=True)
class BlockAppended(Event):
    height: int
    head: bytes
    header: BlockHeader


@dataclass(frozen=True)
class Paid(Event):
    round_id: int
    account: str
    kind: Payment
    amount: int


@dataclass(frozen=True)
class Slashed(Event):
    round_id: int
    account: str
    reason: Reason
    amount: int


@dataclass(frozen=True)
class LockReleased(Event):
    round_id: int
    miner: str


@dataclass(frozen=True)
class SeatJoined(Event):
    seat_id: int
    owner: str


@dataclass(frozen=True)
class SeatLeft(Event):
    seat_id: int
    owner: str


@dataclass(frozen=True)
class DrawSealed(Event):
    round_id: int
    epoch: int
    seal_block: int


@dataclass(frozen=True)
class CommitteeDrawn(Event):
    round_id: int
    epoch: int
    seed: bytes
    seat_ids: tuple[int, ...]
    owners: tuple[str, ...]
    vote_start: int


@dataclass(frozen=True)
class VoteCommitted(Event):
    round_id: int
    validator: str
    epoch: int
    pos: int
    vote_hash: bytes


@dataclass(frozen=True)
class VoteRevealed(Event):
    round_id: int
    validator: str
    epoch: int
    pos: int
    word: int
    eval_root: bytes
    salt: bytes


@dataclass(frozen=True)
class LeafOpened(Event):
    round_id: int
    validator: str
    epoch: int
    pos: int
    leaf: Leaf


KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


@cache
def kinds_by_topic() -> Mapping[bytes, tuple[type[Event], Entry]]:
    """Topic 0 to the dataclass and the ABI entry."""
    found = {}
    for contract in ("DLBC", "Committee"):
        for name, entry in load_abi(contract).events.items():
            if name in KINDS:
                found[entry.topic] = (KINDS[name], entry)
    return found


def decode(log: Mapping[str, Any]) -> Event | None:
    """A log of the node as its dataclass; None for an event that this version does not know.

    Args:
        log: as `eth_getLogs` or a receipt has it, through web3.
    """
    topics = [bytes(topic) for topic in log["topics"]]
    known = kinds_by_topic().get(topics[0]) if topics else None
    if known is None:
        return None
    kind, entry = known
    position = (log["blockNumber"], bytes(log["blockHash"]), log["logIndex"])
    try:
        arguments = entry.decode_log(topics, bytes(log["data"]))
        values = (*position, *arguments)
        return kind(*(revive(hint, raw) for hint, raw in zip(shape_of(kind).values(), values, strict=True)))
    except (DecodingError, ValueError):
        # Same topic, another layout: a contract of another version, whose events are not ours to act on.
        return None
