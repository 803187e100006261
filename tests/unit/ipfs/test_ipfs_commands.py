"""The embedded node's own housekeeping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlbc.ipfs.commands import NodeCommands


@pytest.fixture
def commands(tmp_path: Path) -> NodeCommands:
    """A node whose repo holds one block of 90 bytes that nobody pinned, with a limit of 100."""
    folder = tmp_path / "blocks" / "AB"
    folder.mkdir(parents=True)
    (folder / "CIQABA.data").write_bytes(b"x" * 90)

    def restart(between: Callable[[], None] | None) -> None:
        if between is not None:
            between()

    node: Any = SimpleNamespace(fetch_block=lambda _: False, restart=restart, peers=list, connect=lambda _: True)
    return NodeCommands(node, tmp_path, [], 100)


def blocks(folder: Path) -> list[Path]:
    return list(folder.glob("blocks/??/*.data"))


def test_collect_if_full__nearly_full__unpinned_blocks_go(commands: NodeCommands, tmp_path: Path) -> None:
    """A full node fetches nothing more: its validator would miss every vote until somebody restarts it."""
    commands.collect_if_full()
    assert blocks(tmp_path) == []


def test_collect_if_full__content_is_being_fetched__waits(commands: NodeCommands, tmp_path: Path) -> None:
    with commands._no_collection():
        commands.collect_if_full()
    assert len(blocks(tmp_path)) == 1
