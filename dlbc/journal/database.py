"""The journal's file: one connection, nested transactions, migrations, and who may open it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import IO, Any

from dlbc.errors import UsageError

MIGRATIONS = ("schema_1.sql",)  # applied in order; PRAGMA user_version counts those done


@dataclass(frozen=True)
class Identity:
    """Whose journal it is. A journal is refused where any of these differ.

    Attributes:
        genesis_hash: of the EVM chain, 0x hex: development chains repeat their ids, not their genesis.
        hub: address of the DLBC contract.
        address: of the account whose duties it holds.
        signer: address of the key whose transactions it holds; it may be an operator of the account. "" where it
            does not matter.
    """

    chain_id: int
    genesis_hash: str
    hub: str
    address: str
    signer: str = ""


class Database:
    """One SQLite connection shared by the program's threads under one lock."""

    def __init__(self, connection: sqlite3.Connection, lock_file: IO[str] | None = None) -> None:
        self._connection = connection
        self._lock_file = lock_file
        self._lock = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, and an inner failure that is caught undoes only the inner part.

        Other threads wait until the outermost ends.
        """
        with self._lock:
            point = f"level_{self._depth}"
            self._connection.execute(f"SAVEPOINT {point}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth:
                    self._connection.execute(f"ROLLBACK TO {point}")
                    self._connection.execute(f"RELEASE {point}")
                else:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            self._connection.execute(f"RELEASE {point}" if self._depth else "COMMIT")

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `transaction()`."""
        with self._lock:
            return self._depth > 0

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Runs one statement, committed at once outside `transaction()`; returns all its rows."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Like `execute`; returns how many rows changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def close(self) -> None:
        """Closes the file and lets other processes open it. May be called twice."""
        with self._lock:
            self._connection.close()
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None


def open_database(path: Path, identity: Identity) -> Database:
    """The journal at `path`, made if missing, for this process alone.

    Raises:
        UsageError: another process has it, it belongs to another chain, hub or key, it is newer than this
            program, or it is no journal.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock_file = _lock(path)
    try:
        # Before SQLite makes its files beside it, which take this mode: votes lie there before they are opened.
        path.touch(mode=0o600)
        path.chmod(0o600)
        connection = _connect(str(path))
        # FULL: with NORMAL a power cut may take the last commits, and those may be a signed transaction.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _migrate(connection, str(path))
        _claim(connection, str(path), identity)
        return Database(connection, lock_file)
    except sqlite3.DatabaseError as error:
        lock_file.close()
        raise UsageError(
            f"{path}: cannot be used as a journal ({error}); move it away, or choose another --data-dir"
        ) from error
    except BaseException:
        lock_file.close()
        raise


def open_database_read_only(path: Path, identity: Identity | None = None) -> Database:
    """The journal at `path` as another process may watch it: no lock, no change.

    Args:
        identity: whose it must be, its address "" for anybody's; None takes any journal.

    Raises:
        UsageError: there is none, it is another's, or it is newer than this program.
    """
    if not path.exists():
        raise UsageError(f"{path}: no journal there yet; start the program once, or check --data-dir")
    try:
        connection = _connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        _refuse_newer(connection, str(path))
        if identity is not None:
            _refuse_other(connection, str(path), identity)
    except sqlite3.DatabaseError as error:
        raise UsageError(f"{path}: cannot be read as a journal ({error}); check --data-dir") from error
    return Database(connection)


def open_database_in_memory(identity: Identity) -> Database:
    """A journal that dies with the process: for commands without a key, and for tests."""
    connection = _connect(":memory:")
    _migrate(connection, ":memory:")
    _claim(connection, ":memory:", identity)
    return Database(connection)


def _connect(target: str, *, uri: bool = False) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where `transaction()` says, nowhere else.
    connection = sqlite3.connect(target, timeout=10, isolation_level=None, check_same_thread=False, uri=uri)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _lock(path: Path) -> IO[str]:
    lock_file = path.with_name(path.name + ".lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock_file.seek(0)
        holder = lock_file.read().strip() or "unknown"
        lock_file.close()
        raise UsageError(
            f"{path}: in use by process {holder}. A key has one program at a time, since two would use the "
            "same nonces: stop that one first, or choose another --data-dir for another key"
        ) from error
    lock_file.truncate(0)
    lock_file.write(str(os.getpid()))
    lock_file.flush()
    return lock_file


def _refuse_newer(connection: sqlite3.Connection, where: str) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise UsageError(
            f"{where}: written by a newer dlbc (schema {version}; this program knows {len(MIGRATIONS)}): "
            "upgrade dlbc, or choose another --data-dir"
        )
    return version


def _migrate(connection: sqlite3.Connection, where: str) -> None:
    version = _refuse_newer(connection, where)
    for number, name in enumerate(MIGRATIONS[version:], start=version + 1):
        script = resources.files(__package__).joinpath(name).read_text("utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")


def _claim(connection: sqlite3.Connection, where: str, identity: Identity) -> None:
    """Writes the identity into a new journal; compares it with an old one's."""
    missing = [(name, str(getattr(identity, name))) for name in _refuse_other(connection, where, identity)]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [(name, value) for name, value in missing if value])


def _refuse_other(connection: sqlite3.Connection, where: str, identity: Identity) -> list[str]:
    """Compares what the journal says of itself; returns the names that it says nothing of."""
    found = {str(row["key"]): str(row["value"]) for row in connection.execute("SELECT key, value FROM meta")}
    missing = []
    for field in fields(identity):
        expected = str(getattr(identity, field.name))
        if field.name not in found:
            missing.append(field.name)
        elif expected and found[field.name].lower() != expected.lower():
            name = field.name.replace("_", " ")
            raise UsageError(
                f"{where}: this journal's {name} is {found[field.name]}, but the present one is {expected}. "
                "Choose another --data-dir, or, if a development chain was started anew, delete this one"
            )
    return missing
