"""From events to what is owed. Handlers may run twice: owing the same duty again changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dlbc.chain.events import (
    BlockAppended,
    ClaimEnlisted,
    CommitteeDrawn,
    ModelClaimed,
    RoundFinalized,
    RoundOpened,
    VoteChallenged,
)
from dlbc.journal import Duty, Event
from dlbc.types import same_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlbc.chain.contracts import Timing
    from dlbc.service import Context

FETCH_TASK = "fetch-task"
FETCH_MODEL = "fetch-model"
FETCH_WINNER = "fetch-winner"
JUDGE = "judge"
COMMIT_VOTE = "commit-vote"
REVEAL_VOTE = "reveal-vote"
OPEN_LEAF = "open-leaf"
SETTLE = "settle"
TIDY = "tidy"


def timing_of(context: Context, round_id: int) -> Timing:
    """The round's own seconds: those under which its task was submitted, whatever holds for new tasks now.

    Where there is something to prove, committing a vote may take as much longer.
    """
    found = context.hub.round(round_id)
    timing = context.hub.parameters_of(found.version).timing
    return replace(timing, vote_commit_secs=timing.vote_commit_secs + found.prove_secs)


def handlers() -> Mapping[type[Event], Callable[..., None]]:
    """The handler of each event that concerns a validator."""

    def round_opened(event: RoundOpened, context: Context) -> None:
        # Every seat owner fetches ahead: the committee is drawn too late to begin then.
        context.journal.owe(Duty(FETCH_TASK, event.round_id, due_at=event.opened_at, deadline=event.commit_end))

    def model_claimed(event: ModelClaimed, context: Context) -> None:
        if event.listed:
            context.journal.owe(Duty(FETCH_MODEL, event.round_id, subject=event.commitment_hash.hex()))

    def claim_enlisted(event: ClaimEnlisted, context: Context) -> None:
        context.journal.owe(Duty(FETCH_MODEL, event.round_id, subject=event.commitment_hash.hex()))

    def committee_drawn(event: CommitteeDrawn, context: Context) -> None:
        mine = _own_positions(event, context)
        if mine:
            window = timing_of(context, event.round_id).vote_commit_secs
            context.journal.owe(
                Duty(
                    JUDGE,
                    event.round_id,
                    subject=str(event.epoch),
                    due_at=event.vote_start,
                    deadline=event.vote_start + window,
                    payload={"positions": mine, "epoch": event.epoch},
                )
            )

    def vote_challenged(event: VoteChallenged, context: Context) -> None:
        drawn = [
            draw
            for draw in context.journal.events(CommitteeDrawn, round_id=event.round_id)
            if (draw.block_number, draw.log_index) < (event.block_number, event.log_index)
        ]
        if not drawn or event.pos not in _own_positions(drawn[-1], context):
            return
        timing = timing_of(context, event.round_id)
        # The phase ends then at the latest, earlier where votes came early: it goes before what has more time.
        latest = timing.vote_commit_secs + timing.vote_reveal_secs + timing.appeal_secs
        subject = f"{drawn[-1].epoch}/{event.pos}"
        context.journal.owe(Duty(OPEN_LEAF, event.round_id, subject, deadline=drawn[-1].vote_start + latest))

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
        ClaimEnlisted: claim_enlisted,
        CommitteeDrawn: committee_drawn,
        VoteChallenged: vote_challenged,
        BlockAppended: block_appended,
        RoundFinalized: round_finalized,
    }


def _own_positions(event: CommitteeDrawn, context: Context) -> list[int]:
    return [position for position, owner in enumerate(event.owners) if same_address(owner, context.account)]
