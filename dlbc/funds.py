"""Moves an account's money where a person asked: wallet to credit, credit to stake, and back out.

Blocking, for commands; a program that runs by itself takes single steps as duties. Each step is a transaction with a
name, so a command that was interrupted goes on with the one that is pending instead of sending another.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from dlbc.chain.refusals import amount_in_words
from dlbc.errors import TransactionRefused, UsageError
from dlbc.permit import permit_deposit

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.service import Context

UNIT = 10**18
DECIMALS = 18
TIMEOUT = 300.0  # seconds for one transaction
NOT_APPROVED = "ERC20InsufficientAllowance"  # what a deposit says whose permit the token did not take


def parse_amount(text: str) -> int:
    """Base units of a decimal amount of DLBC such as "12.5", exactly.

    Raises:
        UsageError: not a positive number, or finer than the token's 18 decimals.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise UsageError(f"{text!r} is not an amount of DLBC; write it such as 12.5") from error
    if not amount.is_finite() or amount <= 0 or amount >= UNIT:
        raise UsageError(f"{text} is not an amount of DLBC; it must be more than 0 and less than 10^18")
    if -amount.as_tuple().exponent > DECIMALS:  # type: ignore[operator]  # finite: an integer
        raise UsageError(f"{text} DLBC is finer than the token's {DECIMALS} decimals")
    return int(amount.scaleb(DECIMALS))


def deposit(context: Context, amount: int, say: Callable[[str], None]) -> None:
    """Wallet to credit, in one transaction with a signed permit. `amount` in base units.

    Raises:
        UsageError: the wallet holds less; nothing is sent.
        TransactionRefused: the contracts refuse.
    """
    owner, hub = context.account, context.hub
    held = context.token.balance_of(owner)
    if held < amount:
        raise UsageError(
            f"{owner} holds {amount_in_words(held)}, {amount_in_words(amount)} are needed: "
            f"send it {amount_in_words(amount - held)} more, or use less"
        )
    say(f"depositing {amount_in_words(amount)}")
    if context.token.allowance(owner, hub.address) < amount:
        try:
            _send(context, "deposit", permit_deposit(context, amount))
        except TransactionRefused as refusal:
            if refusal.error != NOT_APPROVED:
                raise
            say(f"the permit was not taken; approving {amount_in_words(amount)}")
            _send(context, "approve", context.token.approve(hub.address, amount))
        else:
            return
    _send(context, "deposit", hub.deposit(amount))


def cover(context: Context, amount: int, say: Callable[[str], None]) -> None:
    """Deposits what the credit lacks of `amount`, in base units; errors as `deposit`."""
    missing = amount - context.hub.account(context.account).credit
    if missing > 0:
        deposit(context, missing, say)


def stake(context: Context, amount: int, say: Callable[[str], None]) -> None:
    """Credit to stake, after depositing what the credit lacks. `amount` in base units; errors as `deposit`."""
    cover(context, amount, say)
    say(f"staking {amount_in_words(amount)}")
    _send(context, "stake", context.hub.stake(amount))


def withdraw(context: Context, amount: int | None, say: Callable[[str], None]) -> int:
    """Credit to wallet; None for all of it. Returns what was withdrawn, in base units.

    Raises:
        UsageError: there is less credit; nothing is sent.
    """
    credit = context.hub.account(context.account).credit
    wanted = credit if amount is None else amount
    if wanted == 0:
        say("there is no credit to withdraw")
        return 0
    if wanted > credit:
        raise UsageError(
            f"the credit of {context.account} is {amount_in_words(credit)}, not {amount_in_words(wanted)}: "
            "withdraw less; stake becomes credit by unstaking it first"
        )
    say(f"withdrawing {amount_in_words(wanted)}")
    _send(context, "withdraw", context.hub.withdraw(wanted))
    return wanted


def _send(context: Context, prefix: str, call: Call) -> None:
    transactions = context.transactions
    transactions.send_and_wait(transactions.fresh_name(prefix, call), call, TIMEOUT)
