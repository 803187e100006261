"""Seats come, serve, lose and go: each in bounded time, none ever losing more than its bond."""

from __future__ import annotations

import random

import brownie
import pytest
from committee_rig import SEAT, Rig, closing
from round_play import DLBC, plain, refused, wrong_phase

ROSTER = "0x" + "00" * 32  # storage slot of the committee's counts
POOL_BITS, SEATS_BITS = 32, 0


def store_roster(rig: Rig, **fields: int) -> None:
    word = fields.get("seats", 0) << SEATS_BITS | fields.get("pooled", 0) << POOL_BITS
    value = "0x" + word.to_bytes(32, "big").hex()
    brownie.web3.provider.make_request("anvil_setStorageAt", [rig.committee.address, ROSTER, value])


def bonds(rig: Rig, *seat_ids: int) -> list[int]:
    return [int(rig.committee.seat(seat_id)[1]) for seat_id in seat_ids]


# JOINING


def test_join_seat__without_stake__reverts(play, stranger):
    with refused("InsufficientStake", 0, SEAT):
        play.committee.joinSeat.call({"from": stranger})


def test_join_seat__pool_full__reverts(rig, miner):
    store_roster(rig, seats=4_096, pooled=4_096)
    with refused("SeatsFull", 4_096):
        rig.committee.joinSeat.call({"from": miner})


def test_join_seat__last_place__joins(rig, miner):
    store_roster(rig, seats=4_095, pooled=4_095)
    assert rig.committee.joinSeat({"from": miner}).return_value == 4_096
    with refused("SeatsFull", 4_096):
        rig.committee.joinSeat.call({"from": miner})


def test_join_seat__no_number_left__reverts(rig, miner):
    store_roster(rig, seats=2**28 - 2)
    assert rig.committee.joinSeat({"from": miner}).return_value == 2**28 - 1
    with refused("SeatsFull", 1):
        rig.committee.joinSeat.call({"from": miner})


def test_join_seat__bond_beyond_eighty_bits__reverts(rig, miner):
    rig.stub.setSeatUnit(2**80, rig.by)
    with refused("SafeCastOverflowedUintDowncast", 80, 2**80):
        rig.committee.joinSeat.call({"from": miner})


@pytest.mark.parametrize("unit", [0, 1, 2**80 - 1])
def test_join_seat__any_unit__is_its_bond(rig, miner, unit):
    rig.stub.setSeatUnit(unit, rig.by)
    (seat_id,) = rig.seat(miner)
    assert plain(rig.committee.seat(seat_id)) == (miner, unit, False, 0)


def test_join_seat__staked__locks_a_seats_worth(play, miner):
    transaction = play.committee.joinSeat({"from": miner})
    seat_id = transaction.return_value
    assert transaction.events["SeatJoined"] == {"seatId": seat_id, "owner": miner}
    assert plain(play.committee.seat(seat_id)) == (miner, SEAT, False, 0)
    assert plain(play.committee.seatsOf(miner)) == (seat_id,)
    assert (play.committee.seatCount(), play.committee.availableSeats()) == (6, 6)
    assert play.hub.account(miner)["locked"] == SEAT


# LEAVING


@pytest.mark.parametrize("seat_id", [0, 1, 3, 2**32 - 1])
def test_leave_seat__not_ones_own__reverts(rig, miner, stranger, seat_id):
    rig.seat(miner)
    with refused("NotSeatOwner", seat_id, stranger):
        rig.committee.leaveSeat.call(seat_id, {"from": stranger})


def test_leave_seat__twice__reverts(rig, miner):
    rig.seat(miner)
    rig.committee.leaveSeat(1, {"from": miner})
    with refused("SeatAlreadyLeft", 1):
        rig.committee.leaveSeat.call(1, {"from": miner})


def test_leave_seat__twice_while_it_serves__reverts(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    seat_id, owner, *_ = rig.committee.members(round_id)[0]
    rig.committee.leaveSeat(seat_id, {"from": owner})
    with refused("SeatAlreadyLeft", seat_id):
        rig.committee.leaveSeat.call(seat_id, {"from": owner})


def test_leave_seat__free__unlocks_now(play, validators):
    transaction = play.committee.leaveSeat(2, {"from": validators[1]})
    assert transaction.events["SeatLeft"] == {"seatId": 2, "owner": validators[1]}
    assert play.hub.account(validators[1])["locked"] == 0
    assert play.committee.availableSeats() == 4
    assert plain(play.committee.seatsOf(validators[1])) == ()
    play.check_conservation()


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 1, 3)])
def test_leave_seat__in_any_order__leaves_the_others(rig, miner, order):
    """First, last and middle place of the pool; then the only one."""
    rig.seat(miner, miner, miner)
    left = {1, 2, 3}
    for seat_id in order:
        rig.committee.leaveSeat(seat_id, {"from": miner})
        left.remove(seat_id)
        assert set(rig.committee.seatsOf(miner)) == left
        assert rig.committee.availableSeats() == len(left)
    assert rig.stub.locked(miner) == 0


