"""Every base unit of a fee goes somewhere, and no block mints more than it may."""

from __future__ import annotations

import pytest
from wire_samples import repeatable_random

from dlbc.wire import fees
from dlbc.wire.fees import FeeRates, FeeShares

RATES = FeeRates(burn=1000, validator=1000, second=500, third=500)


@pytest.mark.parametrize(
    ("fee", "validators", "second", "third", "shares"),
    [
        (10_000, 3, True, True, FeeShares(1000, 333, 500, 500, 7001)),
        (10_000, 3, True, False, FeeShares(1000, 333, 500, 0, 7501)),
        (10_000, 0, False, False, FeeShares(1000, 0, 0, 0, 9000)),
        (9, 2, True, True, FeeShares(0, 0, 0, 0, 9)),
        (0, 2, True, True, FeeShares(0, 0, 0, 0, 0)),
    ],
)
def test_split__fee__gives_the_winner_all_rounding(
    fee: int, validators: int, second: bool, third: bool, shares: FeeShares
) -> None:
    assert fees.split(RATES, fee, validators, second=second, third=third) == shares


def test_split__random_fees__add_up() -> None:
    chance = repeatable_random(13)
    for _ in range(300):
        fee, validators = chance.getrandbits(96), chance.randrange(16)
        shares = fees.split(RATES, fee, validators, second=chance.random() < 0.5, third=chance.random() < 0.5)
        paid = shares.burned + shares.per_validator * validators + shares.second + shares.third + shares.winner
        assert paid == fee
        assert shares.winner >= fee * 7 // 10


@pytest.mark.parametrize(
    ("elapsed", "burned", "left", "amount"),
    [
        (0, 10**30, 10**30, 1000),
        (99, 10**30, 10**30, 1000),
        (100, 10**30, 10**30, 500),
        (999, 10**30, 10**30, 1),
        (1000, 10**30, 10**30, 0),
        (10**9, 10**30, 10**30, 0),  # far more halvings than bits
        (0, 100, 10**30, 90),  # kappa of the burn
        (0, 10**30, 7, 7),  # the cap
    ],
)
def test_emission__each_limit__holds(elapsed: int, burned: int, left: int, amount: int) -> None:
    assert fees.emission(1000, 100, 9000, elapsed=elapsed, fee_burned=burned, left=left) == amount
