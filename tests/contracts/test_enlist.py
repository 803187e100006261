"""A later epoch for excluded claims: over-claimers who crowd out the honest gain nothing, and lose their locks."""

from __future__ import annotations

import pytest
from money import BOND, MINER_UNIT, MOST_TIPS, SLOT_FEE, Split, advance, gains, left, outcome_of, settle
from round_play import INVALID, PHASES, SKIPPED, ZERO, ended, paid, plain, refused, slashed, wrong_phase

LIARS = 6


@pytest.fixture
def crowded(play, requester, miners):
    """Six claim 350 and are worth 200; the last two claim 320 and 310, honestly, and find no place."""
    claims = dict.fromkeys(miners[:LIARS], 350) | {miners[6]: 320, miners[7]: 310}
    return play.drawn(requester, claims)


@pytest.fixture
def enlisting(play, crowded, miners):
    play.judge(crowded, *[play.word(crowded, dict.fromkeys(miners[:LIARS], 200))] * 3)
    play.finalize(crowded)
    assert play.phase(crowded) == "Enlist"
    return crowded


@pytest.fixture
def contested(play, requester, miners):
    """Five survive with 297 for a claim of 300, one is invalid, two claims of 299 were excluded: one place for two."""
    claims = dict.fromkeys(miners[:5], 300) | {miners[5]: 350, miners[6]: 299, miners[7]: 299}
    round_ = play.drawn(requester, claims)
    word = play.word(round_, dict.fromkeys(miners[:5], 297) | {miners[5]: INVALID})
    play.judge(round_, word, word, word)
    play.finalize(round_)
    return round_


def enlist(play, round_, miner):
    return play.hub.enlist(round_.id, miner, play.by)


# REVERTS


def test_enlist__in_the_claim_phase__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.reveal_key(round_)
    with wrong_phase("Claim"):
        play.hub.enlist.call(round_.id, miner, play.by)


def test_enlist__too_late__reverts(play, enlisting, miners):
    assert play.wait(enlisting) == "Tally"  # nobody is listed
    with wrong_phase("Tally"):
        play.hub.enlist.call(enlisting.id, miners[6], play.by)


def test_enlist__disqualified__reverts(play, enlisting, miners):
    with refused("NotExcluded", miners[0]):
        play.hub.enlist.call(enlisting.id, miners[0], play.by)


def test_enlist__stranger__reverts(play, enlisting, stranger):
    with refused("NotExcluded", stranger):
        play.hub.enlist.call(enlisting.id, stranger, play.by)


def test_enlist__twice__reverts(play, enlisting, miners):
    enlist(play, enlisting, miners[6])
    with refused("NotExcluded", miners[6]):
        play.hub.enlist.call(enlisting.id, miners[6], play.by)


def test_enlist__claim_below_the_threshold__reverts(play, requester, miners):
    claims = dict.fromkeys(miners[:LIARS], 350) | {miners[6]: 320, miners[7]: 99}
    round_ = play.drawn(requester, claims)
    play.judge(round_, *[play.word(round_, dict.fromkeys(miners[:LIARS], 200))] * 3)
    play.finalize(round_)
    with refused("NotExcluded", miners[7]):
        play.hub.enlist.call(round_.id, miners[7], play.by)


def test_enlist__no_better_than_those_who_are_listed__reverts(play, contested, miners):
    enlist(play, contested, miners[6])
    with refused("NotListed", contested.models[7].hash):
        play.hub.enlist.call(contested.id, miners[7], play.by)


def test_claim_model__while_enlisting__reverts(play, requester, miners):
    """Who did not claim in time has lost."""
    round_ = play.open(requester)
    play.commit(round_, *miners)
    play.reveal_key(round_)
    for model, score in zip(round_.models, [350] * LIARS + [320], strict=False):
        play.claim(round_, model, score)
    play.wait_for(round_, "Show")
    for model in round_.models[:LIARS]:
        play.show(model)
    play.draw(round_)
    play.judge(round_, *[play.word(round_, dict.fromkeys(miners[:LIARS], 200))] * 3)
    play.finalize(round_)
    late = round_.models[7]
    with wrong_phase("Enlist"):
        play.hub.claimModel.call(late.commitment, 310, round_.spec, 0, play.sign(late, 310), play.by)


# THE EPOCH


