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
    appeals: int
    tips: int
    version: int
    excluded: int
    best_excluded: int
    inbox_from: int
    inbox_to: int
    compensation: int
    advanced: int
    prove_secs: int


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
    halving_secs: int
    min_miners: int
    slots: int
    committee_size: int
    quorum: int
    seat_unit: int
    initial_emission: int
    burn_bps: int
    validator_bps: int
    kappa_bps: int
    parent_bps: int
    tip: int
    appeal_bond: int
    second_bps: int
    third_bps: int

    @property
    def challenge_bond(self) -> int:
        """What a challenge of one vote costs."""
        return self.appeal_bond // self.committee_size


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


class Parameters(NamedTuple):
    """All parameters of one version."""

    timing: Timing
    economy: Economy
    limits: Limits


@dataclass(frozen=True)
class Factors:
    """How a task's difficulty comes about: logarithms in UQ8.8."""

    lg_flops: int
    lg_net: int
    lg_data: int
    lg_fee: int
    version: int
    base: int
    clock_at_submit: int


@dataclass(frozen=True)
class Inbox:
    head: bytes
    posted: int
    carried: int


@dataclass(frozen=True)
class AppealCase:
    """What was decided when somebody appealed.

    Attributes:
        bond: 0 once it was returned or shared.
        winner: commitment hash, zero where there was none; where the decision was another epoch (Outcome.NONE), which
            candidates qualified, as a mask.
    """

    appellant: str
    bond: int
    winner: bytes
    outcome: Outcome


@dataclass(frozen=True)
class Accusation:
    """That a candidate's model is an earlier one of somebody else's.

    Attributes:
        accuser: `ZERO_ADDRESS` where nobody was accused.
        bond: 0 once the next judgement decided on it.
        accused: commitment hash.
    """

    accuser: str
    bond: int
    accused: bytes


@dataclass(frozen=True)
class DrawRules:
    slot: int
    epoch: int
    wanted: int
    committee_size: int
    quorum: int
    prove_secs: int
    vote_commit_secs: int
    vote_reveal_secs: int


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


class ExcludedClaim(NamedTuple):
    """A claim that has no place on the list; a zero hash where the miner has none."""

    commitment_hash: bytes
    score: int


class Preview(NamedTuple):
    """What `finalize` would decide now; Outcome.NONE: another epoch would begin."""

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
    quorum: int
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
    stable: bool


class Verdicts(NamedTuple):
    candidates: tuple[Verdict, ...]
    task_flags: int


@dataclass(frozen=True)
class Votes:
    """Words and masks of a ballot; bit i of a mask is position i.

    Attributes:
        unopened: challenged, and the leaf not opened yet.
        reveal_end: 0 before the draw.
        words: by position; 0 where nothing was revealed.
    """

    size: int
    quorum: int
    revealed: int
    unopened: int
    failed: bool
    reveal_end: int
    seed: bytes
    words: tuple[int, ...]


class LeafAsked(NamedTuple):
    """The leaf that a challenge asks for."""

    candidate: int
    sample: int
