"""ipfshttpclient's HTTP layer, made unable to hang or to fill memory.

As it comes, a time-out starts again with every byte, a reply with Content-Length is read whole into memory,
errors while a reply streams leave it as exceptions of `requests`, and a proxy from the environment would
receive what is meant for loopback. Version 0.8.0a2 is pinned, so leaning on its inner class is safe until the
pin moves.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import time
import urllib.parse
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import ipfshttpclient  # type: ignore[import-untyped]
import requests
import urllib3.exceptions
from ipfshttpclient import exceptions, http_requests

from dlbc.errors import ContentInvalid, ContentUnavailable, IPFSError, UsageError
from dlbc.ipfs.rpc_server import INVALID, UNAVAILABLE

READ_BYTES = 1 << 16
MAX_REPLY_BYTES = 1 << 20  # of a JSON reply or an error message; file content has its own bound
CONNECT_SECONDS = 5.0

# What the library and we raise over a reply of another shape; "[[[[…" costs its JSON parser the stack.
_GARBAGE = (
    exceptions.Error,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
_BROKEN_STREAM = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)

# How Kubo words what no retry will change, and what one may.
_INVALID_WORDS = (
    "directory",
    "protobuf",
    "proto:",
    "unixfs",
    "unrecognized",
    "not a file",
    "symlink",
    "decode",
)
# The node's own disk or limits: nothing is said about the content, least of all by "no such file or directory".
_OWN_FAULT_WORDS = (
    "no such file",
    "not a directory",
    "permission denied",
    "no space left",
    "input/output error",
    "too many open files",
    "read-only file system",
    "cannot read",
    "cannot write",
    "is damaged",
)
_UNAVAILABLE_WORDS = ("not found", "deadline", "timeout", "timed out", "canceled")


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise exceptions.TimeoutError(TimeoutError(f"no complete reply in {self._seconds:g} s"))


class _BoundedHTTP(http_requests.ClientSync):  # type: ignore[misc]
    """Every request has one total deadline (its `timeout`) and every JSON reply a size limit."""

    loopback: bool

    def _make_session(self) -> Any:
        session = super()._make_session()
        session.trust_env = not self.loopback
        for adapter in session.adapters.values():  # an argument that urllib3 has ceased to take, and warns of
            poolmanager = getattr(adapter, "poolmanager", None)
            if poolmanager is not None:
                poolmanager.connection_pool_kw.pop("strict", None)
        session.max_redirects = 0  # an RPC does not redirect; a POST that follows would post the token elsewhere
        return session

    def _request(self, method: str, path: str, params: Any, **options: Any) -> tuple[list[Any], Any]:
        seconds = float(options["timeout"] if options["timeout"] is not None else self._default_timeout)
        deadline = _Deadline(seconds)
        options["timeout"] = (min(CONNECT_SECONDS, seconds), seconds)
        if options["data"] is not None:
            options["data"] = _upload(options["data"], deadline)
        try:
            closables, _ = super()._request(method, path, params, **options)
        except requests.RequestException as error:  # those that the library forgets to map: redirects, bad URLs, …
            raise exceptions.ProtocolError(error) from error
        limit = None if path.strip("/") == "cat" else MAX_REPLY_BYTES
        return closables, _body(closables[0].raw, deadline, limit)

    def _do_raise_for_status(self, response: Any) -> None:
        if response.status_code < 400:
            return
        deadline = _Deadline(CONNECT_SECONDS)
        text = b"".join(_body(response.raw, deadline, MAX_REPLY_BYTES)).decode(errors="replace").strip()
        try:
            message = json.loads(text)["Message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            message = f"HTTP {response.status_code} {text[:200]}"
        raise exceptions.ErrorResponse(str(message), None)


def _upload(pieces: Iterator[bytes], deadline: _Deadline) -> Generator[bytes, None, None]:
    for piece in pieces:
        deadline.check()
        yield piece


def _body(raw: Any, deadline: _Deadline, limit: int | None) -> Generator[bytes, None, None]:
    """The reply as the socket delivers it: `read1` returns after one `recv`, so the deadline is seen."""
    received = 0
    while True:
        try:
            piece = raw.read1(READ_BYTES, decode_content=True)
        except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
            raise exceptions.TimeoutError(error) from error
        except _BROKEN_STREAM as error:
            raise exceptions.ProtocolError(error) from error
        deadline.check()
        if not piece:
            return
        received += len(piece)
        if limit is not None and received > limit:
            raise exceptions.ProtocolError(ValueError(f"a reply of more than {limit} bytes"))
        yield piece


def connect(url: str, token: str | None, timeout: float) -> Any:
    """An `ipfshttpclient.Client` for `url` with the bounded transport; contacts nobody.

    Args:
        url: of the RPC, "http://127.0.0.1:5001" or "https://host/prefix".
        token: sent as `Authorization: Bearer …`, which Kubo (API.Authorizations) and the embedded node
            understand.
        timeout: seconds that a call may take in all where it says nothing else.

    Raises:
        UsageError: not such a URL.
    """
    multiaddr, base, loopback = _split_url(url)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = ipfshttpclient.Client(multiaddr, base, headers=headers, timeout=timeout)
    transport = _BoundedHTTP(multiaddr, base, headers=headers, timeout=timeout)
    transport.loopback = loopback
    client._client = transport
    return client


def _split_url(url: str) -> tuple[str, str, bool]:
    wanted = f"the IPFS node's URL must look like http://127.0.0.1:5001, found {url!r}"
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise UsageError(wanted) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise UsageError(wanted)
    try:
        address = ipaddress.ip_address(parts.hostname)
        kind, loopback = f"ip{address.version}", address.is_loopback
    except ValueError:
        kind, loopback = "dns", parts.hostname == "localhost"
    base = parts.path.strip("/").removesuffix("api/v0").strip("/")
    return f"/{kind}/{parts.hostname}/tcp/{port}/{parts.scheme}", f"{base}/api/v0".lstrip("/"), loopback


@contextmanager
def failures(what: str, url: str, classify: Callable[[str], IPFSError | None] | None = None) -> Iterator[None]:
    """Maps everything that ipfshttpclient may raise to one IPFSError with a sentence.

    Args:
        what: the attempt, in words, for the message: "add model.bin".
        url: of the node, for the message.
        classify: turns the node's own error message into a better error, or None for the plain one.
    """
    try:
        yield
    except exceptions.TimeoutError as error:
        raise IPFSError(f"cannot {what}: the IPFS node at {url} did not answer in time ({error})") from error
    except exceptions.ConnectionError as error:
        raise IPFSError(f"cannot {what}: no IPFS node answers at {url}; is it running?") from error
    except exceptions.ErrorResponse as error:
        better = classify(str(error)) if classify else None
        raise better or IPFSError(f"cannot {what}: the IPFS node at {url} says: {str(error)[:300]}") from error
    except (exceptions.ProtocolError, exceptions.StatusError) as error:
        raise IPFSError(
            f"cannot {what}: the connection to the IPFS node at {url} broke ({str(error)[:200]})"
        ) from error
    except _GARBAGE as error:
        raise IPFSError(f"cannot {what}: {url} does not answer like an IPFS node ({str(error)[:200]})") from error


class NotPinned(IPFSError):
    """A file to be unpinned was not pinned."""


def refused_content(message: str) -> IPFSError | None:
    """For `failures`: whether content can never be had, or not now. None when the words say neither."""
    if message.startswith(INVALID):
        return ContentInvalid(message.removeprefix(INVALID)[:300])
    if message.startswith(UNAVAILABLE):
        return ContentUnavailable(message.removeprefix(UNAVAILABLE)[:300])
    lower = message.lower()
    if any(word in lower for word in _OWN_FAULT_WORDS):
        return None
    if any(word in lower for word in _UNAVAILABLE_WORDS):
        return ContentUnavailable(message[:300])
    if any(word in lower for word in _INVALID_WORDS):
        return ContentInvalid(message[:300])
    return None


def refused_unpin(message: str) -> IPFSError | None:
    """For `failures`: a file that was not pinned."""
    return NotPinned(message) if "not pinned" in message or "pinned indirectly" in message else None
