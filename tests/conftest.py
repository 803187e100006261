"""What holds for every test: no network in unit tests, cheap key derivation, and Brownie on a chain of its own."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

# Read when a keystore is written. Sixteen times cheaper than the default, and not what is tested.
os.environ.setdefault("DLBC_SCRYPT_N", "8192")

UNIT = Path(__file__).parent / "unit"


def pytest_configure(config: pytest.Config) -> None:
    # `brownie test` has done this already; a bare `pytest` has not.
    if config.pluginmanager.has_plugin("pytest-brownie"):
        from scripts.brownie_cli import use_own_chain

        use_own_chain()


class SocketBlocked(AssertionError):
    """A unit test reached for the network: give it a fake, or make it an integration test."""


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests neither connect nor listen nor resolve names, not even on this machine."""
    if UNIT not in request.path.parents:
        return

    def blocked(name: str) -> Any:
        original = getattr(socket.socket, name)

        def refuse(self: socket.socket, *arguments: Any) -> Any:
            # multiprocessing and asyncio talk to themselves through unix sockets
            if self.family == getattr(socket, "AF_UNIX", None):
                return original(self, *arguments)
            raise SocketBlocked(f"socket.{name}{arguments} in a unit test")

        return refuse

    def unresolved(*arguments: Any, **_: Any) -> Any:
        raise SocketBlocked(f"socket.getaddrinfo{arguments} in a unit test")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, blocked(name))
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
