"""Blocks on disk are checked, and a block that nobody delivers costs a time-out and one thread."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from pathlib import Path

import pytest

from dlbc.errors import ContentInvalid, ContentUnavailable, IPFSError
from dlbc.ipfs.blocks import MAX_BLOCK_BYTES, BlockFetcher, BlockFolder
from dlbc.ipfs.pins import PinRecord


def digest_of(block: bytes) -> bytes:
    return hashlib.sha256(block).digest()


def put(folder: BlockFolder, digest: bytes, block: bytes) -> None:
    path = folder.path(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(block)


class Network:
    """Delivers the blocks that it is given; a fetch of others waits until `restart`."""

    def __init__(self, folder: BlockFolder) -> None:
        self.folder = folder
        self.blocks: dict[bytes, bytes] = {}
        self.calls: list[bytes] = []
        self.restarts = 0
        self._over = threading.Event()

    def fetch(self, digest: bytes) -> bool:
        self.calls.append(digest)
        over = self._over
        while digest not in self.blocks:
            if over.wait(0.005):
                return False
        put(self.folder, digest, self.blocks[digest])
        return True

    def restart(self) -> None:
        self.restarts += 1
        self._over.set()
        self._over = threading.Event()


@pytest.fixture
def folder(tmp_path: Path) -> BlockFolder:
    return BlockFolder(tmp_path / "blocks")


@pytest.fixture
def network(folder: BlockFolder) -> Network:
    return Network(folder)


def test_read__hash_is_not_the_name__refused(folder: BlockFolder) -> None:
    put(folder, digest_of(b"right"), b"wrong")

    with pytest.raises(IPFSError, match="damaged"):
        folder.read(digest_of(b"right"))


def test_read__larger_than_any_block__refused(folder: BlockFolder) -> None:
    block = b"\0" * (MAX_BLOCK_BYTES + 1)
    put(folder, digest_of(block), block)

    with pytest.raises(ContentInvalid, match="larger"):
        folder.read(digest_of(block))


def test_read__not_here__none(folder: BlockFolder) -> None:
    assert folder.read(b"\1" * 32) is None
    assert not folder.has(b"\1" * 32)
    assert folder.size() == (0, 0)


def test_path__known_digest__where_flatfs_has_it(folder: BlockFolder, tmp_path: Path) -> None:
    # The empty directory, which every repo begins with.
    digest = digest_of(bytes.fromhex("0a020801"))
    name = base64.b32encode(b"\x12\x20" + digest).decode().rstrip("=")

    assert name.startswith("CIQFTFEEHEDF6KLBT32BFAGLXEZL4UWFNWM4LFTLMXQBCERZ6CMLX3Y")
    assert folder.path(digest) == tmp_path / "blocks" / "X3" / f"{name}.data"


def test_get__nobody_delivers__unavailable_at_the_deadline(folder: BlockFolder, network: Network) -> None:
    fetcher = BlockFetcher(folder, network.fetch, network.restart)
    started = time.monotonic()

    with pytest.raises(ContentUnavailable, match="did not arrive"):
        fetcher.get(b"\1" * 32, started + 0.2)
    assert 0.15 < time.monotonic() - started < 2
    network.restart()


def test_get__missing_block_again_and_again__one_call(folder: BlockFolder, network: Network) -> None:
    fetcher = BlockFetcher(folder, network.fetch, network.restart)
    for _ in range(5):
        with pytest.raises(ContentUnavailable):
            fetcher.get(b"\1" * 32, time.monotonic() + 0.03)

    assert network.calls == [b"\1" * 32]
    assert fetcher.waiting() == 1
    network.restart()


def test_want__too_many_missing__restart_frees_their_threads(folder: BlockFolder, network: Network) -> None:
    fetcher = BlockFetcher(folder, network.fetch, network.restart, max_waiting=8)
    for number in range(20):
        fetcher.want(bytes([number]) * 32)
        assert fetcher.waiting() <= 8

    assert network.restarts == 2
    network.restart()


def wait_for_calls(network: Network, count: int) -> None:
    """Until the network was asked so often."""
    give_up_at = time.monotonic() + 5
    while len(network.calls) < count:
        assert time.monotonic() < give_up_at, "nobody asks"
        time.sleep(0.005)


def test_get__restart_while_it_waits__asks_again_and_gets_it(folder: BlockFolder, network: Network) -> None:
    fetcher = BlockFetcher(folder, network.fetch, network.restart)
    digest = digest_of(b"late")
    got: list[bytes] = []
    waiter = threading.Thread(target=lambda: got.append(fetcher.get(digest, time.monotonic() + 5)))
    waiter.start()
    wait_for_calls(network, 1)
    network.restart()
    wait_for_calls(network, 2)
    network.blocks[digest] = b"late"
    waiter.join(5)

    assert got == [b"late"]


def test_get__delivered_block_lies__refused(folder: BlockFolder, network: Network) -> None:
    fetcher = BlockFetcher(folder, network.fetch, network.restart)
    network.blocks[digest_of(b"right")] = b"wrong"

    with pytest.raises(IPFSError, match="damaged"):
        fetcher.get(digest_of(b"right"), time.monotonic() + 5)


def test_get__already_here__asks_nobody(folder: BlockFolder, network: Network) -> None:
    put(folder, digest_of(b"here"), b"here")

    assert BlockFetcher(folder, network.fetch, network.restart).get(digest_of(b"here"), 0.0) == b"here"
    assert network.calls == []


def test_pin_record__line_cut_by_a_crash__the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "pins"
    record = PinRecord(path)
    record.add("QmA")
    record.add("QmB")
    record.remove("QmA")
    with path.open("a") as file:
        file.write("+QmC")

    assert list(PinRecord(path)) == ["QmB"]
    assert list(PinRecord(path)) == ["QmB"]


def test_pin_record__pinned_twice_and_unpinned_once__gone(tmp_path: Path) -> None:
    record = PinRecord(tmp_path / "pins")
    record.add("QmA")
    record.add("QmA")
    record.remove("QmA")

    assert list(PinRecord(tmp_path / "pins")) == []
