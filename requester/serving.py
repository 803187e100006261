"""Serves the data of open tasks beside the loop: an upload of an hour must not hold up the showing of a key."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dlbc.errors import DLBCError
from dlbc.types import TaskStatus
from dlbc.wire.typed_data import spec_hash
from requester.draft import Draft, drafts
from requester.submission import serve

if TYPE_CHECKING:
    from dlbc.service import Context

PAUSE_SECONDS = 10.0
OPEN = frozenset({TaskStatus.QUEUED, TaskStatus.OPEN})


class Serving:
    """A thread that puts every open task's files into IPFS, as far as they lie on this disk, and tries on."""

    def __init__(self, context: Context, pause: float = PAUSE_SECONDS) -> None:
        self._context = context
        self._pause = pause
        self._over = threading.Event()
        self._troubles: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="serving", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()  # an upload in progress may still finish; nobody waits for it

    def troubles(self) -> list[str]:
        """What cannot be served for now, one line each."""
        return list(self._troubles.values())

    def _run(self) -> None:
        served: set[str] = set()
        while not self._over.is_set():
            try:
                waiting = [draft for draft in self._open() if draft.id not in served]
                served.update(draft.id for draft in waiting if self._serve(draft))
                if served.issuperset(draft.id for draft in waiting):
                    self._troubles.clear()  # also those of tasks that are over
                    return
            except Exception as error:  # the chain is away; or the program ends, and its journal is closed
                if not self._over.is_set():
                    self._context.log.warning("serving_waits", why=str(error))
            self._over.wait(self._pause)

    def _open(self) -> list[Draft]:
        hub, found = self._context.hub, []
        for draft in drafts(self._context.journal, self._context.workdir):
            task_id = hub.task_id_of(spec_hash(draft.spec)) if draft.spec is not None else 0
            if task_id and hub.task(task_id).status in OPEN:
                found.append(draft)
        return found

    def _serve(self, draft: Draft) -> bool:
        try:
            serve(self._context, draft)
        except (DLBCError, OSError) as error:
            self._troubles[draft.id] = f"the data cannot be served: {error}"
            return False
        self._troubles.pop(draft.id, None)
        return True
