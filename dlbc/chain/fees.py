"""Type-2 fees, and what it takes to replace a transaction that is stuck."""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.chain.client import Chain, Head, RPCRefused, translated
from dlbc.errors import ChainError

GWEI = 10**9


@dataclass(frozen=True)
class Fees:
    """Wei per gas.

    Attributes:
        max_fee: the most that is paid in all.
        tip: the part for the block's producer.
    """

    max_fee: int
    tip: int


def suggested(chain: Chain, head: Head) -> Fees:
    """Fees that stay enough while the base fee doubles.

    Raises:
        ChainError: the chain has no base fee.
    """
    if head.base_fee == 0 and head.number > 0 and "baseFeePerGas" not in _latest(chain):
        raise ChainError("this chain has no base fee (EIP-1559), which these programs need: use another chain")
    try:
        with translated():
            tip = int(chain.w3.eth.max_priority_fee)
    except RPCRefused:  # an optional method
        tip = GWEI
    return Fees(max_fee=2 * head.base_fee + tip, tip=tip)


def replacement(old: Fees, now: Fees) -> Fees:
    """Fees that nodes accept in place of `old`: both at least an eighth higher, and no less than today's."""
    return Fees(max_fee=max(_raised(old.max_fee), now.max_fee), tip=max(_raised(old.tip), now.tip))


def _raised(fee: int) -> int:
    return fee * 1125 // 1000 + 1


def _latest(chain: Chain) -> dict[str, object]:
    with translated():
        return dict(chain.w3.eth.get_block("latest"))
