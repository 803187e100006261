"""EIP-712 hashes are those of an independent implementation; a signature names its miner, or is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from wire_samples import COMMITMENT, DOMAIN, HEADER, HUB, MINER, MINER_KEY, SPEC, VOTE, repeatable_random

from dlbc.errors import InvalidArtifact
from dlbc.types import ModelClaim, Struct, camel_case
from dlbc.wire import typed_data
from dlbc.wire.typed_data import Domain

CLAIM = ModelClaim(COMMITMENT, 351)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def message_of(struct: Struct) -> dict[str, Any]:
    described = type(struct).abi_fields()
    values = ((camel_case(name), getattr(struct, name)) for name, _, _ in described)
    return {name: message_of(value) if isinstance(value, Struct) else value for name, value in values}


def types_of(struct: type[Struct]) -> dict[str, list[dict[str, str]]]:
    described = struct.abi_fields()
    found = {struct.__name__: [{"name": camel_case(name), "type": kind} for name, kind, _ in described]}
    for _, _, nested in described:
        if nested is not None:
            found |= types_of(nested)
    return found


def reference(struct: Struct) -> Any:
    domain = {"name": "DLBC", "version": "1", "chainId": 31337, "verifyingContract": HUB}
    return encode_typed_data(domain, types_of(type(struct)), message_of(struct))


@pytest.mark.parametrize("struct", [SPEC, COMMITMENT, VOTE, CLAIM, HEADER])
def test_struct_hash__sample__is_eth_accounts(struct: Struct) -> None:
    signable = reference(struct)
    assert DOMAIN.separator == signable.header
    assert typed_data.struct_hash(struct) == signable.body


def test_digests__sample__are_eth_accounts() -> None:
    assert typed_data.claim_digest(DOMAIN, CLAIM) == _hash_eip191_message(reference(CLAIM))
    assert typed_data.header_hash(DOMAIN, HEADER) == _hash_eip191_message(reference(HEADER))


@pytest.mark.parametrize("struct", [SPEC, COMMITMENT, VOTE, HEADER])
def test_struct_hash__any_field_changed__differs(struct: Struct) -> None:
    original = typed_data.struct_hash(struct)
    for field in fields(struct):  # type: ignore[arg-type]
        value = getattr(struct, field.name)
        other = HUB if isinstance(value, str) else value + 1 if isinstance(value, int) else bytes(31) + b"\x01"
        changed = replace(struct, **{field.name: other})  # type: ignore[type-var]
        assert typed_data.struct_hash(changed) != original, field.name


def test_commit_digest__announced_ciphertext_changed__differs() -> None:
    digests = {
        typed_data.commit_digest(commitment)
        for commitment in (
            COMMITMENT,
            replace(COMMITMENT, artifact=bytes(32)),
            replace(COMMITMENT, artifact_bytes=1),
            replace(COMMITMENT, miner=HUB),
        )
    }
    assert len(digests) == 4
    assert typed_data.commitment_hash(COMMITMENT) not in digests


def test_sign_claim__account_of_the_miner__signs_as_eth_account_and_is_recovered() -> None:
    signature = typed_data.sign_claim(DOMAIN, CLAIM, MINER_KEY)
    assert signature == bytes(Account.sign_message(reference(CLAIM), MINER_KEY).signature)
    assert typed_data.recover_claim(DOMAIN, CLAIM, signature) == MINER


def test_recover_claim__other_chain_hub_score_or_commitment__is_not_the_miner() -> None:
    signature = typed_data.sign_claim(DOMAIN, CLAIM, MINER_KEY)
    for domain, claim in (
        (Domain(1, HUB), CLAIM),
        (Domain(31337, MINER), CLAIM),
        (DOMAIN, replace(CLAIM, score=352)),
        (DOMAIN, replace(CLAIM, commitment=replace(COMMITMENT, round_id=4))),
    ):
        assert typed_data.recover_claim(domain, claim, signature) != MINER


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_recover_claim__v_that_solidity_refuses__is_refused(v: int) -> None:
    signature = typed_data.sign_claim(DOMAIN, CLAIM, MINER_KEY)
    with pytest.raises(InvalidArtifact, match="v is"):
        typed_data.recover_claim(DOMAIN, CLAIM, signature[:64] + bytes([v]))


def test_recover_claim__mirrored_signature__is_refused() -> None:
    """The second valid s of the same signature would give one claim two encodings."""
    signature = typed_data.sign_claim(DOMAIN, CLAIM, MINER_KEY)
    s = ORDER - int.from_bytes(signature[32:64])
    mirrored = signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])
    with pytest.raises(InvalidArtifact, match="upper half"):
        typed_data.recover_claim(DOMAIN, CLAIM, mirrored)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(66)])
def test_recover_claim__wrong_length__is_refused(signature: bytes) -> None:
    with pytest.raises(InvalidArtifact, match="expected 65"):
        typed_data.recover_claim(DOMAIN, CLAIM, signature)


def test_recover_claim__random_bytes__never_raise_anything_else() -> None:
    chance = repeatable_random(4)
    edges = [bytes(32), b"\xff" * 32, ORDER.to_bytes(32), (ORDER - 1).to_bytes(32), (1).to_bytes(32)]
    for _ in range(60):
        r, s = (chance.choice([*edges, chance.randbytes(32)]) for _ in range(2))
        try:
            assert typed_data.recover_claim(DOMAIN, CLAIM, r + s + bytes([27 + chance.randrange(2)])) != MINER
        except InvalidArtifact:
            continue


def test_genesis_header__all_but_version_and_time__is_zero() -> None:
    version, *rest, timestamp = typed_data.genesis_header(1_700_000_000).to_tuple()
    assert (version, timestamp) == (1, 1_700_000_000)
    assert set(rest) == {0, bytes(32), "0x" + "00" * 20}
