"""How a fee is divided and how much may be emitted: the reference for `contracts/libraries/FeeSplit.sol`.

Amounts are in base units of the DLBC token; shares in basis points of the fee; every division rounds down.
"""

from __future__ import annotations

from dataclasses import dataclass

BASIS_POINTS = 10_000


@dataclass(frozen=True)
class FeeRates:
    """The shares of `IDLBC.Economy`, in basis points."""

    burn: int
    validator: int
    second: int
    third: int


@dataclass(frozen=True)
class FeeShares:
    """`burned + per_validator * validators + second + third + winner` is the fee."""

    burned: int
    per_validator: int
    second: int
    third: int
    winner: int


def split(rates: FeeRates, fee: int, validators: int, *, second: bool, third: bool) -> FeeShares:
    """Divides a fee; the winner gets what nobody else does: places not taken, validators absent, all
    rounding.
    """
    burned = part(fee, rates.burn)
    per_validator = part(fee, rates.validator) // validators if validators else 0
    to_second = part(fee, rates.second) if second else 0
    to_third = part(fee, rates.third) if third else 0
    winner = fee - burned - per_validator * validators - to_second - to_third
    return FeeShares(burned, per_validator, to_second, to_third, winner)


def part(amount: int, basis_points: int) -> int:
    """That many ten-thousandths of an amount, rounded down."""
    return amount * basis_points // BASIS_POINTS


def emission(initial: int, halving_secs: int, kappa_bps: int, *, elapsed: int, fee_burned: int, left: int) -> int:
    """What a block may mint: the schedule, halved with each `halving_secs` elapsed, but at most kappa of
    the fee that this round burned, and at most what is `left` under the cap.
    """
    return min(initial >> min(elapsed // halving_secs, 256), part(fee_burned, kappa_bps), left)
