"""`finalize`: who is paid and who is slashed in each outcome, to the last base unit.

What everybody's credit and stake change by is compared as a whole: nobody may gain or lose besides those who are named.
"""

from __future__ import annotations

import pytest
from money import BOND, MINER_UNIT, SEAT_UNIT, SLOT_FEE, Split, gains, left, outcome_of, settle
from round_play import (
    DLBC,
    INVALID,
    LINEAGE,
    MISDECLARED,
    PAYLOAD_BAD,
    SKIPPED,
    UNAVAILABLE,
    ZERO,
    ended,
    keccak,
    paid,
    plain,
    refused,
    slashed,
    wrong_phase,
)


@pytest.fixture
def seated(play):
    """The owners of the drawn seats, by position."""
    return play.owners


# REVERTS


def test_finalize__too_early__reverts(play, requester):
    round_ = play.open(requester)
    with wrong_phase("Train"):
        play.hub.finalize.call(*play.finalize_arguments(round_), play.by)


def test_finalize__no_such_round__reverts(play, requester):
    round_ = play.open(requester)
    with wrong_phase("None"):
        play.hub.finalize.call(99, *play.finalize_arguments(round_)[1:], play.by)


def test_finalize__while_it_can_be_appealed__reverts(play, requester, miner):
    round_ = play.judged(requester, {miner: 300})
    with wrong_phase("Appeal"):
        play.hub.finalize.call(*play.finalize_arguments(round_, round_.models[0]), play.by)


def test_finalize__other_spec__reverts(play, requester):
    round_ = play.open(requester)
    play.wait_for(round_, "Tally")
    with refused("SpecMismatch"):
        play.hub.finalize.call(round_.id, round_.spec._replace(fee=1), *play.finalize_arguments(round_)[2:], play.by)


def test_finalize__not_the_winner__reverts(play, requester, miner, other_miner):
    round_ = play.judged(requester, {miner: 300, other_miner: 310})
    play.wait_for(round_, "Tally")
    first, second = round_.models
    with refused("WrongWinner", first.hash, second.hash):
        play.hub.finalize.call(*play.finalize_arguments(round_, first), play.by)


def test_finalize__twice__reverts(play, requester, miner):
    round_ = play.judged(requester, {miner: 300})
    play.finalize(round_, round_.models[0])
    with wrong_phase("Final"):
        play.hub.finalize.call(*play.finalize_arguments(round_, round_.models[0]), play.by)
    assert play.hub.preview(round_.id, round_.spec)[0] == 1


# BLOCK


def test_finalize__winner_and_two_more__pays_all_shares(play, requester, miners, seated, stranger):
    a, b, c = miners[:3]
    round_ = play.judged(requester, {a: 300, b: 310, c: 305})
    validators = seated(round_)
    assert plain(play.hub.preview(round_.id, round_.spec)) == (1, round_.models[1].hash, 310)
    transaction, ledger = settle(play, round_, round_.models[1])

    assert outcome_of(transaction) == "Block"
    split = Split(left(play, round_))
    assert paid(transaction, tips=True) == [
        (stranger, "Tip", play.tip),
        (b, "Winner", split.winner(places=2)),
        (b, "Emission", split.emission),
        (c, "Second", split.place),
        (a, "Third", split.place),
        *((validator, "Validator", split.each) for validator in validators),
        (requester, "Bond", BOND),
    ]
    assert ledger.credits == gains(*((account, amount) for account, _, amount in paid(transaction, tips=True)))
    assert not ledger.stakes
    assert transaction.events["RoundFinalized"]["burned"] == split.burned
    assert play.phase(round_) == "Final"
    assert play.hub.task(round_.task_id)["status"] == 3
    play.check_conservation()


def test_finalize__lone_miner__takes_the_other_places_and_no_emission(play, requester, miner, seated, stranger):
    round_ = play.judged(requester, {miner: 300})
    validators = seated(round_)
    _, ledger = settle(play, round_, round_.models[0])
    split = Split(left(play, round_))
    assert ledger.credits == gains(
        (miner, split.winner()), *((v, split.each) for v in validators), (requester, BOND), (stranger, play.tip)
    )
    assert play.hub.emitted() == 0
    play.check_conservation()


