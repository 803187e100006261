"""Whatever a node says or sends: a checked file, or an error of ours and no trace on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import urllib3.exceptions
from ipfshttpclient import exceptions

from dlbc.errors import ContentInvalid, ContentUnavailable, DLBCError, IPFSError, UsageError
from dlbc.ipfs import transport
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.client import IPFS
from dlbc.ipfs.unixfs import CHUNK_BYTES, FileHasher

CONTENT = b"a model" * 50_000


def cid_of(content: bytes) -> str:
    hasher = FileHasher()
    hasher.update(content)
    return digest_to_cid(hasher.digest())


class Stream:
    """What ipfshttpclient gives for a reply that streams."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __enter__(self) -> Iterator[bytes]:
        return self._pieces

    def __exit__(self, *_: object) -> None:
        pass


def node(
    content: bytes = CONTENT,
    *,
    stat: Callable[..., Any] | None = None,
    cat: Callable[..., Any] | None = None,
    add: Callable[..., Any] | None = None,
) -> IPFS:
    """A client whose node answers what the test says; by default it is honest and has `content`."""
    ipfs = IPFS("http://127.0.0.1:1")

    def pieces(cid: str, **_: Any) -> Stream:
        return Stream(content[i : i + 70_000] for i in range(0, len(content), 70_000))

    def add_bytes(data: Iterator[bytes], **_: Any) -> str:
        return cid_of(b"".join(data))

    ipfs._client = SimpleNamespace(
        files=SimpleNamespace(stat=stat or (lambda *_, **__: {"Type": "file", "Size": len(content)})),
        cat=cat or pieces,
        add_bytes=add or add_bytes,
        pin=SimpleNamespace(rm=raising(exceptions.ErrorResponse("not pinned or pinned indirectly", None))),
    )
    return ipfs


def raising(error: Exception) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


def fetch(ipfs: IPFS, target: Path, content: bytes = CONTENT, **options: Any) -> int:
    return ipfs.fetch_file(cid_of(content), target, **{"max_bytes": 1 << 20, "timeout": 5, **options})


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """A file with old content; whatever fails, it stays as it was and is alone in its folder."""
    path = tmp_path / "out" / "model.bin"
    path.parent.mkdir()
    path.write_bytes(b"old")
    yield path
    assert [p.name for p in path.parent.iterdir()] == ["model.bin"]


@pytest.mark.parametrize(
    ("sent", "error", "says"),
    [
        (CONTENT[:-1], ContentUnavailable, "ended after"),
        (b"", ContentUnavailable, "ended after 0"),
        (CONTENT + b"x", ContentInvalid, "holds more"),
        (CONTENT[:-1] + b"x", ContentInvalid, "is not it"),
        (b"\0" * len(CONTENT), ContentInvalid, "is not it"),
    ],
    ids=["cut short", "nothing", "one more", "last differs", "zeros"],
)
def test_fetch_file__wrong_bytes__refused(sent: bytes, error: type[DLBCError], says: str, target: Path) -> None:
    ipfs = node(cat=lambda *_, **__: Stream(iter([sent])))

    with pytest.raises(error, match=says):
        fetch(ipfs, target)
    assert target.read_bytes() == b"old"


def test_fetch_file__endless_stream__stops_at_the_announced_size(target: Path) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"\0" * 100_000

    with pytest.raises(ContentInvalid, match="holds more"):
        fetch(node(cat=lambda *_, **__: Stream(endless())), target)
    assert taken <= len(CONTENT) // 100_000 + 1


def test_fetch_file__announces_more_than_allowed__refused_before_it_is_asked_for(target: Path) -> None:
    ipfs = node(cat=raising(AssertionError("must not be fetched")))

    with pytest.raises(ContentInvalid, match=r"announces 350000 bytes, at most 349999"):
        fetch(ipfs, target, max_bytes=len(CONTENT) - 1)


def test_fetch_file__larger_than_the_disk__refused(target: Path) -> None:
    ipfs = node(stat=lambda *_, **__: {"Type": "file", "Size": 1 << 60})

    with pytest.raises(IPFSError, match="do not fit on the disk"):
        fetch(ipfs, target, max_bytes=1 << 61)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"Type": "directory", "Size": 0}, ContentInvalid),
        ({"Type": "file"}, IPFSError),
        ({"Type": "file", "Size": "many"}, IPFSError),
        ({}, IPFSError),
        (None, IPFSError),
        ([1], IPFSError),
    ],
)
def test_fetch_file__stat_is_garbage_or_a_directory__refused(answer: Any, error: type[DLBCError], target: Path) -> None:
    with pytest.raises(error):
        fetch(node(stat=lambda *_, **__: answer), target)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (exceptions.TimeoutError(TimeoutError()), ContentUnavailable),
        (exceptions.ErrorResponse("context deadline exceeded", None), ContentUnavailable),
        (exceptions.ErrorResponse("block was not found locally (offline)", None), ContentUnavailable),
        (exceptions.ErrorResponse("this dag node is a directory", None), ContentInvalid),
        (exceptions.ErrorResponse("proto: required field missing", None), ContentInvalid),
        (exceptions.ErrorResponse("something else", None), IPFSError),
        # A validator that took these for the content's fault would have honest miners slashed.
        (exceptions.ErrorResponse("the node cannot read or write: No such file or directory", None), IPFSError),
        (exceptions.ErrorResponse("open /r/blocks/X/put-1: no space left on device", None), IPFSError),
        (exceptions.ErrorResponse("cannot read /directory/not found/x.data: Permission denied", None), IPFSError),
        (exceptions.ConnectionError(OSError()), IPFSError),
        (exceptions.ProtocolError(ValueError()), IPFSError),
        (exceptions.DecodingError("json", ValueError("x")), IPFSError),
        (AssertionError("single item"), IPFSError),
    ],
)
def test_fetch_file__every_failure_of_the_library__one_of_ours(
    raised: Exception, error: type[DLBCError], target: Path
) -> None:
    for ipfs in (node(stat=raising(raised)), node(cat=raising(raised))):
        with pytest.raises(IPFSError) as caught:
            fetch(ipfs, target)
        assert type(caught.value) is error


