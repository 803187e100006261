"""Seeds, secrets and contexts that are computed, so that a lost disk loses nothing (docs/protocol.md,
"Seeds and keys").
"""

from __future__ import annotations

import re
from enum import IntEnum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from eth_abi.abi import encode
from eth_utils.crypto import keccak

TEST_KEY = "test-key"  #       id = task nonce
MODEL_KEY = "model-key"  #     this and the rest: id = round id
COMMIT_SALT = "commit-salt"
WATERMARK = "watermark"

_SEED_TAG = keccak(text="DLBC/seed/v1")
_KEYS_TAG = keccak(text="DLBC/keys/v1")
_ARTIFACT_TAG = keccak(text="DLBC/artifact/v1")
_PURPOSE = re.compile(r"test-key|model-key|commit-salt|watermark|vote-salt/(0|[1-9][0-9]{0,2})/(0|[1-9][0-9]{0,2})")


class ArtifactKind(IntEnum):
    """What a ciphertext holds, and what its `id` and `owner` are."""

    TEST_SET = 1  # id = task nonce, owner = requester
    MODEL = 2  #    id = round id, owner = miner
    TRAJECTORY = 3  # likewise: the opened states, sealed with the model's key


def vote_salt(epoch: int, pos: int) -> str:
    """The purpose of the salt of one vote; a second epoch gets its own."""
    return f"vote-salt/{epoch}/{pos}"


def seed(chain_id: int, hub: str, spec_hash: bytes, round_id: int, miner: str, anchor: bytes) -> bytes:
    """The miner's seed of all that must be his own: network start, data order, watermark message. 32 bytes,
    public.
    """
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "bytes32", "uint256", "address", "bytes32"],
            [_SEED_TAG, chain_id, hub, spec_hash, round_id, miner, anchor],
        )
    )


def derive(private_key: bytes, chain_id: int, hub: str, id: int, purpose: str) -> bytes:
    """A 32-byte secret of the account: HKDF-SHA256 (RFC 5869).

    Args:
        private_key: the account's 32 bytes.
        id: the task nonce for `TEST_KEY`, else the round id.
        purpose: `TEST_KEY`, `MODEL_KEY`, `COMMIT_SALT`, `WATERMARK` or `vote_salt(epoch, pos)`.

    Raises:
        ValueError: key of another length, or a purpose that docs/protocol.md does not list (a typing error
            would silently
            give a secret that no restart finds again).
    """
    if len(private_key) != 32:
        raise ValueError(f"account key has {len(private_key)} bytes, expected 32")
    if _PURPOSE.fullmatch(purpose) is None:
        raise ValueError(f"unknown purpose {purpose!r}")
    info = encode(["uint256", "address", "uint256"], [chain_id, hub, id]) + purpose.encode("ascii")
    return HKDF(algorithm=SHA256(), length=32, salt=_KEYS_TAG, info=info).derive(private_key)


def key_hash(key: bytes) -> bytes:
    """`keyHash` of specs and commitments: keccak of the 32-byte key.

    Raises:
        ValueError: key of another length.
    """
    if len(key) != 32:
        raise ValueError(f"key has {len(key)} bytes, expected 32")
    return keccak(key)


def artifact_context(chain_id: int, hub: str, kind: int, id: int, owner: str) -> bytes:
    """The 32 bytes that bind a ciphertext to deployment, kind (`ArtifactKind`), task or round, and owner."""
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "uint8", "uint256", "address"],
            [_ARTIFACT_TAG, chain_id, hub, ArtifactKind(kind), id, owner],
        )
    )
