"""Makes a key the operator of an account, where a person asked: it may then commit, vote and claim for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dlbc.errors import UsageError
from dlbc.funds import TIMEOUT
from dlbc.types import ZERO_ADDRESS, same_address

if TYPE_CHECKING:
    from dlbc.service import Context


def appoint(context: Context, operator: str, say: Callable[[str], None]) -> None:
    """Lets `operator` work for the account, instead of who did before; `ZERO_ADDRESS`: nobody.

    Raises:
        UsageError: it is the account itself, which needs no leave.
        TransactionRefused: the contracts refuse.
    """
    if same_address(operator, context.account):
        raise UsageError(f"{operator} is the account itself: its own key needs no leave to work for it")
    before = context.hub.operator_of(context.account)
    if same_address(operator, before):
        say("nobody works for the account" if operator == ZERO_ADDRESS else f"{operator} works for it already")
        return
    call = context.hub.set_operator(operator)
    context.transactions.send_and_wait(context.transactions.fresh_name("operator", call), call, TIMEOUT)
    if operator == ZERO_ADDRESS:
        say(f"{before} no longer works for {context.account}; votes it committed can still be revealed")
    else:
        say(f"{operator} may commit, vote and claim for {context.account}; it moves no money")
