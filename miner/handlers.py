"""Events of the chain become duties. Handlers talk to the journal only, and may run twice for one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dlbc.chain.events import (
    CandidateRemoved,
    ClaimEnlisted,
    CommitteeDrawn,
    EpochEnded,
    ModelClaimed,
    ModelCommitted,
    ModelKeyShown,
    RoundFinalized,
    RoundOpened,
    TestKeyRevealed,
)
from dlbc.journal import Duty, Event, Journal
from dlbc.keeper import spec_of
from dlbc.types import EpochCause, Mode, same_address
from dlbc.wire.typed_data import commit_digest
from miner import records
from miner.options import ENLIST, FAR, PROVE, RECOVER, SCORE, SETTLE, SHOW, TRAIN

if TYPE_CHECKING:
    from dlbc.service import Context


def on_round_opened(event: RoundOpened, context: Context) -> None:
    """A round that was chosen before and comes back under another anchor needs another network."""
    journal = context.journal
    before = records.state(journal, event.round_id).get("anchor")
    if before is None or before == event.anchor.hex():
        return
    records.forget_work(journal, event.round_id)
    records.note_state(journal, event.round_id, stage="chosen", anchor=event.anchor.hex(), epoch=None)
    journal.owe(Duty(TRAIN, event.round_id, event.anchor.hex()[:16]))


def on_model_committed(event: ModelCommitted, context: Context) -> None:
    """One's own commit: where the journal does not know it, it has to be rebuilt before claiming begins."""
    if not same_address(event.miner, context.account):
        return
    known = records.submission(context.journal, event.round_id)
    if known is None or commit_digest(known) != event.commitment:
        context.journal.owe(Duty(RECOVER, event.round_id, deadline=FAR))
    records.note_state(context.journal, event.round_id, stage="committed")


def on_test_key_revealed(event: TestKeyRevealed, context: Context) -> None:
    """Whoever committed has to claim now."""
    if committed(context.journal, event.round_id, context.account):
        context.journal.owe(Duty(SCORE, event.round_id, deadline=FAR))


def on_model_claimed(event: ModelClaimed, context: Context) -> None:
    """Whoever claimed has to show his key when he is listed."""
    if same_address(event.miner, context.account):
        records.note_state(context.journal, event.round_id, stage="claimed", score=event.score)
        context.journal.owe(Duty(SHOW, event.round_id, deadline=FAR))


def on_epoch_ended(event: EpochEnded, context: Context) -> None:
    """Places on the list are free: a claim that found none may take one."""
    journal = context.journal
    if event.cause is EpochCause.EXCLUDED and journal.events(
        ModelClaimed, round_id=event.round_id, miner=context.account
    ):
        journal.owe(Duty(ENLIST, event.round_id, str(event.epoch + 1), deadline=FAR))


def on_claim_enlisted(event: ClaimEnlisted, context: Context) -> None:
    """Whoever entered the list has to show his key, whoever sent it; and again if he had lost his place meanwhile."""
    if same_address(event.miner, context.account):
        records.note_state(context.journal, event.round_id, stage="enlisted")
        context.journal.owe(Duty(SHOW, event.round_id, str(event.block_number), deadline=FAR))


def on_candidate_removed(event: CandidateRemoved, context: Context) -> None:
    """Disqualified for good; the round goes on without this model."""
    if same_address(event.miner, context.account):
        why = "the model was disqualified: flagged, over-claimed, scored too differently, or its key was not shown"
        records.note_state(context.journal, event.round_id, stage="disqualified", why=why)


def on_committee_drawn(event: CommitteeDrawn, context: Context) -> None:
    """The seed says which states of a recorded training are to be opened, before the votes begin."""
    journal = context.journal
    opened = journal.events(RoundOpened, round_id=event.round_id)
    spec = spec_of(journal, opened[-1].task_id) if opened else None
    if not event.owners or spec is None or not spec.modes & Mode.TRAJECTORY:
        return
    if journal.events(ModelKeyShown, round_id=event.round_id, miner=context.account):
        payload = {"seed": event.seed.hex()}
        journal.owe(Duty(PROVE, event.round_id, str(event.epoch), deadline=event.vote_start, payload=payload))


def on_round_finalized(event: RoundFinalized, context: Context) -> None:
    """Whoever committed gets his stake back, and wants to know what he earned."""
    if committed(context.journal, event.round_id, context.account):
        context.journal.owe(Duty(SETTLE, event.round_id))


def committed(journal: Journal, round_id: int, account: str) -> bool:
    """Whether the account has a commit in the round, as the chain says."""
    return bool(journal.events(ModelCommitted, round_id=round_id, miner=account))


HANDLERS: Mapping[type[Event], Callable[[Any, Context], None]] = {
    RoundOpened: on_round_opened,
    ModelCommitted: on_model_committed,
    TestKeyRevealed: on_test_key_revealed,
    ModelClaimed: on_model_claimed,
    EpochEnded: on_epoch_ended,
    ClaimEnlisted: on_claim_enlisted,
    CandidateRemoved: on_candidate_removed,
    CommitteeDrawn: on_committee_drawn,
    RoundFinalized: on_round_finalized,
}
