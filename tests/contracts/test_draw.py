"""`draw`: who can be drawn, how evenly, and for how much gas."""

from __future__ import annotations

from collections import Counter

import brownie
import pytest
from committee_rig import SEAL, Rig
from round_play import PHASES, plain, refused, wrong_phase

MOST_GAS = 3_000_000  # of a draw, whatever anybody did to make it dear


def seats_of(rig: Rig, round_id: int) -> list[int]:
    return [int(member[0]) for member in rig.committee.members(round_id)]


def sealed(rig: Rig, slot: int = 0) -> tuple[int, int]:
    """A round with a sealed block: (round, block)."""
    round_id = rig.round(slot)
    return round_id, rig.committee.draw(round_id, rig.by).events["DrawSealed"]["sealBlock"]


def past(block: int) -> None:
    """Mines until the next transaction lies in this block's successor."""
    brownie.chain.mine(block - len(brownie.chain) + 1)


# WHEN


@pytest.mark.parametrize("phase", [number for number in range(len(PHASES)) if number != SEAL])
def test_draw__any_other_phase__reverts(rig, phase):
    with refused("WrongPhase", phase):
        rig.committee.draw.call(rig.round(phase=phase), rig.by)


@pytest.mark.parametrize("round_id", [0, 99, 2**32, 2**256 - 1])
def test_draw__no_such_round__reverts(play, round_id):
    with refused("WrongPhase", 0):
        play.committee.draw.call(round_id, play.by)


def test_draw__keys_not_shown_yet__reverts(play, requester, miner):
    round_ = play.claimed(requester, {miner: 300})
    with wrong_phase("Show"):
        play.committee.draw.call(round_.id, play.by)


def test_draw__drawn_already__reverts(rig, validators):
    rig.seat(*validators[:3])
    round_id = rig.drawn()
    with wrong_phase("VoteCommit"):
        rig.committee.draw.call(round_id, rig.by)


def test_draw__failed_already__reverts(rig):
    round_id = rig.drawn()
    with wrong_phase("Tally"):
        rig.committee.draw.call(round_id, rig.by)


def test_draw__in_the_sealed_block__reverts(rig, validators):
    rig.seat(*validators[:3])
    round_id, block = sealed(rig)
    assert rig.phase(round_id) == "Draw"
    brownie.chain.mine(1)
    with refused("TooEarly", block, block + 1):
        rig.committee.draw(round_id, rig.by)
    assert "CommitteeDrawn" in rig.committee.draw(round_id, rig.by).events


@pytest.mark.parametrize(("late", "draws"), [(256, True), (257, False)])
def test_draw__hash_out_of_range__seals_again(rig, validators, late, draws):
    rig.seat(*validators[:3])
    round_id, block = sealed(rig)
    brownie.chain.mine(late + 1)
    again = rig.committee.draw(round_id, rig.by)
    assert again.block_number == block + late
    assert ("CommitteeDrawn" in again.events) is draws
    if not draws:
        assert again.events["DrawSealed"] == {"roundId": round_id, "epoch": 0, "sealBlock": again.block_number + 2}
        assert rig.phase(round_id) == "Draw"
        brownie.chain.mine(3)
        assert "CommitteeDrawn" in rig.committee.draw(round_id, rig.by).events


# WHAT


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
    assert (ballot["size"], ballot["quorum"], ballot["epoch"], ballot["failed"]) == (3, 2, 0, False)
    assert ballot["seed"] == event["seed"]
    assert ballot["voteStart"] == transaction.timestamp
    assert ballot["commitEnd"] == transaction.timestamp + profile.timing[5]
    assert ballot["revealEnd"] == ballot["commitEnd"] + profile.timing[6]


def test_draw__seed__is_the_sealed_blocks_hash(rig, validators):
    rig.seat(*validators[:3])
    round_id, block = sealed(rig)
    past(block)
    event = rig.committee.draw(round_id, rig.by).events["CommitteeDrawn"]
    packed = bytes(brownie.web3.eth.get_block(block)["hash"]) + round_id.to_bytes(32, "big") + bytes(32)
    expected = "0x" + (bytes(brownie.web3.keccak(packed))[:7] + bytes(25)).hex()
    assert str(event["seed"]) == expected
    assert str(rig.committee.votes(round_id)["seed"]) == expected


def test_draw__tip__for_what_draws_and_what_fails_alone(rig, validators, stranger):
    by = {"from": stranger}
    round_id = rig.round()
    assert "DrawTipped" not in rig.committee.draw(round_id, by).events
    brownie.chain.mine(300)
    assert "DrawTipped" not in rig.committee.draw(round_id, by).events
    brownie.chain.mine(3)
    assert rig.committee.draw(round_id, by).events["DrawTipped"] == {"roundId": round_id, "caller": stranger}
    rig.seat(*validators[:3])
    round_id = rig.round()
    rig.committee.draw(round_id, by)
    brownie.chain.mine(3)
    assert rig.committee.draw(round_id, by).events["DrawTipped"] == {"roundId": round_id, "caller": stranger}