def test_finalize__without_tips__pays_none(play, requester, miner, stranger):
    """The caller of openRound, of the draw and of finalize got one each, out of the fee."""
    before = play.credit(stranger)
    round_ = play.judged(requester, {miner: 300})
    play.finalize(round_, round_.models[0])
    assert play.credit(stranger) == before + 3 * play.tip


def test_finalize__winner_that_is_a_contract__is_credited(play, requester, miner, other_miner, web3):
    """Pull payments: what stands at the winner's address is never called."""
    round_ = play.judged(requester, {miner: 310, other_miner: 300})
    web3.provider.make_request("anvil_setCode", [str(miner), "0xfe"])
    _, ledger = settle(play, round_, round_.models[0])
    assert ledger.credits[str(miner)] == Split(left(play, round_)).winner(places=1) + Split(left(play, round_)).emission
    play.check_conservation()


def test_finalize__two_rounds_in_one_block__both_append(play, requester, miners, web3):
    rounds = [play.open(requester, slot=slot) for slot in (0, 1)]
    for round_, pair in zip(rounds, (miners[:2], miners[2:4]), strict=True):
        play.commit(round_, *pair)
    for round_ in rounds:
        play.reveal_key(round_)
        for score, model in enumerate(round_.models, 300):
            play.claim(round_, model, score)
        for model in round_.models:
            play.show(model)
    play.seat(*miners[4:7])
    for round_ in rounds:
        play.draw(round_)
    for round_ in rounds:
        play.judge(round_, *[play.word(round_, {})] * 3)
    for round_ in rounds:
        play.wait_for(round_, "Tally")
    head = play.hub.head()
    web3.provider.make_request("evm_setAutomine", [False])
    try:
        transactions = [
            play.hub.finalize(
                *play.finalize_arguments(round_, round_.models[1]),
                {"from": sender, "required_confs": 0, "gas_limit": 1_000_000},
            )
            for round_, sender in zip(rounds, miners[6:8], strict=True)
        ]
        web3.provider.make_request("evm_mine", [])
    finally:
        web3.provider.make_request("evm_setAutomine", [True])
    for transaction in transactions:
        transaction.wait(1)
    assert len({transaction.block_number for transaction in transactions}) == 1
    headers = sorted((transaction.events["BlockAppended"] for transaction in transactions), key=lambda e: e["height"])
    assert [event["height"] for event in headers] == [1, 2]
    assert headers[0]["header"][2] == head
    assert headers[1]["header"][2] == headers[0]["head"]
    assert play.hub.head() == headers[1]["head"]
    play.check_conservation()


def test_finalize__block__links_to_its_parent(play, requester, miner, other_miner):
    heads = [play.hub.head()]
    scores = [play.hub.chainScore()]
    names = [
        part["name"]
        for part in next(e for e in play.hub.abi if e.get("name") == "BlockAppended")["inputs"][2]["components"]
    ]
    for number in (1, 2):
        round_ = play.judged(requester, {miner: 300, other_miner: 290})
        transaction = play.finalize(round_, round_.models[0])
        event = transaction.events["BlockAppended"]
        header = dict(zip(names, event["header"], strict=True))
        assert header["version"] == 1
        assert header["height"] == event["height"] == number
        assert header["parent"] == header["anchor"] == heads[-1]
        assert header["roundId"] == round_.id
        assert header["specHash"] == round_.spec_hash
        assert header["commitment"] == round_.models[0].hash
        assert header["modelHash"] == round_.models[0].commitment.modelHash
        assert (header["score"], header["scoreMax"], header["miner"]) == (300, 360, miner)
        assert header["emission"] == Split(left(play, round_)).emission
        assert header["timestamp"] == transaction.timestamp
        assert play.hub.hashHeader(event["header"]) == event["head"] == play.hub.head()
        heads.append(play.hub.head())
        scores.append(play.hub.chainScore())
        assert header["chainScore"] == scores[-1] > scores[-2]
    assert play.hub.height() == 2
    assert play.hub.emitted() == 2 * Split(left(play, round_)).emission


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


# QUALIFYING, OVER-CLAIMING, STABILITY (tol is 4)


