"""CIDv0 ↔ the 32-byte digest that the contracts store.

A CIDv0 is base58btc(0x12 0x20 ‖ sha2-256(root block)): always 46 characters that begin with "Qm". The chain
keeps only the digest, a `bytes32`. Source: https://github.com/multiformats/cid#cidv0
"""

from __future__ import annotations

import base64

import base58

from dlbc.errors import ContentInvalid

DIGEST_BYTES = 32
MULTIHASH_PREFIX = b"\x12\x20"  # sha2-256, 32 bytes
CID_LENGTH = 46
_RAW_CID_PREFIX = b"\x01\x55" + MULTIHASH_PREFIX  # CIDv1, codec raw


def digest_to_cid(digest: bytes) -> str:
    """The CIDv0 of a root block's digest.

    Args:
        digest: 32 bytes, sha2-256 of the root block.

    Raises:
        ContentInvalid: not 32 bytes.
    """
    if len(digest) != DIGEST_BYTES:
        raise ContentInvalid(f"an IPFS digest has {DIGEST_BYTES} bytes, found {len(digest)}")
    return base58.b58encode(MULTIHASH_PREFIX + digest).decode()


def cid_to_digest(cid: str) -> bytes:
    """The 32-byte digest inside a CIDv0.

    Strict, because two spellings of one content would be two announcements: no path, no CIDv1, no other hash,
    no white space.

    Raises:
        ContentInvalid: anything else than the one canonical spelling of a CIDv0.
    """
    shown = cid if len(cid) <= 80 else cid[:80] + "…"
    if len(cid) != CID_LENGTH or not cid.startswith("Qm"):
        raise ContentInvalid(f"{shown!r} is not a CIDv0 (46 characters that begin with Qm)")
    try:
        multihash = base58.b58decode(cid)
    except ValueError as error:
        raise ContentInvalid(f"{shown!r} is not base58") from error
    digest = multihash[len(MULTIHASH_PREFIX) :]
    if len(digest) != DIGEST_BYTES or digest_to_cid(digest) != cid:
        raise ContentInvalid(f"{shown!r} is not the canonical CIDv0 of a sha2-256 digest")
    return digest


def as_digest(cid_or_digest: str | bytes) -> bytes:
    """The digest of either form. Raises ContentInvalid as the two functions above."""
    if isinstance(cid_or_digest, str):
        return cid_to_digest(cid_or_digest)
    digest_to_cid(cid_or_digest)
    return bytes(cid_or_digest)


def raw_block_cid(digest: bytes) -> str:
    """The CIDv1 that names the same block as *opaque bytes*.

    Codec raw has no links, so asking for it brings one block only. Kubo's blockstore and bitswap find blocks
    by multihash, whatever the codec. This is how a DAG is fetched block by block through a library whose only
    fetch is a recursive pin.
    """
    return "b" + base64.b32encode(_RAW_CID_PREFIX + digest).decode().rstrip("=").lower()
