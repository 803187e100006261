"""Nothing is lost and nothing is sent twice, wherever the process dies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_fakes import ACCOUNT, Crash, FakeNode, chain_on
from engine_harness import ALREADY, CALL, OTHER, Sender

from dlbc.chain.transactions import MAX_REVERTS, Transactions
from dlbc.errors import ChainError, TransactionRefused
from dlbc.journal import Journal, TransactionState

Opener = Callable[..., Journal]


def test_send__simulation_refused__nothing_stored_nothing_sent(node: FakeNode, sender: Sender) -> None:
    node.refuse = ALREADY
    with pytest.raises(TransactionRefused, match="has already claimed a score") as raised:
        sender.transactions.send("claim/5", CALL)
    assert raised.value.error == "AlreadyClaimed"
    assert sender.journal.outbox.all() == []
    assert node.sent == []


def test_send__cannot_pay_for_gas__refused_with_the_amount(node: FakeNode, sender: Sender) -> None:
    node.balance = 10**13
    with pytest.raises(TransactionRefused, match=r"holds 0\.000010 .* up to 0\.000152"):
        sender.transactions.send("claim/5", CALL)
    assert sender.journal.outbox.all() == []


def test_send__inside_a_handler__defect(sender: Sender) -> None:
    with sender.journal.transaction(), pytest.raises(RuntimeError, match="send from an action"):
        sender.transactions.send("claim/5", CALL)


def test_send__node_down__nothing_stored(node: FakeNode, sender: Sender) -> None:
    node.down = True
    with pytest.raises(ChainError):
        sender.transactions.send("claim/5", CALL)
    assert sender.journal.outbox.all() == []


def test_send__twice__sent_once(node: FakeNode, sender: Sender) -> None:
    first = sender.transactions.send("claim/5", CALL)
    second = sender.transactions.send("claim/5", CALL)
    assert first == second
    assert not first.confirmed
    assert len(node.sent) == 1
    node.mine()
    sender.turn()
    third = sender.transactions.send("claim/5", CALL)
    assert third.confirmed
    assert (third.block_number, third.tx_hash) == (1, first.tx_hash)
    assert len(node.sent) == 1


def test_send__stored_before_it_leaves(node: FakeNode, sender: Sender) -> None:
    seen = []
    node.on_send = lambda raw: seen.append(
        [attempt.raw for attempt in sender.journal.outbox.attempts("claim/5")] == [raw]
    )
    sender.transactions.send("claim/5", CALL)
    assert seen == [True]


@pytest.mark.parametrize("arrived", [False, True])
def test_send__crash_around_the_broadcast__same_bytes_as_if_never_stopped(
    open_journal: Opener, dump: Callable[[str], object], arrived: bool
) -> None:
    nodes = FakeNode(), FakeNode()
    steady, crashing = (
        Sender(node, open_journal(node, name)) for node, name in zip(nodes, ("steady", "crashing"), strict=True)
    )

    def die(raw: bytes) -> None:
        nodes[1].on_send = lambda raw: None
        if arrived:
            nodes[1].eth_sendRawTransaction("0x" + raw.hex())
        raise Crash

    nodes[1].on_send = die
    steady.transactions.send("claim/5", CALL)
    with pytest.raises(Crash):
        crashing.transactions.send("claim/5", CALL)
    restarted = Sender(nodes[1], open_journal(nodes[1], "crashing"))
    assert not restarted.transactions.send("claim/5", CALL).confirmed
    restarted.turn()
    for node, sender in zip(nodes, (steady, restarted), strict=True):
        sender.transactions.send("show/5", OTHER)
        node.mine()
        sender.turn()
    assert dump("crashing") == dump("steady")
    assert set(nodes[1].sent) == set(nodes[0].sent)
    assert nodes[0].blocks[1].transactions == nodes[1].blocks[1].transactions


def test_send__crash_before_the_store__signed_anew(open_journal: Opener, node: FakeNode) -> None:
    sender = Sender(node, open_journal(node))

    def die(*_: object) -> None:
        raise Crash

    sender.journal.outbox.store = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        sender.transactions.send("claim/5", CALL)
    assert node.sent == []
    restarted = Sender(node, open_journal(node))
    restarted.transactions.send("claim/5", CALL)
    assert len(node.sent) == 1


def test_send__earlier_one_not_in_the_pool__next_nonce(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    node.pool.clear()
    sender.transactions.send("show/5", OTHER)
    assert [stored.nonce for stored in sender.journal.outbox.pending()] == [0, 1]


def test_send__reverted_on_chain__simulated_before_it_is_tried_again(node: FakeNode, sender: Sender) -> None:
    node.fail_in_block = True
    sender.transactions.send("claim/5", CALL)
    node.mine()
    node.refuse = ALREADY
    sender.turn()
    stored = sender.journal.outbox.find("claim/5")
    assert stored is not None
    assert stored.state is TransactionState.REVERTED
    assert "has already claimed a score" in stored.reason
    with pytest.raises(TransactionRefused, match="already claimed"):
        sender.transactions.send("claim/5", CALL)
    assert len(node.sent) == 1


def test_send__reverts_again_and_again__given_up(node: FakeNode, sender: Sender) -> None:
    node.fail_in_block = True
    for _ in range(MAX_REVERTS):
        sender.transactions.send("claim/5", CALL)
        node.mine()
        sender.turn()
    with pytest.raises(TransactionRefused, match="failed on chain 3 times"):
        sender.transactions.send("claim/5", CALL)
    assert len(node.sent) == MAX_REVERTS


def test_send_and_wait__not_in_time__says_it_goes_on(node: FakeNode, journal: Journal) -> None:
    transactions = Transactions(chain_on(node), ACCOUNT, journal, sleep=lambda _: None)
    with pytest.raises(ChainError, match="Run the same command again"):
        transactions.send_and_wait("stake/1", CALL, timeout=0)


def test_send_and_wait__mined_meanwhile__confirmed(node: FakeNode, journal: Journal) -> None:
    transactions = Transactions(chain_on(node), ACCOUNT, journal, sleep=lambda _: node.mine() and None)
    assert transactions.send_and_wait("stake/1", CALL).confirmed


def test_fresh_name__pending_same_call__resumed_else_counted_on(node: FakeNode, sender: Sender) -> None:
    assert sender.transactions.fresh_name("stake", CALL) == "stake/1"
    sender.transactions.send("stake/1", CALL)
    assert sender.transactions.fresh_name("stake", CALL) == "stake/1"
    assert sender.transactions.fresh_name("stake", OTHER) == "stake/2"
    node.mine()
    sender.turn()
    assert sender.transactions.fresh_name("stake", CALL) == "stake/2"
