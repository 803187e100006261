"""The lens: whole pages in one call each; `contracts/interfaces/ILens.sol` says what each holds.

For what a person looks at. What decides about money is asked of hub and committee themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dlbc.chain.client import Chain
from dlbc.chain.contracts.binding import Binding
from dlbc.chain.contracts.views import (
    Account,
    AppealCase,
    Ballot,
    Candidate,
    Factors,
    Inbox,
    Member,
    Round,
    Seat,
    Task,
    Verdict,
)
from dlbc.types import Outcome, Phase, TaskSpec

MAX_PAGE = 64


@dataclass(frozen=True)
class RoundView:
    """A round with all that is known of it on chain.

    Attributes:
        candidates: best claim first: votes number them so.
        ballot, members: of the present epoch, or the last.
        challenge_until, appeal_until: when the time to challenge a vote, or to appeal, ends; 0 where there is none.
    """

    round: Round
    candidates: tuple[Candidate, ...]
    ballot: Ballot
    members: tuple[Member, ...]
    appeals: tuple[AppealCase, ...]
    challenge_until: int
    appeal_until: int


@dataclass(frozen=True)
class Judgement:
    """What the votes that are open say; by candidate where there are several. Nothing is final before the round is."""

    verdicts: tuple[Verdict, ...]
    qualified: tuple[bool, ...]
    overclaimed: tuple[bool, ...]
    task_flags: int
    outcome: Outcome
    winner: bytes
    score: int


class JudgedRound(NamedTuple):
    round: RoundView
    judgement: Judgement


@dataclass(frozen=True)
class Score:
    """A task's score in parts that add up to `total`."""

    total: int
    flops: int
    net: int
    data: int
    fee: int
    ageing: int


@dataclass(frozen=True)
class TaskView:
    task_id: int
    task: Task
    factors: Factors
    score: Score


class QueuePage(NamedTuple):
    """Tasks in the order in which they would open; `next` is where the following page begins, or 0."""

    page: tuple[TaskView, ...]
    next: int


@dataclass(frozen=True)
class CommitView:
    """A miner's part in one round; `sequence` 0: none. `excluded` is a zero hash where his claim has a place."""

    sequence: int
    opened: bool
    locked: bool
    excluded: bytes
    excluded_score: int


@dataclass(frozen=True)
class SeatView:
    seat_id: int
    seat: Seat


@dataclass(frozen=True)
class AccountView:
    """Attributes:
    balance: tokens that are not in the hub.
    allowance: how many of them the hub may take.
    seats: the first of `seat_count`.
    """

    account: Account
    operator: str
    balance: int
    allowance: int
    seat_count: int
    seats: tuple[SeatView, ...]
    commit: CommitView


@dataclass(frozen=True)
class SlotView:
    """`round_id` 0: the slot is free."""

    slot: int
    round_id: int
    task_id: int
    phase: Phase
    phase_ends_at: int


@dataclass(frozen=True)
class NetworkView:
    """Attributes:
    version: of the parameters for what is submitted now.
    tasks, rounds: ever submitted, ever opened.
    seats: that a draw could choose now.
    slots: those of the present parameters, and others where a round still runs.
    """

    head: bytes
    height: int
    chain_score: int
    supply: int
    emitted: int
    version: int
    paused_until: int
    tasks: int
    rounds: int
    waiting: int
    next_task: int
    seats: int
    inbox: Inbox
    slots: tuple[SlotView, ...]


class Lens(Binding):
    """Getters raise ChainError where there is no answer."""

    def __init__(self, chain: Chain, block: int | str = "latest") -> None:
        super().__init__(chain, "Lens", chain.deployment.lens, block)

    def at(self, block: int | str) -> Lens:
        """The same contract, the state read at another block."""
        return Lens(self._chain, block)

    def hub(self) -> str:
        return str(self.read(str, "hub"))

    def committee(self) -> str:
        return str(self.read(str, "committee"))

    def round(self, round_id: int) -> RoundView:
        return self.read(RoundView, "round", round_id)  # type: ignore[no-any-return]

    def judged_round(self, round_id: int, spec: TaskSpec) -> JudgedRound:
        """A round, and how it stands by the votes open so far."""
        return self.read(JudgedRound, "judgedRound", round_id, spec)  # type: ignore[no-any-return]

    def task(self, task_id: int) -> TaskView:
        return self.read(TaskView, "task", task_id)  # type: ignore[no-any-return]

    def queue(self, below: int = 0, n: int = MAX_PAGE) -> QueuePage:
        """A page of the queue by rank; `below` 0 for the first, then `next` of the page before."""
        return self.read(QueuePage, "queue", below, n)  # type: ignore[no-any-return]

    def account(self, owner: str, round_id: int = 0) -> AccountView:
        """`round_id` for `commit`; 0 if that is of no interest."""
        return self.read(AccountView, "account", owner, round_id)  # type: ignore[no-any-return]

    def network(self) -> NetworkView:
        return self.read(NetworkView, "network")  # type: ignore[no-any-return]
