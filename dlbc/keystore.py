"""Accounts in encrypted keystore files (Web3 Secret Storage version 3), one directory of `NAME.json`, mode
0600.

A raw key or a password is never taken from a flag, where process lists and shell histories would show it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import platformdirs
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N
from eth_utils.address import is_same_address, to_checksum_address

from dlbc.errors import UsageError

MAX_KEYSTORE_BYTES = 16_384
MAX_SECRET_BYTES = 4_096
DEFAULT_SCRYPT_N = 262_144

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What eth-keyfile raises for a file that is JSON but no keystore: it looks fields up without checking them.
_MALFORMED = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    MemoryError,
)


@dataclass(frozen=True)
class Keystore:
    """One keystore file. Its address is what the file claims: only `load_account` proves it."""

    name: str
    address: str
    path: Path


def default_directory() -> Path:
    """Where keystores lie unless `--keystore-dir` or DLBC_KEYSTORE_DIR says otherwise."""
    return Path(platformdirs.user_data_dir("dlbc")) / "keystores"


def create(directory: Path, name: str, password: str) -> Keystore:
    """A new account from the system's randomness.

    Raises:
        UsageError: the name is taken or unusable, the password is empty, or the directory cannot be written.
    """
    return _write(directory, name, Account.create(), password)


def import_key(directory: Path, name: str, private_key: bytes, password: str) -> Keystore:
    """A keystore for an existing private key of 32 bytes.

    Raises:
        UsageError: as `create`, or the bytes are no key of secp256k1.
    """
    if len(private_key) != 32 or not 0 < int.from_bytes(private_key) < SECPK1_N:
        raise UsageError("not a private key: expected 32 bytes between 1 and the order of secp256k1")
    return _write(directory, name, Account.from_key(private_key), password)


def parse_private_key(text: str) -> bytes:
    """The 32 bytes of 64 hex digits, with or without 0x and surrounding blanks. The text itself is never
    echoed.

    Raises:
        UsageError: anything else.
    """
    digits = text.strip().removeprefix("0x")
    if re.fullmatch(r"[0-9a-fA-F]{64}", digits) is None:
        raise UsageError("not a private key: expected 64 hex digits, with or without 0x")
    return bytes.fromhex(digits)


def list_keystores(directory: Path) -> list[Keystore]:
    """All keystores of a directory by name; no password needed.

    Raises:
        UsageError: the directory cannot be read, or a `.json` file in it is no keystore.
    """
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot list keystores in {directory}: {error.strerror}") from error
    return [describe(path) for path in paths]


def describe(path: Path) -> Keystore:
    """Name and claimed address of one keystore file; no password needed.

    Raises:
        UsageError: as `load_account`, but for the password.
    """
    return Keystore(path.stem, _claimed_address(path, _read_document(path)), path)


def load_account(path: Path, password: str) -> LocalAccount:
    """The account of a keystore file; has `.key` (32 bytes) and `.address`. Takes about a second (scrypt).

    Raises:
        UsageError: missing, open to others, oversized or damaged file, or wrong password; the message says
            what to do.
    """
    document = _read_document(path)
    claimed = _claimed_address(path, document)
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(dict(document), password))
    except _MALFORMED as error:
        if "MAC mismatch" in str(error):
            raise UsageError(f"wrong password for keystore {path}") from error
        raise UsageError(f"keystore {path} is damaged ({error}): restore it from a backup") from error
    if not is_same_address(account.address, claimed):
        raise UsageError(
            f"keystore {path} says {claimed} but holds the key of {account.address}: "
            "it was edited; restore it from a backup"
        )
    return account


def read_password(password_file: Path | None = None, *, confirm: bool = False) -> str:
    """The password from `password_file`, DLBC_PASSWORD_FILE, DLBC_PASSWORD or a hidden prompt, in this order.

    Args:
        confirm: ask twice, for a new keystore.

    Raises:
        UsageError: the file cannot be used, the password is empty, or there is no terminal to ask on.
    """
    if password_file is None and os.environ.get("DLBC_PASSWORD_FILE"):
        password_file = Path(os.environ["DLBC_PASSWORD_FILE"])
    if password_file is not None:
        password = read_secret_file(password_file)
    elif "DLBC_PASSWORD" in os.environ:
        password = os.environ["DLBC_PASSWORD"]
    elif sys.stdin.isatty():
        password = click.prompt("Keystore password", hide_input=True, confirmation_prompt=confirm, err=True)
    else:
        raise UsageError(
            "no password and no terminal to ask on: give --password-file, DLBC_PASSWORD_FILE or DLBC_PASSWORD"
        )
    if not password:
        raise UsageError("the password is empty: choose one, every reader of the file would have the key")
    return password


def read_secret_file(path: Path) -> str:
    """A secret's text without its final line break.

    Raises:
        UsageError: missing, open to others, too large, or not UTF-8.
    """
    try:
        return _read_private(path, MAX_SECRET_BYTES).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error


def free_path(directory: Path, name: str) -> Path:
    """Where the keystore of a new account goes; lets a program refuse a name before it asks for a password.

    Raises:
        UsageError: the name is taken, or no file name.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"keystore name {name!r}: use up to 64 letters, digits, dots, dashes and underscores")
    path = directory / f"{name}.json"
    if path.exists():
        raise UsageError(f"{path} exists already: choose another name; a keystore is never overwritten")
    return path


