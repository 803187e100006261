"""Duty `money`: deposits, stakes and withdrawals of a running miner, one transaction at a time.

`--auto-stake` owes one before a commit; `errands.py` owes one for each command given while the program
runs, since only one process may send transactions with a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.chain.refusals import amount_in_words
from dlbc.errors import TransactionRefused
from dlbc.journal import Duty, TransactionState
from dlbc.service import Done, Drop
from miner.errands import answer
from miner.options import Options, soon, tell

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.service import Context
    from dlbc.service import Outcome as Result


def move(duty: Duty, context: Context, options: Options) -> Result:
    """The next missing step, as the chain stands; done when the last one is confirmed.

    The payload has `kind`, one of `errands.KINDS`, and `amount` in base units as text.
    """
    kind, amount = str(duty.payload["kind"]), int(duty.payload["amount"])
    name = str(duty)
    stored = context.journal.outbox.find(f"{name}/{kind}")
    if stored is not None and stored.state is TransactionState.CONFIRMED:
        message = f"{kind} {amount_in_words(amount)}: done" if amount else f"{kind}: done"
        tell(context, "money", message, round_id=duty.round_id)
        answer(context.workdir, duty.subject, ok=True, message=message)
        return Done()
    if stored is not None and stored.state is TransactionState.PENDING:
        return soon(context, f"waiting for {kind} to be mined")  # perhaps it is: credit cannot tell any more
    label, call = next_step(context, kind, amount)
    if call is None:
        return _give_up(duty, context, label)
    try:
        context.transactions.send(f"{name}/{label}", call)
    except TransactionRefused as refusal:
        return _give_up(duty, context, str(refusal))
    return soon(context, f"waiting for {label} to be mined")


def next_step(  # noqa: PLR0911  # one answer a kind
    context: Context, kind: str, amount: int
) -> tuple[str, Call | None]:
    """The next transaction and its label; without a transaction, why there is none."""
    hub = context.hub
    if kind == "withdraw":
        return kind, hub.withdraw(amount)
    if kind == "unstake":
        return kind, hub.request_unbond(amount)
    if kind == "unbond":
        return kind, hub.unbond()
    short = amount - (hub.account(context.account).credit if kind == "stake" else 0)
    if short <= 0:
        return kind, hub.stake(amount)
    held = context.token.balance_of(context.account)
    if held < short:
        return f"{context.account} holds {amount_in_words(held)}, {amount_in_words(short)} are needed", None
    if context.token.allowance(context.account, hub.address) < short:
        return "approve", context.token.approve(hub.address, short)
    return "deposit", hub.deposit(short)


def _give_up(duty: Duty, context: Context, why: str) -> Result:
    answer(context.workdir, duty.subject, ok=False, message=why)
    return Drop(f"{duty.payload['kind']}: {why}")
