"""Reading an upload as it comes: chunked transfer encoding, then the one file inside multipart/form-data.

The standard library's server leaves both to its user. It holds a piece and a boundary.
"""

from __future__ import annotations

import email.message
import io
from collections.abc import Iterator

PIECE_BYTES = 1 << 18
MAX_HEAD_BYTES = 16_384


class BadUpload(Exception):
    """The request's body is not an upload of one file."""


def request_body(headers: email.message.Message, stream: io.BufferedIOBase) -> Iterator[bytes]:
    """The body in pieces, by Content-Length or chunked. Raises BadUpload when it is cut off or malformed."""
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        yield from _chunked(stream)
        return
    try:
        left = int(headers.get("Content-Length", "0"))
    except ValueError as error:
        raise BadUpload("malformed Content-Length") from error
    while left > 0:
        piece = stream.read(min(left, PIECE_BYTES))
        if not piece:
            raise BadUpload("the upload was cut off")
        left -= len(piece)
        yield piece


def _chunked(stream: io.BufferedIOBase) -> Iterator[bytes]:
    while True:
        line = stream.readline(1024)
        try:
            left = int(line.split(b";")[0].strip(), 16)
        except ValueError as error:
            raise BadUpload("the upload was cut off" if not line else "malformed chunk") from error
        if left == 0:
            while stream.readline(1024).strip():
                pass
            return
        if left < 0:
            raise BadUpload("malformed chunk")
        while left:
            piece = stream.read(min(left, PIECE_BYTES))
            if not piece:
                raise BadUpload("the upload was cut off")
            left -= len(piece)
            yield piece
        stream.readline(8)


def only_file(content_type: str, body: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of the one file in a multipart/form-data body.

    Raises:
        BadUpload: no boundary, no file, more than one, or cut off before the closing boundary.
    """
    head = email.message.Message()
    head["Content-Type"] = content_type
    boundary = head.get_boundary() or ""
    if head.get_content_type() != "multipart/form-data" or not 1 <= len(boundary) <= 70:
        raise BadUpload("expected multipart/form-data with a boundary")
    mark = b"\r\n--" + boundary.encode("ascii", "replace")
    buffer = b"\r\n"  # so that the first boundary looks like the others
    while b"\r\n\r\n" not in buffer:
        piece = next(body, None)
        if piece is None or len(buffer) > MAX_HEAD_BYTES:
            raise BadUpload("no file in the upload")
        buffer += piece
    start, _, buffer = buffer.partition(b"\r\n\r\n")
    if not start.startswith(mark):
        raise BadUpload("the upload does not begin with its boundary")
    while True:
        found = buffer.find(mark)
        if found >= 0:
            yield buffer[:found]
            break
        keep = len(mark) - 1
        if len(buffer) > keep:
            yield buffer[:-keep]
            buffer = buffer[-keep:]
        piece = next(body, None)
        if piece is None:
            raise BadUpload("the upload was cut off")
        buffer += piece
    tail = buffer[found + len(mark) :]
    while len(tail) < 2 and (piece := next(body, None)) is not None:
        tail += piece
    if not tail.startswith(b"--"):
        raise BadUpload("one file at a time")
    for _ in body:  # what follows the closing boundary is empty; reading it lets the reply be sent
        pass
