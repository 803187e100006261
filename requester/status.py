"""Where a task stands, as the chain says at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlbc.appeals import why_not
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Hub, Round
from dlbc.chain.events import Paid
from dlbc.types import Outcome, Payment, Phase, TaskSpec, TaskStatus, same_address
from dlbc.wire.ranking import task_id_of
from requester import lookup

LOOKED_AT = 200  # tasks ahead whose status is asked for, where cancelled ones lie in the queue
BACK = frozenset({Payment.REFUND, Payment.BOND, Payment.TIP, Payment.APPEAL_BOND})


@dataclass(frozen=True)
class Report:
    """Amounts in base units, times in chain seconds.

    Attributes:
        position: in the queue from 1; 0 when it does not wait.
        phase_left: seconds until the clock ends the phase; None where only a transaction does.
        key_shown: whether the test key is out.
        back: what was paid back to the requester so far, by kind.
        winner_score: of the model that won, 0 without one.
        expected: how the round would end if nobody appealed; NONE outside phase Appeal.
        appealable: whether anybody may appeal now.
    """

    task_id: int
    spec: TaskSpec
    status: TaskStatus
    waiting: int
    position: int
    round_id: int
    round: Round | None
    phase_left: float | None
    outcome: Outcome
    key_shown: bool
    back: dict[str, int]
    winner: str
    winner_score: int
    height: int
    now: float
    expected: Outcome = Outcome.NONE
    appealable: bool = False

    @property
    def phase(self) -> Phase:
        """Of its round; NONE without one."""
        return Phase.NONE if self.round is None else self.round.phase

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in {TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.CANCELLED}

    def as_json(self) -> dict[str, Any]:
        """For `--json`: enumerations by name, amounts as decimal text (JSON readers lose large integers)."""
        r = self.round
        return {
            "task": self.task_id,
            "status": self.status.name.lower(),
            "queue": {"position": self.position, "waiting": self.waiting},
            "round": None
            if r is None
            else {
                "id": self.round_id,
                "phase": r.phase.name.lower(),
                "phase_left_seconds": None if self.phase_left is None else round(self.phase_left),
                "epoch": r.epoch,
                "appeals": r.appeals,
                "excluded": r.excluded,
                "tips": r.tips,
                "commits": r.commits,
                "claims": r.claims,
                "listed": r.listed,
                "shown": r.shown,
                "commit_end": r.commit_end,
                "key_from": r.key_from,
                "key_until": r.key_until,
            },
            "test_key_shown": self.key_shown,
            "outcome": self.outcome.name.lower(),
            "expected": self.expected.name.lower(),
            "winner": {"miner": self.winner, "score": self.winner_score, "height": self.height}
            if self.winner
            else None,
            "minimum": {"score": self.spec.min_score, "of": self.spec.score_max},
            "money": {
                "fee": str(self.spec.fee),
                "bond": str(self.spec.bond),
                "back": {kind: str(amount) for kind, amount in self.back.items()},
            },
        }


def report(chain: Chain, hub: Hub, task_id: int, spec: TaskSpec | None = None) -> Report:
    """Asks the chain.

    Args:
        spec: of the task, if known; otherwise it is looked up.

    Raises:
        UsageError: there is no such task.
    """
    spec = lookup.spec_of(chain, task_id) if spec is None else spec
    task = hub.task(task_id)
    waiting = hub.queue_length()
    round_ = hub.round(task.round_id) if task.round_id else None
    end = lookup.finish(chain, task.round_id) if round_ is not None and round_.phase is Phase.FINAL else None
    header = None if end is None else end.header
    now = chain.now()
    return Report(
        task_id=task_id,
        spec=spec,
        status=task.status,
        waiting=waiting,
        position=_position(hub, task.key, waiting) if task.status is TaskStatus.QUEUED else 0,
        round_id=task.round_id,
        round=round_,
        phase_left=None if round_ is None or not round_.phase_ends_at else max(0.0, round_.phase_ends_at - now),
        outcome=Outcome.NONE if round_ is None else round_.outcome,
        key_shown=round_ is not None and round_.key_at > 0,
        back=_back(() if end is None else end.payments, spec.requester),
        winner="" if header is None else header.miner,
        winner_score=0 if header is None else header.score,
        height=0 if end is None else end.height,
        now=now,
        expected=hub.preview(task.round_id, spec).outcome
        if round_ is not None and round_.phase is Phase.APPEAL
        else Outcome.NONE,
        appealable=round_ is not None and not why_not(hub, task.round_id, round_),
    )


def _position(hub: Hub, key: int, waiting: int) -> int:
    keys = hub.queue_keys()
    ahead = sorted((other for other in keys if other > key), reverse=True)
    if len(keys) == waiting:
        return 1 + len(ahead)
    looked_at = [hub.task(task_id_of(other)).status is TaskStatus.QUEUED for other in ahead[:LOOKED_AT]]
    return 1 + sum(looked_at) + len(ahead[LOOKED_AT:])


def _back(payments: tuple[Paid, ...], requester: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for payment in payments:
        if same_address(payment.account, requester) and payment.kind in BACK:
            kind = payment.kind.name.lower()
            found[kind] = found.get(kind, 0) + payment.amount
    return found