@pytest.mark.parametrize(
    ("median", "qualifies", "loses"),
    [(306, True, 0), (305, False, 0), (294, False, 0), (293, False, MINER_UNIT)],
)
def test_finalize__claim_above_the_median__disqualifies_then_costs_the_lock(
    play, requester, miner, other_miner, median, qualifies, loses
):
    """Claimed 310: one tolerance above is honest, up to four are no win, more is a lie."""
    round_ = play.drawn(requester, {miner: 200, other_miner: 310})
    play.judge(round_, *[play.word(round_, {other_miner: median})] * 3)
    lone, braggart = round_.models
    transaction, ledger = settle(play, round_, braggart if qualifies else lone)
    assert outcome_of(transaction) == "Block"
    assert slashed(transaction) == ([(other_miner, "Overclaimed", MINER_UNIT)] if loses else [])
    assert ledger.stakes == ({str(other_miner): -loses} if loses else {})
    assert play.hub.account(other_miner)["locked"] == (0 if loses else MINER_UNIT)
    places = [account for account, kind, _ in paid(transaction) if kind in ("Winner", "Second", "Third")]
    assert places == ([other_miner, miner] if qualifies else [miner])
    play.check_conservation()


def test_finalize__scores_without_a_quorum_near_the_median__pay_and_slash_nobody_for_it(
    play, requester, miner, other_miner, seated
):
    """Devices differ too much, or the test set is full of borderline samples."""
    round_ = play.drawn(requester, {miner: 200, other_miner: 310})
    play.judge(round_, *[play.word(round_, {other_miner: score}) for score in (250, 280, 305)])
    validators = seated(round_)
    assert plain(play.committee.verdicts(round_.id, 2, 4)[0]) == ((280, 0, False), (200, 0, True))
    transaction = play.finalize(round_, round_.models[0])
    assert not slashed(transaction)
    assert [account for account, kind, _ in paid(transaction) if kind == "Validator"] == validators
    assert [account for account, kind, _ in paid(transaction) if kind in ("Winner", "Second")] == [miner]


@pytest.mark.parametrize(("score", "coherent", "off"), [(304, True, False), (305, False, False), (317, False, True)])
def test_finalize__vote_away_from_the_median__is_unpaid_then_slashed(
    play, requester, miner, seated, score, coherent, off
):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, 300, 300, score)
    owners = seated(round_)
    transaction, ledger = settle(play, round_, round_.models[0])
    lost = SEAT_UNIT // 20
    assert slashed(transaction) == ([(owners[2], "OffMedian", lost)] if off else [])
    assert ledger.stakes == ({owners[2]: -lost} if off else {})
    judges = owners if coherent else owners[:2]
    split = Split(left(play, round_), len(judges))
    assert [payment for payment in paid(transaction) if payment[1] == "Validator"] == [
        (owner, "Validator", split.each) for owner in judges
    ]
    assert paid(transaction)[0] == (miner, "Winner", split.winner())
    play.check_conservation()


@pytest.mark.parametrize("flag", [UNAVAILABLE, INVALID])
def test_finalize__lone_flag_against_a_scored_model__is_unpaid(play, requester, miner, seated, flag):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, 300, flag, 300)
    owners = seated(round_)
    transaction = play.finalize(round_, round_.models[0])
    assert not slashed(transaction)
    assert [account for account, kind, _ in paid(transaction) if kind == "Validator"] == [owners[0], owners[2]]


def test_finalize__skipping_a_winner__is_unpaid_and_skipping_others_is_not(play, requester, miners, seated):
    claims = dict(zip(miners[:4], (310, 305, 300, 250), strict=True))
    round_ = play.drawn(requester, claims)
    fair = play.word(round_, {})
    play.judge(round_, play.word(round_, {miners[2]: SKIPPED}), play.word(round_, {miners[3]: SKIPPED}), fair)
    owners = seated(round_)
    transaction = play.finalize(round_, round_.models[0])
    assert not slashed(transaction)
    assert [account for account, kind, _ in paid(transaction) if kind == "Validator"] == owners[1:]


def test_finalize__lineage_flag_of_a_majority__disqualifies_without_slashing(
    play, requester, miner, other_miner, seated
):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    bad, fair = play.word(round_, {other_miner: LINEAGE | 310}), play.word(round_, {})
    play.judge(round_, bad, fair, bad)
    owners = seated(round_)
    transaction = play.finalize(round_, round_.models[0])
    assert not slashed(transaction)
    assert paid(transaction)[0][:2] == (miner, "Winner")
    assert [account for account, kind, _ in paid(transaction) if kind == "Validator"] == owners