@pytest.mark.parametrize(
    ("seats", "wanted", "size", "quorum"),
    [
        (15, 3, 3, 2),
        (15, 7, 7, 5),
        (15, 15, 15, 11),
        (5, 15, 5, 4),  # an appeal among few seats: two thirds of those there are
        (4, 7, 3, 2),
        (3, 15, 3, 2),
        (7, 7, 7, 5),
    ],
)
def test_draw__quorum__is_that_of_the_size(rig, accounts, seats, wanted, size, quorum):
    rig.seat(*accounts[1 : 1 + seats])
    rig.rules(wanted, 3, 2)
    ballot = rig.committee.ballot(rig.drawn())
    assert (ballot["size"], ballot["quorum"]) == (size, quorum)


@pytest.mark.parametrize("seats", [0, 1, 2, 4])
def test_draw__too_few_seats__fails(rig, accounts, seats):
    """Four of five: three would be drawn, and the quorum of five is four."""
    rig.seat(*accounts[1 : 1 + seats])
    rig.rules(5, 5, 4)
    round_id = rig.round()
    event = rig.draw(round_id).events["CommitteeDrawn"]
    assert (len(event["seatIds"]), len(event["owners"]), event["voteStart"]) == (0, 0, 0)
    ballot = rig.committee.ballot(round_id)
    assert (ballot["size"], ballot["failed"], ballot["voteStart"]) == (0, True, 0)
    votes = rig.committee.votes(round_id)
    assert (votes["failed"], votes["size"], votes["revealEnd"]) == (True, 0, 0)
    assert rig.phase(round_id) == "Tally"
    assert rig.committee.availableSeats() == seats


def test_draw__only_seat__judges_alone(rig, miner):
    rig.seat(miner)
    rig.rules(1)
    round_id = rig.drawn()
    assert seats_of(rig, round_id) == [1]
    assert rig.committee.ballot(round_id)["quorum"] == 1


# WHO


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


def test_draw__few_are_no_miners__finds_them(rig, accounts):
    """All of 16 seats are looked at, and those of three owners remain."""
    rig.seat(*accounts[1:17])
    round_id = rig.round()
    for owner in accounts[4:17]:
        rig.stub.setCommitted(round_id, owner, rig.by)
    rig.rules(7, 3, 2)
    rig.draw(round_id)
    assert sorted(seats_of(rig, round_id)) == [1, 2, 3]


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
    assert (ballot["epoch"], ballot["failed"], ballot["size"]) == (0, False, 0)
    assert play.committee.availableSeats() == 2
    play.finalize(first)
    brownie.chain.mine(3)
    assert len(play.committee.draw(second.id, play.by).events["CommitteeDrawn"]["seatIds"]) == 3
    play.judge(second, *[300] * 3)
    play.finalize(second, second.models[0])
    play.check_conservation()


def test_draw__seats_that_left__are_not_drawn_again(rig, validators):
    rig.seat(*validators)
    round_id = rig.drawn()
    gone = set(seats_of(rig, round_id))
    for seat_id in gone:
        rig.committee.leaveSeat(seat_id, {"from": rig.committee.seat(seat_id)[0]})
    rig.close(round_id, again=True)
    rig.draw(round_id)
    assert rig.committee.ballot(round_id)["failed"]


# EPOCHS


def test_draw__next_epoch__is_another_committee_with_its_own_votes(rig, accounts):
    rig.seat(*accounts[1:8])
    round_id = rig.drawn()
    first = rig.committee.ballot(round_id)
    rig.judge(round_id, 300, 300, 300)
    rig.close(round_id, again=True)
    between = rig.committee.ballot(round_id)
    assert (between["epoch"], between["size"], between["committed"], between["revealed"]) == (1, 0, 0, 0)
    assert (between["voteStart"], between["revealEnd"], between["sealBlock"]) == (0, 0, 0)
    assert rig.phase(round_id) == "Seal"
    event = rig.draw(round_id).events["CommitteeDrawn"]
    assert (event["epoch"], event["seed"] != first["seed"]) == (1, True)
    assert rig.phase(round_id) == "VoteCommit"
    votes = rig.committee.votes(round_id)
    assert (votes["revealed"], plain(votes["words"])) == (0, (0, 0, 0))


def test_draw__hub_went_on_alone__takes_its_epoch(rig, validators):
    """Where nobody showed a key there was no ballot to close."""
    rig.seat(*validators[:3])
    round_id = rig.round(epoch=1)
    rig.draw(round_id)
    assert rig.committee.ballot(round_id)["epoch"] == 1
    assert rig.vote(round_id, 0).epoch == 1


def test_draw__failed_epoch__next_one_draws(rig, validators):
    round_id = rig.drawn()
    rig.close(round_id, again=True)
    rig.seat(*validators[:3])
    rig.draw(round_id)
    ballot = rig.committee.ballot(round_id)
    assert (ballot["epoch"], ballot["size"], ballot["failed"]) == (1, 3, False)


