"""What becomes of a transaction once it has left: dropped, stuck, displaced, or taken back by the chain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_fakes import FakeNode
from engine_harness import ALREADY, CALL, OTHER, Sender

from dlbc.chain.provider import ChainUnavailable
from dlbc.chain.transactions import MOST_RAISED
from dlbc.errors import TransactionRefused
from dlbc.journal import Journal, TransactionState

Opener = Callable[..., Journal]


def test_pump__node_silent_at_the_broadcast__sent_later(node: FakeNode, sender: Sender) -> None:
    def vanish(_raw: bytes) -> None:
        node.on_send = lambda raw: None
        raise ChainUnavailable("lost")

    node.on_send = vanish
    sender.transactions.send("claim/5", CALL)
    assert node.pool == {}
    node.mine()
    sender.turn()
    assert list(node.pool) == [0]
    node.mine()
    sender.turn()
    assert sender.state("claim/5") is TransactionState.CONFIRMED


def test_pump__dropped_by_the_pool__same_bytes_again(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    node.pool.clear()
    node.mine()
    sender.turn()
    assert node.sent == [node.sent[0]] * 2


def test_pump__stuck__replaced_by_an_eighth_and_one_wei(node: FakeNode, journal: Journal) -> None:
    sender = Sender(node, journal, stuck_blocks=3)
    sender.transactions.send("claim/5", CALL)
    for _ in range(3):
        node.mine(include=False)
        sender.turn()
    first, second = journal.outbox.attempts("claim/5")
    assert second.max_fee == first.max_fee * 1125 // 1000 + 1
    assert second.tip == first.tip * 1125 // 1000 + 1
    assert second.nonce == first.nonce
    assert node.pool[0]["hash"] == second.hash
    node.mine()
    sender.turn()
    assert sender.transactions.send("claim/5", CALL).tx_hash == second.hash


def test_pump__first_attempt_mined_after_the_replacement_left__found(node: FakeNode, journal: Journal) -> None:
    sender = Sender(node, journal, stuck_blocks=1)
    sender.transactions.send("claim/5", CALL)
    original = node.pool[0]
    node.mine(include=False)
    sender.turn()
    assert len(journal.outbox.attempts("claim/5")) == 2
    node.pool[0] = original
    node.mine()
    sender.turn()
    sent = sender.transactions.send("claim/5", CALL)
    assert sent.confirmed
    assert sent.tx_hash == original["hash"]


def test_pump__stuck_at_the_fee_limit__not_raised(node: FakeNode, journal: Journal) -> None:
    sender = Sender(node, journal, stuck_blocks=1, max_fee=22 * 10**8)
    sender.transactions.send("claim/5", CALL)
    node.mine(include=False)
    sender.turn()
    assert len(journal.outbox.attempts("claim/5")) == 1


def test_pump__stuck_for_another_reason__fees_rise_to_a_limit(node: FakeNode, journal: Journal) -> None:
    """A node that does not pass our transactions on must not drive their price up without end: one day they arrive."""
    sender = Sender(node, journal, stuck_blocks=1)
    sender.transactions.send("claim/5", CALL)
    for _ in range(60):
        node.mine(include=False)
        sender.turn()
    attempts = journal.outbox.attempts("claim/5")
    assert 10 < len(attempts) < 25
    assert attempts[-1].max_fee <= MOST_RAISED * attempts[0].max_fee


def test_pump__stuck_behind_another__only_the_lowest_nonce_replaced(node: FakeNode, journal: Journal) -> None:
    sender = Sender(node, journal, stuck_blocks=1)
    sender.transactions.send("claim/5", CALL)
    sender.transactions.send("show/5", OTHER)
    node.mine(include=False)
    sender.turn()
    assert [len(journal.outbox.attempts(name)) for name in ("claim/5", "show/5")] == [2, 1]
    assert [stored.nonce for stored in journal.outbox.pending()] == [0, 1]


def test_pump__confirmations__pending_until_deep_enough(node: FakeNode, journal: Journal) -> None:
    sender = Sender(node, journal, confirmations=2)
    sender.transactions.send("claim/5", CALL)
    states = []
    for _ in range(3):
        node.mine()
        sender.turn()
        states.append(sender.state("claim/5"))
    assert states == [TransactionState.PENDING, TransactionState.PENDING, TransactionState.CONFIRMED]


def test_pump__receipt_vanishes__same_bytes_again(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    node.mine()
    sender.turn()
    assert sender.state("claim/5") is TransactionState.CONFIRMED
    node.fork(0)
    node.mine(salt=b"b")
    node.mine(salt=b"b")
    sender.turn()
    assert sender.state("claim/5") is TransactionState.PENDING
    assert len(set(node.sent)) == 1
    node.mine()
    sender.turn()
    assert sender.transactions.send("claim/5", CALL).block_number == 3


def test_pump__receipt_vanishes_while_stopped__found_out_at_the_start(node: FakeNode, open_journal: Opener) -> None:
    sender = Sender(node, open_journal(node))
    sender.transactions.send("claim/5", CALL)
    node.mine()
    sender.turn()
    node.fork(0)
    node.mine(salt=b"b")
    restarted = Sender(node, open_journal(node))
    restarted.turn()
    assert restarted.state("claim/5") is TransactionState.PENDING
    assert list(node.pool) == [0]


def test_pump__receipt_comes_later_than_the_nonce__not_signed_again(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    mined = node.mine()
    node.hidden = {transaction["hash"] for transaction in mined.transactions}  # one of several nodes lags
    sender.turn()
    node.hidden = set()
    node.mine()
    sender.turn()
    assert sender.state("claim/5") is TransactionState.CONFIRMED
    assert len(node.sent) == 1


def test_pump__nonce_taken_by_another_program__signed_anew(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    node.pool[0] = node.pool[0] | {"hash": b"f" * 32}  # a foreign transaction outbids ours
    node.mine()
    for _ in range(2):
        sender.turn()
        node.mine()
    sender.turn()
    stored = sender.journal.outbox.find("claim/5")
    assert stored is not None
    assert (stored.nonce, stored.state) == (1, TransactionState.CONFIRMED)


def test_pump__nonce_taken_and_no_longer_wanted__ends_reverted(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    node.pool[0] = node.pool[0] | {"hash": b"f" * 32}
    node.refuse = ALREADY
    for _ in range(3):
        node.mine()
        sender.turn()
    assert sender.state("claim/5") is TransactionState.REVERTED
    with pytest.raises(TransactionRefused, match="already claimed"):
        sender.transactions.send("claim/5", CALL)
    assert len(node.sent) == 1


def test_pump__restart_after_a_nonce_was_taken__stays_ended(node: FakeNode, open_journal: Opener) -> None:
    sender = Sender(node, open_journal(node))
    sender.transactions.send("claim/5", CALL)
    node.pool[0] = node.pool[0] | {"hash": b"f" * 32}
    node.refuse = ALREADY
    for _ in range(3):
        node.mine()
        sender.turn()
    restarted = Sender(node, open_journal(node))
    restarted.turn()
    assert restarted.state("claim/5") is TransactionState.REVERTED
    assert len(node.sent) == 1
