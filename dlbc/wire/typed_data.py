"""EIP-712: the hashes that contracts and programs compare, and the miner's signature.

Domain: name "DLBC", version "1", chain id, the hub. Type strings are derived from `dlbc.types`, whose order
    is the interfaces'.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from dlbc.errors import InvalidArtifact
from dlbc.types import (
    ZERO_ADDRESS,
    ZERO_BYTES32,
    BlockHeader,
    ModelClaim,
    ModelCommitment,
    Struct,
    TaskSpec,
    Vote,
    camel_case,
)

NAME = "DLBC"
VERSION = "1"
HEADER_VERSION = 1

_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
# Half of secp256k1's order: EIP-2 and OpenZeppelin's ECDSA refuse the larger of the two possible s.
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True)
class Domain:
    """Where a signature holds: one chain, one hub."""

    chain_id: int
    hub: str

    @property
    def separator(self) -> bytes:
        """EIP-712's domainSeparator, 32 bytes."""
        return keccak(
            encode(
                ["bytes32", "bytes32", "bytes32", "uint256", "address"],
                [keccak(_DOMAIN_TYPE), keccak(text=NAME), keccak(text=VERSION), self.chain_id, self.hub],
            )
        )


def encode_type(struct: type[Struct]) -> str:
    """EIP-712's encodeType: the struct, then the structs it refers to (ours nest one level, so their order
    is settled).
    """
    described = struct.abi_fields()
    members = ",".join(f"{abi_type} {camel_case(name)}" for name, abi_type, _ in described)
    return f"{struct.__name__}({members})" + "".join(encode_type(nested) for _, _, nested in described if nested)


def struct_hash(struct: Struct) -> bytes:
    """EIP-712's hashStruct, 32 bytes."""
    types, values = ["bytes32"], [keccak(text=encode_type(type(struct)))]
    for name, abi_type, nested in struct.abi_fields():
        value = getattr(struct, name)
        types.append("bytes32" if nested else abi_type)
        values.append(struct_hash(value) if nested else value)
    return keccak(encode(types, values))


def spec_hash(spec: TaskSpec) -> bytes:
    """The task's identity."""
    return struct_hash(spec)


def commitment_hash(commitment: ModelCommitment) -> bytes:
    """The candidate's identity, in claims, lists and blocks."""
    return struct_hash(commitment)


def commit_digest(commitment: ModelCommitment) -> bytes:
    """What `commitModel` takes: binds the announced ciphertext. The contract keeps its first 27 bytes."""
    return keccak(
        encode(
            ["bytes32", "bytes32", "uint64"],
            [commitment_hash(commitment), commitment.artifact, commitment.artifact_bytes],
        )
    )


def vote_hash(vote: Vote) -> bytes:
    """What `commitVote` takes. Not signed: it names its validator."""
    return struct_hash(vote)


def claim_digest(domain: Domain, claim: ModelClaim) -> bytes:
    """What the miner signs."""
    return _digest(domain, claim)


def header_hash(domain: Domain, header: BlockHeader) -> bytes:
    """A block's hash: the hub's `head` while the block is the last one."""
    return _digest(domain, header)


def genesis_header(timestamp: int) -> BlockHeader:
    """The header of the block before the first; `timestamp` is the hub's deployment."""
    return BlockHeader(
        version=HEADER_VERSION,
        height=0,
        parent=ZERO_BYTES32,
        anchor=ZERO_BYTES32,
        round_id=0,
        spec_hash=ZERO_BYTES32,
        commitment=ZERO_BYTES32,
        model_hash=ZERO_BYTES32,
        score=0,
        score_max=0,
        vote_root=ZERO_BYTES32,
        miner=ZERO_ADDRESS,
        payload_root=ZERO_BYTES32,
        emission=0,
        chain_score=0,
        timestamp=timestamp,
    )


def sign_claim(domain: Domain, claim: ModelClaim, private_key: bytes) -> bytes:
    """The 65-byte signature r, s, v (27 or 28) over `claim_digest`; deterministic (RFC 6979)."""
    signature = PrivateKey(private_key).sign_msg_hash(claim_digest(domain, claim))
    return signature.to_bytes()[:64] + bytes([27 + signature.v])


def recover_claim(domain: Domain, claim: ModelClaim, signature: bytes) -> str:
    """The checksummed address that signed; compare it with `claim.commitment.miner`.

    Raises:
        InvalidArtifact: the bytes are no signature that the contract would take (length, v, high s).
    """
    if len(signature) != 65:
        raise InvalidArtifact(f"signature has {len(signature)} bytes, expected 65 (r, s, v)")
    if signature[64] not in (27, 28):
        raise InvalidArtifact(f"signature's v is {signature[64]}, expected 27 or 28")
    if int.from_bytes(signature[32:64]) > _HALF_ORDER:
        raise InvalidArtifact("signature's s is in the upper half of the curve's order (EIP-2): sign again")
    try:
        parsed = Signature(signature[:64] + bytes([signature[64] - 27]))
        return parsed.recover_public_key_from_msg_hash(claim_digest(domain, claim)).to_checksum_address()
    except (BadSignature, ValidationError) as error:
        raise InvalidArtifact(f"not a signature: {error}") from error


def _digest(domain: Domain, struct: Struct) -> bytes:
    return keccak(b"\x19\x01" + domain.separator + struct_hash(struct))
