"""Seats and `draw`: who can be drawn, how evenly, and that nobody changes seats meanwhile."""

from __future__ import annotations

from collections import Counter

import brownie
from round_play import DLBC, ZERO, plain, refused

POOL_SLOT = 1


def test_join_seat__without_stake__reverts(play, stranger):
    with refused("InsufficientStake", 0, 50 * DLBC):
        play.committee.joinSeat.call({"from": stranger})


def test_join_seat__pool_full__reverts(play, miner):
    length = "0x" + (4_096).to_bytes(32, "big").hex()
    brownie.web3.provider.make_request(
        "anvil_setStorageAt",
        [play.committee.address, "0x" + POOL_SLOT.to_bytes(32, "big").hex(), length],
    )
    with refused("SeatsFull", 4_096):
        play.committee.joinSeat.call({"from": miner})


def test_join_seat__staked__locks_a_seats_worth(play, miner):
    transaction = play.committee.joinSeat({"from": miner})
    seat_id = transaction.return_value
    assert transaction.events["SeatJoined"] == {"seatId": seat_id, "owner": miner}
    assert plain(play.committee.seat(seat_id)) == (miner, 50 * DLBC, False, 0)
    assert plain(play.committee.seatsOf(miner)) == (seat_id,)
    assert (play.committee.seatCount(), play.committee.availableSeats()) == (6, 6)
    assert play.hub.account(miner)["locked"] == 50 * DLBC


def test_leave_seat__not_ones_own__reverts(play, stranger):
    with refused("NotSeatOwner", 1, stranger):
        play.committee.leaveSeat.call(1, {"from": stranger})


def test_leave_seat__twice__reverts(play, validators):
    play.committee.leaveSeat(1, {"from": validators[0]})
    with refused("SeatAlreadyLeft", 1):
        play.committee.leaveSeat.call(1, {"from": validators[0]})


def test_leave_seat__free__unlocks_now(play, validators):
    transaction = play.committee.leaveSeat(2, {"from": validators[1]})
    assert transaction.events["SeatLeft"] == {"seatId": 2, "owner": validators[1]}
    assert play.hub.account(validators[1])["locked"] == 0
    assert play.committee.availableSeats() == 4
    assert plain(play.committee.seatsOf(validators[1])) == ()


