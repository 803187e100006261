# ruff: noqa: S603 - programs of our own
"""Real nodes on loopback: files cross, and neither hostile content nor a broken node hangs or fills us."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dlbc.errors import ContentInvalid, ContentUnavailable, IPFSError
from dlbc.ipfs.blocks import BlockFolder
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.client import IPFS
from dlbc.ipfs.dagpb import FileBlock, Link, encode_file_block
from dlbc.ipfs.embedded import EmbeddedNode, embedded_node, open_ipfs
from dlbc.ipfs.unixfs import CHUNK_BYTES, MAX_LINKS, cid_of_file

MISSING = hashlib.sha256(b"nobody has this").digest()
DIRECTORY = bytes.fromhex("0a020801")


@dataclass
class Running:
    """A node, its client and its repo."""

    process: EmbeddedNode
    ipfs: IPFS
    repo: Path

    def plant(self, block: bytes) -> bytes:
        """Puts a block into the repo as a stranger's own software might; returns its digest."""
        digest = hashlib.sha256(block).digest()
        path = BlockFolder(self.repo / "blocks").path(digest)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(block)
        return digest

    def plant_node(self, children: list[bytes], sizes: list[int], size: int | None = None) -> bytes:
        links = tuple(Link(child, 1) for child in children)
        return self.plant(encode_file_block(FileBlock(b"", links, sum(sizes) if size is None else size, tuple(sizes))))

    def plant_bomb(self, levels: int) -> bytes:
        """A few small blocks that are a file of 256 KiB times 174^levels zeros."""
        digest = self.plant(encode_file_block(FileBlock(b"\0" * CHUNK_BYTES, (), CHUNK_BYTES, ())))
        size = CHUNK_BYTES
        for _ in range(levels):
            digest, size = self.plant_node([digest] * MAX_LINKS, [size] * MAX_LINKS), size * MAX_LINKS
        return digest


def start(repo: Path, *peers: str) -> Running:
    process = EmbeddedNode(repo, peers=peers)
    process.start()
    return Running(process, process.client(), repo)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("ipfs") / "hub")
    yield running
    running.process.stop()


@pytest.fixture(scope="module")
def leaf(hub: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("ipfs") / "leaf", hub.process.multiaddr)
    yield running
    running.process.stop()


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Running]:
    running = start(tmp_path / "lone")
    yield running
    running.process.stop()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """A file yet to come. Whatever happens, nothing else is left beside it."""
    path = tmp_path / "out" / "file"
    path.parent.mkdir()
    yield path
    assert {p.name for p in path.parent.iterdir()} <= {"file"}


def write(path: Path, size: int) -> Path:
    path.write_bytes(os.urandom(size))
    return path


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n")
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.1)


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    for _ in range(4000):
        connection.sendall(b"[" * 65_536)


ANSWERS: dict[str, Callable[[socket.socket], None]] = {
    "hangs": lambda _: time.sleep(4),
    "hangs up": lambda _: None,
    "drips": drip,
    "floods": flood,
    "speaks no HTTP": lambda c: c.sendall(b"220 smtp ready\r\n"),
    "sends no JSON": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html"),
    "sends other JSON": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
    "sends two": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}{}"),
    "redirects": lambda c: c.sendall(b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"),
    "fails": lambda c: c.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops"),
}


