"""What a round's end does to everybody's money, by the development profile: F is the fee less the tips, B the bond."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from round_play import DLBC, OUTCOMES, Ledger, Model, Play, Round, paid

FEE = 200 * DLBC
BOND = 100 * DLBC
MINER_UNIT = 10 * DLBC
SEAT_UNIT = 50 * DLBC
APPEAL_BOND = 15 * DLBC
CHALLENGE_BOND = APPEAL_BOND // 3
SLOT_FEE = 60 * DLBC // 1000
MOST_TIPS = 7


@dataclass
class Split:
    """The shares of F.

    Attributes:
        total: F.
        validators: who share what is left of the validators' part.
        advanced: what those of earlier epochs had of it.
    """

    total: int
    validators: int = 3
    advanced: int = 0

    @property
    def burned(self) -> int:
        return self.total // 10

    @property
    def each(self) -> int:
        return (self.total // 10 - self.advanced) // self.validators if self.validators else 0

    @property
    def place(self) -> int:
        """Second, third or parent: a twentieth each."""
        return self.total // 20

    def winner(self, places: int = 0) -> int:
        return self.total - self.advanced - self.burned - self.validators * self.each - places * self.place

    @property
    def emission(self) -> int:
        return self.burned * 9 // 10


def advance(play: Play, validators: int, before: int = 0) -> int:
    """What each validator of an epoch gets that does not end the round."""
    return ((FEE - MOST_TIPS * play.tip) // 10 - before) // 2 // validators


def left(play: Play, round_: Round, tips: int = 3) -> int:
    """F of a round that was opened, drawn and finalized once, unless other tips were paid."""
    assert play.hub.round(round_.id)["tips"] == tips
    return FEE - tips * play.tip


def outcome_of(transaction: Any) -> str:
    return OUTCOMES[transaction.events["RoundFinalized"]["outcome"]]


def gains(*parts: tuple[Any, int]) -> dict[str, int]:
    """Sums by account."""
    total: Counter[str] = Counter()
    for account, amount in parts:
        total[str(account)] += amount
    return {account: amount for account, amount in total.items() if amount}


def settle(play: Play, round_: Round, winner: Model | None = None, parent_round: int = 0) -> tuple[Any, Ledger]:
    """Finalizes, and says what it did to everybody's credit and stake."""
    play.wait_for(round_, "Tally")
    ledger = play.watch()
    transaction = play.finalize(round_, winner, parent_round)
    if "RoundFinalized" in transaction.events:
        minted = sum(amount for _, kind, amount in paid(transaction) if kind == "Emission")
        assert ledger.supply == minted - transaction.events["RoundFinalized"]["burned"]
    return transaction, ledger