def test_finalize__excluded_claims_beat_what_is_left__begins_an_epoch(play, crowded, miners, stranger, profile):
    play.judge(crowded, *[play.word(crowded, dict.fromkeys(miners[:LIARS], 200))] * 3)
    validators = play.owners(crowded)
    play.wait_for(crowded, "Tally")
    assert play.hub.preview(crowded.id, crowded.spec)[0] == 0
    transaction, ledger = settle(play, crowded)
    assert ended(transaction) == (0, "Excluded")
    each = advance(play, 3)
    assert paid(transaction) == [(validator, "Validator", each) for validator in validators]
    assert ledger.credits == gains(*((validator, each) for validator in validators), (stranger, play.tip))
    assert ledger.stakes == {str(miner): -MINER_UNIT for miner in miners[:LIARS]}
    assert slashed(transaction) == [(miner, "Overclaimed", MINER_UNIT) for miner in miners[:LIARS]]
    removed = transaction.events["CandidateRemoved"]
    assert [event["commitmentHash"] for event in removed] == [model.hash for model in crowded.models[:LIARS]]
    state = play.hub.round(crowded.id)
    assert (state["epoch"], state["listed"], state["shown"], state["excluded"]) == (1, 0, 0, 2)
    assert state["bestExcluded"] == 320
    assert state["claimEnd"] == transaction.timestamp + profile.timing[3]
    assert state["advanced"] == 3 * each
    assert plain(play.hub.excludedOf(crowded.id, miners[6])) == (crowded.models[6].hash, 320)
    play.check_conservation()


def test_enlist__excluded_claims__win_the_second_epoch(play, enlisting, miners, stranger, requester):
    first = enlist(play, enlisting, miners[7])
    assert first.events["ClaimEnlisted"] == {
        "roundId": enlisting.id,
        "miner": miners[7],
        "commitmentHash": enlisting.models[7].hash,
        "score": 310,
    }
    assert play.phase(enlisting) == "Enlist"
    assert plain(play.hub.excludedOf(enlisting.id, miners[7])) == (ZERO, 0)
    last = enlist(play, enlisting, miners[6])
    # nobody is left to come
    assert play.phase(enlisting) == "Show"
    assert play.hub.round(enlisting.id)["claimEnd"] == last.timestamp
    assert [candidate[0] for candidate in play.hub.candidates(enlisting.id)] == [miners[6], miners[7]]

    for model in enlisting.models[6:]:
        play.show(model)
    play.draw(enlisting)
    assert play.committee.ballot(enlisting.id)["epoch"] == 1
    play.judge(enlisting, *[play.word(enlisting, {})] * 3)
    validators = play.owners(enlisting)
    transaction, ledger = settle(play, enlisting, enlisting.models[6])
    assert outcome_of(transaction) == "Block"
    split = Split(left(play, enlisting, tips=5), advanced=3 * advance(play, 3))
    assert ledger.credits == gains(
        (miners[6], split.winner(places=1) + split.emission),
        (miners[7], split.place),
        *((validator, split.each) for validator in validators),
        (requester, BOND),
        (stranger, play.tip),
    )
    assert not ledger.stakes
    play.check_conservation()
    released = play.hub.releaseLocks(enlisting.id, miners, play.by)
    assert not slashed(released)
    assert all(play.hub.account(miner)["locked"] == 0 for miner in miners)


def test_enlist__better_claim__replaces_a_worse_one(play, contested, miners):
    """Both claimed 299: the earlier commit is better, in whatever order they come."""
    enlist(play, contested, miners[7])
    state = play.hub.round(contested.id)
    assert (state["listed"], state["excluded"]) == (6, 1)
    enlist(play, contested, miners[6])
    assert [candidate[0] for candidate in play.hub.candidates(contested.id)] == [*miners[:5], miners[6]]
    assert plain(play.hub.excludedOf(contested.id, miners[7])) == (contested.models[7].hash, 299)
    assert play.hub.round(contested.id)["excluded"] == 1
    with refused("NotListed"):
        play.hub.enlist.call(contested.id, miners[7], play.by)
    play.wait_for(contested, "Show")
    lost = contested.models[7]
    with refused("NotListed", lost.hash):
        play.hub.showKey.call(lost.commitment, lost.key, play.by)
    play.show(contested.models[6])
    # the survivors showed their keys in the first epoch
    assert play.phase(contested) == "Seal"


def test_enlist__in_the_place_of_one_who_had_shown__must_show(play, requester, miners, operator):
    """290 was enlisted and shown in the second epoch; in the third, 299 takes its place: with it goes the key."""
    play.fund(operator)
    claims = dict.fromkeys(miners[:5], 300) | {miners[5]: 350, miners[6]: 299, miners[7]: 298, operator: 290}
    round_ = play.drawn(requester, claims)
    scores = dict.fromkeys(miners[:5], 297)
    play.judge(round_, *[play.word(round_, scores | {miners[5]: INVALID})] * 3)
    play.finalize(round_)
    enlist(play, round_, operator)
    play.wait_for(round_, "Show")
    play.show(round_.models[8])
    play.draw(round_)
    # one of the survivors is found out only now
    play.judge(round_, *[play.word(round_, scores | {miners[0]: INVALID})] * 3)
    assert ended(play.finalize(round_)) == (1, "Excluded")
    assert [candidate[0] for candidate in play.hub.candidates(round_.id)] == [*miners[1:5], operator]
    enlist(play, round_, miners[7])
    enlist(play, round_, miners[6])
    found = [(candidate[0], candidate[3]) for candidate in play.hub.candidates(round_.id)]
    assert found == [*((miner, True) for miner in miners[1:5]), (miners[6], False), (miners[7], False)]
    assert plain(play.hub.excludedOf(round_.id, operator)) == (round_.models[8].hash, 290)


