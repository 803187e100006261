"""What the constructors refuse, and what they leave behind."""

from __future__ import annotations

import pytest
from round_play import ZERO, plain, refused
from web3.utils import get_create_address


def name(text):
    return "0x" + text.encode().hex().ljust(64, "0")


@pytest.fixture
def construct(DLBC, DLBCToken, Committee, deployer, profile, web3):
    """Deploys the three contracts with changed parameters, each struct given as {position: value}."""

    def deploy(timing=(), economy=(), limits=(), predict=2):
        nonce = web3.eth.get_transaction_count(deployer.address)
        hub = get_create_address(deployer.address, nonce + predict)
        token = deployer.deploy(DLBCToken, hub, 1)
        committee = deployer.deploy(Committee, hub)

        def change(values, changes):
            return tuple(dict(changes).get(index, value) for index, value in enumerate(values))

        return deployer.deploy(
            DLBC,
            token,
            committee,
            change(profile.timing, timing),
            change(profile.economy, economy),
            change(profile.limits, limits),
        )

    return deploy


@pytest.mark.parametrize(
    ("bad", "changes"),
    [
        ("settleSecs", {"timing": {0: 31 * 86_400}}),
        ("keySecs", {"timing": {2: 0}}),
        ("claimSecs", {"timing": {3: 31 * 86_400}}),
        ("voteRevealSecs", {"timing": {6: 0}}),
        ("appealSecs", {"timing": {7: 1}}),
        ("feeUnit", {"economy": {0: 0}}),
        ("minerUnit", {"economy": {1: 0}}),
        ("seatUnit", {"economy": {2: 2**88}}),
        ("halvingSecs", {"economy": {4: 0}}),
        ("feeSplit", {"economy": {5: 7_500}}),
        ("slots", {"economy": {12: 17}}),
        ("committeeSize", {"economy": {13: 4}}),
        ("quorum", {"economy": {14: 1}}),
        ("maxTrainSecs", {"limits": {1: 4}}),
        ("unbondSecs", {"limits": {3: 3_824}}),
        ("alpha", {"limits": {9: 0}}),
    ],
)
def test_constructor__parameter_out_of_bounds__reverts(construct, bad, changes):
    with refused("BadParameter", name(bad)):
        construct(**changes)


def test_constructor__not_the_tokens_minter__reverts(construct):
    with refused("BadParameter", name("token")):
        construct(predict=7)


def test_constructor__token_without_minter__reverts(DLBCToken, deployer):
    with refused("ZeroMinter"):
        deployer.deploy(DLBCToken, "0x" + "00" * 20, 1)


def test_constructor__parameters__can_be_read(hub, profile):
    assert plain(hub.timing()) == profile.timing
    assert plain(hub.economy()) == profile.economy
    assert plain(hub.limits()) == profile.limits
    assert hub.CLOCK_MODE() == "mode=timestamp"


def test_constructor__genesis_block__is_the_head(hub, web3, deployment):
    timestamp = web3.eth.get_block("latest")["timestamp"]
    logs = (
        web3.eth.contract(address=hub.address, abi=hub.abi).events.BlockAppended().get_logs(from_block=deployment.block)
    )
    header = logs[0]["args"]["header"]
    assert (header["version"], header["height"]) == (1, 0)
    assert header["timestamp"] <= timestamp
    assert "0x" + header["parent"].hex().removeprefix("0x") == ZERO
    assert hub.hashHeader(tuple(header.values())) == hub.head()
    assert (hub.height(), hub.chainScore(), hub.emitted()) == (0, 0, 0)


def test_clerk__called_directly__finds_nothing(hub, Clerk, play, requester):
    """The second half of the hub's code has no state of its own, so it can do nothing for whoever calls it."""
    clerk = Clerk.at(get_create_address(hub.address, 1))
    spec, _ = play.spec(requester)
    with refused("TrainSecsOutOfRange"):
        clerk.submitTask.call(spec, {"from": requester})
    with refused("NoSuchSlot", 0, 0):
        clerk.openRound.call(0, {"from": requester})
