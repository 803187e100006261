"""Nothing is lost and nothing is sent twice, wherever the process dies and whatever the node answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_fakes import ACCOUNT, HUB, Crash, FakeNode, chain_on

from dlbc.chain.abi_codec import load_abi
from dlbc.chain.contracts import Call
from dlbc.chain.provider import ChainUnavailable
from dlbc.chain.transactions import MAX_REVERTS, Transactions
from dlbc.errors import ChainError, TransactionRefused
from dlbc.journal import Journal, TransactionState

CALL = Call(HUB, b"\x01\x02\x03\x04", "claimModel")
OTHER = Call(HUB, b"\x05\x06\x07\x08", "showKey")
ALREADY = load_abi("DLBC").errors["AlreadyClaimed"].selector + bytes(12) + b"\x11" * 20
Opener = Callable[..., Journal]


class Sender:
    """Chain and transactions of one process."""

    def __init__(self, node: FakeNode, journal: Journal, **options: int) -> None:
        self.chain = chain_on(node)
        self.journal = journal
        self.transactions = Transactions(self.chain, ACCOUNT, journal, **options)

    def turn(self) -> None:
        """What the loop does once a block."""
        self.chain.head()
        self.transactions.pump()

    def state(self, name: str) -> TransactionState:
        stored = self.journal.outbox.find(name)
        assert stored is not None
        return stored.state


@pytest.fixture
def sender(node: FakeNode, journal: Journal) -> Sender:
    return Sender(node, journal)


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


def test_send__earlier_one_not_in_the_pool__next_nonce(node: FakeNode, sender: Sender) -> None:
    sender.transactions.send("claim/5", CALL)
    node.pool.clear()
    sender.transactions.send("show/5", OTHER)
    assert [stored.nonce for stored in sender.journal.outbox.pending()] == [0, 1]


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
