"""Every base unit of a fee goes somewhere, and no block mints more than it may."""

from __future__ import annotations

import pytest
from wire_samples import repeatable_random

from dlbc.wire import fees
from dlbc.wire.fees import FeeRates, FeeShares

RATES = FeeRates(burn=1000, validator=1000, second=500, third=500, parent=300)


@pytest.mark.parametrize(
    ("fee", "validators", "sharers", "advanced", "shares"),
    [
        (10_000, 3, {"second", "third"}, 0, FeeShares(1000, 333, 500, 500, 0, 7001)),
        (10_000, 3, {"second"}, 0, FeeShares(1000, 333, 500, 0, 0, 7501)),
        (10_000, 3, {"second", "third", "parent"}, 0, FeeShares(1000, 333, 500, 500, 300, 6701)),
        (10_000, 3, {"second", "third", "parent"}, 499, FeeShares(1000, 167, 500, 500, 300, 6700)),
        (10_000, 3, set(), 1000, FeeShares(1000, 0, 0, 0, 0, 8000)),
        (10_000, 0, set(), 0, FeeShares(1000, 0, 0, 0, 0, 9000)),
        (10_000, 0, set(), 600, FeeShares(1000, 0, 0, 0, 0, 8400)),
        (9, 2, {"second", "third", "parent"}, 0, FeeShares(0, 0, 0, 0, 0, 9)),
        (0, 2, {"second", "third", "parent"}, 0, FeeShares(0, 0, 0, 0, 0, 0)),
    ],
)
def test_split__fee__gives_the_winner_all_rounding(
    fee: int, validators: int, sharers: set[str], advanced: int, shares: FeeShares
) -> None:
    named = {name: name in sharers for name in ("second", "third", "parent")}
    assert fees.split(RATES, fee, validators, **named, advanced=advanced) == shares


def test_split__after_any_epochs__adds_up_and_never_falls_short() -> None:
    """What earlier epochs advance is bounded by a fee less all tips, whatever tips are paid in the end."""
    chance = repeatable_random(13)
    for _ in range(300):
        fee = chance.getrandbits(chance.randrange(4, 97))
        tip = fee // 8 // chance.choice([1, 2, 1000])
        advanced = 0
        for _ in range(chance.randrange(3)):
            validators = chance.randrange(1, 16)
            advanced += fees.advance(RATES, fees.after_tips(fee, tip), advanced, validators) * validators
        left = fees.after_tips(fee, tip, chance.randrange(fees.MOST_TIPS + 1))
        validators, second, third, parent = chance.randrange(16), *(chance.random() < 0.5 for _ in range(3))
        shares = fees.split(RATES, left, validators, second=second, third=third, parent=parent, advanced=advanced)
        paid = shares.burned + shares.per_validator * validators + shares.second + shares.third + shares.parent
        assert paid + shares.winner + advanced == left
        assert shares.per_validator >= 0
        assert advanced <= fees.part(left, RATES.validator)
        assert shares.winner >= left * 67 // 100


def test_advance__epochs__leave_half_of_what_is_left() -> None:
    assert fees.advance(RATES, 10_000, 0, 3) == 166
    assert fees.advance(RATES, 10_000, 498, 3) == 83
    assert fees.advance(RATES, 10_000, 1000, 3) == 0


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