@pytest.mark.parametrize("cid", ["", "Qm", "../../etc/passwd", b"", b"short"])
def test_fetch_file__not_a_cid__refused(cid: str | bytes, target: Path) -> None:
    with pytest.raises(ContentInvalid):
        node().fetch_file(cid, target, max_bytes=1, timeout=1)


def test_fetch_file__no_folder__says_so(tmp_path: Path) -> None:
    with pytest.raises(IPFSError, match="cannot write"):
        fetch(node(), tmp_path / "absent" / "file")


def test_add_file__node_gives_another_cid__refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(CONTENT)
    other = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"

    with pytest.raises(IPFSError, match="does not honour"):
        node(add=lambda *_, **__: other).add_file(path)


@pytest.mark.parametrize("name", ["absent", "."])
def test_add_file__not_a_file__says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(IPFSError, match="cannot add"):
        node().add_file(tmp_path / name)


def test_has__node_is_down__error_not_false() -> None:
    with pytest.raises(IPFSError, match="no IPFS node answers") as caught:
        node(stat=raising(exceptions.ConnectionError(OSError()))).has(cid_of(CONTENT))
    assert not isinstance(caught.value, ContentUnavailable)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"Type": "file", "Size": 1}, False), ({"Local": False}, False), ({"Local": True}, True)],
)
def test_has__only_when_the_node_says_local__true(answer: dict[str, Any], expected: bool) -> None:
    assert node(stat=lambda *_, **__: answer).has(cid_of(CONTENT)) is expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5001",
        "ftp://host",
        "http://",
        "http://host:99999",
        "http://host/?a=1",
        "http://u:p@host",
    ],
)
def test_ipfs__not_a_url__refused(url: str) -> None:
    with pytest.raises(UsageError, match="must look like"):
        IPFS(url)


class Raw:
    """A reply's socket, as urllib3 gives it."""

    def __init__(self, pieces: list[bytes | Exception], pause: float = 0.0) -> None:
        self._pieces = pieces
        self._pause = pause

    def read1(self, amount: int, decode_content: bool) -> bytes:
        time.sleep(self._pause)
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece


def test_body__one_byte_now_and_then__ends_at_the_deadline() -> None:
    raw = Raw([b"x"] * 1000, pause=0.02)
    started = time.monotonic()

    with pytest.raises(exceptions.TimeoutError):
        list(transport._body(raw, transport._Deadline(0.1), None))
    assert time.monotonic() - started < 1


def test_body__json_without_end__stops_at_the_limit() -> None:
    with pytest.raises(exceptions.ProtocolError, match="more than"):
        list(transport._body(Raw([b"[" * 1000] * 100), transport._Deadline(5), 50_000))


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (urllib3.exceptions.IncompleteRead(1, 2), exceptions.ProtocolError),
        (requests.exceptions.ChunkedEncodingError(), exceptions.ProtocolError),
        (ConnectionResetError(), exceptions.ProtocolError),
        (urllib3.exceptions.ReadTimeoutError(None, "", ""), exceptions.TimeoutError),  # type: ignore[arg-type]
        (TimeoutError(), exceptions.TimeoutError),
    ],
)
def test_body__connection_breaks__one_of_the_librarys_errors(raised: Exception, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(transport._body(Raw([b"x", raised]), transport._Deadline(5), None))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES + 1])
def test_fetch_file__honest_node__the_file(size: int, target: Path) -> None:
    content = b"z" * size

    assert fetch(node(content), target, content) == size
    assert target.read_bytes() == content


def test_add_file__honest_node__cid_digest_and_size(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(CONTENT)

    added = node().add_file(path)

    assert (added.cid, added.size) == (cid_of(CONTENT), len(CONTENT))
    assert digest_to_cid(added.digest) == added.cid


def test_unpin__not_pinned__no_error() -> None:
    node().unpin(cid_of(CONTENT))
