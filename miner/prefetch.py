"""Fetches the encrypted test set while the network trains: in the claim phase only a key has to travel."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dlbc.errors import ContentInvalid, InvalidArtifact, IPFSError
from dlbc.manifest import Manifest
from dlbc.materials import fetch_test_ciphertext
from miner import records
from miner.room import Room

if TYPE_CHECKING:
    from dlbc.service import Context

TRY_SECONDS = 20.0
PAUSE_SECONDS = 5.0


class Prefetch:
    """A thread that ends with the block it is entered for; what it does not get, the claim fetches itself."""

    def __init__(self, context: Context, manifest: Manifest, room: Room) -> None:
        self._context, self._manifest, self._room = context, manifest, room
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"prefetch-{room.round_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()  # a fetch in progress may still finish; nobody waits for it

    def _run(self) -> None:
        log, told = self._context.log, False
        while not self._over.is_set():
            try:
                fetch_test_ciphertext(self._context.ipfs, self._manifest, self._room.cache, TRY_SECONDS)
            except (InvalidArtifact, ContentInvalid) as error:
                records.note_state(self._context.journal, self._room.round_id, test_set=str(error))
                log.warning("the encrypted test set is not what the task says", why=str(error))
                return
            except IPFSError as error:
                records.note_state(self._context.journal, self._room.round_id, test_set=str(error))
                if not told:
                    log.warning("the encrypted test set cannot be had yet, trying on", why=str(error))
                told = True
                self._over.wait(PAUSE_SECONDS)
            else:
                if not self._over.is_set():  # else the journal may be closed already
                    records.note_state(self._context.journal, self._room.round_id, test_set="fetched")
                return
