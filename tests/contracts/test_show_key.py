"""`showKey`: only listed candidates' keys, and only the keys that they committed to."""

from __future__ import annotations

from round_play import hash_of_key, keccak, refused, wrong_phase


def test_show_key__while_claims_are_open__reverts(play, requester, miner, other_miner):
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner)
    play.reveal_key(round_)
    model = round_.models[0]
    play.claim(round_, model, 300)
    with wrong_phase("Claim"):
        play.hub.showKey.call(model.commitment, model.key, play.by)


def test_show_key__swapped_key__reverts(play, requester, miner):
    model = play.claimed(requester, {miner: 300}).models[0]
    other = keccak("another key")
    with refused("KeyMismatch", hash_of_key(other), model.commitment.keyHash):
        play.hub.showKey.call(model.commitment, other, play.by)


def test_show_key__commitment_with_another_key__reverts(play, requester, miner):
    model = play.claimed(requester, {miner: 300}).models[0]
    other = keccak("another key")
    with refused("NotListed"):
        play.hub.showKey.call(model.commitment._replace(keyHash=hash_of_key(other)), other, play.by)


def test_show_key__claim_below_the_threshold__reverts(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 99})
    model = round_.models[1]
    with refused("NotListed", model.hash):
        play.hub.showKey.call(model.commitment, model.key, play.by)


def test_show_key__never_claimed__reverts(play, requester, miner, other_miner):
    round_ = play.open(requester)
    first, second = play.commit(round_, miner, other_miner)
    play.reveal_key(round_)
    play.claim(round_, first, 300)
    play.wait_for(round_, "Show")
    with refused("NotListed", second.hash):
        play.hub.showKey.call(second.commitment, second.key, play.by)


def test_show_key__twice__reverts(play, requester, miner, other_miner):
    model = play.claimed(requester, {miner: 300, other_miner: 310}).models[0]
    play.show(model)
    with refused("AlreadyShown", model.hash):
        play.hub.showKey.call(model.commitment, model.key, play.by)


def test_show_key__too_late__reverts(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 310})
    first, second = round_.models
    play.show(first)
    assert play.wait(round_) == "Seal"
    with wrong_phase("Seal"):
        play.hub.showKey.call(second.commitment, second.key, play.by)


def test_show_key__all_listed__ends_the_phase(play, requester, miner, other_miner):
    round_ = play.claimed(requester, {miner: 300, other_miner: 310})
    first, second = round_.models
    event = play.show(first).events["ModelKeyShown"]
    assert event == {
        "roundId": round_.id,
        "miner": miner,
        "commitmentHash": first.hash,
        "key": first.key,
    }
    assert play.phase(round_) == "Show"
    assert [candidate[3] for candidate in play.hub.candidates(round_.id)] == [False, True]
    play.show(second)
    assert play.phase(round_) == "Seal"
    assert play.hub.round(round_.id)["shown"] == 2
