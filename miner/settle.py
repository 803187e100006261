"""Duty `settle`: after a round is final, free the stake, collect, say what was earned, clean up."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from dlbc.errors import IPFSError, TransactionRefused
from dlbc.journal import Duty
from dlbc.service import Done
from dlbc.types import Outcome, Payment
from miner import records
from miner.choose import tokens
from miner.history import RoundResult, result_of
from miner.options import Options, soon, tell
from miner.room import Room, open_room

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result


def settle(duty: Duty, context: Context, options: Options) -> Result:
    """Each step asks the chain whether it is done, so any number of attempts does each once."""
    room, journal, account = open_room(context, duty.round_id), context.journal, context.account
    if context.hub.commit_of(room.round_id, account).locked:
        context.transactions.send(f"release/{room.round_id}", context.hub.release_locks(room.round_id, [account]))
        return soon(context, "waiting for the stake to be released")
    found = result_of(journal, room.round_id, account)
    if found.outcome is Outcome.KEY_WITHHELD and not _compensated(context, room):
        return soon(context, "waiting for the compensation")
    if journal.note_get(records.scope(room.round_id), "told") is None:
        _tell(context, room, found)
        journal.note_set(records.scope(room.round_id), "told", True)
    if options.auto_withdraw and not _withdrawn(context, room):
        return soon(context, "waiting for the withdrawal")
    _clean_up(context, room, won=any(kind is Payment.WINNER for kind, _ in found.paid))
    return Done()


def _compensated(context: Context, room: Room) -> bool:
    if context.is_operator:
        why = f"the compensation is paid to the account's own key: dlbc-miner collect {room.round_id}"
        context.log.warning(why, round_id=room.round_id)
        return True
    try:
        call = context.hub.claim_compensation(room.round_id)
        return context.transactions.send(f"compensation/{room.round_id}", call).confirmed
    except TransactionRefused as refusal:
        context.log.info("no compensation to collect", round_id=room.round_id, why=str(refusal))
        return True


def _withdrawn(context: Context, room: Room) -> bool:
    name, account = f"withdraw/{room.round_id}", context.account
    credit = context.hub.account(account).credit
    if credit == 0:
        return True
    sent = context.transactions.send(name, context.hub.withdraw(credit))
    if sent.confirmed:
        context.log.info("credit withdrawn to the account's own balance", round_id=room.round_id)
    return sent.confirmed


def _tell(context: Context, room: Room, found: RoundResult) -> None:
    records.note_state(context.journal, room.round_id, stage="final", why=found.why or None)
    records.save_result(context.journal, room.round_id, found.to_json())
    income = f"{'+' if found.income >= 0 else '-'}{tokens(abs(found.income))} DLBC"
    message = f"round {room.round_id} is final: {found.sentence()}; {income}"
    tell(context, "result", message, round_id=room.round_id, income=str(found.income))


def _clean_up(context: Context, room: Room, *, won: bool) -> None:
    """Disks of miners fill up otherwise. The winner keeps model and pin: later thefts are judged by them."""
    commitment = records.submission(context.journal, room.round_id)
    shutil.rmtree(room.cache, ignore_errors=True)
    for path in room.folder.glob("checkpoint-*"):
        path.unlink(missing_ok=True)
    if won:
        return
    if commitment is not None:
        try:
            context.ipfs.unpin(commitment.artifact)
        except IPFSError as error:
            context.log.debug("the model stays pinned", why=str(error))
    shutil.rmtree(room.folder, ignore_errors=True)
