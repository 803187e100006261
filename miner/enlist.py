"""Duty `enlist`: in a later epoch, take a place on the list that the disqualified have left.

A claim that found no place keeps its rank. Nobody is obliged to send this, but who does not leaves the pay to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.errors import TransactionRefused
from dlbc.journal import Duty
from dlbc.service import Done, Drop
from dlbc.types import ZERO_BYTES32, Phase, same_address
from miner import records
from miner.options import Options, soon, tell

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result


def enlist(duty: Duty, context: Context, options: Options) -> Result:
    """Sends it until the claim is on the list; showing the key is then owed by the event."""
    round_id, account = duty.round_id, context.account
    found = context.hub.round(round_id)
    if any(same_address(candidate.miner, account) for candidate in context.hub.candidates(round_id)):
        return Done()
    if found.phase is not Phase.ENLIST:
        return Drop(f"round {round_id}: the list of epoch {duty.subject} is closed")
    excluded = context.hub.excluded_of(round_id, account)
    if excluded.commitment_hash == ZERO_BYTES32:
        return Drop(f"round {round_id}: the claim was disqualified, or below the task's minimum")
    try:
        sent = context.transactions.send(f"enlist/{round_id}/{duty.subject}", context.hub.enlist(round_id, account))
    except TransactionRefused as refusal:
        if refusal.error in {"NotListed", "NotExcluded", "WrongPhase"}:
            return Drop(f"round {round_id}: the claim finds no place on the list: {refusal}")
        raise
    if sent.confirmed:  # and replaced by a better one since
        return Drop(f"round {round_id}: better claims took the place on the list")
    if records.state(context.journal, round_id).get("stage") != "enlisting":
        message = f"the claim of {excluded.score} may enter the list: others were disqualified"
        records.note_state(context.journal, round_id, stage="enlisting")
        tell(context, "enlisting", message, round_id=round_id, score=excluded.score)
    return soon(context, "waiting for the claim to enter the list")
