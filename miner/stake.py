"""Duty `stake` (`--auto-stake`): moves what a commit will lock from credit and balance to stake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.journal import Duty, TransactionState
from dlbc.service import Done, Drop
from miner.choose import plain_tokens, tokens
from miner.options import Options, soon, tell

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.service import Context
    from dlbc.service import Outcome as Result


def stake(duty: Duty, context: Context, options: Options) -> Result:
    """Approve, deposit, stake: the next missing step, as the chain stands."""
    amount = int(duty.payload["amount"])
    name = f"stake/{duty.round_id}"
    stored = context.journal.outbox.find(name)
    if stored is not None and stored.state is TransactionState.CONFIRMED:
        tell(context, "staked", f"staked {tokens(amount)} DLBC", round_id=duty.round_id)
        return Done()
    if stored is not None and stored.state is TransactionState.PENDING:  # mined perhaps: credit cannot tell
        return soon(context, "waiting for stake to be mined")
    step = next_step(context, amount)
    if step is None:
        short = amount - context.hub.account(context.account.address).credit
        return Drop(
            f"cannot stake {tokens(amount)} DLBC: {tokens(short)} more are needed in the account's balance; "
            f"after a transfer run: dlbc-miner stake {plain_tokens(amount)}"
        )
    label, call = step
    context.transactions.send(name if label == "stake" else f"{name}/{label}", call)
    return soon(context, f"waiting for {label} to be mined")


def next_step(context: Context, amount: int) -> tuple[str, Call] | None:
    """The next of approve, deposit, stake towards `amount` more stake; None if the balance is too small."""
    owner, hub = context.account.address, context.hub
    short = amount - hub.account(owner).credit
    if short <= 0:
        return "stake", hub.stake(amount)
    if context.token.balance_of(owner) < short:
        return None
    if context.token.allowance(owner, hub.address) < short:
        return "approve", context.token.approve(hub.address, short)
    return "deposit", hub.deposit(short)
