"""`deposit`, also by permit, `withdraw`, `stake`, `requestUnbond`, `unbond`, and what only the committee may call."""

from __future__ import annotations

import brownie
import pytest
from round_play import DLBC, ZERO, plain, refused, wait_until

UNIT = 10 * DLBC


def account(hub, owner):
    return plain(hub.account(owner))


def test_deposit__nothing__reverts(hub, miner):
    with refused("ZeroAmount"):
        hub.deposit.call(0, {"from": miner})


def test_deposit__not_approved__reverts(hub, token, miner):
    token.approve(hub, 0, {"from": miner})
    with refused("ERC20InsufficientAllowance"):
        hub.deposit.call(1, {"from": miner})


def test_deposit__approved__becomes_credit(hub, token, miner):
    transaction = hub.deposit(5 * DLBC, {"from": miner})
    assert account(hub, miner) == (5 * DLBC, 0, 0, 0, 0)
    assert token.balanceOf(hub) == 5 * DLBC
    assert transaction.events["Deposited"] == {"account": miner, "amount": 5 * DLBC}


def permit(token, owner, spender, amount, deadline, chain):
    """v, r and s of an ERC-2612 permit."""
    fields = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256", "deadline": "uint256"}
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Permit": [{"name": name, "type": kind} for name, kind in fields.items()],
        },
        "primaryType": "Permit",
        "domain": {"name": "DLBC", "version": "1", "chainId": chain.id, "verifyingContract": token.address},
        "message": {
            "owner": str(owner),
            "spender": str(spender),
            "value": str(amount),
            "nonce": token.nonces(owner),
            "deadline": str(deadline),
        },
    }
    answer = brownie.web3.provider.make_request("eth_signTypedData_v4", [str(owner), typed])
    signature = bytes.fromhex(answer["result"][2:])
    return signature[64], signature[:32], signature[32:64]


@pytest.fixture
def unapproved(hub, token, miner):
    token.approve(hub, 0, {"from": miner})
    return miner


def test_deposit_with_permit__nothing__reverts(hub, miner):
    with refused("ZeroAmount"):
        hub.depositWithPermit.call(0, 0, 0, ZERO, ZERO, {"from": miner})


@pytest.mark.parametrize("amount", [1, 2**128, 2**256 - 1])
def test_deposit_with_permit__no_permit_at_all__reverts(hub, unapproved, amount):
    with brownie.reverts():
        hub.depositWithPermit.call(amount, 2**256 - 1, 27, "0x" + "01" * 32, "0x" + "02" * 32, {"from": unapproved})


def test_deposit_with_permit__expired__reverts(hub, token, unapproved, chain):
    deadline = chain.time() - 1_000
    with refused("ERC20InsufficientAllowance"):
        signature = permit(token, unapproved, hub, DLBC, deadline, chain)
        hub.depositWithPermit.call(DLBC, deadline, *signature, {"from": unapproved})


def test_deposit_with_permit__of_another__reverts(hub, token, unapproved, stranger, chain):
    """A permit moves its signer's tokens into its signer's credit, or nothing."""
    token.approve(hub, 0, {"from": stranger})
    signature = permit(token, unapproved, hub, DLBC, 2**256 - 1, chain)
    with refused("ERC20InsufficientAllowance"):
        hub.depositWithPermit.call(DLBC, 2**256 - 1, *signature, {"from": stranger})


def test_deposit_with_permit__signed__becomes_credit(hub, token, unapproved, chain):
    signature = permit(token, unapproved, hub, 5 * DLBC, 2**256 - 1, chain)
    transaction = hub.depositWithPermit(5 * DLBC, 2**256 - 1, *signature, {"from": unapproved})
    assert account(hub, unapproved) == (5 * DLBC, 0, 0, 0, 0)
    assert transaction.events["Deposited"] == {"account": unapproved, "amount": 5 * DLBC}
    assert token.allowance(unapproved, hub) == 0
    with refused("ERC20InsufficientAllowance"):
        hub.depositWithPermit.call(5 * DLBC, 2**256 - 1, *signature, {"from": unapproved})


def test_deposit_with_permit__used_up_by_somebody_else__is_no_obstacle(hub, token, unapproved, stranger, chain):
    signature = permit(token, unapproved, hub, 5 * DLBC, 2**256 - 1, chain)
    token.permit(unapproved, hub, 5 * DLBC, 2**256 - 1, *signature, {"from": stranger})
    hub.depositWithPermit(5 * DLBC, 2**256 - 1, *signature, {"from": unapproved})
    assert account(hub, unapproved) == (5 * DLBC, 0, 0, 0, 0)


def test_withdraw__nothing__reverts(hub, miner):
    with refused("ZeroAmount"):
        hub.withdraw.call(0, {"from": miner})


def test_withdraw__more_than_the_credit__reverts(hub, miner):
    hub.deposit(5, {"from": miner})
    with refused("InsufficientCredit", 5, 6):
        hub.withdraw.call(6, {"from": miner})


