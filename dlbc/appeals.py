"""An appeal, where a person asked for it: what it costs, what it is against, and its transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbc import funds
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import UsageError
from dlbc.types import Outcome, Phase, TaskSpec

if TYPE_CHECKING:
    from dlbc.chain.contracts import Hub, Round
    from dlbc.service import Context

MAX_EPOCHS = 3  # of a round, as the contracts have it


@dataclass(frozen=True)
class Decision:
    """What an appeal would be against.

    Attributes:
        bond: what it locks, base units.
        outcome: of the round if it ended now; NONE where another epoch would begin by itself.
        score: the winner's median, 0 without one.
        seconds_left: to appeal, by the chain's clock.
    """

    round_id: int
    epoch: int
    bond: int
    outcome: Outcome
    score: int
    seconds_left: float

    def question(self) -> str:
        """What a person is asked before the bond is locked."""
        what = self.outcome.name.replace("_", " ").lower()
        now = f"a block with a score of {self.score}" if self.outcome is Outcome.BLOCK else what
        if self.outcome is Outcome.NONE:
            now = "another epoch"
        return (
            f"Round {self.round_id} would end with: {now}. An appeal locks {amount_in_words(self.bond)}: it returns if "
            "a larger committee decides otherwise, and goes to its validators if not. Appeal"
        )


def decision(context: Context, round_id: int, spec: TaskSpec) -> Decision:
    """What the round's committee decided, as long as that can be appealed.

    Raises:
        UsageError: it cannot, or cannot any more.
    """
    found = context.hub.round(round_id)
    why = why_not(context.hub, round_id, found)
    if why:
        raise UsageError(why)
    preview = context.hub.preview(round_id, spec)
    bond = context.hub.parameters_of(found.version).economy.appeal_bond
    left = max(0.0, found.phase_ends_at - context.chain.now())
    return Decision(round_id, found.epoch, bond, preview.outcome, preview.score, left)


def why_not(hub: Hub, round_id: int, found: Round) -> str:
    """Why the round cannot be appealed now, "" if it can."""
    subject = f"round {round_id} cannot be appealed"
    # accusations count among them, and leave the appeal to others
    if found.phase is Phase.APPEAL and found.appeals and hub.appeals_of(round_id):
        return f"{subject} again: it was, and one appeal is all that a round has"
    return out_of_time(subject, found)


def out_of_time(subject: str, found: Round) -> str:
    """Why a judgement cannot be disputed now, "" if it can.

    Args:
        subject: what then cannot be done, to begin the sentence.
    """
    if found.phase in {Phase.TALLY, Phase.FINAL}:
        return (
            f"{subject} any more: the time for it is over, or there was none (too few votes, or a chain without "
            "appeals)"
        )
    if found.phase is not Phase.APPEAL:
        name = found.phase.name.replace("_", " ").lower()
        return f"{subject} yet: the round is in phase {name}, and disputes follow the votes"
    if found.epoch + 1 >= MAX_EPOCHS:
        return f"{subject}: the round is in its last epoch"
    return ""


def appeal(context: Context, found: Decision, spec: TaskSpec, say: Callable[[str], None]) -> None:
    """Locks the bond, after depositing what the credit lacks, and has a larger committee judge again.

    Raises:
        UsageError: the wallet holds less than is missing; nothing is sent.
        TransactionRefused: the contracts refuse, such as when the time is over.
    """
    funds.cover(context, found.bond, say)
    call = context.hub.appeal(found.round_id, spec)
    name = f"appeal/{found.round_id}/{found.epoch}"
    context.transactions.send_and_wait(name, call, funds.TIMEOUT)
    say(f"appealed: a larger committee judges round {found.round_id} again")
