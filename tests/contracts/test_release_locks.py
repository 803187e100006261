"""`releaseLocks` and `claimCompensation`: what is left to do once a round is final."""

from __future__ import annotations

from round_play import DLBC, paid, plain, refused, slashed

UNIT = 10 * DLBC


def locked(play, miner):
    return play.hub.account(miner)["locked"]


def test_release_locks__live_round__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    with refused("NotFinal", round_.id):
        play.hub.releaseLocks.call(round_.id, [miner], play.by)


def test_release_locks__never_committed__reverts(play, requester, miner, stranger):
    round_ = play.judged(requester, {miner: 300})
    play.finalize(round_, round_.models[0])
    with refused("NotCommitted", stranger):
        play.hub.releaseLocks.call(round_.id, [stranger], play.by)


def test_release_locks__more_than_64__reverts(play, requester, miner):
    round_ = play.judged(requester, {miner: 300})
    play.finalize(round_, round_.models[0])
    play.hub.releaseLocks.call(round_.id, [miner] * 64, play.by)
    with refused("TooMany", 65, 64):
        play.hub.releaseLocks.call(round_.id, [miner] * 65, play.by)


def test_release_locks__claimants__get_their_locks_back_once(play, requester, miner, other_miner):
    round_ = play.judged(requester, {miner: 300, other_miner: 310})
    play.finalize(round_, round_.models[1])
    assert locked(play, miner) == UNIT
    transaction = play.hub.releaseLocks(round_.id, [miner, other_miner, miner], play.by)
    assert len(transaction.events["LockReleased"]) == 2
    assert not slashed(transaction)
    assert (locked(play, miner), locked(play, other_miner)) == (0, 0)
    assert plain(play.hub.commitOf(round_.id, miner)) == (1, True, False)
    again = play.hub.releaseLocks(round_.id, [miner], play.by)
    assert "LockReleased" not in again.events
    play.check_conservation()


def test_release_locks__slashed_candidate__is_not_slashed_again(play, requester, miner):
    round_ = play.claimed(requester, {miner: 300})
    play.finalize(round_)
    assert locked(play, miner) == 0
    assert not slashed(play.hub.releaseLocks(round_.id, [miner], play.by))


def test_release_locks__never_opened__loses_a_tenth(play, requester, miner, other_miner, stranger):
    round_ = play.open(requester)
    first, _ = play.commit(round_, miner, other_miner)
    play.reveal_key(round_)
    play.claim(round_, first, 300)
    play.wait_for(round_, "Show")
    play.show(first)
    play.draw(round_)
    play.judge(round_, 300, 300, 300)
    play.finalize(round_, first)
    before = play.hub.account(other_miner)["stake"]
    transaction = play.hub.releaseLocks(round_.id, [miner, other_miner], play.by)
    assert slashed(transaction) == [(other_miner, "Unopened", UNIT // 10)]
    assert paid(transaction) == [(stranger, "Finder", UNIT // 100)]
    assert play.hub.account(other_miner)["stake"] == before - UNIT // 10
    assert locked(play, other_miner) == 0
    play.check_conservation()


def test_release_locks__by_the_one_who_never_opened__pays_no_finder(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.reveal_key(round_)
    play.finalize(round_)
    transaction = play.hub.releaseLocks(round_.id, [miner], {"from": miner})
    assert slashed(transaction) == [(miner, "Unopened", UNIT // 10)]
    assert not paid(transaction)
    play.check_conservation()


def test_release_locks__key_withheld__slashes_nobody(play, requester, miner, other_miner):
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner)
    play.finalize(round_)
    # a lock is released, and compensation collected, in either order
    play.hub.releaseLocks(round_.id, [miner], play.by)
    play.hub.claimCompensation(round_.id, {"from": miner})
    play.hub.claimCompensation(round_.id, {"from": other_miner})
    transaction = play.hub.releaseLocks(round_.id, [other_miner], play.by)
    assert not slashed(transaction)
    assert (locked(play, miner), locked(play, other_miner)) == (0, 0)
    play.check_conservation()


def test_claim_compensation__live_round__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    with refused("NotFinal", round_.id):
        play.hub.claimCompensation.call(round_.id, {"from": miner})


def test_claim_compensation__key_was_shown__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.reveal_key(round_)
    play.finalize(round_)
    with refused("NothingToCollect", miner):
        play.hub.claimCompensation.call(round_.id, {"from": miner})


def test_claim_compensation__never_committed__reverts(play, requester, miner, stranger):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.finalize(round_)
    with refused("NothingToCollect", stranger):
        play.hub.claimCompensation.call(round_.id, {"from": stranger})


def test_claim_compensation__twice__reverts(play, requester, miner):
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.finalize(round_)
    before = play.credit(miner)
    transaction = play.hub.claimCompensation(round_.id, {"from": miner})
    assert paid(transaction) == [(miner, "Compensation", UNIT)]
    assert play.credit(miner) == before + UNIT
    with refused("NothingToCollect", miner):
        play.hub.claimCompensation.call(round_.id, {"from": miner})
    play.check_conservation()
