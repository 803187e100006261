"""`dlbc-request cancel`."""

from __future__ import annotations

import click

from dlbc.chain.events import TaskCancelled
from dlbc.chain.refusals import amount_in_words
from dlbc.cli import chain_options, open_context, say, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.types import TaskStatus, same_address
from requester import lookup
from requester.commands.home import log_to_file
from requester.outcomes import STATUS_WORDS


@click.command()
@click.argument("task", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@chain_options
def cancel(settings: Settings, task: int, yes: bool) -> None:
    """Take TASK back while it waits in the queue; a tenth of the fee floor is burned."""
    log_to_file(settings)
    with open_context(settings, "requester", with_ipfs=False) as context:
        found = lookup.submission(context.chain, task)
        if not same_address(found.requester, context.account):
            raise UsageError(f"task {task} belongs to {found.requester}, not to {context.account}")
        state = context.hub.task(task).status
        if state is not TaskStatus.QUEUED:
            raise UsageError(f"task {task} cannot be cancelled: it is {STATUS_WORDS[state]}")
        burned = min(found.spec.fee, context.hub.floors(found.spec).fee // 10)
        if not yes and not click.confirm(f"Cancel task {task}; {amount_in_words(burned)} are burned?", err=True):
            say("not cancelled")
            return
        sent = context.transactions.send_and_wait(f"cancel/{task}", context.hub.cancel_task(task, found.spec))
        ends = [e for e in context.transactions.events_of(sent) if isinstance(e, TaskCancelled)]
        refunded = ends[-1].refunded if ends else found.spec.fee + found.spec.bond - burned
        show(
            settings,
            {"task": task, "refunded": str(refunded)},
            lambda: f"cancelled; {amount_in_words(refunded)} are your credit again (`dlbc-request withdraw`)",
        )
