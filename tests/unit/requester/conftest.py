"""A small task, and a requester's context without sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from requester_world import ADDRESS, HUB, KEY, TASK, FakeChain, FakeIPFS, World, save

from dlbc.journal import Identity, Journal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    save(folder / "train.npz", 1, 80)
    save(folder / "test.npz", 2, 40)
    (folder / "task.yaml").write_text(TASK)
    return folder


@pytest.fixture
def world(tmp_path: Path) -> World:
    chain, ipfs = FakeChain(), FakeIPFS(tmp_path / "ipfs")
    ipfs.folder.mkdir()
    reports: list[dict[str, Any]] = []
    context = SimpleNamespace(
        chain=chain,
        hub=chain,
        token=chain,
        transactions=chain,
        ipfs=ipfs,
        journal=Journal.in_memory(Identity(5, "0x" + "00" * 32, HUB, ADDRESS)),
        signer=SimpleNamespace(address=ADDRESS, key=KEY),
        account=ADDRESS,
        workdir=tmp_path / "work",
        report=reports.append,
    )
    return World(chain, ipfs, context, reports)


@pytest.fixture
def silent() -> Callable[[str], None]:
    return lambda text: None
