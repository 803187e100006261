"""A validator's seat: joining with its stake, and leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dlbc import funds
from dlbc.chain.events import SeatJoined
from dlbc.chain.refusals import amount_in_words

if TYPE_CHECKING:
    from dlbc.service import Context


def seats(context: Context) -> list[int]:
    """The account's seats that a draw can still choose or has chosen."""
    committee = context.committee
    return [seat_id for seat_id in committee.seats_of(context.address) if not committee.seat(seat_id).leaving]


def join(context: Context, say: Callable[[str], None]) -> int:
    """Stakes what a seat locks, as far as it is not staked yet, and joins. Returns the seat's number.

    Raises:
        UsageError: the wallet holds too little; nothing is sent.
        TransactionRefused: the contracts refuse.
    """
    unit = context.hub.economy().seat_unit
    free = context.hub.account(context.address).free_stake
    if free < unit:
        funds.stake(context, unit - free, say)
    say(f"joining a seat: {amount_in_words(unit)} of stake are locked and can be slashed for absence")
    transactions, call = context.transactions, context.committee.join_seat()
    sent = transactions.send_and_wait(transactions.fresh_name("join-seat", call), call, funds.TIMEOUT)
    joined = [event for event in transactions.events_of(sent) if isinstance(event, SeatJoined)]
    return joined[0].seat_id


def leave(context: Context, seat_id: int, say: Callable[[str], None]) -> None:
    """Leaves a seat; its stake unlocks at once, or when the round that it serves is final."""
    serving = context.committee.seat(seat_id).serving
    call = context.committee.leave_seat(seat_id)
    context.transactions.send_and_wait(f"leave-seat/{seat_id}", call, funds.TIMEOUT)
    if serving:
        say(f"seat {seat_id} is left; keep dlbc-validator running until round {serving}, which it serves, is final")
    else:
        say(f"seat {seat_id} is left, its stake is free")
