"""Reads the contracts' logs into the journal, and notices when the chain changes its mind.

Truth is what `eth_getLogs` says about closed ranges of blocks that lie behind enough confirmations. The
journal keeps the hash of each range's last block; where the chain has another, everything above the last
common block is forgotten and read again. Handlers run in the transaction that moves the cursor: after a
crash both happened, or neither.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from dlbc.chain.client import Chain, Head, RPCRefused
from dlbc.chain.events import decode
from dlbc.chain.provider import ChainTimeout
from dlbc.errors import ChainError
from dlbc.journal import Cursor, Event, Journal

MAX_RANGE = 2000  # blocks in one request; most providers allow this many

log = structlog.get_logger("dlbc.follower")


class Follower:
    """Moves the journal's cursor along the chain.

    Args:
        confirmations: a block is read when this many lie above it; 0 reads the head.
        first_block: nothing before it is of interest.
    """

    def __init__(
        self,
        chain: Chain,
        journal: Journal,
        *,
        confirmations: int = 0,
        first_block: int | None = None,
        max_range: int = MAX_RANGE,
    ) -> None:
        self._chain = chain
        self._journal = journal
        self._confirmations = confirmations
        self._first = chain.deployment.block if first_block is None else first_block
        self._addresses = (chain.deployment.hub, chain.deployment.committee)
        self._max_range = max_range
        self._range = max_range

    def behind(self, head: Head) -> int:
        """How many confirmed blocks are still to be read."""
        cursor = self._journal.history.cursor()
        start = self._first - 1 if cursor is None else cursor.number
        return max(0, head.number - self._confirmations - start)

    def step(self, head: Head, handle: Callable[[Event], None]) -> bool:
        """Reads one range of blocks and hands its events over, in order, inside the journal's transaction.

        Args:
            head: the newest block, just read.
            handle: called for each event, again for those read again; what it raises undoes the whole step.

        Returns:
            True when nothing confirmed is left to read.

        Raises:
            ChainError: the node does not answer, or changed its chain while being asked: try again.
        """
        cursor = self._walk_back(head)
        first = self._first if cursor is None else cursor.number + 1
        newest = head.number - self._confirmations
        if first > newest:
            return True
        end, events = self._read(first, newest, head)
        with self._journal.transaction():
            for event in events:
                self._journal.history.add(event)
                with self._journal.agenda.born_in(event.block_number):
                    handle(event)
            self._journal.history.advance(end)
        return end.number >= newest

    def _walk_back(self, head: Head) -> Cursor | None:
        """The newest block read that is still on the chain; forgets what was read above it."""
        lost: Cursor | None = None
        kept: Cursor | None = None
        for block in self._journal.history.recent():
            # A node that lags has no block there yet: no reason to forget it.
            if block.number > head.number:
                continue
            if self._hash_at(block.number, head) == block.hash:
                kept = block
                break
            lost = block
        if lost is None:
            return self._journal.history.cursor()
        fork = self._first - 1 if kept is None else kept.number
        with self._journal.transaction():
            events = self._journal.history.rewind(fork)
            duties = self._journal.agenda.orphan(fork)
        log.warning("reorganisation", common_block=fork, events_forgotten=events, duties_resting=duties)
        return kept

    def _read(self, first: int, newest: int, head: Head) -> tuple[Cursor, list[Event]]:
        """Blocks `first` up to at most `newest`: the last block read, and the events."""
        while True:
            last = min(newest, first + self._range - 1)
            end = self._hash_at(last, head)
            if end is None:
                raise ChainError(f"the node had block {head.number}, but now has no block {last}")
            try:
                logs = self._chain.logs(first, last, self._addresses)
            except (RPCRefused, ChainTimeout):
                # Providers limit blocks, results or time, each in words of its own: ask for less.
                if last == first:
                    raise
                self._range = (last - first + 1) // 2
                continue
            if self._chain.block_hash(last) != end:
                raise ChainError(f"the chain changed below block {last} while its logs were read")
            self._range = min(self._max_range, self._range * 2)
            return Cursor(last, end), [event for event in map(decode, logs) if event is not None]

    def _hash_at(self, number: int, head: Head) -> bytes | None:
        """The canonical hash at a height; the two newest are known from the head."""
        if number == head.number:
            return head.hash
        if number == head.number - 1:
            return head.parent
        return self._chain.block_hash(number)
