"""A money command: done here, or by the program that already runs with the key."""

from __future__ import annotations

from dlbc import funds
from dlbc.chain.contracts import Call
from dlbc.chain.refusals import amount_in_words
from dlbc.cli import open_context, say, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.service import Context
from miner.errands import ask, running

TIMEOUT = 300.0


def order(settings: Settings, kind: str, amount: int) -> None:
    """Does it and shows what the account has afterwards.

    Args:
        kind: deposit, stake, unstake, unbond or withdraw.
        amount: in base units; 0 withdraws everything.
    """
    with open_context(settings, "miner", with_ipfs=False, with_key=False) as watching:
        if not watching.account:
            raise UsageError("no key: give --keystore (DLBC_KEYSTORE); make one with dlbc-keys new")
        if running(watching.workdir):
            say("dlbc-miner runs with this key: it does it")
            if kind == "withdraw" and amount == 0:
                amount = watching.hub.account(watching.account).credit
            if kind != "withdraw" or amount:
                say(ask(watching.workdir, kind, amount, TIMEOUT))
            _show(settings, watching)
            return
    with open_context(settings, "miner", with_ipfs=False) as context:
        _do(context, kind, amount)
        _show(settings, context)


def _do(context: Context, kind: str, amount: int) -> None:
    if kind == "deposit":
        funds.deposit(context, amount, say)
    elif kind == "stake":
        funds.stake(context, amount, say)
    elif kind == "withdraw":
        funds.withdraw(context, amount or None, say)
    elif kind == "unstake":
        _send(context, kind, context.hub.request_unbond(amount))
    else:
        _send(context, kind, context.hub.unbond())


def _send(context: Context, kind: str, call: Call) -> None:
    transactions = context.transactions
    transactions.send_and_wait(transactions.fresh_name(kind, call), call, TIMEOUT)


def _show(settings: Settings, context: Context) -> None:
    account, balance = context.hub.account(context.account), context.token.balance_of(context.account)
    result = {
        "address": context.account,
        "balance": str(balance),
        "credit": str(account.credit),
        "stake": str(account.stake),
        "locked": str(account.locked),
        "unbonding": str(account.unbonding),
    }
    show(
        settings,
        result,
        lambda: (
            f"balance {amount_in_words(balance)} · credit {amount_in_words(account.credit)} · stake "
            f"{amount_in_words(account.stake)} ({amount_in_words(account.locked)} locked, "
            f"{amount_in_words(account.unbonding)} unbonding)"
        ),
    )
