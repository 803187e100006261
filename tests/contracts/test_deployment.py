"""What the constructors refuse, and what they leave behind."""

from __future__ import annotations

import pytest
from round_play import NO_COMMITMENT, ZERO, plain, refused
from web3.utils import get_create_address

from scripts.profiles import fields


def name(text):
    return "0x" + text.encode().hex().ljust(64, "0")


STRUCTS = ("timing", "economy", "limits")


@pytest.fixture
def construct(DLBC, DLBCToken, Committee, Authority, Registrar, Arbiter, deployer, profile, web3):
    """Deploys the hub as scripts/deploy.py does, with parameters changed by name, or with another counterpart."""

    def deploy(predict=5, wrong=None, **values):
        nonce = web3.eth.get_transaction_count(deployer.address)
        hub = get_create_address(deployer.address, nonce + predict)
        token = deployer.deploy(DLBCToken, hub, 1)
        committee = deployer.deploy(Committee, hub if wrong != "committee" else deployer)
        authority = deployer.deploy(Authority, hub, deployer, deployer, deployer, 0)
        wiring = (token, committee, authority)
        registrar = deployer.deploy(Registrar, *(wiring if wrong != "registrar" else (token, committee, deployer)))
        arbiter = deployer.deploy(Arbiter, *(wiring if wrong != "arbiter" else (token, deployer, authority)))
        structs = []
        for struct in STRUCTS:
            names = [field["name"] for field in fields(struct)]
            old = dict(zip(names, getattr(profile, struct), strict=True))
            structs.append(tuple(values.pop(name, old[name]) for name in names))
        assert not values, values
        if wrong == "authority":
            wiring = (token, committee, deployer)
            registrar, arbiter = (deployer.deploy(code, *wiring) for code in (Registrar, Arbiter))
        return deployer.deploy(DLBC, *wiring, registrar, arbiter, *structs)

    return deploy


@pytest.mark.parametrize(
    ("bad", "values"),
    [
        ("settleSecs", {"settleSecs": 31 * 86_400}),
        ("feeUnit", {"feeUnit": 0}),
        ("tip", {"tip": 10**18}),
        ("feeSplit", {"burnBps": 7_500}),
        ("unbondSecs", {"unbondSecs": 3_824}),
        ("alpha", {"alpha": 0}),
    ],
)
def test_constructor__parameter_out_of_bounds__reverts(construct, bad, values):
    """By the same rules as `setParams`: see test_governance.py."""
    with refused("BadParameter", name(bad)):
        construct(**values)


@pytest.mark.parametrize("wrong", ["committee", "registrar", "arbiter"])
def test_constructor__counterpart_that_names_another__reverts(construct, wrong):
    with refused("BadParameter", name(wrong)):
        construct(wrong=wrong)


def test_constructor__authority_without_code__reverts(construct):
    """Nobody could ever set parameters or pause."""
    with refused("BadParameter", name("authority")):
        construct(wrong="authority", predict=7)


def test_constructor__not_the_tokens_minter__reverts(construct):
    with refused("BadParameter", name("token")):
        construct(predict=9)


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


def test_registrar__called_directly__finds_nothing(deployment, Registrar, play, requester):
    """The hub's other codes have no state of their own, so they can do nothing for whoever calls them."""
    registrar = Registrar.at(deployment.registrar)
    spec, _ = play.spec(requester)
    with refused("TrainSecsOutOfRange"):
        registrar.submitTask.call(spec, {"from": requester})
    with refused("NoSuchSlot", 0, 0):
        registrar.openRound.call(0, {"from": requester})
    with refused("WrongTaskStatus", 1, 0):
        registrar.cancelTask.call(1, spec, {"from": requester})


def test_arbiter__called_directly__finds_nothing(deployment, Arbiter, play, requester):
    arbiter = Arbiter.at(deployment.arbiter)
    spec, _ = play.spec(requester)
    with refused("WrongPhase", 0):
        arbiter.finalize.call(1, spec, NO_COMMITMENT, 0, {"from": requester})
    with refused("WrongPhase", 0):
        arbiter.appeal.call(1, spec, {"from": requester})
    with refused("NotFinal", 1):
        arbiter.releaseLocks.call(1, [requester], {"from": requester})
    with refused("NotFinal", 1):
        arbiter.claimCompensation.call(1, {"from": requester})


def test_wiring__every_code__names_the_same(deployment, hub, Registrar, Arbiter):
    codes = (Registrar.at(deployment.registrar), Arbiter.at(deployment.arbiter))
    assert [str(code.wiring()) for code in codes] == [str(hub.wiring())] * 2
    assert hub.authority() == deployment.authority


@pytest.mark.parametrize("container", ["DLBC", "Registrar", "Arbiter", "Committee", "Lens", "Authority", "DLBCToken"])
def test_code__every_contract__fits(deployment, web3, container):
    """EIP-170: a contract may have 24,576 bytes. Anvil holds deployments to it; this says which one came how near."""
    addresses = {
        "DLBC": deployment.hub,
        "Registrar": deployment.registrar,
        "Arbiter": deployment.arbiter,
        "Committee": deployment.committee,
        "Lens": deployment.lens,
        "Authority": deployment.authority,
        "DLBCToken": deployment.token,
    }
    assert 0 < len(web3.eth.get_code(addresses[container])) <= 24_576
