"""Several endpoints: the next is asked, checked first; access keys stay out of messages."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from dlbc.chain.client import WrongChain
from dlbc.chain.provider import ChainTimeout, ChainUnavailable, FailoverProvider
from dlbc.errors import UsageError


class Endpoint:
    """Stands for one URL's HTTPProvider."""

    def __init__(self, url: str, answer: Any) -> None:
        self.endpoint_uri, self.answer, self.asked = url, answer, 0

    def make_request(self, _method: str, _params: Any) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"result": self.answer}


def failover(*answers: Any) -> tuple[FailoverProvider, list[Endpoint]]:
    urls = [f"http://node{number}" for number in range(len(answers))]
    provider = FailoverProvider(urls)
    endpoints = [Endpoint(url, answer) for url, answer in zip(urls, answers, strict=True)]
    provider._endpoints = endpoints  # type: ignore[assignment]
    return provider, endpoints


def test_make_request__all_down__every_endpoint_named_once() -> None:
    provider, _ = failover(requests.ConnectionError(), requests.ConnectionError())
    with pytest.raises(ChainUnavailable, match=r"http://node0: connection refused.*http://node1.*--rpc-url"):
        provider.make_request("eth_chainId", [])  # type: ignore[arg-type]


def test_make_request__one_times_out__timeout() -> None:
    provider, _ = failover(requests.ReadTimeout(), requests.ConnectionError())
    with pytest.raises(ChainTimeout, match="no answer in time"):
        provider.make_request("eth_getLogs", [])  # type: ignore[arg-type]


def test_make_request__first_down__second_checked_then_kept() -> None:
    provider, endpoints = failover(requests.ConnectionError(), "0x1")
    checks: list[int] = []

    def check() -> None:
        checks.append(1)
        provider.make_request("eth_chainId", [])  # type: ignore[arg-type]

    provider.on_switch = check
    for _ in range(3):
        assert provider.make_request("eth_blockNumber", []) == {"result": "0x1"}  # type: ignore[arg-type]
    assert checks == [1]
    assert (endpoints[0].asked, endpoints[1].asked) == (1, 4)


def test_make_request__other_endpoint_on_another_chain__refused() -> None:
    provider, _ = failover(requests.ConnectionError(), "0x1")

    def check() -> None:
        raise WrongChain("the node serves chain 1")

    provider.on_switch = check
    with pytest.raises(ChainUnavailable, match="node1: the node serves chain 1"):
        provider.make_request("eth_blockNumber", [])  # type: ignore[arg-type]


def test_make_request__only_endpoint_came_back_as_another_chain__wrong_chain() -> None:
    provider, endpoints = failover(requests.ConnectionError())

    def check() -> None:
        raise WrongChain("the node serves chain 1")

    provider.on_switch = check
    with pytest.raises(ChainUnavailable):
        provider.make_request("eth_blockNumber", [])  # type: ignore[arg-type]
    endpoints[0].answer = "0x1"
    with pytest.raises(WrongChain):
        provider.make_request("eth_blockNumber", [])  # type: ignore[arg-type]


def test_make_request__endpoint_with_an_access_key__not_in_the_message() -> None:
    provider, endpoints = failover(requests.ConnectionError())
    endpoints[0].endpoint_uri = "https://user:secret@node.example:99/v3/secret?key=secret"
    with pytest.raises(ChainUnavailable, match=r"https://node\.example:99: ") as raised:
        provider.make_request("eth_chainId", [])  # type: ignore[arg-type]
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["ws://x", "127.0.0.1:8545", "", "http://", "http://[::1", "http://127.0.0.1:99999", "http://x:y", "http://x:0"],
)
def test_provider__no_http_url__refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no RPC endpoint: write it as http://"):
        FailoverProvider([url])
