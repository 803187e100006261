"""The deployment that every other contract test builds on, and what scripts/deploy.py does around it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import brownie
import pytest

from dlbc.chain.deployment import Deployment, load_deployment
from dlbc.errors import ChainError, UsageError
from scripts import deploy as script
from scripts import fund, profiles
from scripts.export_abi import abi_sha256

ETHER = 10**18


def test_deploy__seven_contracts__each_names_the_others(
    hub: Any, committee: Any, token: Any, lens: Any, authority: Any, deployment: Deployment
) -> None:
    assert hub.address == deployment.hub
    assert hub.token() == token.address == deployment.token
    assert hub.committee() == committee.address == deployment.committee
    assert committee.hub() == hub.address
    assert token.minter() == hub.address
    assert lens.hub() == hub.address
    assert lens.committee() == committee.address
    assert hub.authority() == authority.address == deployment.authority
    assert len({value for value in dataclasses.asdict(deployment).values() if str(value).startswith("0x")}) == 7


def test_deploy__roles__are_the_profiles(
    hub: Any, authority: Any, deployer: Any, governor: Any, guardian: Any, stranger: Any
) -> None:
    assert authority.getTargetFunctionRole(hub, hub.setParams.signature) == authority.GOVERNOR()
    assert authority.getTargetFunctionRole(hub, hub.pause.signature) == authority.GUARDIAN()
    assert authority.getRoleGuardian(authority.GOVERNOR()) == authority.GUARDIAN()
    holders = {authority.ADMIN_ROLE(): deployer, authority.GOVERNOR(): governor, authority.GUARDIAN(): guardian}
    for role, holder in holders.items():
        for account in (deployer, governor, guardian, stranger):
            assert tuple(authority.hasRole(role, account)) == (account == holder, 0)


def test_deploy__no_roles_named__all_are_the_deployers(
    accounts: Any, profile: profiles.Profile, Authority: Any
) -> None:
    roles = profiles.Governance(delay_secs=100)
    made = script.deploy(accounts[15], dataclasses.replace(profile, governance=roles))
    authority = Authority.at(made.authority)
    for role, delay in ((authority.ADMIN_ROLE(), 100), (authority.GOVERNOR(), 100), (authority.GUARDIAN(), 0)):
        assert tuple(authority.hasRole(role, accounts[15])) == (True, delay)


def test_deploy__profile__is_what_the_hub_holds(hub: Any, profile: profiles.Profile) -> None:
    assert tuple(hub.timing()) == profile.timing
    assert tuple(hub.economy()) == profile.economy
    assert tuple(hub.limits()) == profile.limits


def test_deploy__genesis_supply__is_the_deployers(accounts: Any, profile: profiles.Profile) -> None:
    made = script.deploy(accounts[15], profile)
    token = brownie.project.get_loaded_projects()[0].DLBCToken.at(made.token)
    assert token.totalSupply() == profile.genesis_supply == token.balanceOf(accounts[15])


def test_deploy__account_with_history__still_predicts_the_addresses(accounts: Any, profile: profiles.Profile) -> None:
    for _ in range(3):
        accounts[15].transfer(accounts[16], 1)
    made = script.deploy(accounts[15], profile)
    assert len({made.hub, made.committee, made.token, made.lens, made.authority, made.registrar, made.arbiter}) == 7


def test_deploy__block__is_the_first_contracts(accounts: Any, profile: profiles.Profile, chain: Any, web3: Any) -> None:
    before = chain.height
    made = script.deploy(accounts[15], profile)
    assert made.block == before + 1
    assert web3.eth.get_code(made.token, block_identifier=before) == b""
    assert web3.eth.get_code(made.token, block_identifier=made.block) != b""


def test_deploy__bad_parameters__are_refused_by_the_hub(accounts: Any, profile: profiles.Profile) -> None:
    with brownie.reverts():
        script.deploy(accounts[15], dataclasses.replace(profile, timing=(*profile.timing[:-1], 2**32 - 1)))


def test_deploy__wrong_chain__sends_nothing(
    accounts: Any, profile: profiles.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(brownie.network.main.CONFIG.active_network, "chainid", "5")
    before = accounts[15].nonce
    with pytest.raises(ChainError, match="should have chain id 5, but the node's is 31337"):
        script.deploy(accounts[15], profile)
    assert accounts[15].nonce == before


def test_check_wiring__hub_of_another_deployment__is_found_out(
    accounts: Any, deployment: Deployment, profile: profiles.Profile
) -> None:
    other = script.deploy(accounts[15], profile)
    at = {
        "DLBCToken": deployment.token,
        "Committee": other.committee,
        "Authority": other.authority,
        "Registrar": other.registrar,
        "Arbiter": other.arbiter,
        "DLBC": other.hub,
        "Lens": other.lens,
    }
    with pytest.raises(ChainError, match=rf"DLBCToken at {deployment.token} answers minter\(\)"):
        script.check_wiring(brownie.project.get_loaded_projects()[0], profile, at)


def test_main__writes_the_record_that_the_programs_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web3: Any
) -> None:
    monkeypatch.setenv("DLBC_DEPLOYMENT", str(tmp_path))
    monkeypatch.setenv("DLBC_IPFS_PEERS", "/ip4/127.0.0.1/tcp/4001/p2p/QmA, /ip4/127.0.0.1/tcp/4002/p2p/QmB")
    script.main()
    assert [file.name for file in tmp_path.iterdir()] == ["31337.json"]
    found = load_deployment(tmp_path / "31337.json")
    assert found.chain_id == 31337
    assert found.genesis_hash == bytes(web3.eth.get_block(0)["hash"])
    assert found.ipfs_peers == ("/ip4/127.0.0.1/tcp/4001/p2p/QmA", "/ip4/127.0.0.1/tcp/4002/p2p/QmB")
    contracts = json.loads((tmp_path / "31337.json").read_text())["contracts"]
    assert all(web3.eth.get_code(entry["address"]) != b"" for entry in contracts.values())
    packaged = ("DLBC", "Committee", "DLBCToken", "Lens", "AccessManager")
    assert {name: entry.get("abi_sha256") for name, entry in contracts.items()} == {
        **{name: abi_sha256(name) for name in packaged},
        "Registrar": None,
        "Arbiter": None,
    }
    assert found.other_abis == ()


def test_main__again_on_a_development_chain__replaces_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLBC_DEPLOYMENT", str(tmp_path))
    script.main()
    first = load_deployment(tmp_path / "31337.json")
    script.main()
    assert load_deployment(tmp_path / "31337.json").hub != first.hub


def test_main__unknown_profile__says_which_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLBC_DEPLOYMENT", str(tmp_path))
    with pytest.raises(SystemExit, match="no profile 'grand': name one of development, standard"):
        script.main("grand")
    assert list(tmp_path.iterdir()) == []


def test_refuse_second__chain_of_others__keeps_the_first_record(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    script.refuse_second(path, 1)
    path.write_text("{}")
    with pytest.raises(UsageError, match="names a deployment on this chain"):
        script.refuse_second(path, 1)


def test_write__fails_half_way__leaves_the_old_record(
    tmp_path: Path, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "31337.json"
    script.write(deployment, path)
    before = path.read_bytes()

    def full_disk(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(script.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        script.write(dataclasses.replace(deployment, block=7), path)
    assert path.read_bytes() == before


def test_fund__addresses__get_both_currencies(deployment: Deployment, deployer: Any, token: Any, web3: Any) -> None:
    actors = ("0x" + "ab" * 20, "0x" + "cd" * 20)
    fund.fund(deployer, deployment.token, 1000, 2, *actors)
    for actor in actors:
        assert token.balanceOf(actor) == 1000 * ETHER
        assert web3.eth.get_balance(web3.to_checksum_address(actor)) == 2 * ETHER


@pytest.mark.parametrize(
    "arguments", [("1", "1"), ("1.5", "1", "0x" + "ab" * 20), ("1", "1", "0x1234"), ("", "", "0x" + "ab" * 20)]
)
def test_fund__wrong_arguments__are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="expected two whole numbers"):
        fund.main(*arguments)


def test_fund__chain_of_others__sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fund, "confirmed_chain_id", lambda: 1)
    with pytest.raises(SystemExit, match="chain 1 is not a development chain"):
        fund.main("1", "1", "0x" + "ab" * 20)
