"""From events to what is owed. Handlers may run twice: owing the same duty again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbc.chain.events import BlockAppended, CommitteeDrawn, ModelClaimed, RoundFinalized, RoundOpened
from dlbc.journal import Duty, Event
from dlbc.types import same_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlbc.service import Context

FETCH_TASK = "fetch-task"
FETCH_MODEL = "fetch-model"
FETCH_WINNER = "fetch-winner"
JUDGE = "judge"
COMMIT_VOTE = "commit-vote"
REVEAL_VOTE = "reveal-vote"
SETTLE = "settle"
TIDY = "tidy"


@dataclass(frozen=True)
class Windows:
    """Seconds of the phases that set a validator's deadlines (`IDLBC.Timing`); they never change for a live round."""

    vote_commit: int


def handlers(windows: Windows) -> Mapping[type[Event], Callable[..., None]]:
    """The handler of each event that concerns a validator."""

    def round_opened(event: RoundOpened, context: Context) -> None:
        # Every seat owner fetches ahead: the committee is drawn too late to begin then.
        context.journal.owe(Duty(FETCH_TASK, event.round_id, due_at=event.opened_at, deadline=event.commit_end))

    def model_claimed(event: ModelClaimed, context: Context) -> None:
        if event.listed:
            context.journal.owe(Duty(FETCH_MODEL, event.round_id, subject=event.commitment_hash.hex()))

    def committee_drawn(event: CommitteeDrawn, context: Context) -> None:
        mine = [position for position, owner in enumerate(event.owners) if same_address(owner, context.account)]
        if mine:
            context.journal.owe(
                Duty(
                    JUDGE,
                    event.round_id,
                    subject=str(event.epoch),
                    due_at=event.vote_start,
                    deadline=event.vote_start + windows.vote_commit,
                    payload={"positions": mine, "epoch": event.epoch},
                )
            )

    def block_appended(event: BlockAppended, context: Context) -> None:
        if event.height > 0:  # the first block has no model
            # Later submissions are compared with it, perhaps when its miner serves it no more.
            context.journal.owe(Duty(FETCH_WINNER, event.header.round_id))

    def round_finalized(event: RoundFinalized, context: Context) -> None:
        context.journal.owe(Duty(SETTLE, event.round_id))
        context.journal.owe(Duty(TIDY, event.round_id))

    return {
        RoundOpened: round_opened,
        ModelClaimed: model_claimed,
        CommitteeDrawn: committee_drawn,
        BlockAppended: block_appended,
        RoundFinalized: round_finalized,
    }