@pytest.mark.parametrize(("flag", "reason"), [(INVALID, "Invalid"), (UNAVAILABLE, "Unavailable")])
def test_finalize__majority_flag__disqualifies_and_slashes(play, requester, miner, other_miner, flag, reason):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    bad, fair = play.word(round_, {other_miner: flag | 310}), play.word(round_, {})
    play.judge(round_, bad, fair, bad)
    transaction, ledger = settle(play, round_, round_.models[0])
    assert slashed(transaction) == [(other_miner, reason, MINER_UNIT // 2)]
    assert ledger.stakes == {str(other_miner): -MINER_UNIT // 2}
    assert play.hub.account(other_miner)["locked"] == 0
    assert paid(transaction)[0][:2] == (miner, "Winner")
    play.check_conservation()


def test_finalize__minority_flag__changes_nothing(play, requester, miner, other_miner):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    bad, fair = play.word(round_, {other_miner: INVALID | 310}), play.word(round_, {})
    play.judge(round_, bad, fair, fair)
    assert not slashed(play.finalize(round_, round_.models[1]))


def test_finalize__scored_by_one_of_three__is_no_winner(play, requester, miner, other_miner):
    """A model too slow to be scored in time, and one validator who says that it is perfect."""
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    honest, bought = play.word(round_, {other_miner: SKIPPED}), play.word(round_, {other_miner: 360})
    play.judge(round_, honest, bought, honest)
    assert plain(play.committee.verdicts(round_.id, 2, 4)[0]) == ((360, 0, False), (300, 0, True))
    transaction = play.finalize(round_, round_.models[0])
    assert outcome_of(transaction) == "Block"
    places = [account for account, kind, _ in paid(transaction) if kind in {"Winner", "Second"}]
    assert places == [miner]
    play.check_conservation()


def test_finalize__one_of_two_keys_missing__goes_on_without_him(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 310})
    play.show(round_.models[0])
    play.wait_for(round_, "Seal")
    play.draw(round_)
    play.judge(round_, *[play.word(round_, {other_miner: UNAVAILABLE})] * 3)
    transaction, ledger = settle(play, round_, round_.models[0])
    assert outcome_of(transaction) == "Block"
    assert slashed(transaction) == [(other_miner, "Unavailable", MINER_UNIT // 2)]
    assert ledger.stakes == {str(other_miner): -MINER_UNIT // 2}
    # he did claim: emission counts claimants
    assert "Emission" in [kind for _, kind, _ in paid(transaction)]
    play.check_conservation()


# PAYLOADS


def test_finalize__payload_of_an_empty_inbox__is_not_carried(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner, payloadRoot=keccak("items"))
    transaction = _single(play, round_)
    assert transaction.events["BlockAppended"]["header"][12] == ZERO
    assert play.hub.inbox()["carried"] == 0


def test_finalize__posted_items__are_carried_once(play, requester, miner, stranger):
    for number in range(3):
        play.hub.post(keccak(f"item {number}"), {"from": stranger})
    round_ = play.open(requester)
    play.hub.post(keccak("too late"), {"from": stranger})
    state = play.hub.round(round_.id)
    assert (state["inboxFrom"], state["inboxTo"]) == (1, 3)
    play.commit(round_, miner, payloadRoot=keccak("items"))
    transaction = _single(play, round_)
    assert transaction.events["BlockAppended"]["header"][12] == keccak("items")
    assert plain(play.hub.inbox())[1:] == (4, 3)
    following = play.open(requester)
    assert (play.hub.round(following.id)["inboxFrom"], play.hub.round(following.id)["inboxTo"]) == (4, 4)


def test_finalize__empty_payload__leaves_the_inbox_as_it_is(play, requester, miner, stranger):
    play.hub.post(keccak("item"), {"from": stranger})
    round_ = play.open(requester)
    play.commit(round_, miner)
    assert _single(play, round_).events["BlockAppended"]["header"][12] == ZERO
    assert play.hub.inbox()["carried"] == 0


@pytest.mark.parametrize(("against", "carried"), [(1, False), (0, True)])
def test_finalize__payload_that_a_majority_refuses__is_not_carried(
    play, requester, miner, other_miner, stranger, against, carried
):
    """The winner stands second on the list: the flag of his own position counts. He is paid all the same."""
    play.hub.post(keccak("item"), {"from": stranger})
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner, payloadRoot=keccak("items"))
    play.reveal_key(round_)
    for model, score in zip(round_.models, (300, 301), strict=True):
        play.claim(round_, model, score)
    for model in round_.models:
        play.show(model)
    play.draw(round_)
    word = play.word(round_, {other_miner: INVALID}, PAYLOAD_BAD << against)
    play.judge(round_, word, word, play.word(round_, {other_miner: INVALID}))
    transaction = play.finalize(round_, round_.models[0])
    assert paid(transaction)[0][:2] == (miner, "Winner")
    assert transaction.events["BlockAppended"]["header"][12] == (keccak("items") if carried else ZERO)
    assert play.hub.inbox()["carried"] == int(carried)


def _single(play, round_):
    """The only miner claims 300, shows his key, and gets it."""
    play.reveal_key(round_)
    play.claim(round_, round_.models[0], 300)
    play.show(round_.models[0])
    play.draw(round_)
    play.judge(round_, 300, 300, 300)
    return play.finalize(round_, round_.models[0])


# NOTHING TO JUDGE


def test_finalize__nobody_commits__refunds_less_the_slot_fee(play, requester, stranger):
    round_ = play.open(requester)
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "NoCommit"
    refund = left(play, round_, tips=2) - SLOT_FEE
    assert paid(transaction) == [(requester, "Refund", refund), (requester, "Bond", BOND)]
    assert ledger.credits == gains((requester, refund + BOND), (stranger, play.tip))
    assert not ledger.stakes
    assert transaction.events["RoundFinalized"]["burned"] == SLOT_FEE
    assert play.hub.task(round_.task_id)["status"] == 4
    play.check_conservation()


def test_finalize__slot_fee_above_the_fee__burns_no_more_than_is_left(play, requester, governor, profile):
    dear = (*profile.limits[:4], 1_000 * DLBC, *profile.limits[5:])
    play.hub.setParams(profile.timing, profile.economy, dear, {"from": governor})
    round_ = play.open(requester)
    transaction, ledger = settle(play, round_)
    assert paid(transaction) == [(requester, "Bond", BOND)]
    assert ledger.credits[str(requester)] == BOND
    assert transaction.events["RoundFinalized"]["burned"] == left(play, round_, tips=2)
    play.check_conservation()


def test_finalize__key_withheld__the_bond_goes_to_fire_and_committers(play, requester, miner, other_miner, stranger):
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner)
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "KeyWithheld"
    refund = left(play, round_, tips=2)
    assert ledger.credits == gains((requester, refund), (stranger, play.tip))
    assert not ledger.stakes
    # half the bond would be 25 for each committer; a lock's worth is the most
    assert transaction.events["RoundFinalized"]["burned"] == BOND - 2 * MINER_UNIT
    assert play.hub.round(round_.id)["compensation"] == MINER_UNIT
    play.check_conservation(unclaimed=2 * MINER_UNIT)


def test_finalize__key_withheld_from_many__shares_half_the_bond(play, requester, miners):
    bond = 100 * DLBC + 1
    round_ = play.open(requester, bond=bond)
    play.commit(round_, *miners)
    transaction = play.finalize(round_)
    each = bond // 2 // 8
    assert play.hub.round(round_.id)["compensation"] == each
    assert transaction.events["RoundFinalized"]["burned"] == bond - 8 * each
    play.check_conservation(unclaimed=8 * each)


def test_finalize__nobody_claims__burns_the_slot_fee(play, requester, miner, stranger):
    """Squatting a slot with a task, and a commit, of one's own costs what it costs without the commit, and a slash."""
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.reveal_key(round_)
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "NoClaim"
    refund = left(play, round_, tips=2) - SLOT_FEE
    assert ledger.credits == gains((requester, refund + BOND), (stranger, play.tip))
    assert not ledger.stakes
    assert transaction.events["RoundFinalized"]["burned"] == SLOT_FEE
    play.check_conservation()


def test_finalize__no_claim_reaches_the_threshold__refunds_less_the_slot_fee(play, requester, miner, stranger):
    round_ = play.claimed(requester, {miner: 99})
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "BelowThreshold"
    refund = left(play, round_, tips=2) - SLOT_FEE
    assert ledger.credits == gains((requester, refund + BOND), (stranger, play.tip))
    assert not ledger.stakes
    play.check_conservation()


def test_finalize__no_key_shown__burns_the_slot_fee_and_slashes_the_listed(
    play, requester, miner, other_miner, stranger
):
    round_ = play.claimed(requester, {miner: 300, other_miner: 99})
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "NoModel"
    refund = left(play, round_, tips=2) - SLOT_FEE
    assert ledger.credits == gains((requester, refund + BOND), (stranger, play.tip))
    assert slashed(transaction) == [(miner, "Unavailable", MINER_UNIT // 2)]
    assert ledger.stakes == {str(miner): -MINER_UNIT // 2}
    assert transaction.events["RoundFinalized"]["burned"] == SLOT_FEE + MINER_UNIT // 2
    assert play.hub.account(miner)["locked"] == 0
    play.check_conservation()


# JUDGED, AND NO BLOCK


def test_finalize__medians_below_the_threshold__pays_those_whose_claims_hold(play, requester, miners, seated, stranger):
    """Claims of 100 and 102 with medians of 98 and 99: no lie, but nothing for the requester. The third lied."""
    a, b, c = miners[:3]
    round_ = play.drawn(requester, {a: 100, b: 102, c: 300})
    play.judge(round_, *[play.word(round_, {a: 98, b: 99, c: 97})] * 3)
    validators = seated(round_)
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "BelowThreshold"
    split = Split(left(play, round_))
    half = split.winner() // 2 // 2
    assert ledger.credits == gains(
        *((v, split.each) for v in validators), (a, half), (b, half), (requester, BOND), (stranger, play.tip)
    )
    assert slashed(transaction) == [(c, "Overclaimed", MINER_UNIT)]
    assert ledger.stakes == {str(c): -MINER_UNIT}
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + split.winner() - 2 * half + MINER_UNIT
    play.check_conservation()


def test_finalize__every_model_refused__refunds_the_miners_share(play, requester, miner, seated, stranger):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, *[INVALID] * 3)
    validators = seated(round_)
    transaction, ledger = settle(play, round_)
    split = Split(left(play, round_))
    assert outcome_of(transaction) == "BelowThreshold"
    assert slashed(transaction) == [(miner, "Invalid", MINER_UNIT // 2)]
    assert ledger.credits == gains(
        *((v, split.each) for v in validators), (requester, split.winner() + BOND), (stranger, play.tip)
    )
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + MINER_UNIT // 2
    play.check_conservation()


def test_finalize__votes_that_contradict_two_medians__pay_the_third(
    play, requester, miner, other_miner, seated, stranger
):
    """Each vote contradicts a median that the other two stand behind."""
    round_ = play.drawn(requester, {miner: 101, other_miner: 100})
    words = [play.word(round_, {miner: a, other_miner: b}) for a, b in ((98, 79), (98, 96), (80, 96))]
    play.judge(round_, *words)
    transaction, ledger = settle(play, round_)
    split = Split(left(play, round_), 1)
    owners = seated(round_)
    assert slashed(transaction) == [
        (owners[0], "OffMedian", SEAT_UNIT // 20),
        (owners[2], "OffMedian", SEAT_UNIT // 20),
    ]
    half = split.winner() // 2 // 2
    assert ledger.credits == gains(
        (owners[1], split.each), (miner, half), (other_miner, half), (requester, BOND), (stranger, play.tip)
    )
    play.check_conservation()


def test_finalize__task_fault__refunds_nothing(play, requester, miner, other_miner, seated, stranger):
    round_ = play.drawn(requester, {miner: 300, other_miner: 310})
    faulty, fair = play.word(round_, {other_miner: INVALID}, MISDECLARED), play.word(round_, {})
    play.judge(round_, faulty, fair, faulty)
    validators = seated(round_)
    transaction, ledger = settle(play, round_)
    assert outcome_of(transaction) == "TaskFault"
    split = Split(left(play, round_))
    share = split.winner() + BOND
    quarter = share // 2 // 2
    # whatever they voted: where the task itself is at fault, scores say nothing
    assert ledger.credits == gains(
        *((v, split.each) for v in validators), (miner, quarter), (other_miner, quarter), (stranger, play.tip)
    )
    assert not slashed(transaction)
    assert not ledger.stakes
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + share - 2 * quarter
    play.check_conservation()


def test_finalize__task_fault__slashes_only_whoever_did_not_show(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 310})
    play.show(round_.models[0])
    play.wait_for(round_, "Seal")
    play.draw(round_)
    play.judge(round_, *[play.word(round_, {}, MISDECLARED)] * 3)
    transaction = play.finalize(round_)
    assert slashed(transaction) == [(other_miner, "Unavailable", MINER_UNIT // 2)]
    assert [account for account, kind, _ in paid(transaction) if kind == "Compensation"] == [miner]
    play.check_conservation()


@pytest.mark.parametrize("flags", [1 << 240, 1 << 241, MISDECLARED])
def test_finalize__any_task_flag_of_a_majority__is_a_fault(play, requester, miner, flags):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, 300 | flags, 300, 300 | flags)
    assert outcome_of(play.finalize(round_)) == "TaskFault"


def test_finalize__two_task_flags_of_one_vote_each__are_no_fault(play, requester, miner):
    round_ = play.drawn(requester, {miner: 300})
    play.judge(round_, 300 | 1 << 240, 300, 300 | 1 << 241)
    assert outcome_of(play.finalize(round_, round_.models[0])) == "Block"


# VALIDATORS WHO DO NOT VOTE


def test_finalize__absent_validator__loses_one_percent_of_a_seat(play, requester, miner, seated):
    round_ = play.drawn(requester, {miner: 300})
    owners = seated(round_)
    play.judge(round_, 300, 300)
    transaction, ledger = settle(play, round_, round_.models[0])
    assert slashed(transaction) == [(owners[2], "Absent", SEAT_UNIT // 100)]
    assert ledger.stakes == {owners[2]: -SEAT_UNIT // 100}
    split = Split(left(play, round_), 2)
    assert [payment for payment in paid(transaction) if payment[1] == "Validator"] == [
        (owner, "Validator", split.each) for owner in owners[:2]
    ]
    assert transaction.events["RoundFinalized"]["burned"] == split.burned + SEAT_UNIT // 100
    assert play.committee.availableSeats() == 5
    assert play.hub.account(owners[2])["locked"] == SEAT_UNIT - SEAT_UNIT // 100
    play.check_conservation()


def test_finalize__too_few_votes__three_epochs_then_no_quorum(play, requester, miner, seated, stranger):
    round_ = play.drawn(requester, {miner: 300})
    for epoch in range(3):
        absent = seated(round_)[1:]
        play.judge(round_, 300)
        play.wait_for(round_, "Tally")
        assert play.hub.preview(round_.id, round_.spec)[0] == (8 if epoch == 2 else 0)
        transaction, ledger = settle(play, round_)
        assert slashed(transaction) == [(owner, "Absent", SEAT_UNIT // 10) for owner in absent]
        play.check_conservation()
        if epoch < 2:
            assert ended(transaction) == (epoch, "NoQuorum")
            assert ledger.credits == gains((stranger, play.tip))
            assert "RoundFinalized" not in transaction.events
            assert play.phase(round_) == "Seal"
            assert play.hub.round(round_.id)["epoch"] == epoch + 1
            play.draw(round_)
            assert play.committee.ballot(round_.id)["epoch"] == epoch + 1
    assert outcome_of(transaction) == "NoQuorum"
    total = left(play, round_, tips=7)
    assert ledger.credits == gains(
        (miner, total - 2 * (total // 10)), (requester, 2 * (total // 10) + BOND), (stranger, play.tip)
    )
    assert transaction.events["RoundFinalized"]["burned"] == SEAT_UNIT // 10 * 2
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
    transaction, _ = settle(play, round_, round_.models[0])
    assert outcome_of(transaction) == "Block"
    assert paid(transaction)[0] == (miner, "Winner", Split(left(play, round_, tips=5)).winner())
    play.check_conservation()
