"""Attacks that need a chain which changes its mind. The others are in tests/forge/attacks."""

from __future__ import annotations

import brownie
import pytest
from round_play import refused, wait_until


@pytest.fixture
def rewind(isolation):
    """Takes a point to go back to, as a reorganisation does: what came after has never been. Returns the way back."""
    start = brownie.chain._snapshot_id

    def take():
        brownie.chain.snapshot()
        height = brownie.chain.height

        def back():
            brownie.chain.revert()
            assert brownie.chain.height == height

        return back

    yield take
    # Brownie has one such point, and the isolation of tests needs it
    brownie.chain._snapshot_id = start


def test_reorg__between_open_and_commit__refuses_work_for_the_lost_round(play, requester, miner, other_miner, rewind):
    """A block lies before the round on one branch, and after it on the other: it is bound to another anchor."""
    first = play.judged(requester, {miner: 300, other_miner: 290})
    play.wait_for(first, "Tally")
    task_id, spec, key = play.submit(requester)
    back = rewind()
    play.finalize(first, first.models[0])
    lost = play.opened(play.hub.openRound(1, play.by), spec, key)
    play.wait_for(lost, "Train")
    model = play.model(lost, other_miner)
    play.hub.commitModel.call(*play.commit_arguments(lost, model), {"from": other_miner})

    back()
    round_ = play.opened(play.hub.openRound(1, play.by), spec, key)
    assert (round_.id, round_.task_id, round_.spec_hash) == (lost.id, task_id, lost.spec_hash)
    assert round_.anchor != lost.anchor
    play.wait_for(round_, "Train")
    with refused("AnchorMismatch", lost.anchor, round_.anchor):
        play.hub.commitModel(*play.commit_arguments(lost, model), {"from": other_miner})
    # what he began anew is taken
    play.commit(round_, other_miner)


def test_reorg__another_task_in_the_same_round__refuses_work_for_the_first(play, requester, miner, rewind):
    """The number of the round is the same on both branches, and its task is not."""
    back = rewind()
    lost = play.open(requester)
    model = play.model(lost, miner)

    back()
    round_ = play.open(requester, fee=300 * 10**18)
    assert round_.id == lost.id
    with refused("SpecMismatch", lost.spec_hash, round_.spec_hash):
        play.hub.commitModel(*play.commit_arguments(lost, model), {"from": miner})


def test_reorg__around_the_deadline__lets_no_commit_in_that_knows_the_key(play, requester, miner, other_miner, rewind):
    """Even if all since the deadline is undone, with the key known to all: no commit comes in any more."""
    round_ = play.open(requester)
    play.commit(round_, miner)
    end = play.hub.round(round_.id)["commitEnd"]
    wait_until(end)
    with refused("WrongPhase"):
        play.hub.revealKey(round_.id, round_.spec, round_.key, play.by)
    back = rewind()
    play.reveal_key(round_)
    assert play.phase(round_) == "Claim"

    back()
    assert play.phase(round_) == "Guard"
    late = play.model(round_, other_miner)
    with refused("WrongPhase"):
        play.hub.commitModel(*play.commit_arguments(round_, late), {"from": other_miner})
    play.reveal_key(round_)
    assert play.hub.round(round_.id)["commits"] == 1


def test_reorg__before_the_draw__another_block_is_another_committee(play, requester, miner, rewind):
    """The sealed block is another one, and so is its hash: who knew the first committee knows nothing of the second."""
    round_ = play.shown(requester, {miner: 300})
    back = rewind()
    play.draw(round_)
    first = str(play.committee.ballot(round_.id)["seed"])

    back()
    # the other branch has a block of another time
    wait_until(brownie.chain[-1].timestamp + 7)
    play.draw(round_)
    assert str(play.committee.ballot(round_.id)["seed"]) != first


def test_reorg__undone_finalize__pays_once(play, requester, miner, other_miner, rewind):
    """Settled twice on two branches, by different callers: every account is as if there had been one."""
    round_ = play.judged(requester, {miner: 300, other_miner: 290})
    play.wait_for(round_, "Tally")
    back = rewind()
    play.finalize(round_, round_.models[0])
    credit, head = play.credit(miner), str(play.hub.head())

    back()
    assert play.hub.height() == 0
    wait_until(brownie.chain[-1].timestamp + 5)
    play.finalize(round_, round_.models[0])
    assert play.credit(miner) == credit
    assert play.hub.height() == 1
    assert str(play.hub.head()) != head  # its time is another
    play.check_conservation()