def _write(directory: Path, name: str, account: LocalAccount, password: str) -> Keystore:
    path = free_path(directory, name)
    if not password:
        raise UsageError("the password is empty: choose one, every reader of the file would have the key")
    document = json.dumps(account.encrypt(password, kdf="scrypt", iterations=_scrypt_n()))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: two programs that start at once never overwrite each other's account.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UsageError(f"{error.filename} exists already: choose another name or directory") from error
    except OSError as error:
        raise UsageError(f"cannot write keystore {path}: {error.strerror}") from error
    return Keystore(name, account.address, path)


def _scrypt_n() -> int:
    """scrypt's cost: a power of two; 8192 makes tests fast and real keys weak."""
    text = os.environ.get("DLBC_SCRYPT_N", str(DEFAULT_SCRYPT_N))
    if not text.isdecimal() or not 2 <= int(text) <= 1 << 24 or int(text) & int(text) - 1:
        raise UsageError(f"DLBC_SCRYPT_N={text!r}: expected a power of two, {DEFAULT_SCRYPT_N} for real keys")
    return int(text)


def _read_document(path: Path) -> Mapping[str, Any]:
    if path.is_dir():
        # Named, not read: what else lies in that folder is nobody's fault here.
        names = ", ".join(sorted(map(str, path.glob("*.json")))[:10]) or "none yet: dlbc-keys new NAME"
        raise UsageError(f"{path} is a directory; name one keystore file in it ({names})")
    try:
        document = json.loads(_read_private(path, MAX_KEYSTORE_BYTES, ", or make a keystore with dlbc-keys new"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"keystore {path} is not JSON ({error}): restore it from a backup") from error
    if not isinstance(document, dict) or document.get("version") != 3:
        raise UsageError(f"{path} is no keystore of version 3: make one with dlbc-keys new or dlbc-keys import")
    return document


def _claimed_address(path: Path, document: Mapping[str, Any]) -> str:
    try:
        return str(to_checksum_address(document["address"]))
    except (KeyError, ValueError, TypeError) as error:
        raise UsageError(f"keystore {path} names no address: restore it from a backup") from error


def _read_private(path: Path, max_bytes: int, hint: str = "") -> bytes:
    """The bytes of a small regular file that only its owner may read."""
    try:
        # O_NONBLOCK: a named pipe in place of the file must not hang the program.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(f"{path} is not a regular file")
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(
                    f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}): "
                    f"run chmod 600 {shlex.quote(str(path))}"
                )
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist: check the path{hint}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > max_bytes:
        raise UsageError(f"{path} is larger than {max_bytes} bytes: it is not the file you mean")
    return content
