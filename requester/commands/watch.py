"""`dlbc-request watch`, and the waiting part of `submit`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import click
from rich.console import Console

from dlbc.cli import chain_options, open_context, say
from dlbc.config import Settings
from dlbc.errors import IPFSError, UsageError
from dlbc.service import Context
from dlbc.types import Outcome, TaskStatus, same_address
from requester import lookup
from requester.commands.home import log_to_file
from requester.display import Display, one_line
from requester.outcomes import ADVICE, TABLE


@click.command()
@click.argument("task", type=click.IntRange(1), required=False)
@chain_options
def watch(settings: Settings, task: int | None) -> None:
    """Do what is owed for TASK, or for all tasks of the account: serve data, show keys, fetch models."""
    from requester.watching import my_tasks  # noqa: PLC0415  # torch takes seconds to import

    log_file = log_to_file(settings)
    with opened(settings) as context:
        if task is not None:
            found = lookup.submission(context.chain, task)
            if not same_address(found.requester, context.account):
                raise UsageError(f"task {task} belongs to {found.requester}, not to {context.account}")
        tasks = my_tasks(context) if task is None else [task]
        if not tasks:
            say("nothing to watch: no task of this account is open, and no model is missing")
            return
        say(f"details go to {log_file}")
        follow(context, tasks)


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """A context with IPFS, or without it where its node does not start: the test key must be shown all the same."""
    with ExitStack() as stack:
        try:
            context = stack.enter_context(open_context(settings, "requester"))
        except IPFSError as error:
            say(f"warning: {error}. The test key will be shown, but nothing is served or fetched until that is mended")
            context = stack.enter_context(open_context(settings, "requester", with_ipfs=False))
        yield context


def follow(context: Context, task_ids: Sequence[int]) -> None:
    """Watches tasks to their end and says how it went.

    Raises:
        NoModel: a task ended without one.
    """
    from requester.duties import delivered  # noqa: PLC0415  # torch takes seconds to import
    from requester.watching import Watch, still_owed  # noqa: PLC0415
    from requester.winner import CARD, NoModel  # noqa: PLC0415

    console = Console(stderr=True, soft_wrap=True)
    display = Display(console)
    with display.running() as news:
        reports = Watch(context, task_ids, news).run()
    failed = []
    for item in reports:
        if not item.over:
            continue
        if console.is_terminal:  # elsewhere the display has just said it
            say(one_line(item))
        model = delivered(context, item.task_id)
        if model is not None:
            say(f"the model is {model}; {CARD} beside it says what it is")
        elif item.status is TaskStatus.DONE:
            failed.append(f"task {item.task_id}: the model could not be fetched; try `dlbc-request download`")
        elif item.status is TaskStatus.CANCELLED:
            failed.append(f"task {item.task_id} was cancelled; `dlbc-request submit --again` submits it once more")
        elif item.outcome is not Outcome.NONE:
            failed.append(f"task {item.task_id}: {TABLE[item.outcome][0]}. {ADVICE[item.outcome]}")
    for sentence in still_owed(reports):
        say(sentence)
    if failed:
        raise NoModel("; ".join(failed))
