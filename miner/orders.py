"""A command that sends transactions: done here, or by the program that already runs with the key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from dlbc import funds, operators
from dlbc.appeals import appeal, decision
from dlbc.chain.contracts import Call
from dlbc.chain.events import ItemPosted
from dlbc.chain.refusals import amount_in_words
from dlbc.cli import key_address, open_context, say, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.keeper import spec_of
from dlbc.service import Context
from dlbc.types import ZERO_ADDRESS, Phase, TaskSpec
from miner.errands import ask, running
from miner.money import address_of, item_of

TIMEOUT = 300.0


def order(settings: Settings, kind: str, value: int) -> None:
    """Does it and shows what the account has afterwards.

    Args:
        kind: one of `errands.KINDS`.
        value: as there; 0 withdraws everything.
    """
    with _watching(settings) as watching:
        if running(watching.workdir):
            say("dlbc-miner runs with this key: it does it")
            if kind == "withdraw" and value == 0:
                value = watching.hub.account(watching.account).credit
            if kind != "withdraw" or value:
                say(ask(watching.workdir, kind, value, TIMEOUT))
            _show(settings, watching)
            return
    with open_context(settings, "miner", with_ipfs=False) as context:
        _do(context, kind, value)
        _show(settings, context)


def order_appeal(settings: Settings, round_id: int, confirm: Callable[[str], bool]) -> None:
    """Asks, and appeals against what the committee decided.

    Raises:
        UsageError: it cannot be appealed, or nobody here knows the task.
    """
    with _watching(settings) as watching:
        found = decision(watching, round_id, _spec(watching, round_id))
    if confirm(found.question()):
        order(settings, "appeal", round_id)
    else:
        say("not appealed")


def show_operator(settings: Settings) -> None:
    """Says who may work for the account besides its own key."""
    with _watching(settings) as watching:
        operator = watching.hub.operator_of(watching.account)
        known = operator != ZERO_ADDRESS
        words = f"{operator} may commit, vote and claim for {watching.account}"
        show(
            settings,
            {"address": watching.account, "operator": operator if known else None},
            lambda: words if known else f"nobody but its own key works for {watching.account}",
        )


def _watching(settings: Settings) -> AbstractContextManager[Context]:
    signer = key_address(settings)
    if not signer and not settings.account:
        raise UsageError("no key: give --keystore (DLBC_KEYSTORE); make one with dlbc-keys new")
    return open_context(settings, "miner", with_ipfs=False, with_key=False)


def _do(context: Context, kind: str, value: int) -> None:
    hub = context.hub
    if kind == "deposit":
        funds.deposit(context, value, say)
    elif kind == "stake":
        funds.stake(context, value, say)
    elif kind == "withdraw":
        funds.withdraw(context, value or None, say)
    elif kind == "unstake":
        _send(context, kind, hub.request_unbond(value))
    elif kind == "unbond":
        _send(context, kind, hub.unbond())
    elif kind == "collect":
        _send(context, kind, hub.claim_compensation(value))
    elif kind == "operator":
        operators.appoint(context, address_of(value), say)
    elif kind == "post":
        _post(context, item_of(value))
    else:
        spec = _spec(context, value)
        appeal(context, decision(context, value, spec), spec, say)


def _post(context: Context, item: bytes) -> None:
    call = context.hub.post(item)
    transactions = context.transactions
    sent = transactions.send_and_wait(transactions.fresh_name("post", call), call, TIMEOUT)
    for event in transactions.events_of(sent):
        if isinstance(event, ItemPosted):
            say(f"posted as item {event.index}; a block may carry it from the next round on")


def _spec(context: Context, round_id: int) -> TaskSpec:
    found = context.hub.round(round_id)
    if found.phase is Phase.NONE:
        raise UsageError(f"there is no round {round_id}")
    spec = spec_of(context.journal, found.task_id)
    if spec is None:
        raise UsageError(f"the task of round {round_id} is not known here yet: start dlbc-miner, which reads the chain")
    return spec


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