@pytest.fixture
def impostor() -> Iterator[Callable[[str], str]]:
    """Serves one of ANSWERS, whatever is asked, and gives its URL."""
    listeners: list[socket.socket] = []

    def serve(answer: str) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def work() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=reply, args=(connection,), daemon=True).start()

        def reply(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(65_536)
                    ANSWERS[answer](connection)
                except OSError:
                    pass

        threading.Thread(target=work, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize("answer", ANSWERS)
def test_ipfs__node_that_is_none__error_in_time(
    answer: str, impostor: Callable[[str], str], target: Path, tmp_path: Path
) -> None:
    ipfs = IPFS(impostor(answer), timeout=0.7)
    started = time.monotonic()
    for call in (
        ipfs.version,
        lambda: ipfs.has(MISSING),
        lambda: ipfs.fetch_file(MISSING, target, max_bytes=10, timeout=0.7),
        lambda: ipfs.add_file(write(tmp_path / "small", 10), timeout=0.7),
    ):
        with pytest.raises(IPFSError):
            call()

    assert time.monotonic() - started < 5
    assert not target.exists()


def test_ipfs__node_redirects__nobody_else_gets_the_token(
    impostor: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        location = f"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:{elsewhere.getsockname()[1]}/\r\n"
        answer = f"{location}Content-Length: 0\r\n\r\n".encode()
        monkeypatch.setitem(ANSWERS, "redirects", lambda c: c.sendall(answer))

        with pytest.raises(IPFSError):
            IPFS(impostor("redirects"), "secret", timeout=1).version()
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_ipfs__proxy_in_the_environment__loopback_stays_here(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    assert hub.ipfs.version() == "0.22.0"


def test_ipfs__nobody_listens__says_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(IPFSError, match="no IPFS node answers"):
            IPFS(f"http://127.0.0.1:{free.getsockname()[1]}").version()


def test_fetch_file__nobody_has_it__unavailable_in_time_and_add_still_works(
    leaf: Running, target: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    for number in range(8):
        with pytest.raises(ContentUnavailable):
            leaf.ipfs.fetch_file(hashlib.sha256(b"%d" % number).digest(), target, max_bytes=10, timeout=0.3)

    assert time.monotonic() - started < 5
    assert leaf.ipfs.has(leaf.ipfs.add_file(write(tmp_path / "file", 1000)).cid)


def test_fetch_file__directory__refused(hub: Running, leaf: Running, target: Path) -> None:
    with pytest.raises(ContentInvalid, match="directory"):
        leaf.ipfs.fetch_file(hub.plant(b"\x0a\x04\x08\x01\x18\x00"), target, max_bytes=1000, timeout=5)
    with pytest.raises(ContentInvalid, match="directory"):  # the empty one is in every repo
        leaf.ipfs.fetch_file(hashlib.sha256(DIRECTORY).digest(), target, max_bytes=1000, timeout=5)


def test_fetch_file__bomb_of_petabytes__refused_with_one_block_fetched(
    hub: Running, leaf: Running, target: Path
) -> None:
    bomb = hub.plant_bomb(5)
    before = leaf.ipfs.repo_size()

    with pytest.raises(ContentInvalid, match="at most 1000000"):
        leaf.ipfs.fetch_file(bomb, target, max_bytes=1_000_000, timeout=5)
    assert leaf.ipfs.repo_size() - before < 20_000


def test_fetch_file__bomb_with_a_small_announcement__refused(hub: Running, leaf: Running, target: Path) -> None:
    bomb = hub.plant_bomb(4)
    before = leaf.ipfs.repo_size()
    for root in (
        hub.plant_node([bomb] * 2, [CHUNK_BYTES, 5]),
        hub.plant_node([bomb] * 4, [0, 0, 0, 9]),
        hub.plant_node([bomb], [10**9], 1000),
    ):
        with pytest.raises(ContentInvalid):
            leaf.ipfs.fetch_file(root, target, max_bytes=1_000_000, timeout=5)
        with pytest.raises(ContentInvalid):
            leaf.ipfs.pin(root, timeout=5)
    assert leaf.ipfs.repo_size() - before < 400_000


def test_pin__larger_than_the_repo_may_grow__refused(hub: Running, leaf: Running) -> None:
    with pytest.raises(IPFSError, match="would pass its limit"):
        leaf.ipfs.pin(hub.plant_bomb(3), timeout=5)


def test_fetch_file__a_leaf_is_missing__unavailable_and_not_had(hub: Running, leaf: Running, target: Path) -> None:
    there = hub.plant(encode_file_block(FileBlock(b"\1" * CHUNK_BYTES, (), CHUNK_BYTES, ())))
    root = hub.plant_node([there, MISSING], [CHUNK_BYTES, 7])

    with pytest.raises(ContentUnavailable):
        leaf.ipfs.fetch_file(root, target, max_bytes=1 << 20, timeout=1)
    assert not leaf.ipfs.has(root)


def test_fetch_file__own_node_killed_meanwhile__error_and_it_comes_back(
    lone: Running, target: Path, tmp_path: Path
) -> None:
    kept = lone.ipfs.add_file(write(tmp_path / "kept", 100_000))
    pid = lone.process.pid
    assert pid is not None
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    started = time.monotonic()

    with pytest.raises(IPFSError) as caught:
        lone.ipfs.fetch_file(MISSING, target, max_bytes=10, timeout=20)
    assert not isinstance(caught.value, ContentUnavailable)
    assert time.monotonic() - started < 5
    assert eventually(lambda: lone.process.pid not in (None, pid))
    assert eventually(lambda: answers(lone.ipfs))
    assert lone.ipfs.pins() == [kept.cid]
    assert lone.ipfs.fetch_file(kept.cid, target, max_bytes=100_000, timeout=5) == 100_000


def answers(ipfs: IPFS) -> bool:
    try:
        return bool(ipfs.version())
    except IPFSError:
        return False


def test_embedded_node__repo_in_use__refused_and_the_first_goes_on(hub: Running) -> None:
    with pytest.raises(IPFSError, match="another process runs a node"), embedded_node(hub.repo, peers=[]):
        pass
    assert hub.ipfs.peer_id() == hub.process.peer_id


def test_embedded_node__repo_is_a_file__says_so(tmp_path: Path) -> None:
    with pytest.raises(IPFSError, match="cannot use"), embedded_node(write(tmp_path / "file", 1), peers=[]):
        pass


def test_embedded_node__parent_killed__no_process_left(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from dlbc.ipfs.embedded import EmbeddedNode\n"
        "node = EmbeddedNode(Path(sys.argv[1])); node.start(); print(node.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "repo")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = next(int(line) for line in parent.stdout if line.strip().isdigit())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert eventually(lambda: not alive(pid))


def rpc(hub: Running, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(hub.process.rpc.removeprefix("http://"), timeout=5)
    try:
        names = {"Authorization": f"Bearer {hub.process.token}", **headers}
        connection.request("POST", f"/api/v0/{path}", headers={k: v for k, v in names.items() if v})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer \xe9"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Referer": "http://evil.example/"},
        {"Host": "evil.example:80"},
    ],
)
def test_rpc__web_page_or_no_token__refused(headers: dict[str, str], hub: Running) -> None:
    assert rpc(hub, "id", **headers) == 403
    assert rpc(hub, "id") == 200


@pytest.mark.parametrize(
    "path",
    [
        "shutdown",
        "add?raw-leaves=true",
        "add?chunker=size-1024",
        "add?cid-version=1",
        "add?max-file-links=1024",
        "cat?arg=../../config",
        "cat?arg=QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH&length=x",
        "pin/rm?arg=x",
    ],
)
def test_rpc__what_it_cannot_honour__refused(path: str, hub: Running) -> None:
    assert rpc(hub, path) in (404, 500)


@pytest.mark.parametrize("size", [0, 1, 262_145, 5_000_000])
def test_fetch_file__added_elsewhere__crosses_and_is_had_only_then(
    size: int, hub: Running, leaf: Running, target: Path, tmp_path: Path
) -> None:
    added = hub.ipfs.add_file(write(tmp_path / "file", size))
    had = leaf.ipfs.has(added.cid)

    assert leaf.ipfs.fetch_file(added.digest, target, max_bytes=size, timeout=10) == size
    assert target.read_bytes() == (tmp_path / "file").read_bytes()
    assert added.cid == digest_to_cid(added.digest) == cid_of_file(target)
    assert not had
    assert leaf.ipfs.has(added.cid)


def test_fetch_file__more_than_one_block_of_links__crosses(hub: Running, leaf: Running, target: Path) -> None:
    digest = hub.plant_node(
        [hub.plant_bomb(1), hub.plant_node([hub.plant_bomb(0)], [CHUNK_BYTES])],
        [CHUNK_BYTES * MAX_LINKS, CHUNK_BYTES],
    )

    # The planted links name no true cumulative sizes, so it is a file, but not the one that an import makes.
    with pytest.raises(ContentInvalid, match="is not it"):
        leaf.ipfs.fetch_file(digest, target, max_bytes=1 << 30, timeout=20)
    target.write_bytes(b"\0" * CHUNK_BYTES * (MAX_LINKS + 1))
    added = hub.ipfs.add_file(target)
    assert leaf.ipfs.fetch_file(added.cid, target, max_bytes=added.size, timeout=20) == added.size


def test_connect__leaf_to_leaf_through_the_hub__fetches_what_the_hub_fetched(
    hub: Running, lone: Running, leaf: Running, target: Path, tmp_path: Path
) -> None:
    with pytest.raises(IPFSError, match=r"does not answer"):
        lone.ipfs.connect("/ip4/127.0.0.1/tcp/9/p2p/QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH")
    lone.ipfs.connect(hub.ipfs.addresses()[0])
    added = lone.ipfs.add_file(write(tmp_path / "file", 1 << 20))

    assert leaf.ipfs.fetch_file(added.cid, target, max_bytes=1 << 20, timeout=10) == 1 << 20
    assert leaf.process.peer_id in hub.ipfs.peers()


def test_collect_garbage__pinned_and_not__keeps_the_pinned_and_can_fetch_again(
    hub: Running, lone: Running, target: Path, tmp_path: Path
) -> None:
    lone.ipfs.connect(hub.process.multiaddr)
    pinned = hub.ipfs.add_file(write(tmp_path / "one", 600_000))
    other = hub.ipfs.add_file(write(tmp_path / "two", 600_000))
    lone.ipfs.pin(pinned.cid, timeout=5)
    lone.ipfs.fetch_file(other.cid, target, max_bytes=600_000, timeout=5)

    assert lone.ipfs.collect_garbage() >= 4
    assert lone.ipfs.has(pinned.cid)
    assert not lone.ipfs.has(other.cid)
    assert lone.ipfs.fetch_file(other.cid, target, max_bytes=600_000, timeout=10) == 600_000
    lone.ipfs.unpin(pinned.cid)
    lone.ipfs.collect_garbage()
    assert not lone.ipfs.has(pinned.cid)


def test_open_ipfs__url_and_token__that_node(hub: Running) -> None:
    with open_ipfs(hub.process.rpc, hub.repo, token=hub.process.token) as ipfs:
        assert ipfs.peer_id() == hub.process.peer_id


def test_dlbc_ipfs__start_status_and_sigterm__clean_end(tmp_path: Path, hub: Running) -> None:
    repo = tmp_path / "repo"
    command = [sys.executable, "-m", "dlbc.commands.ipfs"]
    peer = ["--peer", hub.process.multiaddr]
    program = subprocess.Popen(
        [*command, "start", "--repo", str(repo), "--json", *peer], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    ready = json.loads(program.stdout.readline())
    status = subprocess.run(
        [*command, "status", "--repo", str(repo), "--json"], capture_output=True, text=True, check=True
    )
    program.terminate()
    rest = program.stdout.read()
    after = subprocess.run([*command, "status", "--repo", str(repo)], capture_output=True, text=True, check=False)

    assert json.loads(status.stdout)["peer_id"] == ready["peer_id"]
    assert hub.process.peer_id in json.loads(status.stdout)["peers"]
    assert program.wait(10) == 0
    assert rest == ""
    assert not alive(ready["pid"])
    assert after.returncode == IPFSError.exit_code
    assert "no node runs" in after.stderr
    assert "Traceback" not in after.stderr
