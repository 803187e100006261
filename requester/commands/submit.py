"""`dlbc-request submit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from dlbc.chain.refusals import amount_in_words
from dlbc.cli import chain_options, open_context, say
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.task import load_task_file
from requester.commands.home import log_to_file
from requester.commands.watch import follow
from requester.display import duties_text, outcome_table, prepared_table, quote_table
from requester.draft import keep_output, open_draft
from requester.quote import Quote

if TYPE_CHECKING:
    from requester.submission import Submitted


@click.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the model.")
@click.option("--yes", is_flag=True, help="Do not ask before paying.")
@click.option("--detach", is_flag=True, help="Leave after submitting; `watch` must run then.")
@click.option("--again", is_flag=True, help="Submit once more what was submitted before.")
@chain_options
def submit(settings: Settings, task: Path, output: Path | None, yes: bool, detach: bool, again: bool) -> None:
    """Submit a TASK file, stay until the model is there, and save it.

    The same command goes on where an earlier run stopped; it never submits twice.
    """
    from requester.pack import prepare  # noqa: PLC0415  # torch takes seconds to import
    from requester.submission import submit as submit_draft  # noqa: PLC0415

    prepared = prepare(load_task_file(task))
    console = Console(stderr=True, soft_wrap=True)
    console.print(prepared_table(prepared))
    for warning in prepared.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)

    def confirm(offer: Quote) -> bool:
        console.print()
        console.print(quote_table(offer))
        console.print()
        console.print(outcome_table())
        console.print()
        console.print(*duties_text(), sep="\n")
        question = f"Put {amount_in_words(offer.needed)} into escrow"
        if offer.to_deposit:
            question += f", {amount_in_words(offer.to_deposit)} of it from your wallet"
        return yes or click.confirm(f"{question}?", err=True)

    log_file = log_to_file(settings)
    with open_context(settings, "requester") as context:
        draft = open_draft(context.journal, context.workdir, prepared.task, another=again)
        if output is not None:
            keep_output(context.journal, draft, output.absolute())
        done = submit_draft(context, draft, prepared, confirm=confirm, say=say)
        _tell(done, prepared.task.fee)
        if detach:
            say(
                "Detached. `dlbc-request watch` must run from now until the test key is shown: miners get the data "
                "from it, and if the key is not shown in its window the bond is lost."
            )
            return
        say(f"details go to {log_file}; stop with Ctrl-C, go on with `dlbc-request watch`")
        follow(context, [done.task_id])


def _tell(done: Submitted, fee: int) -> None:
    if not done.task_id:
        raise UsageError("the task was mined but is not on the chain: a reorganisation; run the same command again")
    if not done.earlier:
        say(f"submitted: task {done.task_id}")
        return
    say(f"this was submitted before, as task {done.task_id}; going on with it (--again submits it once more)")
    if done.spec.fee != fee:
        say(
            f"warning: its fee is {amount_in_words(done.spec.fee)}, not the file's {amount_in_words(fee)}; "
            f"`dlbc-request cancel {done.task_id}` takes it back while it waits"
        )