def test_withdraw__credit__returns_to_its_owner(hub, token, miner):
    before = token.balanceOf(miner)
    hub.deposit(5 * DLBC, {"from": miner})
    transaction = hub.withdraw(5 * DLBC, {"from": miner})
    assert token.balanceOf(miner) == before
    assert transaction.events["Withdrawn"] == {"account": miner, "amount": 5 * DLBC}


def test_stake__nothing__reverts(hub, miner):
    with refused("ZeroAmount"):
        hub.stake.call(0, {"from": miner})


def test_stake__more_than_the_credit__reverts(hub, miner):
    with refused("InsufficientCredit", 0, 1):
        hub.stake.call(1, {"from": miner})


def test_stake__credit__becomes_stake(hub, miner):
    hub.deposit(5 * DLBC, {"from": miner})
    hub.stake(2 * DLBC, {"from": miner})
    assert account(hub, miner) == (3 * DLBC, 2 * DLBC, 0, 0, 0)


def test_request_unbond__nothing__reverts(hub, miner):
    with refused("ZeroAmount"):
        hub.requestUnbond.call(0, {"from": miner})


def test_request_unbond__locked_stake__reverts(play, validators):
    with refused("InsufficientStake", 50 * DLBC, 50 * DLBC + 1):
        play.hub.requestUnbond.call(50 * DLBC + 1, {"from": validators[0]})


def test_request_unbond__twice__adds_up_and_starts_anew(play, profile, miner, chain):
    play.hub.requestUnbond(30 * DLBC, {"from": miner})
    chain.sleep(100)
    transaction = play.hub.requestUnbond(70 * DLBC, {"from": miner})
    held = play.hub.account(miner)
    assert held["unbonding"] == 100 * DLBC
    assert held["unbondAt"] == transaction.timestamp + profile.limits[3]
    with refused("InsufficientStake", 0, 1):
        play.hub.requestUnbond.call(1, {"from": miner})


def test_unbond__nothing__reverts(hub, miner):
    with refused("NothingUnbonding"):
        hub.unbond.call({"from": miner})


def test_unbond__too_early__reverts(play, miner):
    transaction = play.hub.requestUnbond(UNIT, {"from": miner})
    with refused("StillUnbonding", transaction.events["UnbondRequested"]["unbondAt"]):
        play.hub.unbond.call({"from": miner})


def test_unbond__in_time__becomes_credit(play, miner, chain):
    until = play.hub.requestUnbond(UNIT, {"from": miner}).events["UnbondRequested"]["unbondAt"]
    before = play.hub.account(miner)
    wait_until(until)
    play.hub.unbond({"from": miner})
    assert account(play.hub, miner) == (before["credit"] + UNIT, before["stake"] - UNIT, 0, 0, 0)
    play.check_conservation()


def test_unbond__unbonding_stake__backs_no_commit(play, requester, miner):
    play.hub.requestUnbond(95 * DLBC, {"from": miner})
    round_ = play.open(requester)
    with refused("InsufficientStake", 5 * DLBC, UNIT):
        play.hub.commitModel.call(*play.commit_arguments(round_, play.model(round_, miner)), {"from": miner})


@pytest.mark.parametrize("amount", [2**104, 2**128, 2**256 - 1])
def test_amounts_that_no_account_holds__revert(play, miner, amount):
    with refused("InsufficientCredit"):
        play.hub.withdraw.call(amount, {"from": miner})
    with refused("InsufficientCredit"):
        play.hub.stake.call(amount, {"from": miner})
    with refused("InsufficientStake"):
        play.hub.requestUnbond.call(amount, {"from": miner})
    with brownie.reverts():
        play.hub.deposit.call(amount, {"from": miner})


def test_lock_seat__stranger__reverts(hub, stranger):
    with refused("Unauthorized", stranger):
        hub.lockSeat.call(stranger, {"from": stranger})


def test_unlock_seat__stranger__reverts(hub, stranger):
    with refused("Unauthorized", stranger):
        hub.unlockSeat.call(stranger, 1, {"from": stranger})


def test_tip_draw__stranger__reverts(hub, stranger):
    with refused("Unauthorized", stranger):
        hub.tipDraw.call(1, stranger, {"from": stranger})


def test_tip_draw__committee__pays_seven_tips_at_most(play, requester, committee, accounts, stranger):
    """Whatever the committee does, it cannot empty the escrow."""
    round_ = play.open(requester)
    as_committee = accounts.at(committee.address, force=True)
    brownie.web3.provider.make_request("anvil_setBalance", [committee.address, hex(10**18)])
    brownie.web3.provider.make_request("anvil_impersonateAccount", [committee.address])
    before = play.credit(stranger)
    for _ in range(9):
        play.hub.tipDraw(round_.id, stranger, {"from": as_committee})
    assert play.hub.round(round_.id)["tips"] == 7
    assert play.credit(stranger) == before + 6 * play.tip
    play.hub.tipDraw(2**256 - 1, stranger, {"from": as_committee})
    play.check_conservation()


def test_mint__stranger__reverts(token, stranger):
    with refused("NotMinter", stranger):
        token.mint.call(stranger, 1, {"from": stranger})
