"""The loop after submission: serves the data, shows the key, moves the round on, fetches the model, and tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from dlbc.errors import ChainError
from dlbc.journal import DutyState
from dlbc.keeper import Keeper
from dlbc.service import Context, Service
from dlbc.types import TaskStatus
from requester import lookup
from requester.duties import ACTIONS, DELIVER, HANDLERS, LONG, delivered
from requester.serving import Serving
from requester.status import Report, report


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
    _serving: Serving | None = None

    def run(self) -> list[Report]:
        """Works until every watched task is over and its model is here, or until a signal.

        Raises:
            ChainError: the node serves another chain now.
        """
        keeper = Keeper()
        hooks = (keeper.keep, self._look)
        service = Service(
            "requester",
            self.context,
            HANDLERS,
            ACTIONS,
            every_block=hooks,
            long_actions=LONG,
            on_outage=self.tell_outage,
        )
        with Serving(self.context) as self._serving:
            service.run()
        with suppress(ChainError):
            self._look(self.context)
        return [self.reports[i] for i in self.task_ids if i in self.reports]

    def tell_outage(self, why: str) -> None:
        """Says where he who waits looks that nothing moves; the next block's news take its place."""
        words = f"the chain is away, trying again until it is back: {why}"
        self.on_change(list(self.reports.values()), [words])

    def _look(self, context: Context) -> None:
        for task_id in self.task_ids:
            known = self.reports.get(task_id)
            if known is None or not known.over:
                spec = None if known is None else known.spec
                self.reports[task_id] = report(context.chain, context.hub, task_id, spec)
        unserved = [] if self._serving is None else self._serving.troubles()
        self.on_change(list(self.reports.values()), troubles(context) + unserved)
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
    for event in lookup.submissions_of(context.chain, context.account):
        status = context.hub.task(event.task_id).status
        live = status in {TaskStatus.QUEUED, TaskStatus.OPEN}
        if live or (status is TaskStatus.DONE and delivered(context, event.task_id) is None):
            found.append(event.task_id)
    return found


def still_owed(reports: Sequence[Report]) -> list[str]:
    """What remains to be done if the program stops now, one sentence for each task."""
    found = []
    for item in reports:
        if item.over:
            continue
        if item.key_shown:
            found.append(f"task {item.task_id}: the test key is shown; the result comes without you")
        elif item.round is not None:
            first, last = (max(0, round(at - item.now)) for at in (item.round.key_from, item.round.key_until))
            found.append(
                f"task {item.task_id}: the test key must be shown in {first} to {last} s, or the bond is lost: "
                "run `dlbc-request watch`"
            )
        else:
            found.append(
                f"task {item.task_id}: it waits for a round, and miners need its data: run `dlbc-request watch`"
            )
    return found