def test_seats__any_coming_and_going__each_owner_keeps_his(rig, accounts):
    """Against a model: the pool's places move under whoever stays. 20 seats take three words."""
    chance = random.Random(7)  # noqa: S311  # no secret
    owners = list(accounts[:5])
    model = {str(owner): set() for owner in owners}
    for _ in range(60):
        owner = chance.choice(owners)
        mine = model[str(owner)]
        if mine and chance.random() < 0.45:
            seat_id = chance.choice(sorted(mine))
            rig.committee.leaveSeat(seat_id, {"from": owner})
            mine.remove(seat_id)
        else:
            mine.update(rig.seat(owner))
        assert rig.committee.availableSeats() == sum(map(len, model.values()))
    for owner in owners:
        assert set(rig.committee.seatsOf(owner)) == model[str(owner)]
        assert rig.stub.locked(owner) == SEAT * len(model[str(owner)])
    rig.rules(15)
    drawn = {member[0] for member in rig.committee.members(rig.drawn())}
    assert len(drawn) % 2 == 1
    assert drawn <= set().union(*model.values())


def test_leave_seat__of_a_thousand__costs_what_it_costs_of_ten(rig, miner, stranger):
    rig.seat(miner, miner)
    rig.committee.seatMany(10**30, 1, 8, rig.by)
    of_ten = rig.committee.leaveSeat(1, {"from": miner}).gas_used
    rig.committee.seatMany(10**31, 1, 500, rig.by)
    rig.committee.seatMany(10**32, 1, 490, rig.by)
    assert rig.committee.leaveSeat(2, {"from": miner}).gas_used <= of_ten + 2_500
    (seat_id,) = rig.seat(stranger)
    assert plain(rig.committee.seatsOf(stranger)) == (seat_id,)


# WHILE A SEED IS KNOWN


@pytest.mark.parametrize("slot", [0, 1, 15])
def test_seats__between_seed_and_draw__neither_come_nor_go(rig, miner, validators, slot):
    """Who knows the seed could choose the committee: each seat more or less makes another draw of it."""
    rig.seat(*validators)
    round_id = rig.round(slot)
    rig.committee.draw(round_id, rig.by)
    brownie.chain.mine(1)
    rig.committee.leaveSeat(5, {"from": validators[4]})  # in the sealed block: its hash is not known yet
    brownie.chain.mine(1)
    with wrong_phase("Draw"):
        rig.committee.joinSeat.call({"from": miner})
    with wrong_phase("Draw"):
        rig.committee.leaveSeat.call(1, {"from": validators[0]})
    assert "CommitteeDrawn" in rig.committee.draw(round_id, rig.by).events
    rig.seat(miner)
    rig.committee.leaveSeat(1, {"from": validators[0]})


def test_seats__seed_out_of_range__come_and_go(rig, miner):
    """Nobody has to draw for a seat to be free to leave."""
    rig.committee.draw(rig.round(), rig.by)
    brownie.chain.mine(257)
    with wrong_phase("Draw"):
        rig.committee.joinSeat({"from": miner})
    (seat_id,) = rig.seat(miner)
    rig.committee.leaveSeat(seat_id, {"from": miner})


# SERVING


def test_seat__second_word_of_a_committee__serves(rig, validators):
    rig.seat(*validators * 3)
    rig.rules(15)
    round_id = rig.drawn(3)
    assert {rig.committee.seat(number)[3] for number in range(1, 16)} == {round_id}
    assert rig.committee.availableSeats() == 0
    rig.close(round_id)
    assert {rig.committee.seat(number)[3] for number in range(1, 16)} == {0}
    assert rig.committee.availableSeats() == 15


