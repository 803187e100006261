"""`dlbc-request queue`: what waits, in the order in which it opens, and why in that order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from dlbc.chain.contracts.lens import Lens, TaskView
from dlbc.cli import chain_options, open_context, show
from dlbc.config import Settings
from dlbc.types import TaskStatus, same_address

PAGE = 32
DOUBLING = 1 << 32  # a score counts weighted doublings: 256 parts of `lg`, 24 more bits of the clock
WIDTH = 120
PARTS = ("flops", "net", "data", "fee", "ageing")


@click.command()
@click.option("-n", "number", type=click.IntRange(1, 4096), default=20, show_default=True, help="Tasks to show.")
@chain_options
def queue(settings: Settings, number: int) -> None:
    """The waiting tasks by rank, with the factors of their difficulty: the first opens next."""
    with open_context(settings, "requester", with_ipfs=False, with_key=False) as context:
        waiting = context.hub.queue_length()
        found = [entry for entry, _ in zip(ranked(context.lens), range(number), strict=False)]
        own = {item.task_id for item in found if context.account and same_address(item.task.requester, context.account)}
    result = {"waiting": waiting, "tasks": [as_json(item, item.task_id in own) for item in found]}
    show(settings, result, lambda: in_words(found, waiting, own))


def ranked(lens: Lens) -> Iterator[TaskView]:
    """All waiting tasks, the next to open first. Cancelled ones that still lie in the heap are left out."""
    below = 0
    while True:
        page, below = lens.queue(below, PAGE)
        yield from (item for item in page if item.task.status is TaskStatus.QUEUED)
        if not below:
            return


def as_json(item: TaskView, mine: bool) -> dict[str, Any]:
    """Scores as decimal text, in the units of the contracts."""
    return {
        "task": item.task_id,
        "requester": item.task.requester,
        "mine": mine,
        "submitted_at": item.task.submitted_at,
        "score": str(item.score.total),
        "parts": {name: str(getattr(item.score, name)) for name in PARTS},
    }


def in_words(found: list[TaskView], waiting: int, own: set[int]) -> str:
    """A table; scores in weighted doublings."""
    if not found:
        return "no task waits: the next one opens at once"
    table = Table(title=f"{waiting} waiting, the first opens next", title_justify="left", box=None)
    for name in ("place", "task", "score", *PARTS, "requester"):
        table.add_column(name, justify="left" if name == "requester" else "right")
    for place, item in enumerate(found, 1):
        parts = [f"{getattr(item.score, name) / DOUBLING:.1f}" for name in PARTS]
        whose = "you" if item.task_id in own else item.task.requester
        table.add_row(str(place), str(item.task_id), f"{item.score.total / DOUBLING:.1f}", *parts, whose)
    console = Console(width=WIDTH, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()
