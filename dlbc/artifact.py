"""Encrypted files for IPFS: test sets and models (docs/protocol.md, "Ciphertext").

AES-256-GCM in chunks of 1 MiB behind an 84-byte header, in constant memory. Every chunk authenticates the
header, its index and whether it is the last one, so nothing can be cut, moved, appended or taken over from
another round.

A stranger's fault is an `InvalidArtifact`; a fault of the local disk stays an `OSError`, so that no program
holds its own full disk against a miner.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dlbc.errors import InvalidArtifact

MAGIC = b"DLBC"
VERSION = 1
AES_256_GCM = 1
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16

_HEADER = struct.Struct(">4sBBHIQ32s32s")
HEADER_BYTES = _HEADER.size
_INFO = b"DLBC/artifact/v1"


@dataclass(frozen=True)
class Header:
    """What the first 84 bytes say. All but the plaintext's size, salt and context is fixed in version 1."""

    plain_bytes: int
    salt: bytes
    context: bytes

    def encode(self) -> bytes:
        """The 84 bytes."""
        return _HEADER.pack(MAGIC, VERSION, AES_256_GCM, 0, CHUNK_BYTES, self.plain_bytes, self.salt, self.context)

    @property
    def chunks(self) -> int:
        """At least one: an empty plaintext is one empty, last chunk."""
        return max(1, -(-self.plain_bytes // CHUNK_BYTES))

    @property
    def cipher_bytes(self) -> int:
        """Size of the whole ciphertext."""
        return cipher_size(self.plain_bytes)


def cipher_size(plain_bytes: int) -> int:
    """Bytes of the ciphertext of a plaintext of that many bytes: header, plaintext, one tag a chunk."""
    return HEADER_BYTES + plain_bytes + TAG_BYTES * max(1, -(-plain_bytes // CHUNK_BYTES))


def decode_header(encoded: bytes) -> Header:
    """The header of a ciphertext from a stranger.

    Raises:
        InvalidArtifact: too short, or not a version 1 ciphertext.
    """
    if len(encoded) < HEADER_BYTES:
        raise InvalidArtifact(f"ciphertext ends after {len(encoded)} bytes, inside its {HEADER_BYTES}-byte header")
    magic, version, cipher, reserved, chunk, plain_bytes, salt, context = _HEADER.unpack(encoded[:HEADER_BYTES])
    if magic != MAGIC:
        raise InvalidArtifact(f"not a DLBC ciphertext: it begins with {magic.hex()}, expected {MAGIC.hex()}")
    if version != VERSION:
        raise InvalidArtifact(
            f"ciphertext has version {version}, this program reads {VERSION}: a newer one may be needed"
        )
    if (cipher, reserved, chunk) != (AES_256_GCM, 0, CHUNK_BYTES):
        raise InvalidArtifact(
            f"ciphertext header names cipher {cipher}, reserved {reserved}, chunk size {chunk}; "
            f"version {VERSION} has {AES_256_GCM}, 0, {CHUNK_BYTES}"
        )
    return Header(plain_bytes, salt, context)


def encrypt_file(source: Path, target: Path, key: bytes, context: bytes, *, salt: bytes | None = None) -> None:
    """Writes the ciphertext of `source`. `target` appears complete or not at all, with mode 0600.

    Args:
        key: the 32 bytes that are shown later.
        context: `dlbc.wire.derivation.artifact_context` of this deployment, kind, id and owner.
        salt: for test vectors only. Two plaintexts under one key and salt would share nonces and lose all
            secrecy.

    Raises:
        ValueError: key, context or salt is not 32 bytes.
        InvalidArtifact: the source changed its size while it was read.
        OSError: the local disk failed.
    """
    salt = os.urandom(32) if salt is None else salt
    _require_32_bytes(key=key, context=context, salt=salt)
    with source.open("rb") as plain, _atomic(target) as sealed:
        header = Header(os.fstat(plain.fileno()).st_size, salt, context)
        encoded = header.encode()
        cipher = _cipher(key, header)
        sealed.write(encoded)
        for index, last, size in _chunks(header):
            chunk = plain.read(size)
            if len(chunk) != size:
                raise InvalidArtifact(f"{source} shrank while it was encrypted: nothing may write to it meanwhile")
            sealed.write(cipher.encrypt(_nonce(index, last), chunk, _associated_data(encoded, index, last)))
        if plain.read(1):
            raise InvalidArtifact(f"{source} grew while it was encrypted: nothing may write to it meanwhile")


def decrypt_file(
    source: Path,
    target: Path,
    key: bytes,
    context: bytes,
    *,
    max_plain_bytes: int,
    expected_sha256: bytes | None = None,
) -> None:
    """Writes the plaintext of `source`. `target` appears complete and authenticated or not at all, with
    mode 0600.

    Args:
        key: the 32 bytes that were shown on chain.
        context: what this reader expects, never what the file says.
        max_plain_bytes: a larger plaintext is refused before anything is written.
        expected_sha256: 32 bytes that the plaintext must hash to.

    Raises:
        ValueError: key, context or hash is not 32 bytes.
        InvalidArtifact: the ciphertext is not what it should be; the message says what was found.
        OSError: the local disk failed.
    """
    _require_32_bytes(key=key, context=context, **({"hash": expected_sha256} if expected_sha256 is not None else {}))
    with source.open("rb") as sealed:
        encoded = sealed.read(HEADER_BYTES)
        header = decode_header(encoded)
        _check_header(header, os.fstat(sealed.fileno()).st_size, context, max_plain_bytes)
        cipher = _cipher(key, header)
        digest = hashlib.sha256()
        with _atomic(target) as plain:
            for index, last, size in _chunks(header):
                try:
                    chunk = cipher.decrypt(
                        _nonce(index, last),
                        sealed.read(size + TAG_BYTES),
                        _associated_data(encoded, index, last),
                    )
                except InvalidTag as error:
                    raise InvalidArtifact(
                        f"chunk {index} of {header.chunks} does not authenticate: "
                        + ("wrong key, or " if index == 0 else "")
                        + "bytes were changed or moved after encryption"
                    ) from error
                digest.update(chunk)
                plain.write(chunk)
            if expected_sha256 is not None and digest.digest() != expected_sha256:
                raise InvalidArtifact(
                    f"plaintext has sha-256 {digest.hexdigest()}, announced was {expected_sha256.hex()}: "
                    "its owner encrypted another file"
                )


def sha256_file(path: Path) -> bytes:
    """The plain SHA-256 of a file's bytes, 32 bytes: `modelHash`, shards, test set."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _check_header(header: Header, found_bytes: int, context: bytes, max_plain_bytes: int) -> None:
    if header.plain_bytes > max_plain_bytes:
        raise InvalidArtifact(f"plaintext of {header.plain_bytes} bytes is over the limit of {max_plain_bytes}")
    if found_bytes < header.cipher_bytes:
        raise InvalidArtifact(
            f"ciphertext is truncated: {found_bytes} bytes, but its header announces {header.cipher_bytes}"
        )
    if found_bytes > header.cipher_bytes:
        raise InvalidArtifact(
            f"ciphertext has {found_bytes - header.cipher_bytes} trailing bytes "
            f"after the {header.cipher_bytes} that its header announces"
        )
    if header.context != context:
        raise InvalidArtifact(
            "ciphertext was made for another chain, hub, round, task or owner: "
            f"context {header.context.hex()}, expected {context.hex()}"
        )


def _cipher(key: bytes, header: Header) -> AESGCM:
    """One content key a file: the salt makes nonces fresh though they only count."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=header.salt, info=_INFO + header.context)
    return AESGCM(hkdf.derive(key))


def _chunks(header: Header) -> Iterator[tuple[int, bool, int]]:
    """(index, whether the last, plaintext bytes) of each chunk."""
    for index in range(header.chunks):
        size = min(CHUNK_BYTES, header.plain_bytes - index * CHUNK_BYTES)
        yield index, index == header.chunks - 1, size


def _nonce(index: int, last: bool) -> bytes:
    return struct.pack(">3xBQ", last, index)


def _associated_data(header: bytes, index: int, last: bool) -> bytes:
    return header + struct.pack(">QB", index, last)


def _require_32_bytes(**values: bytes) -> None:
    for name, value in values.items():
        if len(value) != 32:
            raise ValueError(f"{name} has {len(value)} bytes, expected 32")


@contextlib.contextmanager
def _atomic(target: Path) -> Iterator[BinaryIO]:
    """A new file beside `target` that takes its name only when the block ends well and the bytes are on
    disk.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
