"""Duty `money`: what a person orders of a running miner, one transaction at a time: deposits, stakes, withdrawals, and
a compensation, an appeal, an accusation, an item for the inbox, another operator.

`--auto-stake` owes one before a commit; `errands.py` owes one for each command given while the program
runs, since only one process may send transactions with a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from dlbc.appeals import why_not
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import TransactionRefused, UsageError
from dlbc.journal import Duty, TransactionState
from dlbc.keeper import spec_of
from dlbc.permit import permit_deposit
from dlbc.service import Done, Drop
from dlbc.types import ZERO_ADDRESS
from miner import accusation
from miner.accusation import Charge
from miner.errands import answer
from miner.options import Options, soon, tell
from miner.room import rules_of

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

NOT_MINE = "this program works for {account} with an operator's key, which moves no money: give the order with its own"


def move(duty: Duty, context: Context, options: Options) -> Result:
    """The next missing step, as the chain stands; done when the last one is confirmed.

    The payload has `kind`, one of `errands.KINDS`, and `value` as text.
    """
    kind, value = str(duty.payload["kind"]), int(duty.payload["value"])
    name = str(duty)
    stored = context.journal.outbox.find(f"{name}/{kind}")
    if stored is not None and stored.state is TransactionState.CONFIRMED:
        message = f"{in_words(kind, value)}: done"
        tell(context, "money", message, round_id=duty.round_id)
        answer(context.workdir, duty.subject, ok=True, message=message)
        return Done()
    if stored is not None and stored.state is TransactionState.PENDING:
        return soon(context, f"waiting for {kind} to be mined")  # perhaps it is: credit cannot tell any more
    if context.is_operator:
        return _give_up(duty, context, NOT_MINE.format(account=context.account))
    label, call = next_step(context, kind, value)
    if call is None:
        return _give_up(duty, context, label)
    try:
        context.transactions.send(f"{name}/{label}", call)
    except TransactionRefused as refusal:
        return _give_up(duty, context, str(refusal))
    return soon(context, f"waiting for {label} to be mined")


def next_step(  # noqa: PLR0911  # one answer a kind
    context: Context, kind: str, value: int
) -> tuple[str, Call | None]:
    """The next transaction and its label; without a transaction, why there is none."""
    hub = context.hub
    if kind == "withdraw":
        return kind, hub.withdraw(value)
    if kind == "unstake":
        return kind, hub.request_unbond(value)
    if kind == "unbond":
        return kind, hub.unbond()
    if kind == "collect":
        return kind, hub.claim_compensation(value)
    if kind == "post":
        return kind, hub.post(item_of(value))
    if kind == "operator":
        return kind, hub.set_operator(address_of(value))
    if kind == "appeal":
        return _appeal(context, value)
    if kind == "accuse":
        return _accuse(context, Charge.of(value))
    credit = hub.account(context.account).credit if kind == "stake" else 0
    if value <= credit:
        return kind, hub.stake(value)
    return _deposit(context, value - credit)


def in_words(kind: str, value: int) -> str:
    """An order, for people."""
    if kind in {"appeal", "collect"}:
        return f"{kind} in round {value}"
    if kind == "accuse":
        return str(Charge.of(value))
    if kind == "post":
        return f"post 0x{item_of(value).hex()}"
    if kind == "operator":
        return f"operator {'none' if value == 0 else address_of(value)}"
    return f"{kind} {amount_in_words(value)}" if value else kind


def item_of(value: int) -> bytes:
    """The 32 bytes that an order to post names."""
    return value.to_bytes(32, "big")


def address_of(value: int) -> str:
    """The address that an order names as a number."""
    return ZERO_ADDRESS if value == 0 else str(to_checksum_address(value.to_bytes(32, "big")[-20:]))


def _appeal(context: Context, round_id: int) -> tuple[str, Call | None]:
    found = context.hub.round(round_id)
    why = why_not(context.hub, round_id, found)
    if why:
        return why, None
    spec = spec_of(context.journal, found.task_id)
    if spec is None:
        return f"the events of round {round_id} are not on the chain, for now", None
    return _with_bond(context, round_id, "appeal", context.hub.appeal(round_id, spec))


def _accuse(context: Context, charge: Charge) -> tuple[str, Call | None]:
    why = accusation.why_not(context.hub, charge.round_id, context.hub.round(charge.round_id))
    if why:
        return why, None
    try:
        call = accusation.call_of(context, charge)
    except UsageError as error:
        return str(error), None
    return _with_bond(context, charge.round_id, "accuse", call)


def _with_bond(context: Context, round_id: int, label: str, call: Call) -> tuple[str, Call | None]:
    """The call, or a deposit where the credit does not hold the bond that it locks."""
    missing = rules_of(context, round_id).economy.appeal_bond - context.hub.account(context.account).credit
    return (label, call) if missing <= 0 else _deposit(context, missing)


def _deposit(context: Context, amount: int) -> tuple[str, Call | None]:
    held = context.token.balance_of(context.account)
    if held < amount:
        return f"{context.account} holds {amount_in_words(held)}, {amount_in_words(amount)} are needed", None
    if context.token.allowance(context.account, context.hub.address) >= amount:
        return "deposit", context.hub.deposit(amount)
    return "deposit", permit_deposit(context, amount)


def _give_up(duty: Duty, context: Context, why: str) -> Result:
    answer(context.workdir, duty.subject, ok=False, message=why)
    return Drop(f"{duty.payload['kind']}: {why}")
