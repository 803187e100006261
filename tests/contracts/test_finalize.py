"""`finalize`: who is paid and who is slashed in each outcome, to the last base unit."""

from __future__ import annotations

import pytest
from round_play import DLBC, INVALID, MISDECLARED, OUTCOMES, SKIPPED, UNAVAILABLE, paid, plain, refused, slashed

FEE = 200 * DLBC
BOND = 100 * DLBC
MINER_UNIT = 10 * DLBC
SEAT_UNIT = 50 * DLBC
SLOT_FEE = 60 * DLBC // 1000


@pytest.fixture
def seated(play):
    """The owners of the drawn seats, by position."""
    return lambda round_: [member[1] for member in play.committee.members(round_.id)]


def outcome_of(transaction):
    return OUTCOMES[transaction.events["RoundFinalized"]["outcome"]]


def test_finalize__too_early__reverts(play, requester, miner):
    round_ = play.open(requester)
    with refused("WrongPhase", 2):
        play.hub.finalize.call(round_.id, round_.spec, play.model(round_, miner).commitment, play.by)


def test_finalize__no_such_round__reverts(play, requester, miner):
    round_ = play.open(requester)
    with refused("WrongPhase", 0):
        play.hub.finalize.call(99, round_.spec, play.model(round_, miner).commitment, play.by)


def test_finalize__other_spec__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.wait_for(round_, "Tally")
    with refused("SpecMismatch"):
        play.hub.finalize.call(round_.id, round_.spec._replace(fee=1), play.model(round_, miner).commitment, play.by)


def test_finalize__not_the_winner__reverts(play, requester, miner, other_miner):
    round_ = play.judged(requester, {miner: 300, other_miner: 310})
    first, second = round_.models
    with refused("WrongWinner", first.hash, second.hash):
        play.hub.finalize.call(round_.id, round_.spec, first.commitment, play.by)


