"""`dlbc-ipfs`: an IPFS node without a program around it, to meet at or to try things with."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import structlog
from rich.console import Console

from dlbc.errors import DLBCError, IPFSError, UsageError
from dlbc.ipfs.client import IPFS
from dlbc.ipfs.embedded import EmbeddedNode, peers_from_environment
from dlbc.ipfs.node import LOG_NAME, STATE_NAME, TOKEN_VARIABLE

REPO = click.Path(file_okay=False, path_type=Path)
POLL_SECONDS = 0.5


def _messages(command: Callable[..., None]) -> Callable[..., None]:
    """What a user can cause becomes a sentence on stderr and the error's exit code."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except DLBCError as error:
            Console(stderr=True).print(f"[bold red]error:[/] {_plain(str(error))}", highlight=False, soft_wrap=True)
            sys.exit(error.exit_code)

    return run


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and look at an IPFS node of DLBC's own (libkubo, in a process of its own)."""
    structlog.configure(  # stdout is for what was asked for
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@main.command()
@click.option("--repo", type=REPO, required=True, help="The node's folder, of this node alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="RPC port on 127.0.0.1; 0 takes a free one.")
@click.option("--swarm-port", type=click.IntRange(0, 65535), default=0, help="Port for peers; 0 takes a free one.")
@click.option("--swarm-host", default="127.0.0.1", show_default=True, help="Address to listen on for peers.")
@click.option("--peer", "peers", multiple=True, metavar="MULTIADDR", help="A peer to stay connected to.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready, and nothing else.")
@_messages
def start(*, repo: Path, port: int, swarm_port: int, swarm_host: str, peers: tuple[str, ...], as_json: bool) -> None:
    """Run a node until Ctrl-C or SIGTERM.

    Other programs use it with --ipfs-url and its token in DLBC_IPFS_TOKEN, or meet there with
    DLBC_IPFS_PEERS.
    """
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    node = EmbeddedNode(
        repo,
        port=port,
        swarm_host=swarm_host,
        swarm_port=swarm_port,
        peers=[*peers, *peers_from_environment()],
        token=os.environ.get(TOKEN_VARIABLE),
    )
    node.start()
    try:
        if as_json:
            ready = {
                "rpc": node.rpc,
                "token": node.token,
                "peer_id": node.peer_id,
                "multiaddr": node.multiaddr,
            }
            click.echo(json.dumps(ready | {"repo": str(repo.resolve()), "pid": node.pid}))
        else:
            _show_ready(node, repo)
        while not ended.is_set():
            if node.wait(0.0):
                raise IPFSError(f"the IPFS node died and does not come back; see {repo / LOG_NAME}")
            ended.wait(POLL_SECONDS)
    finally:
        node.stop()
    if not as_json:
        Console(stderr=True).print("stopped")


def _show_ready(node: EmbeddedNode, repo: Path) -> None:
    console = Console()
    console.print("[bold green]IPFS node ready[/]")
    facts = {
        "RPC": node.rpc,
        "token": f"in {repo / STATE_NAME}, for {TOKEN_VARIABLE}",
        "peers reach it at": node.multiaddr,
    }
    _show(console, facts)
    console.print("[dim]Ctrl-C stops it.[/]")


def _show(console: Console, facts: dict[str, Any]) -> None:
    """One fact a line, never cut: addresses are there to be copied."""
    for name, value in facts.items():
        for line in value if isinstance(value, list) and value else ["none" if value == [] else value]:
            console.print(f"[dim]{name:<18}[/]{_plain(str(line))}", soft_wrap=True, highlight=False)


@main.command()
@click.option("--repo", type=REPO, help="Folder of a node that `dlbc-ipfs start` or a program runs.")
@click.option("--ipfs-url", "url", envvar="DLBC_IPFS_URL", help="RPC of any node; its token in DLBC_IPFS_TOKEN.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_messages
def status(repo: Path | None, url: str | None, as_json: bool) -> None:
    """Show what a running node is and holds."""
    ipfs = _client(repo, url)
    facts: dict[str, Any] = {
        "rpc": ipfs.url,
        "version": ipfs.version(),
        "peer_id": ipfs.peer_id(),
        "addresses": ipfs.addresses(),
        "peers": ipfs.peers(),
        "repo_bytes": ipfs.repo_size(),
        "pinned_files": len(ipfs.pins()),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    _show(Console(), {name.replace("_", " "): value for name, value in facts.items()})


@main.command()
@click.option("--repo", type=REPO, help="Folder of a running node.")
@click.option("--ipfs-url", "url", envvar="DLBC_IPFS_URL", help="RPC of any node; its token in DLBC_IPFS_TOKEN.")
@_messages
def gc(repo: Path | None, url: str | None) -> None:
    """Delete blocks that no pinned file needs."""
    ipfs = _client(repo, url)
    before = ipfs.repo_size()
    blocks = ipfs.collect_garbage()
    Console().print(f"deleted {blocks} blocks, {before - ipfs.repo_size():,} bytes")


def _client(repo: Path | None, url: str | None) -> IPFS:
    if (repo is None) == (url is None):
        raise UsageError("name a node: either --repo or --ipfs-url")
    if url is not None:
        return IPFS(url, os.environ.get(TOKEN_VARIABLE))
    assert repo is not None  # noqa: S101 - one of the two
    try:
        state = json.loads((repo / STATE_NAME).read_text())
        return IPFS(str(state["rpc"]), str(state["token"]))
    except FileNotFoundError as error:
        raise IPFSError(f"no node runs on {repo}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IPFSError(f"cannot read {repo / STATE_NAME}: {error}") from error


if __name__ == "__main__":
    main()
