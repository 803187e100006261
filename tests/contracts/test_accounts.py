"""`deposit`, `withdraw`, `stake`, `requestUnbond`, `unbond`, and what only the committee may call."""

from __future__ import annotations

from round_play import DLBC, plain, refused, wait_until

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


def test_lock_seat__stranger__reverts(hub, stranger):
    with refused("Unauthorized", stranger):
        hub.lockSeat.call(stranger, {"from": stranger})


def test_unlock_seat__stranger__reverts(hub, stranger):
    with refused("Unauthorized", stranger):
        hub.unlockSeat.call(stranger, 1, {"from": stranger})


def test_mint__stranger__reverts(token, stranger):
    with refused("NotMinter", stranger):
        token.mint.call(stranger, 1, {"from": stranger})
