"""JSON-RPC over several endpoints: where the one in use does not answer, the next is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from dlbc.errors import ChainError, UsageError

TIMEOUT = 10.0  # seconds for one request
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class ChainUnavailable(ChainError):
    """No endpoint answers. Worth another try."""


class ChainTimeout(ChainUnavailable):
    """The endpoints take requests, but do not answer in time: perhaps too much was asked for at once."""


class FailoverProvider(JSONBaseProvider):
    """A web3 provider over one or more HTTP endpoints.

    Attributes:
        on_switch: called before an endpoint other than the last one is believed; raises to refuse it.
    """

    def __init__(self, urls: Sequence[str], timeout: float = TIMEOUT) -> None:
        super().__init__()
        if not urls:
            raise UsageError("no RPC endpoint given: set --rpc-url or DLBC_RPC_URL, such as http://127.0.0.1:8545")
        for url in urls:
            _check_url(url)
        self.urls = tuple(urls)
        self.on_switch: Callable[[], None] | None = None
        self._current = 0
        self._lock = threading.RLock()
        self._unchecked = False
        self._checking = threading.local()
        # Our own loop decides what is tried again: web3's retries would hide for seconds that one is down.
        self._endpoints = [
            HTTPProvider(url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None) for url in urls
        ]

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request, at the endpoint in use or, where that does not answer, at the others in turn.

        Raises:
            ChainUnavailable: no endpoint answers; the message names them.
            ChainError: all answer, and `on_switch` refuses them all.
        """
        if getattr(self._checking, "now", False):
            return self._endpoints[self._current].make_request(method, params)
        failures: list[str] = []
        refusal: ChainError | None = None
        kind: type[ChainUnavailable] | None = None
        for _ in self._endpoints:
            endpoint = self._endpoints[self._current]
            place = _place(str(endpoint.endpoint_uri))
            try:
                self._check()
                return endpoint.make_request(method, params)
            except requests.Timeout:
                kind = ChainTimeout
                failures.append(f"{place}: no answer in time")
            except requests.RequestException as error:
                kind = kind or ChainUnavailable
                failures.append(f"{place}: {_in_words(error)}")
            except ValueError as error:  # an answer that is no JSON: a proxy's error page
                kind = kind or ChainUnavailable
                failures.append(f"{place}: answers, but not with JSON-RPC ({error})")
            except ChainError as error:
                refusal = error
                failures.append(f"{place}: {error}")
            self.rotate()
        if kind is None and refusal is not None:
            raise refusal
        hint = "Is the node running, and is --rpc-url (DLBC_RPC_URL) right?"
        raise (kind or ChainUnavailable)(f"{'; '.join(failures)}. {hint}")

    def rotate(self) -> None:
        """Goes on with the next endpoint, which is checked before it is believed."""
        with self._lock:
            self._current = (self._current + 1) % len(self._endpoints)
            self._unchecked = True

    def _check(self) -> None:
        """Asks `on_switch` about an endpoint that was just chosen; meanwhile requests go to it alone."""
        with self._lock:
            if not self._unchecked or self.on_switch is None:
                return
            self._checking.now = True
            try:
                self.on_switch()
                self._unchecked = False
            finally:
                self._checking.now = False

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether an endpoint answers."""
        try:
            self.make_request(RPCEndpoint("eth_chainId"), [])
        except ChainError:
            return False
        return True


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an open bracket, or a port above 65535
        whole = False
    if not whole:
        raise UsageError(
            f"{url!r} is no RPC endpoint: write it as http://127.0.0.1:8545 or https://host/path "
            "in --rpc-url (DLBC_RPC_URL)"
        )


def _place(url: str) -> str:
    """The endpoint without the user, path and query that may hold an access key: messages end up in logs."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _in_words(error: requests.RequestException) -> str:
    if isinstance(error, requests.ConnectionError):
        return "connection refused or lost"
    if error.response is not None:
        status = error.response.status_code
        return f"HTTP status {status}" + (" (asked too often, or busy)" if status in BUSY else "")
    return type(error).__name__
