"""`dlbc-request appeal`."""

from __future__ import annotations

import click

from dlbc import appeals
from dlbc.cli import chain_options, open_context, say
from dlbc.config import Settings
from dlbc.errors import UsageError
from requester import lookup
from requester.commands.home import log_to_file


@click.command()
@click.argument("task", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@chain_options
def appeal(settings: Settings, task: int, yes: bool) -> None:
    """Have a larger committee judge TASK again, against a bond. Anybody's task, while phase Appeal of its round lasts.

    Stop `watch` for it: one program sends transactions with a key.
    """
    log_to_file(settings)
    with open_context(settings, "requester", with_ipfs=False) as context:
        spec = lookup.spec_of(context.chain, task)
        round_id = context.hub.task(task).round_id
        if not round_id:
            raise UsageError(f"task {task} has no round yet: there is nothing to appeal against")
        found = appeals.decision(context, round_id, spec)
        if yes or click.confirm(f"{found.question()}?", err=True):
            appeals.appeal(context, found, spec, say)
        else:
            say("not appealed")
