"""A deposit in one transaction: the owner signs an ERC-2612 permit, and the hub takes the tokens by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from dlbc.types import Address, Struct, Uint256
from dlbc.wire.typed_data import Domain, struct_hash

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.service import Context

# The hub is the spender, and takes tokens from nobody but its caller: such a permit need not expire. One deadline for
# all makes the same deposit the same bytes, so that an interrupted command finds its pending transaction again.
NO_DEADLINE = (1 << 256) - 1


@dataclass(frozen=True)
class Permit(Struct):
    """ERC-2612's struct; the token's domain has the hub's name and version (`contracts/DLBCToken.sol`)."""

    owner: Address
    spender: Address
    value: Uint256
    nonce: Uint256
    deadline: Uint256


def permit_digest(chain_id: int, token: str, permit: Permit) -> bytes:
    """What the owner signs."""
    return keccak(b"\x19\x01" + Domain(chain_id, token).separator + struct_hash(permit))


def permit_deposit(context: Context, amount: int) -> Call:
    """The call that moves `amount` base units from the account's balance to its credit, without an approval before it.

    Only where the key is the account's own: nobody else's signature moves its tokens.
    """
    hub, deployment = context.hub, context.chain.deployment
    nonce = context.token.nonces(context.account)
    permit = Permit(context.account, hub.address, amount, nonce, NO_DEADLINE)
    digest = permit_digest(deployment.chain_id, deployment.token, permit)
    signature = PrivateKey(bytes(context.signer.key)).sign_msg_hash(digest)
    signed = signature.to_bytes()[:64] + bytes([27 + signature.v])
    return hub.deposit_with_permit(amount, NO_DEADLINE, signed)
