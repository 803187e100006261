"""A permit as the token checks it, held against eth-account's own EIP-712."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data

from dlbc.permit import NO_DEADLINE, Permit, permit_deposit, permit_digest

OWNER = Account.from_key(b"\x03" * 32)
HUB, TOKEN = "0x" + "11" * 20, "0x" + "22" * 20
CHAIN_ID, AMOUNT, NONCE = 31337, 5 * 10**18, 4
TYPES = {
    "Permit": [
        {"name": n, "type": t}
        for n, t in (
            ("owner", "address"),
            ("spender", "address"),
            ("value", "uint256"),
            ("nonce", "uint256"),
            ("deadline", "uint256"),
        )
    ]
}


def context() -> Any:
    return SimpleNamespace(
        account=OWNER.address,
        signer=OWNER,
        chain=SimpleNamespace(deployment=SimpleNamespace(chain_id=CHAIN_ID, token=TOKEN)),
        token=SimpleNamespace(nonces=lambda owner: NONCE),
        hub=SimpleNamespace(address=HUB, deposit_with_permit=lambda *arguments: arguments),
    )


def signable() -> Any:
    domain = {"name": "DLBC", "version": "1", "chainId": CHAIN_ID, "verifyingContract": TOKEN}
    message = {"owner": OWNER.address, "spender": HUB, "value": AMOUNT, "nonce": NONCE, "deadline": NO_DEADLINE}
    return encode_typed_data(domain, TYPES, message)


def test_permit_digest__any_permit__is_eip_712s() -> None:
    from eth_account.messages import _hash_eip191_message

    permit = Permit(OWNER.address, HUB, AMOUNT, NONCE, NO_DEADLINE)
    assert permit_digest(CHAIN_ID, TOKEN, permit) == _hash_eip191_message(signable())


def test_permit_deposit__signed__by_the_owner_for_the_hub_alone() -> None:
    amount, deadline, signature = permit_deposit(context(), AMOUNT)
    assert (amount, deadline, len(signature)) == (AMOUNT, NO_DEADLINE, 65)
    assert Account.recover_message(signable(), signature=signature) == OWNER.address


def test_permit_deposit__twice__the_same_bytes() -> None:
    """So that an interrupted command finds its pending transaction instead of sending another."""
    assert permit_deposit(context(), AMOUNT) == permit_deposit(context(), AMOUNT)
