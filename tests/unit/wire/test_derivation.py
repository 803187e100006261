"""Secrets come back after a lost disk, and no two purposes share one."""

from __future__ import annotations

import hashlib
import hmac
from itertools import product

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from wire_samples import HUB, MINER, MINER_KEY, REQUESTER, REQUESTER_KEY, word

from dlbc.wire import derivation
from dlbc.wire.derivation import ArtifactKind

PURPOSES = (
    "test-key",
    "model-key",
    "commit-salt",
    "watermark",
    "vote-salt/0/0",
    "vote-salt/0/1",
    "vote-salt/1/0",
)


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 for one block of output, written out."""
    extracted = hmac.digest(salt, key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


@pytest.mark.parametrize("purpose", ["", "Test-key", "vote-salt", "vote-salt/0", "vote-salt/00/1", "model-key ", "é"])
def test_derive__purpose_that_the_protocol_does_not_list__is_refused(purpose: str) -> None:
    with pytest.raises(ValueError, match="unknown purpose"):
        derivation.derive(MINER_KEY, 1, HUB, 1, purpose)


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_derive__account_key_of_another_length__is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="expected 32"):
        derivation.derive(key, 1, HUB, 1, "model-key")
    with pytest.raises(ValueError, match="expected 32"):
        derivation.key_hash(key)


def test_derive__same_arguments__is_rfc5869s_value() -> None:
    info = encode(["uint256", "address", "uint256"], [31337, HUB, 3]) + b"model-key"
    expected = hkdf(MINER_KEY, keccak(b"DLBC/keys/v1"), info)
    assert derivation.derive(MINER_KEY, 31337, HUB, 3, "model-key") == expected
    assert derivation.derive(MINER_KEY, 31337, HUB.lower(), 3, "model-key") == expected


def test_derive__account_chain_hub_id_or_purpose_differs__is_another_secret() -> None:
    cases = list(product((MINER_KEY, REQUESTER_KEY), (1, 31337), (HUB, MINER), (0, 3), PURPOSES))
    secrets = {derivation.derive(*case) for case in cases}
    assert len(secrets) == len(cases)
    assert all(len(secret) == 32 for secret in secrets)


def test_vote_salt__epoch_and_position__make_the_purpose() -> None:
    assert derivation.vote_salt(1, 14) == "vote-salt/1/14"


def test_seed__any_argument_differs__is_another_seed() -> None:
    cases = list(product((1, 31337), (HUB, MINER), (word(1), word(2)), (1, 2), (MINER, REQUESTER), (word(3), word(4))))
    assert len({derivation.seed(*case) for case in cases}) == len(cases)


def test_artifact_context__any_argument_differs__is_another_context() -> None:
    cases = list(product((1, 31337), (HUB, MINER), ArtifactKind, (1, 2), (MINER, REQUESTER)))
    assert len({derivation.artifact_context(*case) for case in cases}) == len(cases)


def test_artifact_context__unknown_kind__is_refused() -> None:
    with pytest.raises(ValueError, match="4 is not a valid ArtifactKind"):
        derivation.artifact_context(1, HUB, 4, 1, MINER)


def test_key_hash__zero_key__is_keccak_of_32_zero_bytes() -> None:
    # Known from Solidity: where the elements of a dynamic array in slot 0 begin.
    known = "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563"
    assert derivation.key_hash(bytes(32)).hex() == known
