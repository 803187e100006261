"""A command that sends transactions: done here, or by the program that already runs with the key."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from dlbc import funds, operators
from dlbc.appeals import appeal, decision
from dlbc.chain.contracts import Call
from dlbc.chain.events import ItemPosted
from dlbc.chain.refusals import amount_in_words
from dlbc.cli import key_address, open_context, open_node, say, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.keeper import spec_of
from dlbc.keystore import load_account, read_password
from dlbc.service import Context
from dlbc.types import ZERO_ADDRESS, Phase, TaskSpec, same_address
from miner.accusation import Charge, accuse
from miner.errands import ask, running
from miner.money import address_of, item_of
from miner.own_mark import trace

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


def order_accusation(settings: Settings, round_id: int, miner: str, confirm: Callable[[str], bool]) -> None:
    """Looks for an own mark in the model of `miner`, asks, and accuses him.

    Raises:
        UsageError: it is not there, he cannot be accused, or the key is not the account's own.
        IPFSError: the model cannot be had.
    """
    with _watching(settings) as watching:
        if settings.keystore is None or not same_address(watching.account, key_address(settings)):
            raise UsageError("give --keystore the account's own key: private watermark keys are derived from it")
        signer = load_account(settings.keystore, read_password(settings.password_file))
        say(f"looking for your marks in the model of {miner}")
        # A folder of its own: a running program holds the other one's IPFS repo.
        with (
            tempfile.TemporaryDirectory() as folder,
            open_node(settings, watching.chain.deployment, Path(folder) / "ipfs") as ipfs,
        ):
            found = trace(replace(watching, ipfs=ipfs, signer=signer), round_id, miner, Path(folder) / "fetched")
    if confirm(found.question()):
        order(settings, "accuse", found.charge.value)
    else:
        say("not accused")


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
    elif kind == "accuse":
        accuse(context, Charge.of(value), say)
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
