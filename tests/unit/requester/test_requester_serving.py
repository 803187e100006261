"""Serving goes on beside the loop: neither an upload nor a broken node keeps the test key from being shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from requester_world import FakeIPFS, World

from dlbc.config import Settings
from dlbc.errors import IPFSError
from dlbc.ipfs.client import Added
from dlbc.task import load_task_file
from requester.commands import watch
from requester.draft import Draft, keep_spec, load_draft, open_draft
from requester.pack import MANIFEST, pack, prepare
from requester.quote import make_spec
from requester.serving import Serving


@pytest.fixture
def draft(world: World, folder: Path) -> Draft:
    """A task on the chain whose files lie on this disk and nowhere else."""
    world.context.log = SimpleNamespace(warning=lambda *_, **__: None)
    prepared = prepare(load_task_file(folder / "task.yaml"))
    found = open_draft(world.context.journal, world.context.workdir, prepared.task)
    files = pack(prepared, found.folder, b"k" * 32, b"c" * 32)
    spec = make_spec(prepared, world.context.account, found.nonce, manifest=files.digest)
    keep_spec(world.context.journal, found, spec)
    world.chain.tasks.append(spec)
    return load_draft(world.context.journal, world.context.workdir, found.id)


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_serving__node_fails_at_first__says_so_and_serves_later(world: World, draft: Draft) -> None:
    world.ipfs.fails_after = 1
    with Serving(world.context, pause=0.02) as serving:
        wait_for(serving.troubles)
        assert "the IPFS node is down" in serving.troubles()[0]
        world.ipfs.fails_after = 1000
        wait_for(lambda: len(world.ipfs.files) == 3)
        wait_for(lambda: not serving.troubles())


def test_serving__one_task_is_damaged__the_others_are_served(world: World, draft: Draft, folder: Path) -> None:
    second = prepare(load_task_file(folder / "task.yaml"))
    other = open_draft(world.context.journal, world.context.workdir, second.task, another=True)
    spec = make_spec(second, world.context.account, other.nonce)
    keep_spec(world.context.journal, other, spec)
    world.chain.tasks.append(spec)
    other.folder.mkdir(parents=True)
    (other.folder / MANIFEST).write_text("torn")
    with Serving(world.context, pause=0.02) as serving:
        wait_for(lambda: len(world.ipfs.files) == 3)
        wait_for(serving.troubles)
        assert len(serving.troubles()) == 1


def test_serving__upload_takes_for_ever__does_not_hold_up_who_entered(
    world: World, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop that shows the key begins at once, and ends without waiting."""
    uploading, end = threading.Event(), threading.Event()

    def slow(_self: FakeIPFS, path: Path) -> Added:
        uploading.set()
        end.wait(20)
        raise IPFSError("stopped")

    monkeypatch.setattr(FakeIPFS, "add_file", slow)
    try:
        with Serving(world.context):
            assert uploading.wait(20)
        assert not end.is_set()
    finally:
        end.set()


def test_opened__ipfs_does_not_start__the_rest_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bond depends on a transaction, not on a node for files."""

    @contextmanager
    def open_context(_settings: Settings, program: str, with_ipfs: bool = True) -> Iterator[str]:
        if with_ipfs:
            raise IPFSError("another process runs a node there")
        yield program

    monkeypatch.setattr(watch, "open_context", open_context)
    with watch.opened(Settings()) as context:
        assert context == "requester"
    assert "another process runs a node there" in capsys.readouterr().err
