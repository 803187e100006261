"""An upload is one whole file, however it is cut into pieces; anything else is refused."""

from __future__ import annotations

import email.message
import io
from collections.abc import Iterator

import pytest

from dlbc.ipfs.multipart import BadUpload, only_file, request_body

KIND = 'multipart/form-data; boundary="mark"'
HEAD = b'--mark\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
TAIL = b"\r\n--mark--\r\n"


def pieces(body: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    return (body[i : i + size] for i in range(0, len(body), size))


def headers(**values: str) -> email.message.Message:
    message = email.message.Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--mark\r\n",
        HEAD + b"cut off",
        HEAD + b"cut off\r\n--mar",
        HEAD + b"one\r\n" + HEAD + b"two" + TAIL,
        b"--other" + HEAD[6:] + b"x\r\n--other--\r\n",
        b"x" * 40_000,
    ],
)
def test_only_file__not_one_whole_file__refused(body: bytes, size: int) -> None:
    with pytest.raises(BadUpload):
        b"".join(only_file(KIND, pieces(body, size)))


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="])
def test_only_file__no_boundary__refused(kind: str) -> None:
    with pytest.raises(BadUpload, match="boundary"):
        list(only_file(kind, pieces(HEAD + b"x" + TAIL)))


@pytest.mark.parametrize(
    ("sent", "stream"),
    [
        ({"Transfer_Encoding": "chunked"}, b""),
        ({"Transfer_Encoding": "chunked"}, b"5\r\nab"),
        ({"Transfer_Encoding": "chunked"}, b"5\r\nabcde\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"zz\r\nab\r\n0\r\n\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"-5\r\nab\r\n0\r\n\r\n"),
        ({"Content_Length": "5"}, b"abc"),
        ({"Content_Length": "five"}, b"abcde"),
    ],
)
def test_request_body__cut_off_or_malformed__refused(sent: dict[str, str], stream: bytes) -> None:
    with pytest.raises(BadUpload):
        list(request_body(headers(**sent), io.BytesIO(stream)))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("content", [b"", b"\r\n", b"\r\n--mar", b"\r\n--mark"[:-1] * 3, bytes(range(256))])
def test_only_file__content_like_its_boundary__exact_bytes(content: bytes, size: int) -> None:
    assert b"".join(only_file(KIND, pieces(HEAD + content + TAIL, size))) == content


@pytest.mark.parametrize(
    ("sent", "stream"),
    [
        ({"Transfer_Encoding": "chunked"}, b"2;x=1\r\nab\r\n3\r\ncde\r\n0\r\nTrailer: x\r\n\r\n"),
        ({"Content_Length": "5"}, b"abcde and what follows"),
    ],
)
def test_request_body__either_framing__the_body(sent: dict[str, str], stream: bytes) -> None:
    assert b"".join(request_body(headers(**sent), io.BytesIO(stream))) == b"abcde"  # type: ignore[arg-type]
