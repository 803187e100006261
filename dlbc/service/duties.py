"""Works off due duties: short ones in the loop, long ones (training, downloads) one at a time beside it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Collection, Mapping

from dlbc.chain.provider import ChainUnavailable
from dlbc.errors import ChainError, ContentInvalid, DLBCError, IPFSError
from dlbc.journal import DutyRow, DutyState
from dlbc.service.context import Context
from dlbc.service.outcomes import Action, Done, Drop, Outcome, Retry, Wait

MAX_BACKOFF = 60.0  # chain seconds
MAX_URGENT_BACKOFF = 5.0  # for a duty that has a deadline, however far: the phase it belongs to may be short
MAX_DEFECTS = 5  # attempts that failed for a reason that waiting does not mend


class DutyRunner:
    """Runs actions, and writes down what became of their duties.

    Args:
        long_actions: kinds that run in the worker thread.
        wake: called when the worker has finished.
    """

    def __init__(
        self,
        context: Context,
        actions: Mapping[str, Action],
        long_actions: Collection[str],
        wake: Callable[[], None],
    ) -> None:
        self._context = context
        self._actions = actions
        self._long = frozenset(long_actions)
        self._wake = wake
        self._agenda = context.journal.agenda
        self._results: queue.SimpleQueue[tuple[DutyRow, Outcome | BaseException]] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self.working_on: DutyRow | None = None
        self._defects: dict[int, int] = {}

    def step(self) -> None:
        """Attempts every duty that is due once, and starts a long one if none runs.

        Raises:
            ChainUnavailable: an action found the node away; its duty was put off first.
        """
        self.collect()
        self._miss_overdue()
        for row in self._agenda.due(self._context.chain.now()):
            if self._context.stopping.is_set():
                return
            if row.duty.kind not in self._actions:
                self._agenda.settle(row, DutyState.FAILED, "this program has no action of that kind")
            elif row.duty.kind not in self._long:
                self._attempt(row)
            elif self.working_on is None:
                self._begin_long(row)

    def collect(self) -> None:
        """Takes the worker's result, if it has one."""
        try:
            row, result = self._results.get_nowait()
        except queue.Empty:
            return
        self.working_on = None
        with contextlib.suppress(ChainUnavailable):  # put off; the loop finds out for itself
            self._settle(row, result)

    def join(self, timeout: float | None = None) -> bool:
        """Waits for the worker to finish; False if it did not in time."""
        if self._worker is None:
            return True
        self._worker.join(timeout)
        if self._worker.is_alive():
            return False
        self.collect()
        return True

    def _attempt(self, row: DutyRow) -> None:
        self._agenda.begin(row)
        self._settle(row, self._run(row))

    def _begin_long(self, row: DutyRow) -> None:
        self._agenda.begin(row)
        self.working_on = row

        def work() -> None:
            result: Outcome | BaseException = RuntimeError("the action's thread ended without a result")
            try:
                result = self._run(row)
            except BaseException as error:  # a library's sys.exit must not leave the duty running for ever
                result = error
            finally:
                self._results.put((row, result))
                self._wake()

        # A daemon: the second signal must not wait for an epoch to end.
        self._worker = threading.Thread(target=work, name=f"duty {row.duty}", daemon=True)
        self._worker.start()

    def _run(self, row: DutyRow) -> Outcome | BaseException:
        try:
            with self._agenda.born_in(row.born_in):  # what follows from a duty is lost with it
                return self._actions[row.duty.kind](row.duty, self._context)
        except Exception as error:  # sorted in _settle
            return error

    def _settle(self, row: DutyRow, result: Outcome | BaseException) -> None:
        now = self._context.chain.now()
        log = self._context.log.bind(duty=str(row.duty), attempt=row.attempts + 1)
        match result:
            case Done():
                self._agenda.settle(row, DutyState.DONE)
                log.debug("duty_done")
            case Drop(why):
                self._agenda.settle(row, DutyState.DROPPED, why)
                log.info("duty_dropped", why=why)
            case Wait(until, why):
                self._agenda.postpone(row, until, why, attempted=False)
            case Retry(after, why):
                self._agenda.postpone(row, now + max(after, 0.0), why)
            case ChainUnavailable():
                self._agenda.postpone(row, now + 1, str(result), attempted=False)
                raise result
            case ChainError() | IPFSError() | OSError() | MemoryError() if not isinstance(result, ContentInvalid):
                # A full disk or memory may be free again in time: given up, a claim or a vote would cost stake.
                words = str(result) if isinstance(result, DLBCError) else f"{type(result).__name__}: {result}"
                delay = backoff(row, now)
                self._agenda.postpone(row, now + delay, words)
                log.warning("duty_retry", why=words, seconds=round(delay, 1))
            case _:
                self._defect(row, result, now)

    def _defect(self, row: DutyRow, result: object, now: float) -> None:
        """A failure that waiting hardly mends: tried a few times, then given up."""
        log = self._context.log.bind(duty=str(row.duty))
        count = self._defects[row.id] = self._defects.get(row.id, 0) + 1
        words = str(result) if isinstance(result, DLBCError) else f"{type(result).__name__}: {result}"
        trace = result if isinstance(result, Exception) and not isinstance(result, DLBCError) else None
        if count < MAX_DEFECTS:
            self._agenda.postpone(row, now + backoff(row, now), words)
            log.error("duty_failed", why=words, attempt=count, of=MAX_DEFECTS, exc_info=trace)
        else:
            self._agenda.settle(row, DutyState.FAILED, words)
            log.error("duty_given_up", why=words, exc_info=trace)

    def _miss_overdue(self) -> None:
        for row in self._agenda.overdue(self._context.chain.now()):
            if self.working_on is not None and self.working_on.id == row.id:
                continue  # the action knows its deadline, and may be saving what it has
            self._agenda.settle(row, DutyState.MISSED, row.last_error)
            # Never attempted: mostly read from blocks that were mined while the program did not run.
            say = self._context.log.warning if row.attempts else self._context.log.info
            say("duty_missed", duty=str(row.duty), why=row.last_error or "came too late")


def backoff(row: DutyRow, now: float) -> float:
    """Seconds to the next attempt: doubling from one, but several tries always fit before the deadline."""
    doubled = min(MAX_BACKOFF, 2.0 ** min(row.attempts, 10))
    if row.duty.deadline:
        doubled = min(doubled, MAX_URGENT_BACKOFF, (row.duty.deadline - now) / 4)
    return max(doubled, 0.5)
