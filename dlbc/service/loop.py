"""The loop."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from dlbc.chain.client import Head, WrongChain
from dlbc.chain.follower import Follower
from dlbc.chain.provider import ChainUnavailable
from dlbc.errors import ChainError, DLBCError, TransactionRefused
from dlbc.journal import DutyState, Event
from dlbc.service.context import Context
from dlbc.service.duties import DutyRunner
from dlbc.service.outcomes import Action
from dlbc.service.signals import stop_on_signals

MAX_PAUSE = 30.0  # seconds between tries while the chain is away
MAX_FAULTS = 10  # steps in a row that fail for a reason nobody expected

Handler = Callable[[Any, Context], None]  # its first argument is the event class it is registered for
Hook = Callable[[Context], None]


class Service:
    """Follows the chain and does what is due, until told to stop.

    Args:
        handlers: by event class; run inside the transaction that moves the cursor, may run twice for one
            event, must not send transactions: they note facts and owe duties.
        actions: by duty kind.
        every_block: called once for each new head seen, after the handlers.
        long_actions: kinds that run in one worker thread beside the loop.
        on_outage: called with the reason when the chain goes away; the log says it in any case.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        handlers: Mapping[type[Event], Handler],
        actions: Mapping[str, Action],
        *,
        every_block: Sequence[Hook] = (),
        long_actions: Collection[str] = (),
        on_outage: Callable[[str], None] | None = None,
    ) -> None:
        unknown = set(long_actions) - set(actions)
        if unknown:
            raise ValueError(f"long_actions names kinds without an action: {', '.join(sorted(unknown))}")
        chain_id = context.chain.deployment.chain_id
        self._context = context
        self._handlers = handlers
        self._hooks = tuple(every_block)
        self._wake = threading.Event()
        self._runner = DutyRunner(context, actions, long_actions, self._wake.set)
        self._follower = Follower(
            context.chain, context.journal, confirmations=context.settings.confirmations_on(chain_id)
        )
        self._pause = context.settings.poll_seconds_on(chain_id)
        self._stale_seconds = context.settings.stale_seconds
        self._seen: bytes = b""
        self._silent = False
        self._faults = 0
        self._outage: str | None = None
        self._on_outage = on_outage
        context.board.update(program=name)

    def run(self) -> None:
        """Works until the first SIGTERM or SIGINT, then finishes the step and lets the long action save.

        Raises:
            WrongChain: the node serves another chain now.
            KeyboardInterrupt: the second signal.
        """
        context = self._context
        with stop_on_signals(context.stopping):
            pause = self._pause
            while not context.stopping.is_set():
                pause = self._pause if self._try_step() else min(max(pause, 0.5) * 2, MAX_PAUSE)
                self._wait(pause)
            duty = str(self._runner.working_on.duty) if self._runner.working_on else None
            context.log.info("stopping", waiting_for=duty, hint="a second signal stops at once")
            while not self._runner.join(0.5):
                pass
            context.board.update(state="stopped")
            context.board.flush()
        context.log.info("stopped")

    def step(self) -> None:
        """One turn of the loop.

        Raises:
            ChainError: the node is away or contradicts itself; nothing is half done.
        """
        context = self._context
        head = context.chain.head()
        self._watch_arrivals(head)
        while not self._follower.step(head, self._handle):
            if context.stopping.is_set():
                return
            self._show(head)
        # Duties wait until all events are read: a later one may say that an earlier one's work is not wanted. They come
        # before the hooks, which may ask the node a hundred things: a key that is shown late costs a bond.
        self._runner.step()
        context.transactions.pump()
        if head.hash != self._seen:
            for hook in self._hooks:
                self._call_hook(hook)
            self._seen = head.hash
            self._runner.step()  # what the hooks owe
        self._show(head)

    def _try_step(self) -> bool:
        """One step; False if the chain was away. Says once that it is, and once that it is back."""
        context = self._context
        try:
            self.step()
        except WrongChain:
            raise
        except ChainError as error:
            if self._outage is None:
                context.log.warning("chain_away", why=str(error), hint="trying again until it is back")
                if self._on_outage is not None:
                    self._on_outage(str(error))
            self._outage = str(error)
            context.board.update(state="chain away", why=self._outage)
            return False
        except Exception as error:
            self._faults += 1
            if self._faults >= MAX_FAULTS:
                raise
            context.log.exception("step_failed", why=f"{type(error).__name__}: {error}", count=self._faults)
            return False
        if self._outage is not None:
            context.log.info("chain_back")
            self._outage = None
        self._faults = 0
        return True

    def _handle(self, event: Event) -> None:
        """One event, in the cursor's transaction. A handler's defect costs its event, not the program.

        What may be over in a moment (no node, no memory, a full disk) costs nothing: the range is read again.
        """
        handler = self._handlers.get(type(event))
        if handler is None:
            return
        try:
            with self._context.journal.transaction():
                handler(event, self._context)
        except ChainError as error:
            if not isinstance(error, TransactionRefused):
                raise  # the whole range is read again when the node is back
            self._skip(event, error)
        except (sqlite3.OperationalError, OSError, MemoryError):
            raise
        except Exception as error:
            self._skip(event, error)

    def _skip(self, event: Event, error: Exception) -> None:
        where = f"{event.block_number}/{event.log_index}"
        words = str(error) if isinstance(error, DLBCError) else f"{type(error).__name__}: {error}"
        trace = None if isinstance(error, DLBCError) else error
        self._context.log.error("handler_failed", event_name=type(event).__name__, at=where, why=words, exc_info=trace)
        self._context.journal.note_set("skipped events", where, f"{type(event).__name__}: {words}")

    def _call_hook(self, hook: Hook) -> None:
        try:
            hook(self._context)
        except ChainUnavailable:
            raise
        except DLBCError as error:
            self._context.log.warning("hook_failed", hook=hook.__name__, why=str(error))
        except Exception:
            self._context.log.exception("hook_failed", hook=hook.__name__)

    def _watch_arrivals(self, head: Head) -> None:
        """Watches that blocks arrive, not that the node answers."""
        silence = self._context.chain.silence()
        if silence > self._stale_seconds and not self._silent:
            self._silent = True
            switched = self._context.chain.use_next_endpoint()
            self._context.log.warning(
                "no_new_blocks",
                seconds=round(silence),
                block=head.number,
                hint="trying the next endpoint" if switched else "does the node sync, does the chain live?",
            )
        elif silence <= self._stale_seconds and self._silent:
            self._silent = False
            self._context.log.info("blocks_arrive_again", block=head.number)

    def _wait(self, seconds: float) -> None:
        """Sleeps in short pieces: the signal handler must not touch the event that this thread waits for."""
        waited = 0.0
        while waited < seconds and not self._context.stopping.is_set():
            piece = min(0.5, seconds - waited)
            if self._wake.wait(piece):
                self._wake.clear()
                return
            waited += piece

    def _show(self, head: Head) -> None:
        journal, working_on = self._context.journal, self._runner.working_on
        self._context.board.update(
            state="no new blocks" if self._silent else "running",
            why="",
            head={"number": head.number, "timestamp": head.timestamp},
            behind=self._follower.behind(head),
            working_on=str(working_on.duty) if working_on else None,
            duties=[
                {
                    "duty": str(row.duty),
                    "due_at": row.duty.due_at,
                    "deadline": row.duty.deadline,
                    "attempts": row.attempts,
                    "last_error": row.last_error,
                }
                for row in journal.duties(DutyState.OWED)
            ],
            transactions=[
                {"name": stored.name, "what": stored.what, "nonce": stored.nonce, "reason": stored.reason}
                for stored in journal.outbox.pending()
            ],
        )
