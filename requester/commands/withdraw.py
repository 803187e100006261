"""`dlbc-request withdraw`."""

from __future__ import annotations

import click

from dlbc import funds
from dlbc.chain.refusals import amount_in_words
from dlbc.cli import chain_options, open_context, say, show
from dlbc.config import Settings
from requester.commands.home import log_to_file


@click.command()
@click.argument("amount", required=False)
@chain_options
def withdraw(settings: Settings, amount: str | None) -> None:
    """Send credit (refunds, unused deposits) to the wallet: AMOUNT in DLBC, or all of it."""
    wanted = None if amount is None else funds.parse_amount(amount)
    log_to_file(settings)
    with open_context(settings, "requester", with_ipfs=False) as context:
        sent = funds.withdraw(context, wanted, say)
        wallet = context.token.balance_of(context.account)
        show(
            settings,
            {"withdrawn": str(sent), "wallet": str(wallet)},
            lambda: f"{context.account} has {amount_in_words(wallet)} in its wallet",
        )
