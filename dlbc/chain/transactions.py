"""Sends transactions so that a crash, a lost block or a full pool never doubles or loses one.

The signed bytes are on disk before they leave, under a name of the caller's ("claim/5"). Sending a name
again looks what became of it, and never signs a second time while the first may still be mined. `pump` does
the rest, once a block: it sends the same bytes again, replaces what is stuck at the same nonce, waits for
confirmations, and goes back to
sending when a reorganisation takes a receipt away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from dlbc.chain import fees, signing
from dlbc.chain.client import Chain, Head, translated
from dlbc.chain.contracts.binding import Call
from dlbc.chain.events import decode
from dlbc.chain.signing import Answer, Signer
from dlbc.errors import ChainError, TransactionRefused
from dlbc.journal import Attempt, Event, Journal, StoredTransaction, TransactionState

STUCK_BLOCKS = 10
MAX_REVERTS = 3  # mined without success this often, a name is given up
MOST_RAISED = 10  # times today's fees: what is still not mined then is stuck for another reason than its price
RECHECKED_BLOCKS = 64  # a finished transaction in a newer block may still lose its receipt

log = structlog.get_logger("dlbc.transactions")


@dataclass(frozen=True)
class Sent:
    """Where a transaction stands.

    Attributes:
        tx_hash: of the receipt, or of the newest attempt while there is none.
        block_number, block_hash, gas_used: of the receipt; zero or empty while there is none.
    """

    name: str
    state: TransactionState
    tx_hash: bytes
    block_number: int = 0
    block_hash: bytes = b""
    gas_used: int = 0

    @property
    def confirmed(self) -> bool:
        """Whether it succeeded, deep enough in the chain."""
        return self.state is TransactionState.CONFIRMED


class Transactions:
    """The one sender of a key. Safe to use from several threads.

    Args:
        confirmations: blocks above a receipt's before it counts.
        stuck_blocks: age at which the lowest nonce is replaced.
        max_fee: wei per gas that a replacement never exceeds, None for `MOST_RAISED` times today's.
    """

    def __init__(
        self,
        chain: Chain,
        signer: Signer,
        journal: Journal,
        *,
        confirmations: int = 0,
        stuck_blocks: int = STUCK_BLOCKS,
        max_fee: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = str(signer.address)
        self._chain = chain
        self._signer = signer
        self._journal = journal
        self._outbox = journal.outbox
        self._confirmations = confirmations
        self._stuck_blocks = stuck_blocks
        self._max_fee = max_fee
        self._sleep = sleep
        self._lock = threading.RLock()
        self._pumped: Head | None = None
        self._displaced_since: dict[str, int] = {}

    def send(self, name: str, call: Call) -> Sent:
        """Makes sure that `call` is sent once under `name`. Does not wait for it.

        A name that is pending or confirmed is left alone. One that was mined without success is simulated
        again, and sent again only if it would succeed now.

        Raises:
            TransactionRefused: the contracts would refuse it now, the account cannot pay for it, or it
                failed on chain `MAX_REVERTS` times.
            ChainError: the node does not answer the simulation: nothing was sent.
        """
        if self._journal.in_transaction:
            raise RuntimeError(f"{name}: send from an action: a handler's writes are not on disk when it would leave")
        with self._lock:
            stored = self._outbox.find(name)
            if stored is not None and stored.state is not TransactionState.REVERTED:
                return self._sent(stored)
            if stored is not None and stored.reverts >= MAX_REVERTS:
                raise TransactionRefused(f"{name}: failed on chain {stored.reverts} times, last: {stored.reason}")
            return self._sent(self._start(name, call))

    def pump(self) -> None:
        """Looks after everything pending. Cheap while no new block has arrived.

        Raises:
            ChainError: the node does not answer.
        """
        with self._lock:
            head = self._chain.latest or self._chain.head()
            before = self._pumped
            if before is not None and before.hash == head.hash:
                return
            if before is None or head.parent != before.hash:
                self._reopen_vanished(head)
            for stored in self._outbox.pending():
                self._look_after(stored, head)
            self._pumped = head

    def send_and_wait(self, name: str, call: Call, timeout: float = 300.0) -> Sent:
        """For commands that a person waits for: sends, and returns when it is confirmed.

        Args:
            timeout: seconds.

        Raises:
            TransactionRefused: refused by the simulation, or failed on chain.
            ChainError: not confirmed in time; running the command again goes on waiting for the same
                transaction.
        """
        sent = self.send(name, call)
        give_up_at = time.monotonic() + timeout
        while True:
            self._chain.head()
            self.pump()
            stored = self._outbox.find(name)
            if stored is not None and stored.state is TransactionState.REVERTED:
                raise TransactionRefused(f"{stored.what}: {stored.reason}")
            if stored is not None and stored.state is TransactionState.CONFIRMED:
                return self._sent(stored)
            if time.monotonic() >= give_up_at:
                raise ChainError(
                    f"{call.what}: 0x{sent.tx_hash.hex()} is not confirmed after {timeout:.0f} s, "
                    "but may still be. Run the same command again: it goes on with this transaction"
                )
            self._sleep(0.2)

    def fresh_name(self, prefix: str, call: Call) -> str:
        """A name for something that may be done many times, such as "stake/3": the last one while the same
        call is pending, so that an interrupted command is resumed, a new one otherwise.
        """
        number = 1
        while (stored := self._outbox.find(f"{prefix}/{number}")) is not None:
            pending = stored.state is TransactionState.PENDING
            if pending and (stored.recipient, stored.data, stored.value) == (call.to, call.data, call.value):
                break
            number += 1
        return f"{prefix}/{number}"

    def events_of(self, sent: Sent) -> list[Event]:
        """The events that a mined transaction made; empty while it is pending."""
        receipt = self._chain.receipt(sent.tx_hash)
        logs = () if receipt is None else receipt["logs"]
        return [event for event in map(decode, logs) if event is not None]

    def _start(self, name: str, call: Call) -> StoredTransaction:
        """Simulates, prices, signs, stores, sends: in this order."""
        head = self._chain.head()
        signing.simulate(self._chain, self.address, call)
        gas = signing.estimate(self._chain, self.address, call)
        price = fees.suggested(self._chain, head)
        signing.afford(self._chain, self.address, call, gas, price)
        nonce = max(self._nonce("latest"), self._nonce("pending"), self._outbox.highest_nonce() + 1)
        stored = StoredTransaction(name, call.what, call.to, call.data, call.value, gas, nonce)
        attempt = self._signed(stored, price, head)
        self._outbox.store(stored, attempt)
        log.info("transaction_sent", name=name, what=call.what, hash="0x" + attempt.hash.hex())
        self._broadcast(stored, attempt)
        return stored

    def _look_after(self, stored: StoredTransaction, head: Head) -> None:
        """One pending transaction, once a block."""
        attempts = self._outbox.attempts(stored.name)
        for attempt in reversed(attempts):
            receipt = self._chain.receipt(attempt.hash)
            if receipt is not None:
                self._displaced_since.pop(stored.name, None)
                self._mined(stored, receipt, head)
                return
        used = self._nonce("latest")
        if used > stored.nonce:
            # Its nonce is gone, and no attempt has a receipt. Believed after some blocks: the node may lag.
            since = self._displaced_since.setdefault(stored.name, head.number)
            if head.number - since > self._confirmations:
                self._displaced(stored)
        elif used == stored.nonce and head.number - attempts[-1].sent_block >= self._stuck_blocks:
            self._replace(stored, attempts[-1], head)
        else:
            self._broadcast(stored, attempts[-1])

    def _mined(self, stored: StoredTransaction, receipt: Any, head: Head) -> None:
        number = int(receipt["blockNumber"])
        if max(head.number, number) - number < self._confirmations:
            return
        result = (
            bytes(receipt["transactionHash"]),
            number,
            bytes(receipt["blockHash"]),
            int(receipt["gasUsed"]),
        )
        if receipt["status"] == 1:
            self._outbox.settle(stored.name, TransactionState.CONFIRMED, result)
            log.info("transaction_confirmed", name=stored.name, block=number, gas=result[3])
            return
        reason = self._why_it_reverted(stored, number, result[3])
        self._outbox.settle(stored.name, TransactionState.REVERTED, result, reason)
        log.warning("transaction_reverted", name=stored.name, block=number, reason=reason)

    def _why_it_reverted(self, stored: StoredTransaction, block: int, gas_used: int) -> str:
        """The reason in words, by running the call again on the state that its block left."""
        if gas_used >= stored.gas:
            return f"ran out of gas ({stored.gas} allowed)"
        try:
            self._chain.call(stored.recipient, stored.data, sender=self.address, value=stored.value, at=block)
        except ChainError as error:
            return str(error)
        return "reverted, for a reason that no longer holds"

    def _displaced(self, stored: StoredTransaction) -> None:
        """Another transaction of this key took the nonce: sign anew, if the contracts still want it."""
        self._displaced_since.pop(stored.name, None)
        log.warning("nonce_taken", name=stored.name, nonce=stored.nonce, hint="does another program use this key?")
        # Ended first: should the program stop between the two, `send` goes on from here.
        reason = f"another transaction of this key took nonce {stored.nonce}"
        self._outbox.settle(stored.name, TransactionState.REVERTED, (b"", 0, b"", 0), reason)
        if stored.reverts + 1 >= MAX_REVERTS:
            return
        try:
            self._start(stored.name, Call(stored.recipient, stored.data, stored.what, stored.value))
        except TransactionRefused as error:
            log.warning("transaction_refused", name=stored.name, reason=str(error))

    def _replace(self, stored: StoredTransaction, last: Attempt, head: Head) -> None:
        """Signs the same call with the same nonce and higher fees."""
        today = fees.suggested(self._chain, head)
        price = fees.replacement(fees.Fees(last.max_fee, last.tip), today)
        limit = min(MOST_RAISED * today.max_fee, self._max_fee or price.max_fee)
        if price.max_fee > limit or price.tip > MOST_RAISED * max(today.tip, fees.GWEI):
            log.warning("transaction_stuck", name=stored.name, needed=price.max_fee, limit=limit)
            self._broadcast(stored, last)
            return
        attempt = self._signed(stored, price, head)
        self._outbox.add_attempt(stored.name, attempt)
        log.info("transaction_replaced", name=stored.name, hash="0x" + attempt.hash.hex(), max_fee=price.max_fee)
        self._broadcast(stored, attempt)

    def _reopen_vanished(self, head: Head) -> None:
        """Makes pending again what a reorganisation took out of the chain."""
        for stored in self._outbox.mined_above(max(0, head.number - RECHECKED_BLOCKS)):
            if self._chain.block_hash(stored.block_number) != stored.block_hash:
                log.warning("receipt_vanished", name=stored.name, block=stored.block_number)
                self._outbox.reopen(stored.name)

    def _broadcast(self, stored: StoredTransaction, attempt: Attempt) -> None:
        answer, words = signing.broadcast(self._chain, attempt.raw)
        if answer is Answer.REFUSED:
            log.warning("transaction_not_taken", name=stored.name, reason=words)
        if answer in (Answer.REFUSED, Answer.UNDERPRICED):
            self._outbox.remark(stored.name, words)

    def _signed(self, stored: StoredTransaction, price: fees.Fees, head: Head) -> Attempt:
        return signing.sign(self._signer, self._chain.deployment.chain_id, stored, price, head.number)

    def _nonce(self, block: Any) -> int:
        with translated():
            return int(self._chain.w3.eth.get_transaction_count(self.address, block))  # type: ignore[arg-type]

    def _sent(self, stored: StoredTransaction) -> Sent:
        tx_hash = stored.tx_hash or self._outbox.attempts(stored.name)[-1].hash
        return Sent(stored.name, stored.state, tx_hash, stored.block_number, stored.block_hash, stored.gas_used)
