"""`post`, and what blocks carry of it."""

from __future__ import annotations

import brownie
import pytest
from round_play import PAYLOAD_BAD, ZERO, keccak, plain
from storage_rig import slot_of, store

BATCH = 1_024


def chained(head, sender, item):
    packed = bytes.fromhex(head[2:]) + bytes(12) + bytes.fromhex(str(sender)[2:]) + bytes.fromhex(item[2:])
    return brownie.web3.keccak(packed).to_0x_hex()


def posted(hub, count, carried=0):
    """As if so many items had been posted: one by one they would take minutes."""
    store(hub, slot_of("_inbox") + 1, carried << 32 | count)
    assert plain(hub.inbox())[1:] == (count, carried)


def batch(round_):
    return round_["inboxFrom"], round_["inboxTo"]


@pytest.mark.parametrize("item", [ZERO, "0x" + "ff" * 32])
def test_post__item__extends_the_chain(hub, stranger, miner, item):
    assert plain(hub.inbox()) == (ZERO, 0, 0)
    head = ZERO
    for index, sender in enumerate((stranger, miner, miner), start=1):
        transaction = hub.post(item, {"from": sender})
        head = chained(head, sender, item)
        assert transaction.events["ItemPosted"] == {"index": index, "sender": sender, "item": item, "head": head}
        assert transaction.return_value == index
        assert plain(hub.inbox()) == (head, index, 0)


def test_post__counter_at_its_end__reverts(hub, stranger):
    posted(hub, 2**32 - 1)
    with brownie.reverts():
        hub.post.call(ZERO, {"from": stranger})


def test_open_round__nothing_posted__has_no_batch(play, requester):
    assert batch(play.hub.round(play.open(requester).id)) == (1, 0)


@pytest.mark.parametrize(
    ("count", "carried", "expected"),
    [
        (1, 0, (1, 1)),
        (5, 5, (1, 0)),
        (6, 5, (6, 6)),
        (BATCH, 0, (1, BATCH)),
        (BATCH + 1, 0, (1, BATCH)),
        (2**32 - 1, 2**32 - 2, (2**32 - 1, 2**32 - 1)),
        (2**32 - 1, 7, (8, 7 + BATCH)),
    ],
)
def test_open_round__items_posted__takes_the_oldest_that_no_block_carries(play, requester, count, carried, expected):
    posted(play.hub, count, carried)
    assert batch(play.hub.round(play.open(requester).id)) == expected


def test_open_round__item_posted_later__is_not_in_the_batch(play, requester, stranger):
    play.hub.post(keccak("first"), {"from": stranger})
    round_ = play.open(requester)
    play.hub.post(keccak("second"), {"from": stranger})
    assert batch(play.hub.round(round_.id)) == (1, 1)


def carried_round(play, requester, miner, root, words=None):
    """A round whose only candidate commits to `root`."""
    round_ = play.open(requester)
    (model,) = play.commit(round_, miner, payloadRoot=root)
    play.reveal_key(round_)
    play.claim(round_, model, 200)
    play.show(model)
    play.draw(round_)
    size = play.committee.ballot(round_.id)["size"]
    play.judge(round_, *(words or [play.word(round_, {})] * size))
    return round_, play.finalize(round_, model).events["BlockAppended"]["header"]


def test_finalize__winner_carries_the_batch__is_in_the_block(play, requester, miner, stranger):
    play.hub.post(keccak("item"), {"from": stranger})
    _, header = carried_round(play, requester, miner, keccak("root"))
    assert header["payloadRoot"] == keccak("root")
    assert plain(play.hub.inbox())[1:] == (1, 1)


def test_finalize__nothing_to_carry__block_names_no_payload(play, requester, miner):
    _, header = carried_round(play, requester, miner, keccak("root"))
    assert header["payloadRoot"] == ZERO
    assert plain(play.hub.inbox())[1:] == (0, 0)


def test_finalize__winner_carries_nothing__leaves_the_batch_to_the_next(play, requester, miner, stranger):
    play.hub.post(keccak("item"), {"from": stranger})
    _, header = carried_round(play, requester, miner, ZERO)
    assert header["payloadRoot"] == ZERO
    assert plain(play.hub.inbox())[1:] == (1, 0)
    assert batch(play.hub.round(play.open(requester).id)) == (1, 1)


def test_finalize__committee_says_payload_is_bad__block_is_made_without_it(play, requester, miner, stranger):
    play.hub.post(keccak("item"), {"from": stranger})
    words = [200 | PAYLOAD_BAD, 200 | PAYLOAD_BAD, 200]
    _, header = carried_round(play, requester, miner, keccak("root"), words)
    assert (header["payloadRoot"], header["miner"]) == (ZERO, miner)
    assert plain(play.hub.inbox())[1:] == (1, 0)


def test_finalize__two_rounds_with_one_batch__do_not_carry_it_back(play, requester, miner, other_miner, stranger):
    """The later block's batch may overlap: what is carried never falls."""
    play.hub.post(keccak("first"), {"from": stranger})
    early = play.open(requester)
    play.hub.post(keccak("second"), {"from": stranger})
    task = play.submit(requester)
    late = play.opened(play.hub.openRound(1, play.by), *task[1:])
    assert batch(play.hub.round(late.id)) == (1, 2)
    play.wait_for(late, "Train")
    models = {}
    for round_, who in ((early, miner), (late, other_miner)):
        (models[round_.id],) = play.commit(round_, who, payloadRoot=keccak("root"))
    for round_ in (late, early):
        model = models[round_.id]
        play.reveal_key(round_)
    for round_ in (late, early):
        play.claim(round_, models[round_.id], 200)
        play.show(models[round_.id])
    carried = []
    for round_ in (late, early):
        model = models[round_.id]
        play.draw(round_)
        play.judge(round_, *[play.word(round_, {})] * play.committee.ballot(round_.id)["size"])
        play.finalize(round_, model)
        carried.append(play.hub.inbox()["carried"])
    assert carried == [2, 2]
