"""The right chain, its clock, its contracts; events and structs as the ABIs have them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from engine_fakes import ACCOUNT, HUB, Clock, FakeNode, chain_on, deployment_of, log_of

from dlbc.chain.abi_codec import CONTRACTS, abi_sha256, load_abi
from dlbc.chain.client import Chain, WrongChain
from dlbc.chain.contracts import Hub
from dlbc.chain.contracts import lens as lens_module
from dlbc.chain.contracts import views as view_module
from dlbc.chain.deployment import REQUIRED, deployment_path, load_deployment
from dlbc.chain.events import KINDS, CommitteeDrawn, decode
from dlbc.errors import ChainError, UsageError
from dlbc.journal.records import shape_of


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
        ("DLBC", "limits", "Limits"), ("DLBC", "factors", "Factors"), ("DLBC", "inbox", "Inbox"),
        ("DLBC", "appealsOf", "AppealCase"), ("DLBC", "accusationOf", "Accusation"),
        ("DLBC", "drawRules", "DrawRules"), ("Committee", "seat", "Seat"),
        ("Committee", "ballot", "Ballot"), ("Committee", "members", "Member"), ("Committee", "votes", "Votes"),
        ("Committee", "verdicts", "Verdict"),
    ],
)  # fmt: skip
def test_views__struct_of_the_contract__same_fields_in_order(contract: str, function: str, view: str) -> None:
    assert_same_fields(load_abi(contract).functions[function].outputs[0], getattr(view_module, view))


@pytest.mark.parametrize(
    ("function", "views"),
    [
        ("round", ["RoundView"]), ("judgedRound", ["RoundView", "Judgement"]), ("task", ["TaskView"]),
        ("queue", ["TaskView"]), ("account", ["AccountView"]), ("network", ["NetworkView"]),
    ],
)  # fmt: skip
def test_lens__pages__same_fields_in_order_at_every_depth(function: str, views: list[str]) -> None:
    for output, view in zip(load_abi("Lens").functions[function].outputs, views, strict=False):
        assert_same_fields(output, getattr(lens_module, view))


def assert_same_fields(output: Mapping[str, Any], view: type) -> None:
    """Names and order, and the same of every struct inside."""
    shape = shape_of(view)
    assert list(shape) == [snake_case(parameter["name"]) for parameter in output["components"]], view
    for parameter, hint in zip(output["components"], shape.values(), strict=True):
        if "components" in parameter:
            assert_same_fields(parameter, get_args(hint)[0] if get_args(hint) else hint)


def test_max_page__of_the_lens__is_the_contracts() -> None:
    source = (Path(__file__).parents[3] / "contracts" / "Lens.sol").read_text("utf-8")
    assert f"MAX_PAGE = {lens_module.MAX_PAGE};" in source


def test_decode__foreign_log__none() -> None:
    position = {"blockNumber": 1, "blockHash": b"b" * 32, "logIndex": 0}
    assert decode({"topics": [], "data": b"", **position}) is None
    assert decode({"topics": [b"t" * 32], "data": b"", **position}) is None
    torn = {**log_of("CommitteeDrawn", 5, 0, b"s" * 32, [1], [HUB], 9), "data": b"\xff" * 31, **position}
    assert decode(torn) is None
    whole = log_of("CommitteeDrawn", 5, 0, b"s" * 32, [1], [HUB], 9)
    for topics in (whole["topics"][:1], [*whole["topics"], b"t" * 32]):
        assert decode({**whole, "topics": topics, **position}) is None


def test_decode__arrays_and_addresses__as_declared() -> None:
    log = log_of("CommitteeDrawn", 5, 1, b"s" * 32, [3, 4], [HUB.lower(), ACCOUNT.address.lower()], 99)
    event = decode({**log, "blockNumber": 7, "blockHash": b"b" * 32, "logIndex": 2})
    assert event == CommitteeDrawn(7, b"b" * 32, 2, 5, 1, b"s" * 32, (3, 4), (HUB, ACCOUNT.address), 99)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 1}, "version 1, but this program reads version 2"),
        ({"genesis_hash": "0x00"}, "genesis_hash is not 32 bytes"),
        ({"contracts": {}}, "field 'DLBC' is missing"),
        ({"contracts": {"DLBC": {"address": "x"}}}, "contracts.DLBC.address is 'x'"),
        ({"contracts": {name: {"address": HUB} for name in CONTRACTS if name != "DLBCToken"}}, "field 'DLBCToken' is"),
        ({"block": None}, "expected what scripts/deploy.py writes"),
        ({"block": -5}, "block -5"),
        ({"block": float("inf")}, "expected what scripts/deploy.py writes"),
        ({"genesis_hash": None}, "expected what scripts/deploy.py writes"),
        ({"ipfs_peers": "/ip4/127.0.0.1"}, "ipfs_peers is '/ip4/127.0.0.1', not a list"),
        ({"contracts": {name: [] for name in REQUIRED}}, "expected what scripts/deploy.py writes"),
    ],
)
def test_load_deployment__bad_file__names_the_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    addresses = {name: {"address": HUB} for name in REQUIRED}
    content = {"version": 2, "chain_id": 1, "genesis_hash": "0x" + "ab" * 32, "block": 3, "contracts": addresses}
    path = tmp_path / "1.json"
    path.write_text(json.dumps(content))
    assert load_deployment(deployment_path(tmp_path, 1)).block == 3
    path.write_text(json.dumps({**content, **change}))
    with pytest.raises(UsageError, match=r"1\.json") as raised:
        load_deployment(path)
    assert message in str(raised.value)


def test_load_deployment__made_from_other_contracts__named(tmp_path: Path) -> None:
    records: dict[str, dict[str, Any]] = {name: {"address": HUB, "abi_sha256": None} for name in REQUIRED}
    for name in CONTRACTS:
        records[name]["abi_sha256"] = abi_sha256(name)
    records["Committee"]["abi_sha256"] = "00" * 32
    records["DLBCToken"]["abi_sha256"] = 5
    content = {"version": 2, "chain_id": 1, "genesis_hash": "0x" + "ab" * 32, "block": 3, "contracts": records}
    path = tmp_path / "1.json"
    path.write_text(json.dumps(content))
    assert load_deployment(path).other_abis == ("Committee", "DLBCToken")


def test_load_deployment__each_contract__has_its_field(tmp_path: Path) -> None:
    records = {name: {"address": f"0x{number:040x}"} for number, name in enumerate(REQUIRED, start=1)}
    content = {"version": 2, "chain_id": 1, "genesis_hash": "0x" + "ab" * 32, "block": 3, "contracts": records}
    path = tmp_path / "1.json"
    path.write_text(json.dumps(content))
    found = load_deployment(path)
    named = (found.hub, found.committee, found.token, found.lens, found.authority, found.registrar, found.arbiter)
    assert [int(address, 16) for address in named] == [1, 2, 3, 4, 5, 6, 7]


def test_load_deployment__named_pipe__refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.json")
    with pytest.raises(UsageError, match=r"1\.json: not a file"):
        load_deployment(tmp_path / "1.json")


def test_load_deployment__missing__says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"make deploy.*--deployment"):
        load_deployment(deployment_path(tmp_path, 31337))
