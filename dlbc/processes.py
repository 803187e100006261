"""Child processes that never outlive their parent, and Anvil.

A parent that is killed with -9 runs no clean-up, so the kernel is asked to kill the child (Linux; elsewhere
only an orderly end stops it).
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import queue
import shutil
import socket
import subprocess  # nosec B404 - fixed programs, no shell
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog

from dlbc.errors import ChainError, DLBCError, UsageError

log = structlog.get_logger(__name__)

ANVIL_VARIABLE = "DLBC_ANVIL"
LOG_TAIL_BYTES = 2000

# Runs between fork and the program, in a process of its own: the death signal survives exec, but a
# thread-rich parent must not run Python after fork (`preexec_fn`). The parent may die before prctl: hence the
# look at the parent's id.
_DIE_WITH_PARENT = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now. Another process may take it before you do."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def start_child(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Starts a program that dies with this process, and does not see the terminal's Ctrl-C.

    Args:
        command: the program (a path, or a name on PATH) and its arguments.
        env: the whole environment; by default this process's.

    Raises:
        DLBCError: there is no such program.
    """
    program = shutil.which(command[0])
    if program is None:
        raise DLBCError(f"cannot start {command[0]}: no such program")
    wrapped = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), program, *command[1:]]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a list, no shell
            wrapped,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    return _spawner().run(start)


def stop_child(process: subprocess.Popen[bytes], grace: float = 5.0) -> int:
    """SIGTERM, and SIGKILL after `grace` seconds. Returns the exit code, negative for a signal."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    code = process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return code


class _Spawner:
    """One lasting thread that starts all children: the kernel looks at the death of the starting *thread*."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="spawner", daemon=True).start()

    def run(self, job: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._jobs.put((job, answer))
        result = answer.get()
        if isinstance(result, OSError):
            raise DLBCError(f"cannot start a process: {result}") from result
        assert isinstance(result, subprocess.Popen)  # noqa: S101 - narrows the type
        return result

    def _work(self) -> None:
        while True:
            job, answer = self._jobs.get()
            try:
                answer.put(job())
            except OSError as error:
                answer.put(error)


_spawner_lock = threading.Lock()
_spawners: list[_Spawner] = []


def _spawner() -> _Spawner:
    with _spawner_lock:
        if not _spawners or _spawners[-1].pid != os.getpid():  # a fork does not copy threads
            _spawners.append(_Spawner())
        return _spawners[-1]


@dataclass
class Anvil:
    """A running Anvil; a context manager that stops it.

    Attributes:
        url: of its JSON-RPC.
        log: file that it writes to.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> None:
        stop_child(self.process)

    def __enter__(self) -> Anvil:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def anvil_binary() -> Path:
    """The Anvil to start: DLBC_ANVIL, or npm's for this platform, or the one on PATH.

    npm's launcher (`node_modules/.bin/anvil`) is a script whose child survives it, so it is passed over.

    Raises:
        UsageError: none found.
    """
    override = os.environ.get(ANVIL_VARIABLE)
    if override:
        if not os.access(override, os.X_OK):
            raise UsageError(f"{ANVIL_VARIABLE}={override} is not a program")
        return Path(override)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    package = Path("node_modules", "@foundry-rs", f"anvil-{sys.platform}-{machine}", "bin", "anvil")
    for root in (Path(__file__).resolve().parent.parent, Path.cwd()):
        if (root / package).is_file():
            return root / package
    found = shutil.which("anvil")
    if found and Path(found).resolve().suffix not in (".js", ".mjs", ".cjs"):
        return Path(found)
    raise UsageError(f"no Anvil found: run `npm ci`, or name one in {ANVIL_VARIABLE}")


def start_anvil(
    port: int,
    block_time: float | None = None,
    *,
    log_file: Path,
    chain_id: int = 31337,
    accounts: int = 20,
    arguments: Sequence[str] = (),
    timeout: float = 20.0,
) -> Anvil:
    """Starts Anvil on 127.0.0.1 and waits until its JSON-RPC answers.

    Args:
        port: TCP port; it must be free, since programs attach to whatever answers there.
        block_time: seconds between blocks; None mines a block for each transaction, and then its clock stands
            still.
        log_file: its output, overwritten.
        arguments: more of its own flags.
        timeout: seconds that the start may take.

    Raises:
        ChainError: the port is taken, it died (with the end of its log), or it does not answer in time.
        UsageError: there is no Anvil.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ChainError(f"cannot start Anvil: port {port} is taken") from error
    command = [str(anvil_binary()), "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)]
    command += [
        "--accounts",
        str(accounts),
        *(["--block-time", f"{block_time:g}"] if block_time else []),
        *arguments,
    ]
    with log_file.open("wb") as output:
        process = start_child(command, stdout=output, stderr=subprocess.STDOUT)
    anvil = Anvil(process, f"http://127.0.0.1:{port}", log_file)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ChainError(f"Anvil ended with code {process.returncode}: {log_tail(log_file)}")
        if _answers(port, chain_id):
            return anvil
        time.sleep(0.05)
    anvil.stop()
    raise ChainError(f"Anvil did not answer in {timeout:g} s: {log_tail(log_file)}")


def log_tail(path: Path) -> str:
    """The end of a log file, for an error message; "" when there is none."""
    try:
        return path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
    except OSError:
        return ""


def _answers(port: int, chain_id: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []})
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return bool(json.loads(connection.getresponse().read(10_000))["result"] == hex(chain_id))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return False
    finally:
        connection.close()