def test_leave_seat__serving__unlocks_when_the_round_is_final(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    seat_id, owner, *_ = play.committee.members(round_.id)[0]
    assert play.committee.seat(seat_id)[3] == round_.id
    play.committee.leaveSeat(seat_id, {"from": owner})
    assert play.hub.account(owner)["locked"] == SEAT
    assert plain(play.committee.seatsOf(owner)) == (seat_id,)
    play.judge(round_, 300, 300, 300)
    play.finalize(round_, round_.models[0])
    assert play.hub.account(owner)["locked"] == 0
    assert plain(play.committee.seat(seat_id)) == (owner, 0, True, 0)
    assert plain(play.committee.seatsOf(owner)) == ()
    assert play.committee.availableSeats() == 4
    play.check_conservation()


def test_leave_seat__serving__votes_all_the_same(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    for owner in validators[:3]:
        rig.committee.leaveSeat(rig.committee.seatsOf(owner)[0], {"from": owner})
    rig.judge(round_id, 300, 300, 300)
    owners, penalties, _, _ = closing(rig.close(round_id))
    assert owners == [str(member[1]) for member in rig.committee.members(round_id)]
    assert penalties == []
    assert [rig.stub.locked(owner) for owner in validators[:3]] == [0, 0, 0]


# LOSING


def test_close__absent__lose_what_the_hub_says(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    rig.judge(round_id, 300, 300)
    rig.pass_phase(round_id, "VoteReveal")
    seats = [member[0] for member in rig.committee.members(round_id)]
    _, penalties, _, _ = closing(rig.close(round_id, absent=100))
    assert penalties == [0, 0, SEAT // 100]
    assert bonds(rig, *seats) == [SEAT, SEAT, SEAT - SEAT // 100]


def test_close__off_the_median__lose_theirs(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    rig.judge(round_id, 300, 300)
    rig.pass_phase(round_id, "VoteReveal")
    # the third, who is absent, cannot be off as well
    _, penalties, _, _ = closing(rig.close(round_id, absent=100, off=0b110, off_bps=500))
    assert penalties == [0, SEAT // 20, SEAT // 100]


@pytest.mark.parametrize("bps", [5_000, 5_001, 10_000, 65_535])
def test_close__any_penalty__never_more_than_the_bond(rig, validators, bps):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    loss = min(SEAT, SEAT * bps // 10_000)
    _, penalties, _, _ = closing(rig.close(round_id, absent=bps))
    assert penalties == [loss] * 3
    stays = bps == 5_000  # exactly half of it is left
    for number, owner in enumerate(validators[:3], 1):
        assert plain(rig.committee.seat(number)) == (owner, SEAT - loss if stays else 0, not stays, 0)
        assert rig.stub.locked(owner) == (SEAT - loss if stays else 0)


def test_close__unit_larger_than_the_bond__takes_the_bond(rig, validators):
    """Parameters that came later cannot make a seat lose what it never had."""
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    _, penalties, _, _ = closing(rig.close(round_id, absent=1_000, unit=100 * SEAT))
    assert penalties == [SEAT] * 3


def test_close__half_a_unit__is_enough_to_stay(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    rig.close(round_id, unit=2 * SEAT + 1)
    assert rig.committee.availableSeats() == 3
    rig.close(rig.drawn(), unit=2 * SEAT + 2)
    assert rig.committee.availableSeats() == 0
    assert [rig.stub.locked(owner) for owner in validators[:3]] == [0, 0, 0]


def test_close__retired_seats__leave_the_others_in_the_pool(rig, accounts):
    """Three of five places become free at once, wherever they lie."""
    rig.seat(*accounts[1:6])
    round_id = rig.drawn()
    gone = {int(member[0]) for member in rig.committee.members(round_id)}
    transaction = rig.close(round_id, absent=10_000)
    assert {event["seatId"] for event in transaction.events["SeatLeft"]} == gone
    for number, owner in enumerate(accounts[1:6], 1):
        assert plain(rig.committee.seatsOf(owner)) == (() if number in gone else (number,))
    rig.seat(accounts[7])
    assert rig.committee.availableSeats() == 3
    drawn = {int(member[0]) for member in rig.committee.members(rig.drawn())}
    assert drawn == {1, 2, 3, 4, 5, 6} - gone


def test_leave_seat__serving_then_absent__loses_and_gets_the_rest(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    seat_id, owner, *_ = rig.committee.members(round_id)[1]
    rig.committee.leaveSeat(seat_id, {"from": owner})
    transaction = rig.close(round_id, absent=1_000)
    assert "SeatLeft" not in transaction.events
    assert (bonds(rig, seat_id), rig.stub.locked(owner)) == ([0], 0)
    assert rig.committee.availableSeats() == 2


def test_seats__often_absent__are_retired(play, requester, miner):
    """Ten percent of a seat for each failed epoch: after six of them less than half of its bond is left."""
    for _ in range(2):
        round_ = play.shown(requester, {miner: 300})
        for _ in range(3):
            play.draw(round_)
            play.finalize(round_)
    left = [play.committee.seat(number)[1] // DLBC for number in range(1, 6)]
    retired = [number for number in range(1, 6) if play.committee.seat(number)[2]]
    assert all(bond >= 25 or bond == 0 for bond in left)
    assert play.committee.availableSeats() == 5 - len(retired)
    play.check_conservation()
