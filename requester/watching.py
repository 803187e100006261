"""The loop after submission: serves the data, shows the key, moves the round on, fetches the model, and tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from dlbc.errors import ChainError, UsageError
from dlbc.journal import DutyState
from dlbc.keeper import Keeper
from dlbc.service import Context, Service
from dlbc.types import TaskStatus
from dlbc.wire.typed_data import spec_hash
from requester import lookup
from requester.draft import drafts
from requester.duties import ACTIONS, DELIVER, HANDLERS, LONG, REVEAL, delivered
from requester.status import Report, report
from requester.submission import serve


@dataclass
class Watch:
    """Tasks that are watched, and what was last seen of them.

    Attributes:
        task_ids: of this account.
        on_change: called after each block with the newest reports.
    """

    context: Context
    task_ids: Sequence[int]
    on_change: Callable[[list[Report], list[str]], None]
    reports: dict[int, Report] = field(default_factory=dict)

    def run(self) -> list[Report]:
        """Works until every watched task is over and its model is here, or until a signal.

        Raises:
            ChainError: the node serves another chain now.
        """
        keeper = Keeper()
        hooks = (keeper.keep, self._look)
        Service("requester", self.context, HANDLERS, ACTIONS, every_block=hooks, long_actions=LONG).run()
        with suppress(ChainError):
            self._look(self.context)
        return [self.reports[i] for i in self.task_ids if i in self.reports]

    def _look(self, context: Context) -> None:
        for task_id in self.task_ids:
            known = self.reports.get(task_id)
            if known is None or not known.over:
                spec = None if known is None else known.spec
                self.reports[task_id] = report(context.chain, context.hub, task_id, spec)
        self.on_change(list(self.reports.values()), troubles(context))
        if all(self._finished(task_id) for task_id in self.task_ids):
            context.stopping.set()

    def _finished(self, task_id: int) -> bool:
        found = self.reports[task_id]
        if found.status is not TaskStatus.DONE:
            return found.over
        if delivered(self.context, task_id) is not None:
            return True
        row = self.context.journal.agenda.find(DELIVER, found.round_id)
        return row is not None and row.state is not DutyState.OWED


def troubles(context: Context) -> list[str]:
    """What is owed and does not get on, one line each."""
    rows = context.journal.duties(DutyState.OWED)
    return [f"{row.duty}: {row.last_error}" for row in rows if row.last_error and row.attempts]


def my_tasks(context: Context) -> list[int]:
    """Tasks of this account that are not over, or whose model is not here yet."""
    found = []
    for event in lookup.submissions_of(context.chain, context.address):
        status = context.hub.task(event.task_id).status
        live = status in {TaskStatus.QUEUED, TaskStatus.OPEN}
        if live or (status is TaskStatus.DONE and delivered(context, event.task_id) is None):
            found.append(event.task_id)
    return found


def serve_all(context: Context, say: Callable[[str], None]) -> None:
    """Serves the data of every task that is not over, as far as it lies on this disk."""
    for draft in drafts(context.journal, context.workdir):
        if draft.spec is None:
            continue
        task_id = context.hub.task_id_of(spec_hash(draft.spec))
        if task_id and context.hub.task(task_id).status in {TaskStatus.QUEUED, TaskStatus.OPEN}:
            try:
                serve(context, draft, say)
            except UsageError as error:
                say(f"warning: task {task_id}: {error}")


def still_owed(context: Context, reports: Sequence[Report]) -> list[str]:
    """What remains to be done if the program stops now, one sentence for each task."""
    found = []
    for item in reports:
        if item.over:
            continue
        row = context.journal.agenda.find(REVEAL, item.round_id) if item.round_id else None
        if item.key_shown:
            found.append(f"task {item.task_id}: the test key is shown; the result comes without you")
        elif row is not None:
            left = row.duty.due_at - item.now
            found.append(
                f"task {item.task_id}: the test key must be shown in {max(0, round(left))} to "
                f"{max(0, round(row.duty.deadline - item.now))} s, or the bond is lost: run `dlbc-request watch`"
            )
        else:
            found.append(
                f"task {item.task_id}: it waits for a round, and miners need its data: run `dlbc-request watch`"
            )
    return found
