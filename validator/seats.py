"""A validator's seat: joining with its stake, and leaving."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dlbc import funds
from dlbc.chain.events import SeatJoined
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import TransactionRefused

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.chain.transactions import Sent
    from dlbc.service import Context

DRAW_TRIES = 30
DRAW_PAUSE = 2.0  # seconds


def seats(context: Context) -> list[int]:
    """The account's seats that a draw can still choose or has chosen."""
    committee = context.committee
    return [seat_id for seat_id in committee.seats_of(context.account) if not committee.seat(seat_id).leaving]


def join(context: Context, say: Callable[[str], None]) -> int:
    """Stakes what a seat locks, as far as it is not staked yet, and joins. Returns the seat's number.

    Raises:
        UsageError: the wallet holds too little; nothing is sent.
        TransactionRefused: the contracts refuse.
    """
    unit = context.hub.economy().seat_unit
    free = context.hub.account(context.account).free_stake
    if free < unit:
        funds.stake(context, unit - free, say)
    say(f"joining a seat: {amount_in_words(unit)} of stake are locked and can be slashed for absence")
    call = context.committee.join_seat()
    sent = _send(context, context.transactions.fresh_name("join-seat", call), call, say)
    joined = [event for event in context.transactions.events_of(sent) if isinstance(event, SeatJoined)]
    return joined[0].seat_id


def leave(context: Context, seat_id: int, say: Callable[[str], None]) -> None:
    """Leaves a seat; its stake unlocks at once, or when the round that it serves is final."""
    serving = context.committee.seat(seat_id).serving
    call = context.committee.leave_seat(seat_id)
    _send(context, f"leave-seat/{seat_id}", call, say)
    if serving:
        say(f"seat {seat_id} is left; keep dlbc-validator running until round {serving}, which it serves, is final")
    else:
        say(f"seat {seat_id} is left, its stake is free")


def _send(context: Context, name: str, call: Call, say: Callable[[str], None]) -> Sent:
    """Sends when it is possible: while a committee's seed is known and unused, the contracts let no seat move."""
    for attempt in range(DRAW_TRIES):
        try:
            return context.transactions.send_and_wait(name, call, funds.TIMEOUT)
        except TransactionRefused as refusal:
            if refusal.error != "WrongPhase" or attempt == DRAW_TRIES - 1:
                raise
            if attempt == 0:
                say("a committee is being drawn, and seats stand still until it is; waiting")
            time.sleep(DRAW_PAUSE)
    raise AssertionError("unreachable: the last try returns or raises")
