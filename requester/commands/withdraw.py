"""`dlbc-request withdraw`."""

from __future__ import annotations

import click

from dlbc.chain.refusals import amount_in_words
from dlbc.cli import chain_options, open_context, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.task import parse_amount


@click.command()
@click.argument("amount", required=False)
@chain_options
def withdraw(settings: Settings, amount: str | None) -> None:
    """Send credit (refunds, unused deposits) to the wallet: AMOUNT in DLBC, or all of it."""
    with open_context(settings, "requester", with_ipfs=False) as context:
        credit = context.hub.account(context.address).credit
        wanted = credit if amount is None else parse_amount(amount, "amount")
        if wanted == 0:
            raise UsageError("there is no credit to withdraw")
        if wanted > credit:
            raise UsageError(f"the credit is {amount_in_words(credit)}, less than {amount_in_words(wanted)}")
        call = context.hub.withdraw(wanted)
        context.transactions.send_and_wait(context.transactions.fresh_name("withdraw", call), call)
        wallet = context.token.balance_of(context.address)
        show(
            settings,
            {"withdrawn": str(wanted), "credit": str(credit - wanted), "wallet": str(wallet)},
            lambda: f"{amount_in_words(wanted)} sent to {context.address}, which has {amount_in_words(wallet)} now",
        )
