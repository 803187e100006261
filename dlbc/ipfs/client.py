"""What the programs know of IPFS: add a file, fetch a file, is it here, pin, peers.

The node is never believed: what it adds must get the CID that we compute, and what it delivers must hash to
the CID that was asked for. Works with any Kubo daemon by URL and with the embedded node.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog
from ipfshttpclient import exceptions  # type: ignore[import-untyped]

from dlbc.errors import ContentInvalid, ContentUnavailable, IPFSError
from dlbc.ipfs import transport
from dlbc.ipfs.cid import as_digest, digest_to_cid
from dlbc.ipfs.unixfs import CHUNK_BYTES, MAX_LINKS, READ_BYTES, FileHasher

log = structlog.get_logger(__name__)

CALL_SECONDS = 15.0
UPLOAD_BYTES_PER_SECOND = 1_000_000  # the slowest node that `add_file` still waits for

# Said explicitly on every add: operators can change a daemon's defaults, and newer daemons have others.
IMPORT_OPTIONS: dict[str, str] = {
    "cid-version": "0",
    "raw-leaves": "false",
    "chunker": f"size-{CHUNK_BYTES}",
    "max-file-links": str(MAX_LINKS),
    "hash": "sha2-256",
    "trickle": "false",
    "inline": "false",
    "nocopy": "false",
    "wrap-with-directory": "false",
    "progress": "false",
}


@dataclass(frozen=True)
class Added:
    """A file that the node now holds and pins.

    Attributes:
        cid: CIDv0, 46 characters.
        digest: the 32 bytes of it that go on chain.
        size: bytes of the file.
    """

    cid: str
    digest: bytes
    size: int


class IPFS:
    """Client of one node. Thread-safe: every call opens its own connection.

    Each method raises IPFSError when the node is down, hangs, refuses or answers garbage.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout: float = CALL_SECONDS) -> None:
        """Contacts nobody yet.

        Args:
            url: of the node's RPC, as "http://127.0.0.1:5001".
            token: its bearer token, if it wants one.
            timeout: seconds for calls that need no other peer.

        Raises:
            UsageError: `url` is not such a URL.
        """
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._client = transport.connect(url, token, timeout)

    def add_file(self, path: Path, *, timeout: float | None = None) -> Added:
        """Adds and pins a file, and checks the CID that the node gives it.

        Args:
            path: a regular file; it is read once, so what is hashed is what is sent.
            timeout: total seconds; by default a minute and what 1 MB/s needs.

        Raises:
            IPFSError: also when the node gives another CID (it does not honour the import options), or when
                the file cannot be read or grows meanwhile.
        """
        hasher = FileHasher()
        try:
            size = path.stat().st_size
            with path.open("rb") as file, transport.failures(f"add {path}", self.url):
                reply = self._client.add_bytes(
                    _hashed_pieces(file, hasher),
                    opts={**IMPORT_OPTIONS, "pin": "true"},
                    timeout=timeout or 60 + size / UPLOAD_BYTES_PER_SECOND,
                )
        except OSError as error:
            raise IPFSError(f"cannot add {path}: {error.strerror or error}") from error
        digest = hasher.digest()
        cid = digest_to_cid(digest)
        if reply != cid:
            raise IPFSError(
                f"the IPFS node at {self.url} gave {path} the CID {str(reply)[:80]}, expected {cid}: "
                f"it does not honour cid-version=0, raw-leaves=false, chunker=size-{CHUNK_BYTES}, "
                f"{MAX_LINKS} links a block"
            )
        log.debug("ipfs file added", cid=cid, size=hasher.size)
        return Added(cid, digest, hasher.size)

    def fetch_file(self, cid_or_digest: str | bytes, target: Path, *, max_bytes: int, timeout: float) -> int:
        """Fetches a file, checks every byte against the CID, and only then puts it at `target`.

        The size that its root block announces is checked before anything else is fetched. On any failure
        `target` is as before and no partial file stays.

        Args:
            cid_or_digest: CIDv0, or the 32 bytes of it that are on chain.
            target: replaced atomically; its folder must exist.
            max_bytes: the file may have at most so many bytes.
            timeout: total seconds.

        Returns:
            The file's size in bytes.

        Raises:
            ContentUnavailable: it did not arrive in time; it may later.
            ContentInvalid: a directory, larger than `max_bytes`, not a file that `add_file` can have made, or
                not a CIDv0. Final.
            IPFSError: the node's or the disk's failure.
        """
        digest = as_digest(cid_or_digest)
        cid = digest_to_cid(digest)
        end = time.monotonic() + timeout
        size = self._announced_size(cid, timeout)
        if size > max_bytes:
            raise ContentInvalid(f"{cid} announces {size} bytes, at most {max_bytes} are allowed")
        try:
            if shutil.disk_usage(target.parent).free < size:
                raise IPFSError(f"cannot fetch {cid}: {size} bytes do not fit on the disk of {target.parent}")
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    self._receive(digest, size, file, end)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise IPFSError(f"cannot write {target}: {error.strerror or error}") from error
        log.debug("ipfs file fetched", cid=cid, size=size)
        return size

    def has(self, cid_or_digest: str | bytes) -> bool:
        """Whether the node holds *all* blocks of the file in its own repo. Never asks the network.

        Raises:
            ContentInvalid: not a CIDv0.
        """
        cid = digest_to_cid(as_digest(cid_or_digest))
        try:
            with transport.failures(f"look for {cid}", self.url, transport.refused_content):
                stat = self._client.files.stat(
                    f"/ipfs/{cid}",
                    opts={"offline": "true", "with-local": "true", "timeout": _node_seconds(self._timeout)},
                )
                return bool(stat.get("Local", False))  # Kubo leaves false out
        except ContentUnavailable:
            return False

    def pin(self, cid_or_digest: str | bytes, *, timeout: float = 60.0) -> None:
        """Keeps the file through garbage collection; fetches what is missing of it.

        Raises:
            ContentUnavailable: it did not arrive in `timeout` seconds.
            ContentInvalid: not a CIDv0, or not a file.
        """
        cid = digest_to_cid(as_digest(cid_or_digest))
        with transport.failures(f"pin {cid}", self.url, transport.refused_content):
            self._client.pin.add(
                cid,
                opts={"timeout": _node_seconds(timeout), "progress": "false"},
                timeout=timeout,
            )

    def unpin(self, cid_or_digest: str | bytes) -> None:
        """Lets garbage collection take the file. Unpinning what is not pinned is no error."""
        cid = digest_to_cid(as_digest(cid_or_digest))
        with suppress(transport.NotPinned), transport.failures(f"unpin {cid}", self.url, transport.refused_unpin):
            self._client.pin.rm(cid)

    def pins(self) -> list[str]:
        """CIDs of the files that are pinned."""
        with transport.failures("list pins", self.url):
            return sorted(str(cid) for cid in self._client.pin.ls(type="recursive").as_json()["Keys"])

    def peer_id(self) -> str:
        """The node's libp2p peer id."""
        with transport.failures("ask for the peer id", self.url):
            return str(self._client.id()["ID"])

    def addresses(self) -> list[str]:
        """Multiaddrs under which the node is reached, each with /p2p/<peer id>."""
        with transport.failures("ask for addresses", self.url):
            identity = self._client.id().as_json()
            peer, addresses = str(identity["ID"]), identity["Addresses"] or []
            return [a if "/p2p/" in a else f"{a}/p2p/{peer}" for a in addresses]

    def connect(self, multiaddr: str) -> None:
        """Connects to a peer: "/ip4/127.0.0.1/tcp/4001/p2p/12D3…". Doing it twice is no error."""
        with transport.failures(f"connect to {multiaddr}", self.url):
            # Not `swarm.connect`: in 0.8.0a2 that sends each character of the address as one more address.
            self._client._client.request(
                "/swarm/connect",
                (multiaddr,),
                opts={"timeout": _node_seconds(self._timeout)},
                decoder="json",
            )

    def peers(self) -> list[str]:
        """Peer ids that the node is connected to now."""
        with transport.failures("ask for peers", self.url):
            return [str(peer["Peer"]) for peer in self._client.swarm.peers().as_json()["Peers"] or []]

    def repo_size(self) -> int:
        """Bytes that the node's repo takes on its disk."""
        with transport.failures("ask for the repo's size", self.url):
            return int(self._client.repo.stat(opts={"size-only": "true"})["RepoSize"])

    def collect_garbage(self) -> int:
        """Deletes blocks that no pin needs. Returns how many."""
        with transport.failures("collect garbage", self.url):
            return len(self._client.repo.gc(timeout=300.0))

    def version(self) -> str:
        """The node's version, as "0.22.0"."""
        with transport.failures("ask for the version", self.url):
            return str(self._client.version()["Version"])

    def _announced_size(self, cid: str, timeout: float) -> int:
        try:
            with transport.failures(f"fetch {cid}", self.url, transport.refused_content):
                stat = self._client.files.stat(
                    f"/ipfs/{cid}", opts={"timeout": _node_seconds(timeout)}, timeout=timeout
                )
                kind, size = stat["Type"], int(stat["Size"])
        except IPFSError as error:
            raise _timed_out(error, cid, timeout) from error
        if kind != "file":
            raise ContentInvalid(f"{cid} is a {str(kind)[:40]}, not a plain file")
        return size

    def _receive(self, digest: bytes, size: int, file: BinaryIO, end: float) -> None:
        cid = digest_to_cid(digest)
        hasher = FileHasher()
        seconds = max(0.1, end - time.monotonic())
        try:
            with (
                transport.failures(f"fetch {cid}", self.url, transport.refused_content),
                self._client.cat(
                    cid,
                    stream=True,
                    # One byte more than announced, so that longer content shows.
                    opts={"length": str(size + 1), "timeout": _node_seconds(seconds)},
                    timeout=seconds,
                ) as pieces,
            ):
                for piece in pieces:
                    hasher.update(piece)
                    if hasher.size > size:
                        raise ContentInvalid(f"{cid} announces {size} bytes and holds more")
                    file.write(piece)
        except IPFSError as error:
            raise _timed_out(error, cid, seconds) from error
        if hasher.size < size:
            raise ContentUnavailable(f"{cid} ended after {hasher.size} of {size} bytes")
        if hasher.digest() != digest:
            raise ContentInvalid(f"what arrived for {cid} is not it: damaged, or not imported with DLBC's options")


def _hashed_pieces(file: BinaryIO, hasher: FileHasher) -> Iterator[bytes]:
    while piece := file.read(READ_BYTES):
        hasher.update(piece)
        yield piece


def _node_seconds(seconds: float) -> str:
    """What the node is told, so that it gives up a little before us and says why."""
    return f"{max(0.9 * seconds, seconds - 2.0):.3f}s"


def _timed_out(error: IPFSError, cid: str, timeout: float) -> IPFSError:
    """A node that goes on living but does not deliver in time means: the content is not to be had now."""
    if isinstance(error.__cause__, exceptions.TimeoutError):
        return ContentUnavailable(f"{cid} did not arrive in {timeout:g} s")
    return error
