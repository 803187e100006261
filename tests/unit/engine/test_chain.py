"""The right chain, events as dataclasses, refusals as sentences, endpoints that fail."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from engine_fakes import ACCOUNT, HUB, Clock, FakeNode, chain_on, deployment_of, log_of
from eth_abi.abi import encode

from dlbc.chain.abi_codec import CONTRACTS, abi_sha256, load_abi
from dlbc.chain.client import Chain, WrongChain
from dlbc.chain.contracts import Hub
from dlbc.chain.contracts import views as view_module
from dlbc.chain.deployment import deployment_path, load_deployment
from dlbc.chain.events import KINDS, CommitteeDrawn, decode
from dlbc.chain.provider import ChainTimeout, ChainUnavailable, FailoverProvider
from dlbc.chain.refusal_words import PHASES, SENTENCES, TASK_STATUSES
from dlbc.chain.refusals import errors_by_selector, refusal_of
from dlbc.errors import ChainError, UsageError
from dlbc.journal.records import shape_of
from dlbc.types import Phase, TaskStatus


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def test_verify__another_chain_id__names_both(node: FakeNode) -> None:
    node.chain_id = 5
    with pytest.raises(WrongChain, match=r"serves chain 5, but the deployment is on chain 31337"):
        chain_on(node).verify()


def test_verify__another_genesis__names_both(node: FakeNode) -> None:
    deployment = replace(deployment_of(node), genesis_hash=b"g" * 32)
    with pytest.raises(WrongChain, match=r"0x676767676767.*started anew"):
        Chain(("http://fake",), deployment, provider=node).verify()


def test_verify__no_code__names_address(node: FakeNode) -> None:
    node.code = False
    with pytest.raises(ChainError, match=f"no contract at {HUB}.*hub.*syncing"):
        chain_on(node).verify()


def test_now__between_blocks__moves_with_the_clock(node: FakeNode, clock: Clock) -> None:
    chain = chain_on(node, clock)
    start = chain.now()
    clock.move(2.5)
    assert chain.now() == start + 2.5
    chain.head()
    assert chain.now() == start + 2.5  # the same block again does not turn the clock back
    node.mine()
    chain.head()
    assert chain.now() == start + 1


def test_read__address_without_contract__says_so(node: FakeNode) -> None:
    with pytest.raises(ChainError, match=r"does not answer round\(uint256\) as expected"):
        Hub(chain_on(node)).round(1)


def test_kinds__every_event_of_the_contracts__same_fields_in_order() -> None:
    for contract in ("DLBC", "Committee"):
        for name, entry in load_abi(contract).events.items():
            if name in KINDS:
                expected = [snake_case(parameter["name"]) for parameter in entry.inputs]
                assert list(shape_of(KINDS[name]))[3:] == expected, name
    known = {**load_abi("DLBC").events, **load_abi("Committee").events}
    assert set(KINDS) <= set(known)


@pytest.mark.parametrize(
    ("contract", "function", "view"),
    [
        ("DLBC", "account", "Account"), ("DLBC", "task", "Task"), ("DLBC", "round", "Round"),
        ("DLBC", "candidates", "Candidate"), ("DLBC", "timing", "Timing"), ("DLBC", "economy", "Economy"),
        ("DLBC", "limits", "Limits"), ("Committee", "seat", "Seat"), ("Committee", "ballot", "Ballot"),
        ("Committee", "members", "Member"),
    ],
)  # fmt: skip
def test_views__struct_of_the_contract__same_fields_in_order(contract: str, function: str, view: str) -> None:
    components = load_abi(contract).functions[function].outputs[0]["components"]
    expected = [snake_case(parameter["name"]) for parameter in components]
    assert list(shape_of(getattr(view_module, view))) == expected


def test_decode__foreign_log__none() -> None:
    position = {"blockNumber": 1, "blockHash": b"b" * 32, "logIndex": 0}
    assert decode({"topics": [], "data": b"", **position}) is None
    assert decode({"topics": [b"t" * 32], "data": b"", **position}) is None
    torn = {**log_of("CommitteeDrawn", 5, 0, b"s" * 32, [1], [HUB], 9), "data": b"\xff" * 31, **position}
    assert decode(torn) is None


def test_decode__arrays_and_addresses__as_declared() -> None:
    log = log_of("CommitteeDrawn", 5, 1, b"s" * 32, [3, 4], [HUB.lower(), ACCOUNT.address.lower()], 99)
    event = decode({**log, "blockNumber": 7, "blockHash": b"b" * 32, "logIndex": 2})
    assert event == CommitteeDrawn(7, b"b" * 32, 2, 5, 1, b"s" * 32, (3, 4), (HUB, ACCOUNT.address), 99)


def test_sentences__every_error_of_our_contracts__has_one_that_fits() -> None:
    for contract in ("DLBC", "Committee"):
        for name, entry in load_abi(contract).errors.items():
            used = set(re.findall(r"\{(\w+)", SENTENCES.get(name, "")))
            assert used <= {parameter["name"] for parameter in entry.inputs}, name
    assert errors_of_the_interfaces() <= set(SENTENCES)
    assert set(PHASES) == {phase.name for phase in Phase}
    assert set(TASK_STATUSES) == {status.name for status in TaskStatus}


def errors_of_the_interfaces() -> set[str]:
    folder = Path(__file__).parents[3] / "contracts" / "interfaces"
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.sol")))
    return set(re.findall(r"^\s+error (\w+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("name", "types", "values", "words"),
    [
        ("WrongPhase", ["uint8"], [5], "in phase Claim (miners claim their scores)"),
        ("WrongPhase", ["uint8"], [10], "in phase VoteCommit (validators commit"),
        ("WrongTaskStatus", ["uint256", "uint8"], [7, 1], "task 7 is Queued (it waits"),
        ("FeeTooLow", ["uint256", "uint256"], [10**18, 25 * 10**17], "fee of 1 DLBC is below the floor of 2.5 DLBC"),
        ("StillUnbonding", ["uint256"], [1_767_225_600], "from 2026-01-01 00:00:00 UTC on"),
        ("BadParameter", ["bytes32"], [b"kappaBps" + bytes(24)], "parameter kappaBps is out"),
        ("ERC20InsufficientAllowance", ["address", "uint256", "uint256"], [HUB, 0, 1], "approve the difference"),
        ("FailedCall", [], [], "FailedCall()"),
    ],
)  # fmt: skip
def test_refusal_of__custom_error__in_words(name: str, types: list[str], values: list[Any], words: str) -> None:
    entry = next(entry for entry in errors_by_selector().values() if entry.name == name)
    refusal = refusal_of(entry.selector + encode(types, values))
    assert words in str(refusal)
    assert refusal.error == name


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "without a reason"),
        (b"\x01\x02\x03\x04", "does not know: 0x01020304"),
        (bytes.fromhex("08c379a0") + encode(["string"], ["paused"]), "refuses the call: paused"),
        (bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]), "too large or too small (panic 0x11)"),
        (bytes.fromhex("08c379a0") + b"torn", "does not know"),
    ],
)
def test_refusal_of__other_reverts__in_words(raw: bytes, words: str) -> None:
    assert words in str(refusal_of(raw))


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


@pytest.mark.parametrize("url", ["ws://x", "127.0.0.1:8545", ""])
def test_provider__no_http_url__refused(url: str) -> None:
    with pytest.raises(UsageError, match="http"):
        FailoverProvider([url])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2"),
        ({"genesis_hash": "0x00"}, "genesis_hash is not 32 bytes"),
        ({"contracts": {}}, "field 'DLBC' is missing"),
        ({"contracts": {"DLBC": {"address": "x"}}}, "contracts.DLBC.address is 'x'"),
        ({"block": None}, "expected what scripts/deploy.py writes"),
    ],
)
def test_load_deployment__bad_file__names_the_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    addresses = {name: {"address": HUB} for name in ("DLBC", "Committee", "DLBCToken")}
    content = {"version": 1, "chain_id": 1, "genesis_hash": "0x" + "ab" * 32, "block": 3, "contracts": addresses}
    path = tmp_path / "1.json"
    path.write_text(json.dumps(content))
    assert load_deployment(deployment_path(tmp_path, 1)).block == 3
    path.write_text(json.dumps({**content, **change}))
    with pytest.raises(UsageError, match=r"1\.json") as raised:
        load_deployment(path)
    assert message in str(raised.value)


def test_load_deployment__made_from_other_contracts__named(tmp_path: Path) -> None:
    records = {name: {"address": HUB, "abi_sha256": abi_sha256(name)} for name in CONTRACTS}
    records["Committee"]["abi_sha256"] = "00" * 32
    content = {"version": 1, "chain_id": 1, "genesis_hash": "0x" + "ab" * 32, "block": 3, "contracts": records}
    path = tmp_path / "1.json"
    path.write_text(json.dumps(content))
    assert load_deployment(path).other_abis == ("Committee",)


def test_load_deployment__missing__says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"make deploy.*--deployment"):
        load_deployment(deployment_path(tmp_path, 31337))
