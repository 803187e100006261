"""Blocks: read from the repo's flatfs with their hash checked, or brought by the node with a time limit.

Flatfs keeps each block as blocks/<two characters>/<base32 of its multihash>.data and renames it into place
when it is whole. Source: https://github.com/ipfs/go-ds-flatfs (shard "next-to-last/2").
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from dlbc.errors import ContentInvalid, ContentUnavailable, IPFSError
from dlbc.ipfs.cid import MULTIHASH_PREFIX, digest_to_cid

log = structlog.get_logger(__name__)

MAX_BLOCK_BYTES = 2 << 20  # bitswap carries no larger block
# Threads that may wait for blocks. Callers still waiting need at most half: 32 calls, 16 blocks ahead each.
MAX_WAITING = 1024
RESTART_SECONDS = 10.0


class BlockFolder:
    """The repo's blocks on disk, read only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, digest: bytes) -> Path:
        name = base64.b32encode(MULTIHASH_PREFIX + digest).decode().rstrip("=")
        return self._folder / name[-3:-1] / f"{name}.data"

    def has(self, digest: bytes) -> bool:
        return self.path(digest).is_file()

    def read(self, digest: bytes) -> bytes | None:
        """The block's bytes, hash checked; None when it is not here.

        Raises:
            ContentInvalid: larger than any block may be.
            IPFSError: the file on disk is damaged or cannot be read.
        """
        path = self.path(digest)
        try:
            with path.open("rb") as file:
                block = file.read(MAX_BLOCK_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IPFSError(f"cannot read {path}: {error.strerror or error}") from error
        if len(block) > MAX_BLOCK_BYTES:
            raise ContentInvalid(
                f"block {digest_to_cid(digest)} is larger than {MAX_BLOCK_BYTES} bytes: not a file block"
            )
        if hashlib.sha256(block).digest() != digest:
            raise IPFSError(f"{path} is damaged: its hash is not its name; delete it, and it will be fetched again")
        return block

    def files(self) -> Iterator[Path]:
        return self._folder.glob("??/*.data")

    def size(self) -> tuple[int, int]:
        """(bytes, number) of the blocks."""
        total = count = 0
        for path in self.files():
            try:
                total += path.stat().st_size
            except FileNotFoundError:  # collected meanwhile
                continue
            count += 1
        return total, count


class BlockFetcher:
    """Brings blocks one at a time, each with a deadline, though the library's call has none.

    A call that nobody answers keeps its thread. Callers who want the same block share one call, so what is
    missing costs one thread however often it is asked for. Above `max_waiting`, `restart` frees them all.
    """

    def __init__(
        self,
        folder: BlockFolder,
        fetch: Callable[[bytes], bool],
        restart: Callable[[], None],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Args:
        fetch: `KuboNode.fetch_block`.
        restart: `KuboNode.restart`.
        """
        self._folder = folder
        self._fetch = fetch
        self._restart = restart
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._room_lock = threading.Lock()
        self._calls: dict[bytes, threading.Event] = {}

    def want(self, digest: bytes) -> None:
        """Starts to bring a block, if it is neither here nor on its way."""
        if self._folder.has(digest):
            return
        with self._lock:
            if digest in self._calls:
                return
        self._make_room()
        with self._lock:
            if digest in self._calls:
                return
            self._calls[digest] = threading.Event()
        threading.Thread(target=self._bring, args=(digest,), name="ipfs-block", daemon=True).start()

    def get(self, digest: bytes, deadline: float) -> bytes:
        """The block's bytes, hash checked.

        Args:
            deadline: time.monotonic() at which to give up.

        Raises:
            ContentUnavailable: nobody delivered it in time.
        """
        while True:
            block = self._folder.read(digest)
            if block is not None:
                return block
            self.want(digest)
            with self._lock:
                done = self._calls.get(digest)
            seconds = deadline - time.monotonic()
            if seconds <= 0 or (done is not None and not done.wait(seconds)):
                raise ContentUnavailable(
                    f"block {digest_to_cid(digest)} did not arrive in time: no connected peer delivers it"
                )
            if not self._folder.has(digest):
                time.sleep(0.05)  # cancelled by a restart, or refused: again, until the deadline

    def waiting(self) -> int:
        """How many blocks are on their way or missing."""
        with self._lock:
            return len(self._calls)

    def _make_room(self) -> None:
        with self._room_lock:
            if self.waiting() < self._max_waiting:
                return
            log.warning("too many blocks that nobody delivers: restarting the swarm", waiting=self.waiting())
            with self._lock:
                ended = list(self._calls.values())
            self._restart()
            for call in ended:  # their threads are about to say so; a second restart must not come before
                call.wait(RESTART_SECONDS)

    def _bring(self, digest: bytes) -> None:
        try:
            self._fetch(digest)
        finally:
            with self._lock:
                self._calls.pop(digest).set()
