"""The DLBC token, an ERC-20 with permit."""

from __future__ import annotations

from dlbc.chain.client import Chain
from dlbc.chain.contracts.binding import Binding, Call


class Token(Binding):
    """Amounts are in base units (18 decimals). Getters raise ChainError where there is no answer."""

    def __init__(self, chain: Chain, block: int | str = "latest") -> None:
        super().__init__(chain, "DLBCToken", chain.deployment.token, block)

    def balance_of(self, owner: str) -> int:
        return int(self.read(int, "balanceOf", owner))

    def allowance(self, owner: str, spender: str) -> int:
        return int(self.read(int, "allowance", owner, spender))

    def total_supply(self) -> int:
        return int(self.read(int, "totalSupply"))

    def nonces(self, owner: str) -> int:
        return int(self.read(int, "nonces", owner))

    def approve(self, spender: str, amount: int) -> Call:
        return self.call("approve", spender, amount)

    def transfer(self, to: str, amount: int) -> Call:
        return self.call("transfer", to, amount)