def test_finalize__winner_and_two_more__pays_all_shares(play, requester, miners, seated):
    a, b, c = miners[:3]
    round_ = play.judged(requester, {a: 300, b: 310, c: 305})
    validators = seated(round_)
    assert plain(play.hub.preview(round_.id, round_.spec)) == (1, round_.models[1].hash, 310)
    before = play.credit(b)
    transaction = play.finalize(round_, round_.models[1])

    assert outcome_of(transaction) == "Block"
    each = FEE // 10 // 3
    winner = FEE - FEE // 10 - 3 * each - FEE // 20 * 2
    assert paid(transaction) == [
        (b, "Winner", winner),
        (b, "Emission", FEE // 10 * 9 // 10),
        (c, "Second", FEE // 20),
        (a, "Third", FEE // 20),
        *((validator, "Validator", each) for validator in validators),
        (requester, "Bond", BOND),
    ]
    assert transaction.events["RoundFinalized"]["burned"] == FEE // 10
    assert play.credit(b) == before + winner + FEE // 10 * 9 // 10
    assert play.phase(round_) == "Final"
    assert play.hub.task(round_.task_id)["status"] == 3
    play.check_conservation()


def test_finalize__lone_miner__takes_the_other_places_and_no_emission(play, requester, miner):
    round_ = play.judged(requester, {miner: 300})
    transaction = play.finalize(round_, round_.models[0])
    each = FEE // 10 // 3
    assert paid(transaction)[0] == (miner, "Winner", FEE - FEE // 10 - 3 * each)
    assert "Emission" not in [kind for _, kind, _ in paid(transaction)]
    assert play.hub.emitted() == 0
    play.check_conservation()


def test_finalize__twice__reverts(play, requester, miner):
    round_ = play.judged(requester, {miner: 300})
    play.finalize(round_, round_.models[0])
    with refused("WrongPhase", 14):
        play.hub.finalize.call(round_.id, round_.spec, round_.models[0].commitment, play.by)
    assert play.hub.preview(round_.id, round_.spec)[0] == 1


def test_finalize__block__links_to_its_parent(play, requester, miner, other_miner):
    heads = [play.hub.head()]
    scores = [play.hub.chainScore()]
    for number in (1, 2):
        round_ = play.judged(requester, {miner: 300, other_miner: 290})
        transaction = play.finalize(round_, round_.models[0])
        event = transaction.events["BlockAppended"]
        header = dict(
            zip(
                [
                    part["name"]
                    for part in next(e for e in play.hub.abi if e.get("name") == "BlockAppended")["inputs"][2][
                        "components"
                    ]
                ],
                event["header"],
                strict=True,
            )
        )
        assert header["version"] == 1
        assert header["height"] == event["height"] == number
        assert header["parent"] == header["anchor"] == heads[-1]
        assert header["commitment"] == round_.models[0].hash
        assert header["modelHash"] == round_.models[0].commitment.modelHash
        assert (header["score"], header["scoreMax"], header["miner"]) == (300, 360, miner)
        assert header["emission"] == FEE // 10 * 9 // 10
        assert header["timestamp"] == transaction.timestamp
        assert play.hub.hashHeader(event["header"]) == event["head"] == play.hub.head()
        heads.append(play.hub.head())
        scores.append(play.hub.chainScore())
        assert header["chainScore"] == scores[-1] > scores[-2]
    assert play.hub.height() == 2


def test_finalize__vote_root__is_of_the_vote_hashes(play, Harness, accounts, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    votes = [play.vote(round_, pos, 300) for pos in range(2)]
    for vote in votes:
        play.commit_vote(vote)
    play.wait_for(round_, "VoteReveal")
    for vote in votes:
        play.reveal_vote(vote)
    transaction = play.finalize(round_, round_.models[0])
    hashes = [play.committee.hashVote(vote) for vote in votes] + ["0x" + "00" * 32]
    root = transaction.events["BlockAppended"]["header"][10]
    assert root == accounts[0].deploy(Harness).voteRoot(hashes)


def test_finalize__within_tie_tolerance__earliest_commit_wins(play, requester, miners, chain):
    a, b, c = miners[:3]
    round_ = play.open(requester, tieTol=2)
    play.commit(round_, a)
    chain.sleep(35)  # the second half of the training time: the order of commits counts
    play.commit(round_, b, c)
    play.reveal_key(round_)
    for model, score in zip(round_.models, (297, 298, 300), strict=True):
        play.claim(round_, model, score)
    for model in round_.models:
        play.show(model)
    play.draw(round_)
    play.judge(round_, *[play.word(round_, {})] * 3)
    # 297 is too far from 300; 298 is not, and was committed before it
    assert plain(play.hub.preview(round_.id, round_.spec)) == (1, round_.models[1].hash, 298)


def test_finalize__tie_of_early_commits__is_ordered_by_the_seed(play, requester, miners, web3):
    a, b, c = miners[:3]
    round_ = play.judged(requester, {a: 300, b: 300, c: 300}, tieTol=0)
    seed = bytes.fromhex(str(play.committee.ballot(round_.id)["seed"])[2:])
    order = sorted(round_.models, key=lambda model: bytes(web3.keccak(seed + bytes.fromhex(model.hash[2:]))))
    transaction = play.finalize(round_, order[0])
    places = [account for account, kind, _ in paid(transaction) if kind in ("Winner", "Second", "Third")]
    assert places == [model.miner for model in order]


def test_finalize__nobody_commits__refunds_less_the_slot_fee(play, requester):
    round_ = play.open(requester)
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "NoCommit"
    assert paid(transaction) == [(requester, "Refund", FEE - SLOT_FEE), (requester, "Bond", BOND)]
    assert transaction.events["RoundFinalized"]["burned"] == SLOT_FEE
    assert play.hub.task(round_.task_id)["status"] == 4
    play.check_conservation()


def test_finalize__slot_fee_above_the_fee__burns_no_more_than_the_fee(play, requester):
    fee = play.hub.floors(play.spec(requester, trainSecs=3_000, flops=2**60)[0])[0]
    round_ = play.open(requester, trainSecs=3_000, flops=2**60, fee=fee)
    assert paid(play.finalize(round_))[0] == (requester, "Refund", fee - 3 * DLBC)


def test_finalize__key_withheld__the_bond_goes_to_fire_and_committers(play, requester, miner, other_miner):
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner)
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "KeyWithheld"
    assert paid(transaction) == [(requester, "Refund", FEE)]
    # half the bond would be 25 for each committer; a lock's worth is the most
    assert transaction.events["RoundFinalized"]["burned"] == BOND - 2 * MINER_UNIT
    play.check_conservation(unclaimed=2 * MINER_UNIT)


def test_finalize__nobody_claims__refunds_everything(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.reveal_key(round_)
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "NoClaim"
    assert paid(transaction) == [(requester, "Refund", FEE), (requester, "Bond", BOND)]
    play.check_conservation()


def test_finalize__no_claim_reaches_the_threshold__refunds_less_the_slot_fee(play, requester, miner):
    round_ = play.claimed(requester, {miner: 99})
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "BelowThreshold"
    assert paid(transaction) == [(requester, "Refund", FEE - SLOT_FEE), (requester, "Bond", BOND)]
    assert not slashed(transaction)
    play.check_conservation()


def test_finalize__no_key_shown__refunds_and_slashes_the_listed(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 99})
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "NoModel"
    assert paid(transaction) == [(requester, "Refund", FEE), (requester, "Bond", BOND)]
    assert slashed(transaction) == [(miner, "Unavailable", MINER_UNIT // 2)]
    assert play.hub.account(miner)["locked"] == 0
    play.check_conservation()


def test_finalize__one_of_two_keys_missing__goes_on_without_him(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 310})
    play.show(round_.models[0])
    play.wait_for(round_, "Seal")
    play.draw(round_)
    play.judge(round_, *[play.word(round_, {other_miner: UNAVAILABLE})] * 3)
    transaction = play.finalize(round_, round_.models[0])
    assert outcome_of(transaction) == "Block"
    assert slashed(transaction) == [(other_miner, "Unavailable", MINER_UNIT // 2)]
    # he did claim: emission counts claimants
    assert (miner, "Emission", FEE // 10 * 9 // 10) in paid(transaction)
    play.check_conservation()


@pytest.mark.parametrize(("flag", "reason"), [(INVALID, "Invalid"), (UNAVAILABLE, "Unavailable")])
def test_finalize__majority_flag__disqualifies_and_slashes(play, requester, miner, other_miner, flag, reason):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    bad, fair = play.word(round_, {other_miner: flag | 310}), play.word(round_, {})
    play.judge(round_, bad, fair, bad)
    transaction = play.finalize(round_, round_.models[0])
    assert slashed(transaction) == [(other_miner, reason, MINER_UNIT // 2)]
    assert paid(transaction)[0][:2] == (miner, "Winner")
    play.check_conservation()


def test_finalize__minority_flag__changes_nothing(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    bad, fair = play.word(round_, {other_miner: INVALID | 310}), play.word(round_, {})
    play.judge(round_, bad, fair, fair)
    assert not slashed(play.finalize(round_, round_.models[1]))


def test_finalize__skipped_votes__stay_outside_the_median(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    skipping, fair = play.word(round_, {miner: SKIPPED}), play.word(round_, {})
    play.judge(round_, skipping, fair, fair)
    verdicts, flags = play.committee.verdicts(round_.id, 2)
    assert [tuple(verdict) for verdict in verdicts] == [(310, 0), (300, 0)]
    assert flags == 0


def test_finalize__scored_by_one_of_three__is_no_winner(play, requester, miner, other_miner):
    """A model too slow to be scored in time, and one validator who says that it is perfect."""
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    honest, bought = play.word(round_, {other_miner: SKIPPED}), play.word(round_, {other_miner: 360})
    play.judge(round_, honest, bought, honest)
    verdicts, _ = play.committee.verdicts(round_.id, 2)
    assert [tuple(verdict) for verdict in verdicts] == [(0, 0), (300, 0)]
    transaction = play.finalize(round_, round_.models[0])
    assert outcome_of(transaction) == "Block"
    assert [(account, kind) for account, kind, _ in paid(transaction) if kind in {"Winner", "Second"}] == [
        (miner, "Winner")
    ]
    play.check_conservation()


def test_finalize__medians_below_the_threshold__pays_those_who_showed(play, requester, miner, other_miner, seated):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    play.judge(round_, *[play.word(round_, {miner: 99, other_miner: 98})] * 3)
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "BelowThreshold"
    each = FEE // 10 // 3
    share = FEE - FEE // 10 - 3 * each
    half = share // 2 // 2
    assert paid(transaction) == [
        *((validator, "Validator", each) for validator in seated(round_)),
        (other_miner, "Compensation", half),
        (miner, "Compensation", half),
        (requester, "Bond", BOND),
    ]
    assert transaction.events["RoundFinalized"]["burned"] == FEE // 10 + share - 2 * half
    play.check_conservation()


def test_finalize__every_model_refused__refunds_the_miners_share(play, requester, miner, seated):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, *[INVALID] * 3)
    transaction = play.finalize(round_)
    each = FEE // 10 // 3
    assert outcome_of(transaction) == "BelowThreshold"
    assert slashed(transaction) == [(miner, "Invalid", MINER_UNIT // 2)]
    assert paid(transaction) == [
        *((validator, "Validator", each) for validator in seated(round_)),
        (requester, "Refund", FEE - FEE // 10 - 3 * each),
        (requester, "Bond", BOND),
    ]
    play.check_conservation()


def test_finalize__task_fault__refunds_nothing(play, requester, miner, other_miner, seated):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    faulty, fair = play.word(round_, {other_miner: INVALID}, MISDECLARED), play.word(round_, {})
    play.judge(round_, faulty, fair, faulty)
    transaction = play.finalize(round_)
    assert outcome_of(transaction) == "TaskFault"
    each = FEE // 10 // 3
    share = FEE - FEE // 10 - 3 * each + BOND
    assert paid(transaction) == [
        *((validator, "Validator", each) for validator in seated(round_)),
        (other_miner, "Compensation", share // 4),
        (miner, "Compensation", share // 4),
    ]
    # where the task itself is at fault, a flagged model says nothing about its miner
    assert not slashed(transaction)
    play.check_conservation()


def test_finalize__reserved_task_flag__is_ignored(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, *[play.word(round_, {}, 1 << 243)] * 3)
    assert outcome_of(play.finalize(round_, round_.models[0])) == "Block"


def test_finalize__absent_validator__loses_one_percent_of_a_seat(play, requester, miner, seated):
    round_ = play.drawn(requester, {miner: 300})
    absent = seated(round_)[2]
    play.judge(round_, 300, 300)
    transaction = play.finalize(round_, round_.models[0])
    assert slashed(transaction) == [(absent, "Absent", SEAT_UNIT // 100)]
    assert [account for account, kind, _ in paid(transaction) if kind == "Validator"] == seated(round_)[:2]
    assert play.committee.availableSeats() == 5
    assert play.hub.account(absent)["locked"] == SEAT_UNIT - SEAT_UNIT // 100
    play.check_conservation()


def test_finalize__too_few_votes__three_epochs_then_no_quorum(play, requester, miner, seated):
    round_ = play.drawn(requester, {miner: 300})
    for epoch in range(3):
        absent = seated(round_)[1:]
        play.judge(round_, 300)
        assert play.hub.preview(round_.id, round_.spec)[0] == (8 if epoch == 2 else 0)
        transaction = play.finalize(round_)
        assert slashed(transaction) == [(owner, "Absent", SEAT_UNIT // 10) for owner in absent]
        if epoch < 2:
            assert transaction.events["EpochFailed"]["epoch"] == epoch
            assert "RoundFinalized" not in transaction.events
            assert play.phase(round_) == "Seal"
            assert play.hub.round(round_.id)["epoch"] == epoch + 1
            play.draw(round_)
            assert play.committee.ballot(round_.id)["epoch"] == epoch + 1
    assert outcome_of(transaction) == "NoQuorum"
    assert paid(transaction) == [
        (miner, "Compensation", FEE - FEE // 5),
        (requester, "Refund", FEE // 5),
        (requester, "Bond", BOND),
    ]
    play.check_conservation()


def test_finalize__too_few_eligible_seats__reaches_no_quorum(play, requester, miner, validators):
    seats = {owner: play.committee.seatsOf(owner)[0] for owner in validators}
    for owner in validators[1:]:
        play.committee.leaveSeat(seats[owner], {"from": owner})
    round_ = play.shown(requester, {miner: 300})
    for _ in range(3):
        play.draw(round_)
        assert play.committee.ballot(round_.id)["failed"]
        assert play.phase(round_) == "Tally"
        transaction = play.finalize(round_)
    assert outcome_of(transaction) == "NoQuorum"
    assert not slashed(transaction)
    assert play.committee.availableSeats() == 1
    play.check_conservation()


def test_finalize__committee_recovers_in_the_second_epoch__appends_a_block(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    play.finalize(round_)
    play.draw(round_)
    play.judge(round_, *[300] * 3)
    assert outcome_of(play.finalize(round_, round_.models[0])) == "Block"
    play.check_conservation()
