"""Duties `commit-vote`, `reveal-vote` and `settle`: from votes on disk to counted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.chain.events import Paid, Slashed
from dlbc.journal import Duty
from dlbc.service import Done, Drop, Retry, Wait
from dlbc.types import Outcome, Payment, Phase, Vote, same_address
from dlbc.wire import typed_data
from validator import records

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

OVER = {Phase.APPEAL, Phase.TALLY, Phase.FINAL}  # no vote of the epoch counts any more


def commit_vote(duty: Duty, context: Context) -> Result:
    """Commits the stored vote of one position."""
    vote = _vote(duty, context)
    call = context.committee.commit_vote(vote.round_id, vote.pos, typed_data.vote_hash(vote))
    sent = context.transactions.send(f"vote/{duty.round_id}/{duty.subject}", call)
    return Done() if sent.confirmed else Retry(1, "the vote is on its way")


def reveal_vote(duty: Duty, context: Context) -> Result:
    """Opens the stored vote once the committing is over."""
    vote = _vote(duty, context)
    found = context.hub.round(duty.round_id)
    name = f"reveal/{duty.round_id}/{duty.subject}"
    if found.epoch > vote.epoch or found.phase in OVER:
        if context.journal.outbox.find(name) is not None:
            return Done()
        return Drop(f"the vote was not opened in time: phase {found.phase.name} of epoch {found.epoch}")
    if found.phase is Phase.VOTE_REVEAL:
        sent = context.transactions.send(name, context.committee.reveal_vote(vote))
        if not sent.confirmed:
            return Retry(1, "the opening is on its way")
        context.report({"event": "voted", "round": duty.round_id})
        return Done()
    # Committing may end early, when the last vote is there.
    return Wait(int(context.chain.now()) + 1, "votes are still committed")


def settle(duty: Duty, context: Context) -> Result:
    """Notes what the round brought."""
    outcome = context.hub.round(duty.round_id).outcome
    own, keeper = context.account, str(context.signer.address)
    payments = context.journal.events(Paid, round_id=duty.round_id)
    paid = sum(p.amount for p in payments if p.kind is not Payment.TIP and same_address(p.account, own))
    tips = sum(p.amount for p in payments if p.kind is Payment.TIP and same_address(p.account, keeper))
    lost = sum(
        event.amount
        for event in context.journal.events(Slashed, round_id=duty.round_id)
        if same_address(event.account, own)
    )
    result = {"outcome": Outcome(outcome).name, "paid": str(paid), "tips": str(tips), "slashed": str(lost)}
    records.forget(context.journal, duty.round_id)
    records.save_result(context.journal, duty.round_id, result)
    context.report({"event": "final", "round": duty.round_id, **result})
    return Done()


def _vote(duty: Duty, context: Context) -> Vote:
    epoch, position = (int(part) for part in duty.subject.split("/"))
    return next(vote for vote in records.votes(context.journal, duty.round_id, epoch) if vote.pos == position)
