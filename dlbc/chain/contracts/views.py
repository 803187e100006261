"""What the contracts' view functions return; see the structs of the same names in `contracts/interfaces/`.

Amounts are in base units (18 decimals), times in chain seconds, basis points in 1/10,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dlbc.types import Outcome, Phase, TaskStatus


@dataclass(frozen=True)
class Account:
    credit: int
    stake: int
    locked: int
    unbonding: int
    unbond_at: int

    @property
    def free_stake(self) -> int:
        """Stake that a commit or a seat may lock."""
        return self.stake - self.locked - self.unbonding


@dataclass(frozen=True)
class Task:
    spec_hash: bytes
    requester: str
    train_secs: int
    status: TaskStatus
    submitted_at: int
    key: int
    round_id: int


@dataclass(frozen=True)
class Round:
    task_id: int
    spec_hash: bytes
    anchor: bytes
    slot: int
    epoch: int
    outcome: Outcome
    phase: Phase
    phase_ends_at: int
    opened_at: int
    commit_start: int
    commit_end: int
    key_from: int
    key_until: int
    key_at: int
    claim_end: int
    show_end: int
    commits: int
    claims: int
    listed: int
    shown: int


@dataclass(frozen=True)
class Candidate:
    miner: str
    score: int
    sequence: int
    shown: bool
    commitment: bytes


@dataclass(frozen=True)
class Timing:
    settle_secs: int
    guard_secs: int
    key_secs: int
    claim_secs: int
    show_secs: int
    vote_commit_secs: int
    vote_reveal_secs: int
    appeal_secs: int


@dataclass(frozen=True)
class Economy:
    fee_unit: int
    miner_unit: int
    seat_unit: int
    initial_emission: int
    halving_secs: int
    burn_bps: int
    validator_bps: int
    second_bps: int
    third_bps: int
    parent_bps: int
    kappa_bps: int
    min_miners: int
    slots: int
    committee_size: int
    quorum: int


@dataclass(frozen=True)
class Limits:
    min_train_secs: int
    max_train_secs: int
    secs_per_megaflop: int
    unbond_secs: int
    slot_fee_per_sec: int
    weight_flops: int
    weight_net: int
    weight_data: int
    weight_fee: int
    alpha: int
    gamma: int


class PhaseNow(NamedTuple):
    """The phase, and when the clock alone ends it; 0 where only a transaction does."""

    current: Phase
    ends_at: int


class Commit(NamedTuple):
    sequence: int
    opened: bool
    locked: bool


class Floors(NamedTuple):
    fee: int
    bond: int


class Rank(NamedTuple):
    score: int
    base: int


class Preview(NamedTuple):
    outcome: Outcome
    commitment_hash: bytes
    score: int


@dataclass(frozen=True)
class Seat:
    owner: str
    bonded: int
    leaving: bool
    serving: int


@dataclass(frozen=True)
class Ballot:
    epoch: int
    size: int
    committed: int
    revealed: int
    vote_start: int
    commit_end: int
    reveal_end: int
    seal_block: int
    seed: bytes
    failed: bool


@dataclass(frozen=True)
class Member:
    seat_id: int
    owner: str
    vote_hash: bytes
    word: int
    revealed: bool


@dataclass(frozen=True)
class Verdict:
    median: int
    flags: int


class Verdicts(NamedTuple):
    candidates: tuple[Verdict, ...]
    task_flags: int
