"""The contracts as scripts/deploy.py makes them, and the actors who use them.

Every test starts from a fresh deployment in which each actor holds ether and 10,000 DLBC, and lets the hub take them.

A trap for whoever adds a file here: Brownie parses every module that a test file imports and that lies in the project's
folder, as .venv does. At the head of a file import packages (`import brownie`), not Brownie's compiled submodules
(`from brownie._config import CONFIG`), or the run ends with a UnicodeDecodeError.
"""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from committee_rig import Rig
from round_play import Play
from web3.exceptions import TransactionNotFound

from dlbc.chain.deployment import Deployment
from scripts import profiles
from scripts.deploy import deploy

FORTUNE = 10_000 * 10**18
APPEAL_SECS = 60
RECEIPT_SECS = 0.005
PATIENCE = 200  # times as long: a second


@pytest.fixture(scope="session", autouse=True)
def prompt_receipts(web3: Any) -> Iterator[None]:
    """Brownie asks for a receipt, and where the block is not there yet asks again a second later. Our chain mines
    within milliseconds: on a busy machine most of the suite's time was that sleep.

    Anvil counts a transaction before it can name it: what Brownie finds in between it takes for one that was dropped.
    """
    from brownie.network import transaction

    def patient(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def asked(txid: Any) -> Any:
            for _ in range(PATIENCE):
                try:
                    return ask(txid)
                except TransactionNotFound:
                    time.sleep(RECEIPT_SECS)
            return ask(txid)

        return asked

    clock = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(min(seconds, RECEIPT_SECS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction, "time", clock)
        for name in ("get_transaction", "get_transaction_receipt"):
            patch.setattr(web3.eth, name, patient(getattr(web3.eth, name)))
        yield


@pytest.fixture(scope="session", autouse=True)
def known_chain_id(web3: Any) -> None:
    """It is asked for before every call and every transaction: once is enough."""
    web3.provider.cacheable_requests = {"eth_chainId"}
    web3.provider.cache_allowed_requests = True


@pytest.fixture(scope="module", autouse=True)
def short_collections(module_isolation: None) -> Iterator[None]:
    """Brownie collects garbage whenever it reverts the chain, once a test at least: not again and again among builds,
    packages and whatever else outlives the module.
    """
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def isolation(fn_isolation: None) -> None:
    """Each test's transactions are undone after it."""


@pytest.fixture(scope="session")
def profile(governor: Any, guardian: Any) -> profiles.Profile:
    """The development profile, with time for appeals and with roles of their own."""
    loaded = profiles.load("development")
    return dataclasses.replace(
        loaded,
        timing=(*loaded.timing[:-1], APPEAL_SECS),
        limits=(*loaded.limits[:3], loaded.limits[3] + 3 * APPEAL_SECS, *loaded.limits[4:]),
        governance=profiles.Governance(governor=str(governor), guardian=str(guardian)),
    )


@pytest.fixture(scope="session")
def deployer(accounts: Any) -> Any:
    """Holds the genesis supply, less what the actors got of it."""
    return accounts[0]


@pytest.fixture(scope="session")
def requester(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture(scope="session")
def miner(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture(scope="session")
def other_miner(accounts: Any) -> Any:
    return accounts[3]


@pytest.fixture(scope="session")
def validators(accounts: Any) -> list[Any]:
    """Two more than a committee needs."""
    return [accounts[number] for number in range(4, 9)]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> Any:
    """Has nothing to do with anything, but may call what anyone may call."""
    return accounts[9]


@pytest.fixture(scope="session")
def governor(accounts: Any) -> Any:
    """May set parameters."""
    return accounts[16]


@pytest.fixture(scope="session")
def guardian(accounts: Any) -> Any:
    """May pause."""
    return accounts[17]


@pytest.fixture(scope="session")
def operator(accounts: Any) -> Any:
    """Nobody's operator yet."""
    return accounts[18]


@pytest.fixture(scope="module")
def deployment(deployer: Any, profile: profiles.Profile, module_isolation: None) -> Deployment:
    return deploy(deployer, profile)


@pytest.fixture(scope="module")
def token(
    deployment: Deployment,
    DLBCToken: Any,
    deployer: Any,
    requester: Any,
    miner: Any,
    other_miner: Any,
    validators: list[Any],
    stranger: Any,
) -> Any:
    contract = DLBCToken.at(deployment.token)
    for actor in (requester, miner, other_miner, *validators, stranger):
        contract.transfer(actor, FORTUNE, {"from": deployer})
        contract.approve(deployment.hub, 2**256 - 1, {"from": actor})
    return contract


@pytest.fixture(scope="module")
def committee(deployment: Deployment, Committee: Any) -> Any:
    return Committee.at(deployment.committee)


@pytest.fixture(scope="module")
def hub(deployment: Deployment, DLBC: Any, token: Any) -> Any:
    """Needs `token`, so that whoever uses the hub has what to deposit."""
    return DLBC.at(deployment.hub)


@pytest.fixture(scope="module")
def lens(deployment: Deployment, Lens: Any) -> Any:
    return Lens.at(deployment.lens)


@pytest.fixture(scope="module")
def authority(deployment: Deployment, Authority: Any) -> Any:
    return Authority.at(deployment.authority)


@pytest.fixture(scope="session")
def miners(accounts: Any, miner: Any, other_miner: Any) -> list[Any]:
    """Two more than the list has places."""
    return [miner, other_miner, *(accounts[number] for number in range(10, 16))]


@pytest.fixture(scope="module")
def play(
    hub: Any, committee: Any, token: Any, stranger: Any, requester: Any, miners: list[Any], validators: list[Any]
) -> Play:
    """Everybody has deposited and staked, and five validators have a seat. The stranger sends what anyone may send."""
    play = Play(hub, committee, token, stranger)
    play.fund(requester, stake=0)
    play.fund(*miners, *validators)
    play.seat(*validators)
    return play


@pytest.fixture(scope="module")
def rig(accounts: Any, HubStub: Any, CommitteeHarness: Any, deployer: Any, module_isolation: None) -> Rig:
    """A committee alone, whose hub believes what it is told. It has no seats yet."""
    stub = HubStub.deploy({"from": deployer})
    return Rig(stub, CommitteeHarness.deploy(stub, {"from": deployer}), deployer)
