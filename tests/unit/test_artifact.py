"""A ciphertext opens for its key, context and order of bytes alone; a refused one leaves nothing behind."""

from __future__ import annotations

import hashlib
import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dlbc import artifact
from dlbc.artifact import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, decrypt_file, encrypt_file
from dlbc.errors import InvalidArtifact

KEY = bytes(range(32))
CONTEXT = b"\xc7" * 32
SEALED_CHUNK = CHUNK_BYTES + TAG_BYTES
PLAIN = os.urandom(2 * CHUNK_BYTES + 5)
LIMIT = 4 * CHUNK_BYTES


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A ciphertext of three chunks."""
    plain = tmp_path / "plain"
    plain.write_bytes(PLAIN)
    encrypt_file(plain, tmp_path / "sealed", KEY, CONTEXT)
    plain.unlink()
    return tmp_path / "sealed"


def refused(source: Path, message: str, *, key: bytes = KEY, context: bytes = CONTEXT, limit: int = LIMIT) -> None:
    """Asserts that decryption fails with this message and leaves neither target nor temporary file."""
    before = set(source.parent.iterdir())
    with pytest.raises(InvalidArtifact, match=message):
        decrypt_file(source, source.parent / "opened", key, context, max_plain_bytes=limit)
    assert set(source.parent.iterdir()) == before


@pytest.mark.parametrize("kept", [0, 1, HEADER_BYTES - 1])
def test_decrypt_file__ends_inside_the_header__is_refused(sealed: Path, kept: int) -> None:
    os.truncate(sealed, kept)
    refused(sealed, f"ends after {kept} bytes")


@pytest.mark.parametrize(
    "kept", [HEADER_BYTES, HEADER_BYTES + 1, HEADER_BYTES + SEALED_CHUNK, HEADER_BYTES + 2 * SEALED_CHUNK, -1]
)
def test_decrypt_file__truncated__is_refused(sealed: Path, kept: int) -> None:
    os.truncate(sealed, kept % sealed.stat().st_size)
    refused(sealed, "truncated")


def test_decrypt_file__trailing_bytes__are_refused(sealed: Path) -> None:
    with sealed.open("ab") as file:
        file.write(b"x")
    refused(sealed, "1 trailing bytes")


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"d", "not a DLBC ciphertext"),
        (4, b"\x02", "version 2"),
        (5, b"\x02", "cipher 2"),
        (6, b"\x01", "reserved 256"),
        (8, struct.pack(">I", 1), "chunk size 1"),
        (12, struct.pack(">Q", len(PLAIN) - 1), "trailing"),
        (12, struct.pack(">Q", len(PLAIN) + 1), "truncated"),
        (12, struct.pack(">Q", 2**64 - 1), "over the limit"),
        (20, b"\x00\x00\x00", "chunk 0 of 3 does not authenticate"),  # salt
        (52, b"\x00", "another chain, hub, round, task or owner"),
        (HEADER_BYTES, b"\x00\x00\x00", "chunk 0 of 3"),
        (HEADER_BYTES + SEALED_CHUNK, b"\x00\x00\x00", "chunk 1 of 3"),
        (-1, b"\x00", "chunk 2 of 3"),
    ],
)
def test_decrypt_file__bytes_overwritten__are_refused(sealed: Path, at: int, value: bytes, message: str) -> None:
    content = bytearray(sealed.read_bytes())
    at %= len(content)
    if content[at : at + len(value)] == value:  # chance has put the same byte there
        value = bytes([value[0] ^ 1]) + value[1:]
    content[at : at + len(value)] = value
    sealed.write_bytes(content)
    refused(sealed, message)


def test_decrypt_file__chunks_swapped__are_refused(sealed: Path) -> None:
    content = sealed.read_bytes()
    cut = HEADER_BYTES + SEALED_CHUNK
    sealed.write_bytes(
        content[:HEADER_BYTES]
        + content[cut : cut + SEALED_CHUNK]
        + content[HEADER_BYTES:cut]
        + content[cut + SEALED_CHUNK :]
    )
    refused(sealed, "chunk 0 of 3 does not authenticate: wrong key, or bytes were changed or moved")


def test_decrypt_file__last_chunk_cut_and_size_lowered__is_refused(sealed: Path) -> None:
    """The shortened file is consistent in itself; only the mark on the last chunk tells."""
    content = bytearray(sealed.read_bytes()[: HEADER_BYTES + 2 * SEALED_CHUNK])
    content[12:20] = struct.pack(">Q", 2 * CHUNK_BYTES)
    sealed.write_bytes(content)
    refused(sealed, "chunk 0 of 2")


def test_decrypt_file__chunk_without_the_last_mark__is_refused(tmp_path: Path) -> None:
    """A sealer who knows the key cannot announce one size and authenticate a longer file."""
    header = artifact.Header(5, bytes(32), CONTEXT)
    cipher = artifact._cipher(KEY, header)
    chunk = cipher.encrypt(artifact._nonce(0, False), b"12345", artifact._associated_data(header.encode(), 0, False))
    (tmp_path / "sealed").write_bytes(header.encode() + chunk)
    refused(tmp_path / "sealed", "chunk 0 of 1")


def test_decrypt_file__wrong_key__is_refused(sealed: Path) -> None:
    refused(sealed, "wrong key", key=bytes(32))


def test_decrypt_file__context_of_another_round__is_refused(sealed: Path) -> None:
    refused(sealed, "another chain, hub, round", context=bytes(32))


def test_decrypt_file__over_the_limit__is_refused(sealed: Path) -> None:
    refused(sealed, f"{len(PLAIN)} bytes is over the limit of {len(PLAIN) - 1}", limit=len(PLAIN) - 1)


def test_decrypt_file__hash_of_another_file__is_refused(sealed: Path) -> None:
    with pytest.raises(InvalidArtifact, match="announced was 0000"):
        decrypt_file(sealed, sealed.parent / "out", KEY, CONTEXT, max_plain_bytes=LIMIT, expected_sha256=bytes(32))
    assert [path.name for path in sealed.parent.iterdir()] == ["sealed"]


def test_decrypt_file__refused__keeps_an_older_target(sealed: Path) -> None:
    target = sealed.parent / "opened"
    target.write_bytes(b"older")
    with pytest.raises(InvalidArtifact):
        decrypt_file(sealed, target, bytes(32), CONTEXT, max_plain_bytes=LIMIT)
    assert target.read_bytes() == b"older"


def test_decrypt_file__missing_source__stays_a_fault_of_the_local_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decrypt_file(tmp_path / "absent", tmp_path / "out", KEY, CONTEXT, max_plain_bytes=LIMIT)


@pytest.mark.parametrize("argument", ["key", "context", "salt"])
def test_encrypt_file__argument_that_is_not_32_bytes__is_refused(tmp_path: Path, argument: str) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    arguments = {"key": KEY, "context": CONTEXT, "salt": bytes(32)} | {argument: bytes(31)}
    with pytest.raises(ValueError, match=f"{argument} has 31 bytes"):
        encrypt_file(tmp_path / "plain", tmp_path / "sealed", **arguments)
    assert not (tmp_path / "sealed").exists()


@pytest.mark.parametrize("change", [-1, 1])
def test_encrypt_file__source_changes_meanwhile__is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"12345")
    derive = artifact._cipher

    def derive_while_someone_writes(key: bytes, header: artifact.Header) -> AESGCM:
        os.truncate(plain, 5 + change)
        return derive(key, header)

    monkeypatch.setattr(artifact, "_cipher", derive_while_someone_writes)
    with pytest.raises(InvalidArtifact, match=r"shrank|grew"):
        encrypt_file(plain, tmp_path / "sealed", KEY, CONTEXT)
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_decrypt_file__of_encrypt_file__is_the_plaintext(tmp_path: Path, size: int) -> None:
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    content = os.urandom(size)
    plain.write_bytes(content)
    encrypt_file(plain, sealed, KEY, CONTEXT)
    assert sealed.stat().st_size == artifact.cipher_size(size)
    digest = hashlib.sha256(content).digest()
    decrypt_file(sealed, opened, KEY, CONTEXT, max_plain_bytes=size, expected_sha256=digest)
    assert opened.read_bytes() == content
    assert artifact.sha256_file(opened) == digest
    assert opened.stat().st_mode & 0o777 == 0o600


def test_encrypt_file__twice__differs_by_its_salt(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"same")
    for name in ("one", "two"):
        encrypt_file(tmp_path / "plain", tmp_path / name, KEY, CONTEXT)
    assert (tmp_path / "one").read_bytes()[HEADER_BYTES:] != (tmp_path / "two").read_bytes()[HEADER_BYTES:]


def test_encrypt_file__many_chunks__needs_the_memory_of_a_few(tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    with plain.open("wb") as file:
        file.truncate(24 * CHUNK_BYTES)
    tracemalloc.start()
    try:
        encrypt_file(plain, sealed, KEY, CONTEXT)
        decrypt_file(sealed, tmp_path / "opened", KEY, CONTEXT, max_plain_bytes=24 * CHUNK_BYTES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * CHUNK_BYTES