def test_finalize__excluded_claim_no_better_than_the_best__ends_the_round(play, requester, miners):
    claims = {miner: 300 + number for number, miner in enumerate(miners)}
    round_ = play.drawn(requester, claims)
    # the best is invalid; 301 and 300 were excluded, and the best of the others holds 306
    play.judge(round_, *[play.word(round_, {miners[7]: INVALID})] * 3)
    transaction = play.finalize(round_, round_.models[6])
    assert outcome_of(transaction) == "Block"
    assert slashed(transaction) == [(miners[7], "Invalid", MINER_UNIT // 2)]


def test_finalize__all_listed_qualify__ends_the_round(play, requester, miners):
    """Medians of 297 for claims of 300: the excluded 299 is no better founded."""
    claims = dict.fromkeys(miners[:6], 300) | {miners[6]: 299}
    round_ = play.drawn(requester, claims)
    play.judge(round_, *[play.word(round_, dict.fromkeys(miners[:6], 297))] * 3)
    play.wait_for(round_, "Tally")
    assert play.hub.preview(round_.id, round_.spec)[0] == 1


def test_finalize__nobody_shows_and_claims_were_excluded__begins_an_epoch_without_a_ballot(
    play, requester, miners, stranger
):
    claims = dict.fromkeys(miners[:LIARS], 350) | {miners[6]: 320}
    round_ = play.claimed(requester, claims)
    transaction, ledger = settle(play, round_)
    assert ended(transaction) == (0, "Excluded")
    assert slashed(transaction) == [(miner, "Unavailable", MINER_UNIT // 2) for miner in miners[:LIARS]]
    assert ledger.credits == gains((stranger, play.tip))
    enlist(play, round_, miners[6])
    play.show(round_.models[6])
    play.draw(round_)
    assert play.committee.ballot(round_.id)["epoch"] == 1
    play.judge(round_, 320, 320, 320)
    assert outcome_of(play.finalize(round_, round_.models[6])) == "Block"
    play.check_conservation()


def test_finalize__nobody_enlists__ends_without_a_model_after_three_epochs(
    play, enlisting, miners, requester, stranger
):
    for epoch in (1, 2):
        transaction, ledger = settle(play, enlisting)
        if epoch == 1:
            assert ended(transaction) == (1, "Excluded")
    assert outcome_of(transaction) == "NoModel"
    # one tip for the opening, one for the draw, three for ends of epochs
    refund = left(play, enlisting, tips=5) - 3 * advance(play, 3) - SLOT_FEE
    assert ledger.credits == gains((requester, refund + BOND), (stranger, play.tip))
    assert not slashed(transaction)
    play.check_conservation()


def test_finalize__last_epoch__ends_whoever_was_excluded(play, enlisting, miners):
    """Two liars more, an epoch each; the round ends though another claim was excluded."""
    enlist(play, enlisting, miners[6])
    play.wait_for(enlisting, "Show")
    play.show(enlisting.models[6])
    play.draw(enlisting)
    play.judge(enlisting, SKIPPED, SKIPPED, SKIPPED)
    assert ended(play.finalize(enlisting)) == (1, "Excluded")
    assert plain(play.hub.excludedOf(enlisting.id, miners[7])) == (enlisting.models[7].hash, 310)
    enlist(play, enlisting, miners[7])
    play.show(enlisting.models[7])
    play.draw(enlisting)
    play.judge(enlisting, 200, 200, 200)
    transaction = play.finalize(enlisting)
    assert outcome_of(transaction) == "BelowThreshold"
    assert slashed(transaction) == [(miners[7], "Overclaimed", MINER_UNIT)]
    assert PHASES[play.hub.phase(enlisting.id)[0]] == "Final"
    assert play.hub.round(enlisting.id)["tips"] == MOST_TIPS
    play.check_conservation()


def test_finalize__excluded_epoch__pays_only_the_coherent(play, crowded, miners):
    fair = play.word(crowded, dict.fromkeys(miners[:LIARS], 200))
    play.judge(crowded, fair, play.word(crowded, {}), fair)
    owners = play.owners(crowded)
    transaction, _ = settle(play, crowded)
    each = advance(play, 2)
    assert paid(transaction) == [(owner, "Validator", each) for owner in (owners[0], owners[2])]
    assert (owners[1], "OffMedian", 50 * 10**18 // 20) in slashed(transaction)
    assert play.hub.round(crowded.id)["advanced"] == 2 * each
    play.check_conservation()
