"""`dlbc-request status`."""

from __future__ import annotations

import click

from dlbc.chain.refusals import amount_in_words
from dlbc.cli import chain_options, open_context, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from requester import lookup
from requester.display import one_line
from requester.status import Report, report


@click.command()
@click.argument("task", type=click.IntRange(1), required=False)
@chain_options
def status(settings: Settings, task: int | None) -> None:
    """Where TASK stands, or every task of the account, as the chain says now."""
    with open_context(settings, "requester", with_ipfs=False, with_key=False) as context:
        if task is None and not context.account:
            raise UsageError("whose tasks? give the number of one, or --keystore")
        ids = (
            [task]
            if task is not None
            else [found.task_id for found in lookup.submissions_of(context.chain, context.account)]
        )
        reports = [report(context.chain, context.hub, task_id) for task_id in ids]
        account = context.hub.account(context.account) if context.account else None
    result = [item.as_json() for item in reports]
    show(
        settings,
        (result[0] if task is not None else {"tasks": result})
        | ({} if account is None else {"credit": str(account.credit)}),
        lambda: _words(reports, None if account is None else account.credit),
    )


def _words(reports: list[Report], credit: int | None) -> str:
    lines = []
    for item in reports:
        lines.append(one_line(item))
        lines.append(
            f"  fee {amount_in_words(item.spec.fee)}, bond {amount_in_words(item.spec.bond)}, "
            f"minimum {item.spec.min_score} of {item.spec.score_max}"
            + (f", test key {'shown' if item.key_shown else 'not shown yet'}" if item.round_id else "")
        )
    if not reports:
        lines.append("no task of this account is on this chain")
    if credit is not None:
        lines.append(f"credit: {amount_in_words(credit)}")
    return "\n".join(lines)
