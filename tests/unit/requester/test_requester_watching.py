"""What the person who waits is told while nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from threading import Event
from typing import Any

import pytest
from requester_world import World

from requester import watching


def test_run__chain_away__said_on_the_terminal_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log goes to a file: without this a chain that is away looks like a round that does not move."""
    told: list[list[str]] = []

    class Away:
        def __init__(self, *_: Any, on_outage: Callable[[str], None], **__: Any) -> None:
            self.on_outage = on_outage

        def run(self) -> None:
            self.on_outage("http://node: connection refused")

    monkeypatch.setattr(watching, "Service", Away)
    monkeypatch.setattr(watching, "Serving", lambda _: nullcontext())
    world.context.stopping = Event()
    watching.Watch(world.context, [], lambda _, troubles: told.append(troubles)).run()
    assert told == [["the chain is away, trying again until it is back: http://node: connection refused"], []]
