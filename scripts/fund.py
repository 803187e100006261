"""Equips actors of a development chain: `brownie run fund main DLBC ETHER ADDRESS... --network NETWORK`.

Both amounts are whole numbers, for each address; they come from the account that deployed.
"""

from __future__ import annotations

from typing import Any

from brownie import web3
from eth_utils.address import is_address, to_checksum_address

from dlbc.chain.deployment import load_deployment
from dlbc.errors import ChainError, DLBCError, UsageError
from scripts.accounts import deployer
from scripts.deploy import DEVELOPMENT_CHAINS, confirmed_chain_id, record
from scripts.export_abi import TARGET

UNIT = 10**18


def main(tokens: str, ether: str, *addresses: str) -> None:
    try:
        chain_id = confirmed_chain_id()
        if chain_id not in DEVELOPMENT_CHAINS:
            raise UsageError(f"chain {chain_id} is not a development chain: nothing was sent")
        if not addresses or not all(map(is_address, addresses)) or not (tokens + ether).isdecimal():
            raise UsageError("expected two whole numbers, DLBC and ether, then addresses")
        token = load_deployment(record(chain_id)).token
        fund(deployer(), token, int(tokens), int(ether), *addresses)
    except DLBCError as error:
        raise SystemExit(f"Error: {error}") from error
    print(f"Sent {tokens} DLBC and {ether} ETH to each of {len(addresses)}")


def fund(account: Any, token: str, tokens: int, ether: int, *addresses: str) -> None:
    """Send `tokens` DLBC and `ether` ETH, in whole units, from `account` to each address."""
    contract = web3.eth.contract(
        address=to_checksum_address(token), abi=(TARGET / "DLBCToken.json").read_text(encoding="utf-8")
    )
    receipts = []
    for address in map(to_checksum_address, addresses):
        if tokens:
            data = contract.encode_abi("transfer", [address, tokens * UNIT])
            receipts.append(_send(account, token, data=data))
        if ether:
            receipts.append(_send(account, address, amount=ether * UNIT))
    for receipt in receipts:
        receipt.wait(1)
        if receipt.status != 1:
            raise ChainError(f"transaction {receipt.txid} failed")


def _send(account: Any, to: str, **what: Any) -> Any:
    """All are sent before the first is waited for: a block holds many."""
    return account.transfer(to, required_confs=0, silent=True, skip_undo=True, **what)
