"""Signed transactions: stored before they leave, so that a restarted program sends the same bytes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from dlbc.journal.database import Database


class TransactionState(StrEnum):
    """Where a named transaction stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"  # its receipt lies deep enough, and says success
    REVERTED = "reverted"  # its receipt lies deep enough, and says failure; or it can no longer be mined


@dataclass(frozen=True)
class StoredTransaction:
    """What a name stands for, and what became of it.

    Attributes:
        what: the call in words, for logs.
        value, gas, nonce: as signed; value in wei.
        reverts: how often this name was mined without success.
        reason: the last failure in words, "" if none.
        tx_hash, block_number, block_hash, gas_used: of the receipt; zero or empty while there is none.
    """

    name: str
    what: str
    recipient: str
    data: bytes
    value: int
    gas: int
    nonce: int
    state: TransactionState = TransactionState.PENDING
    reverts: int = 0
    reason: str = ""
    tx_hash: bytes = b""
    block_number: int = 0
    block_hash: bytes = b""
    gas_used: int = 0


@dataclass(frozen=True)
class Attempt:
    """One signing of a transaction: the first, or a replacement with higher fees.

    Attributes:
        raw: the bytes that go to the node, the same ones every time.
        max_fee, tip: wei per gas.
        sent_block: the chain's height when it was signed; age is counted in blocks, which survive a restart.
    """

    hash: bytes
    nonce: int
    raw: bytes
    max_fee: int
    tip: int
    sent_block: int


class Outbox:
    """The tables of transactions and attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, transaction: StoredTransaction, attempt: Attempt) -> None:
        """Writes a signed transaction to disk; in place of an older one of its name."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET what = excluded.what, recipient = excluded.recipient, "
                "data = excluded.data, value = excluded.value, gas = excluded.gas, nonce = excluded.nonce, "
                "state = excluded.state, tx_hash = excluded.tx_hash, block_number = excluded.block_number, "
                "block_hash = excluded.block_hash, gas_used = excluded.gas_used",
                (
                    transaction.name,
                    transaction.what,
                    transaction.recipient,
                    transaction.data,
                    str(transaction.value),
                    transaction.gas,
                    transaction.nonce,
                    transaction.state,
                    transaction.reverts,
                    transaction.reason,
                    transaction.tx_hash,
                    transaction.block_number,
                    transaction.block_hash,
                    transaction.gas_used,
                ),
            )
            self.add_attempt(transaction.name, attempt)

    def add_attempt(self, name: str, attempt: Attempt) -> None:
        """Writes another signing of the same call and nonce to disk."""
        self._database.execute(
            "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                attempt.hash,
                name,
                attempt.nonce,
                attempt.raw,
                str(attempt.max_fee),
                str(attempt.tip),
                attempt.sent_block,
            ),
        )

    def find(self, name: str) -> StoredTransaction | None:
        """The transaction of that name."""
        found = self._select("WHERE name = ?", (name,))
        return found[0] if found else None

    def pending(self) -> list[StoredTransaction]:
        """Transactions without a final receipt, by nonce."""
        return self._select("WHERE state = ? ORDER BY nonce", (TransactionState.PENDING,))

    def mined_above(self, number: int) -> list[StoredTransaction]:
        """Finished transactions with a receipt in a block after `number`, which may still be lost."""
        return self._select("WHERE state <> ? AND block_number > ? ORDER BY nonce", (TransactionState.PENDING, number))

    def all(self) -> list[StoredTransaction]:
        """All transactions, by nonce."""
        return self._select("ORDER BY nonce", ())

    def attempts(self, name: str) -> list[Attempt]:
        """What was signed for a name under its present nonce, the newest last."""
        rows = self._database.execute(
            "SELECT attempts.* FROM attempts JOIN transactions USING (name) "
            "WHERE name = ? AND attempts.nonce = transactions.nonce ORDER BY attempts.rowid",
            (name,),
        )
        return [
            Attempt(row["hash"], row["nonce"], row["raw"], int(row["max_fee"]), int(row["tip"]), row["sent_block"])
            for row in rows
        ]

    def settle(
        self, name: str, state: TransactionState, receipt: tuple[bytes, int, bytes, int], reason: str = ""
    ) -> None:
        """Ends a transaction.

        Args:
            receipt: transaction hash, block number, block hash, gas used; empty if it was never mined.
        """
        failed = int(state is TransactionState.REVERTED)
        self._database.execute(
            "UPDATE transactions SET state = ?, tx_hash = ?, block_number = ?, block_hash = ?, gas_used = ?, "
            "reason = ?, reverts = reverts + ? WHERE name = ?",
            (state, *receipt, reason, failed, name),
        )

    def remark(self, name: str, reason: str) -> None:
        """Notes why a pending transaction does not get on."""
        self._database.execute("UPDATE transactions SET reason = ? WHERE name = ?", (reason, name))

    def reopen(self, name: str) -> None:
        """Makes a finished transaction pending again: its block was lost."""
        self._database.execute(
            "UPDATE transactions SET state = ?, tx_hash = x'', block_number = 0, block_hash = x'', "
            "gas_used = 0 WHERE name = ?",
            (TransactionState.PENDING, name),
        )

    def highest_nonce(self) -> int:
        """The highest nonce of a pending transaction, or -1."""
        row = self._database.execute(
            "SELECT max(nonce) AS nonce FROM transactions WHERE state = ?", (TransactionState.PENDING,)
        )[0]
        return -1 if row["nonce"] is None else int(row["nonce"])

    def _select(self, condition: str, values: tuple[object, ...]) -> list[StoredTransaction]:
        rows = self._database.execute(f"SELECT * FROM transactions {condition}", values)  # noqa: S608  # constants above
        return [_transaction(row) for row in rows]


def _transaction(row: sqlite3.Row) -> StoredTransaction:
    values = dict(row)
    values["value"] = int(values["value"])
    values["state"] = TransactionState(values["state"])
    return StoredTransaction(**values)