def test_draw__smaller_committee_after_a_large_one__forgets_its_second_word(rig, accounts):
    rig.seat(*accounts[1:18])
    rig.rules(15)
    rig.close(rig.drawn())
    rig.rules(3)
    rig.drawn()
    assert rig.committee.availableSeats() == 14
    assert sum(rig.committee.seat(number)[3] != 0 for number in range(1, 18)) == 3


# HOW EVENLY


def chi_square(counts: list[int], draws: int, wanted: int) -> float:
    """Of counts that vary less than with replacement: by (1 - share) n / (n - 1)."""
    share = wanted / len(counts)
    expected = draws * share
    spread = expected * (1 - share) * len(counts) / (len(counts) - 1)
    return sum((count - expected) ** 2 / spread for count in counts)


@pytest.mark.parametrize(
    ("seats", "wanted", "bound"), [(5, 3, 18.5), (8, 7, 24.3), (20, 7, 43.8), (20, 1, 43.8), (16, 15, 37.7)]
)
def test_pick__two_thousand_seeds__each_seat_as_often(rig, seats, wanted, bound):
    """The bound is that below which 99.9 % of chi square lie."""
    rig.committee.seatMany(10**30, 1, seats, rig.by)
    counts = Counter()
    for batch in range(5):
        found, size = rig.committee.draws(1, wanted, batch, 400)
        assert size == wanted
        counts.update(dict(enumerate(plain(found))))
    assert set(counts) == set(range(seats + 1))
    assert counts[0] == 0
    assert sum(counts.values()) == 2_000 * wanted
    assert chi_square([counts[seat] for seat in range(1, seats + 1)], 2_000, wanted) < bound


def test_pick__ineligible_seats_between__others_as_often(rig):
    """Of 20 seats five judge another round and five belong to a miner: the other ten are drawn evenly."""
    rig.committee.seatMany(10**30, 1, 15, rig.by)
    rig.committee.seatMany(10**31, 0, 5, rig.by)
    rig.rules(5)
    busy = set()
    while not busy or any(seat > 15 for seat in busy):
        if busy:
            rig.close(rig.rounds)
        busy = set(seats_of(rig, rig.drawn(1)))
    round_id = rig.round()
    rig.stub.setCommitted(round_id, "0x" + (10**31).to_bytes(20, "big").hex(), rig.by)
    counts = Counter()
    for batch in range(10):
        found, _ = rig.committee.draws(round_id, 3, batch, 200)
        counts.update(dict(enumerate(plain(found))))
    eligible = set(range(1, 16)) - busy
    assert {seat for seat, count in counts.items() if count} == eligible
    assert chi_square([counts[seat] for seat in eligible], 2_000, 3) < 27.9


# AT SCALE


def test_draw__thousand_seats_sixteen_slots__bounded_and_apart(rig):
    """Every slot has a committee of fifteen, and each of them can be found, judged and closed."""
    for part in range(2):
        rig.committee.seatMany(10**30 + part * 10**6, 1, 500, rig.by)
    rig.rules(15)
    rounds = [rig.round(slot) for slot in range(16)]
    for round_id in rounds:
        rig.committee.draw(round_id, rig.by)
    brownie.chain.mine(3)
    gas = [rig.committee.draw(round_id, rig.by).gas_used for round_id in rounds]
    drawn = [seats_of(rig, round_id) for round_id in rounds]
    assert len(set().union(*drawn)) == 16 * 15
    assert rig.committee.availableSeats() == 1_000 - 16 * 15
    assert max(gas) < 600_000
    for round_id in (rounds[0], rounds[15]):
        vote = rig.vote(round_id, 14, 300)
        assert rig.commit(vote).gas_used < 110_000
    assert rig.close(rounds[15]).gas_used < 350_000
    assert rig.committee.availableSeats() == 1_000 - 15 * 15


def test_draw__crowd_of_miners_seats__gives_up_in_bounded_gas(rig, accounts):
    """One owner with 900 seats commits a model. The draw looks at 128 seats, and no further."""
    for _ in range(2):
        rig.committee.seatMany(10**31, 0, 450, rig.by)
    rig.seat(*accounts[1:4])
    round_id = rig.round()
    rig.stub.setCommitted(round_id, "0x" + (10**31).to_bytes(20, "big").hex(), rig.by)
    rig.rules(15, 3, 2)
    assert rig.draw(round_id).gas_used < MOST_GAS


def test_draw__rounds_with_equal_tags__find_their_own_committees(rig, accounts):
    """Committees are found by eleven bits of their round: two rounds may share them."""
    rig.seat(*accounts[1:8])
    first, second = 5, 5 + 2_048
    for slot, round_id in enumerate((first, second)):
        rig.set_phase(round_id, slot, SEAL)
        rig.draw(round_id)
    for round_id in (first, second):
        vote = rig.vote(round_id, 0, 300)
        assert rig.commit(vote).events["VoteCommitted"]["roundId"] == round_id
    assert [rig.committee.votes(one)["size"] for one in (first, second)] == [3, 3]
    rig.close(first)
    assert not set(seats_of(rig, second)) & {seat for seat in range(1, 8) if rig.committee.seat(seat)[3] == 0}
