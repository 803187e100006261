# ruff: noqa: S603 - programs of our own
"""Children die with their parent, and Anvil starts or says why not."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dlbc.errors import ChainError, DLBCError, UsageError
from dlbc.processes import anvil_binary, free_port, start_anvil, start_child, stop_child

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_start_child__no_such_program__says_so() -> None:
    with pytest.raises(DLBCError, match="no such program"):
        start_child(["no-such-program-anywhere"])


def test_start_child__parent_killed__child_gone() -> None:
    program = (
        "import sys, time; from dlbc.processes import start_child\n"
        f"print(start_child({SLEEP!r}).pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)

    assert not alive(pid)


def test_start_child__starting_thread_ends__child_lives_on() -> None:
    children: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        children.append(start_child(SLEEP))
        time.sleep(0.4)  # until the child has asked for its death signal

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    time.sleep(0.2)

    assert children[0].poll() is None
    stop_child(children[0])


def test_stop_child__ignores_sigterm__killed_after_the_grace() -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    child = start_child([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()

    assert stop_child(child, grace=0.2) == -signal.SIGKILL
    assert stop_child(child) == -signal.SIGKILL


def test_anvil_binary__override_is_no_program__says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLBC_ANVIL", "/no/such/anvil")

    with pytest.raises(UsageError, match="DLBC_ANVIL"):
        anvil_binary()


def test_start_anvil__port_taken__says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ChainError, match="is taken"):
        start_anvil(taken.getsockname()[1], log_file=tmp_path / "log")


def test_start_anvil__it_dies__error_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match=r"no-such-flag"):
        start_anvil(free_port(), log_file=tmp_path / "log", arguments=["--no-such-flag"])


def test_start_anvil__never_answers__error_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "anvil"
    fake.write_text("#!/bin/sh\necho warming up\nsleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("DLBC_ANVIL", str(fake))

    with pytest.raises(ChainError, match=r"did not answer in 0.5 s: warming up"):
        start_anvil(free_port(), log_file=tmp_path / "log", timeout=0.5)


def test_start_anvil__free_port__answers_and_stops(tmp_path: Path) -> None:
    with start_anvil(free_port(), 1, log_file=tmp_path / "log", chain_id=31_999) as anvil:
        assert anvil.process.poll() is None
        pid = anvil.process.pid

    assert not alive(pid)
