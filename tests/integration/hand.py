"""An account that the test itself moves: its key, a journal in memory, and no program."""

from __future__ import annotations

from collections.abc import Sequence

from eth_account.signers.local import LocalAccount

from dlbc.chain.client import Chain
from dlbc.chain.contracts import Call, Hub, Token
from dlbc.chain.transactions import Transactions
from dlbc.journal import Identity, Journal
from dlbc.keystore import load_account
from scripts.demo.market import Market

TIMEOUT = 60.0


class Hand:
    """Sends calls with an actor's key."""

    def __init__(self, chain: Chain, key: LocalAccount) -> None:
        deployment = chain.deployment
        self.key, self.address = key, str(key.address)
        genesis = "0x" + deployment.genesis_hash.hex()
        identity = Identity(deployment.chain_id, genesis, deployment.hub, self.address, self.address)
        self.transactions = Transactions(chain, key, Journal.in_memory(identity))
        self.hub, self.token = Hub(chain), Token(chain)

    @classmethod
    def of(cls, market: Market, chain: Chain, name: str) -> Hand:
        """With the key of an actor whose program does not run."""
        password = (market.folder / "password").read_text(encoding="utf-8")
        return cls(chain, load_account(market.actors[name].folder / f"{name}.json", password))

    def send(self, call: Call) -> None:
        """Sends it and waits until it is mined."""
        all_send([(self, call)])

    def funding(self, credit: int, stake: int = 0) -> list[Call]:
        """What moves `credit` and `stake` from the wallet, in this order."""
        calls = [self.token.approve(self.hub.address, credit + stake), self.hub.deposit(credit + stake)]
        return [*calls, self.hub.stake(stake)] if stake else calls


def all_send(calls: Sequence[tuple[Hand, Call]]) -> None:
    """One call of each; all are in the pool before the first is waited for."""
    names = [hand.transactions.fresh_name("hand", call) for hand, call in calls]
    for name, (hand, call) in zip(names, calls, strict=True):
        hand.transactions.send(name, call)
    for name, (hand, call) in zip(names, calls, strict=True):
        hand.transactions.send_and_wait(name, call, TIMEOUT)