def test_leave_seat__serving__unlocks_when_the_round_is_final(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    seat_id, owner, *_ = play.committee.members(round_.id)[0]
    assert play.committee.seat(seat_id)[3] == round_.id
    play.committee.leaveSeat(seat_id, {"from": owner})
    assert play.hub.account(owner)["locked"] == 50 * DLBC
    play.judge(round_, 300, 300, 300)
    play.finalize(round_, round_.models[0])
    assert play.hub.account(owner)["locked"] == 0
    assert plain(play.committee.seat(seat_id)) == (owner, 0, True, 0)
    assert play.committee.availableSeats() == 4
    play.check_conservation()


def test_leave_seat__often_absent__is_retired(play, requester, miner):
    """Ten percent of a seat for each failed epoch: after six of them less than half of its bond is left."""
    for _ in range(2):
        round_ = play.shown(requester, {miner: 300})
        for _ in range(3):
            play.draw(round_)
            play.finalize(round_)
    bonds = [play.committee.seat(number)[1] // DLBC for number in range(1, 6)]
    retired = [number for number in range(1, 6) if play.committee.seat(number)[2]]
    assert all(bond >= 25 or bond == 0 for bond in bonds)
    assert play.committee.availableSeats() == 5 - len(retired)
    play.check_conservation()


def test_seats__between_seed_and_draw__neither_come_nor_go(play, requester, miner, validators):
    """Who knows the seed could choose the committee: each seat more or less makes another draw of it."""
    round_ = play.shown(requester, {miner: 300})
    play.committee.draw(round_.id, play.by)
    play.committee.leaveSeat(5, {"from": validators[4]})  # the seed is not known yet
    brownie.chain.mine(3)
    with refused("WrongPhase", 8):
        play.committee.joinSeat.call({"from": miner})
    with refused("WrongPhase", 8):
        play.committee.leaveSeat.call(1, {"from": validators[0]})
    assert "CommitteeDrawn" in play.committee.draw(round_.id, play.by).events
    play.committee.joinSeat({"from": miner})
    play.committee.leaveSeat(1, {"from": validators[0]})


def test_seats__seed_out_of_range__come_and_go(play, requester, miner):
    """Nobody has to draw for a seat to be free to leave."""
    round_ = play.shown(requester, {miner: 300})
    play.committee.draw(round_.id, play.by)
    brownie.chain.mine(300)
    seat_id = play.committee.joinSeat({"from": miner}).return_value
    play.committee.leaveSeat(seat_id, {"from": miner})
    assert play.committee.availableSeats() == 5


def test_seats_of__others_come_and_go__costs_no_more(play, miner, validators):
    before = play.committee.seatsOf.estimate_gas(validators[0], play.by)
    for _ in range(3):
        seat_id = play.committee.joinSeat({"from": miner}).return_value
        play.committee.leaveSeat(seat_id, {"from": miner})
    kept = play.committee.joinSeat({"from": miner}).return_value
    assert plain(play.committee.seatsOf(miner)) == (kept,)
    assert play.committee.seatsOf.estimate_gas(validators[0], play.by) == before


def test_draw__keys_not_shown_yet__reverts(play, requester, miner):
    round_ = play.claimed(requester, {miner: 300})
    with refused("WrongPhase", 6):
        play.committee.draw.call(round_.id, play.by)


def test_draw__no_such_round__reverts(play):
    with refused("WrongPhase", 0):
        play.committee.draw.call(99, play.by)


def test_draw__before_the_sealed_block__reverts(play, requester, miner):
    round_ = play.shown(requester, {miner: 300})
    sealed = play.committee.draw(round_.id, play.by)
    block = sealed.events["DrawSealed"]["sealBlock"]
    assert block == sealed.block_number + 2
    assert play.phase(round_) == "Draw"
    with refused("TooEarly"):
        play.committee.draw.call(round_.id, play.by)


def test_draw__hash_out_of_range__seals_again(play, requester, miner):
    round_ = play.shown(requester, {miner: 300})
    play.committee.draw(round_.id, play.by)
    brownie.chain.mine(300)
    again = play.committee.draw(round_.id, play.by)
    assert again.events["DrawSealed"]["sealBlock"] == again.block_number + 2
    assert play.phase(round_) == "Draw"
    brownie.chain.mine(3)
    assert "CommitteeDrawn" in play.committee.draw(round_.id, play.by).events
    assert play.phase(round_) == "VoteCommit"


def test_draw__enough_seats__stores_a_committee(play, requester, miner, profile):
    round_ = play.shown(requester, {miner: 300})
    transaction = play.draw(round_)
    event = transaction.events["CommitteeDrawn"]
    members = play.committee.members(round_.id)
    assert [member[0] for member in members] == list(event["seatIds"])
    assert [member[1] for member in members] == list(event["owners"])
    assert len(set(event["seatIds"])) == 3
    assert event["voteStart"] == transaction.timestamp
    ballot = play.committee.ballot(round_.id)
    assert (ballot["size"], ballot["epoch"], ballot["failed"]) == (3, 0, False)
    assert ballot["seed"] == event["seed"]
    assert ballot["commitEnd"] == transaction.timestamp + profile.timing[5]
    assert ballot["revealEnd"] == ballot["commitEnd"] + profile.timing[6]
    with refused("WrongPhase", 10):
        play.committee.draw.call(round_.id, play.by)


def test_draw__another_round__shares_no_seat(play, requester, miner, other_miner, miners):
    play.seat(*miners[3:5])
    first = play.drawn(requester, {miner: 300})
    second = play.drawn(requester, {other_miner: 300}, slot=1)
    seats = [{member[0] for member in play.committee.members(round_.id)} for round_ in (first, second)]
    assert not seats[0] & seats[1]
    assert play.committee.availableSeats() == 1


def test_draw__seats_serve_another_round__seals_again_until_they_are_back(play, requester, miner, other_miner):
    """Two of five seats are free. To fail would void the round in three epochs of a few blocks each."""
    first = play.drawn(requester, {miner: 300})
    second = play.shown(requester, {other_miner: 300}, slot=1)
    again = play.draw(second)
    assert again.events["DrawSealed"]["sealBlock"] == again.block_number + 2
    assert play.phase(second) == "Draw"
    ballot = play.committee.ballot(second.id)
    assert (ballot["epoch"], ballot["failed"], ballot["seed"]) == (0, False, ZERO)
    assert play.committee.availableSeats() == 2
    play.finalize(first)
    brownie.chain.mine(3)
    assert len(play.committee.draw(second.id, play.by).events["CommitteeDrawn"]["seatIds"]) == 3
    play.judge(second, *[300] * 3)
    play.finalize(second, second.models[0])
    play.check_conservation()


def test_draw__owner_who_committed__is_not_eligible(play, requester, validators):
    round_ = play.shown(requester, {validators[0]: 300, validators[1]: 310})
    play.draw(round_)
    owners = {member[1] for member in play.committee.members(round_.id)}
    assert owners == {str(owner) for owner in validators[2:]}
    assert play.committee.availableSeats() == 2


def test_draw__even_number_of_eligible_seats__takes_one_less(play, requester, validators):
    round_ = play.shown(requester, dict.fromkeys(validators[:3], 300))
    play.draw(round_)
    ballot = play.committee.ballot(round_.id)
    # two are eligible, so one would be drawn: less than the quorum
    assert (ballot["size"], ballot["failed"]) == (0, True)
    assert play.phase(round_) == "Tally"
    assert play.committee.availableSeats() == 5


def test_draw__many_times__is_about_even(play, requester, miner):
    """40 draws of three out of five seats: each seat is expected 24 times, with a deviation of 3.1."""
    round_ = play.shown(requester, {miner: 300})
    request = brownie.web3.provider.make_request
    # past Brownie, which would wait for ever for a transaction that was taken back
    committee = brownie.web3.eth.contract(address=play.committee.address, abi=play.committee.abi)
    counts = Counter()
    for number in range(40):
        before = request("evm_snapshot", [])["result"]
        # another time makes another block, and so another seed
        request("evm_increaseTime", [1 + number])
        for _ in range(2):
            sent = committee.functions.draw(round_.id).transact({"from": str(play.keeper), "gas": 10**6})
            receipt = brownie.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
            request("anvil_mine", ["0x3"])
        counts.update(committee.events.CommitteeDrawn().process_receipt(receipt)[0]["args"]["seatIds"])
        request("evm_revert", [before])
    assert set(counts) == {1, 2, 3, 4, 5}
    assert all(11 <= count <= 37 for count in counts.values())
