"""From a call to signed bytes: simulate, estimate, price, sign; and what a node says to those bytes."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

from dlbc.chain.client import Chain, RPCRefused, translated
from dlbc.chain.contracts.binding import Call
from dlbc.chain.fees import Fees
from dlbc.chain.provider import ChainUnavailable
from dlbc.errors import TransactionRefused
from dlbc.journal import Attempt, StoredTransaction


class Signer(Protocol):
    """An eth-account `LocalAccount`, as far as it is needed."""

    @property
    def address(self) -> Any: ...

    def sign_transaction(self, transaction_dict: Any) -> Any: ...


class Answer(Enum):
    """What a node says to signed bytes."""

    TAKEN = "taken"  # now or before
    NONCE_USED = "nonce used"  # mined already, or another program's transaction was
    UNDERPRICED = "underpriced"  # another one with this nonce waits and pays more
    REFUSED = "refused"
    SILENT = "silent"


# Clients word these as they like; geth, Erigon, Nethermind, Besu, Reth and Anvil were read.
TAKEN_WORDS = ("already known", "alreadyknown", "already imported", "known transaction", "already exists")
NONCE_WORDS = ("nonce too low", "nonce is too low", "oldnonce", "invalid nonce; got")
UNDERPRICED_WORDS = ("underpriced", "feetoolowtocompete", "gas price too low")


def simulate(chain: Chain, sender: str, call: Call) -> None:
    """Runs the call against the pending block.

    Raises:
        TransactionRefused: it would revert.
    """
    try:
        chain.call(call.to, call.data, sender=sender, value=call.value, at="pending")
    except RPCRefused:  # a node without pending state
        chain.call(call.to, call.data, sender=sender, value=call.value)


def estimate(chain: Chain, sender: str, call: Call) -> int:
    """Gas to allow: a quarter more than needed now, since state may change, and a little for small calls."""
    request: Any = {"to": call.to, "data": call.data, "value": call.value, "from": sender}
    with translated():
        return int(chain.w3.eth.estimate_gas(request)) * 5 // 4 + 10_000


def afford(chain: Chain, sender: str, call: Call, gas: int, price: Fees) -> None:
    """Makes sure that the account can pay.

    Raises:
        TransactionRefused: it cannot.
    """
    with translated():
        balance = chain.w3.eth.get_balance(sender)  # type: ignore[arg-type]  # checksummed
    needed = call.value + gas * price.max_fee
    if balance < needed:
        raise TransactionRefused(
            f"{sender} holds {balance / 1e18:.6f} of the chain's own coin, but {call.what} may cost up to "
            f"{needed / 1e18:.6f} in gas: send it some"
        )


def sign(signer: Signer, chain_id: int, stored: StoredTransaction, price: Fees, block: int) -> Attempt:
    """Signed bytes of a type-2 transaction; the same input gives the same bytes.

    Args:
        block: the chain's height now.
    """
    signed = signer.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": stored.nonce,
            "to": stored.recipient,
            "value": stored.value,
            "data": stored.data,
            "gas": stored.gas,
            "maxFeePerGas": price.max_fee,
            "maxPriorityFeePerGas": price.tip,
        }
    )
    raw = bytes(signed.raw_transaction)
    return Attempt(bytes(signed.hash), stored.nonce, raw, price.max_fee, price.tip, block)


def broadcast(chain: Chain, raw: bytes) -> tuple[Answer, str]:
    """Hands signed bytes to the node. Never raises: they are on disk, and will be sent again.

    Returns:
        What the node makes of them, and its words.
    """
    try:
        with translated():
            chain.w3.eth.send_raw_transaction(raw)
    except ChainUnavailable as error:
        return Answer.SILENT, str(error)
    except (RPCRefused, TransactionRefused) as error:
        text = str(error).lower()
        for answer, words in (
            (Answer.TAKEN, TAKEN_WORDS),
            (Answer.NONCE_USED, NONCE_WORDS),
            (Answer.UNDERPRICED, UNDERPRICED_WORDS),
        ):
            if any(word in text for word in words):
                return answer, str(error)
        return Answer.REFUSED, str(error)
    return Answer.TAKEN, ""
