"""How a fee is divided and how much may be emitted: the reference for `contracts/libraries/FeeSplit.sol`.

Amounts are in base units of the DLBC token; shares in basis points of the fee; every division rounds down.
"""

from __future__ import annotations

from dataclasses import dataclass

BASIS_POINTS = 10_000
MOST_TIPS = 7  # of one round: opening it, and draw and finalize of each of its three epochs


@dataclass(frozen=True)
class FeeRates:
    """The shares of `IDLBC.Economy`, in basis points."""

    burn: int
    validator: int
    second: int
    third: int
    parent: int = 0


@dataclass(frozen=True)
class FeeShares:
    """`advanced + burned + per_validator * validators + second + third + parent + winner` is the fee."""

    burned: int
    per_validator: int
    second: int
    third: int
    parent: int
    winner: int


def after_tips(fee: int, tip: int, tips: int = MOST_TIPS) -> int:
    """What is left of a task's fee when so many tips were paid of it: that is what is shared or returned."""
    return fee - tip * tips


def split(
    rates: FeeRates,
    fee: int,
    validators: int,
    *,
    second: bool,
    third: bool,
    parent: bool = False,
    advanced: int = 0,
) -> FeeShares:
    """Divides a fee; the winner gets what nobody else does: places not taken, validators absent, all
    rounding.

    Args:
        fee: less the tips.
        parent: the winner declares an earlier model.
        advanced: what validators of earlier epochs had of their share.
    """
    burned = part(fee, rates.burn)
    per_validator = (part(fee, rates.validator) - advanced) // validators if validators else 0
    to_second = part(fee, rates.second) if second else 0
    to_third = part(fee, rates.third) if third else 0
    to_parent = part(fee, rates.parent) if parent else 0
    winner = fee - advanced - burned - per_validator * validators - to_second - to_third - to_parent
    return FeeShares(burned, per_validator, to_second, to_third, to_parent, winner)


def advance(rates: FeeRates, fee: int, advanced: int, validators: int) -> int:
    """What each paid validator of an epoch gets that does not end the round: half of what is left of their share.

    Args:
        fee: less all tips that the round may ever pay, so that what is advanced never exceeds the final share.
        advanced: what earlier epochs had.
        validators: at least one.
    """
    return (part(fee, rates.validator) - advanced) // 2 // validators


def part(amount: int, basis_points: int) -> int:
    """That many ten-thousandths of an amount, rounded down."""
    return amount * basis_points // BASIS_POINTS


def emission(initial: int, halving_secs: int, kappa_bps: int, *, elapsed: int, fee_burned: int, left: int) -> int:
    """What a block may mint: the schedule, halved with each `halving_secs` elapsed, but at most kappa of
    the fee that this round burned, and at most what is `left` under the cap.
    """
    return min(initial >> min(elapsed // halving_secs, 256), part(fee_burned, kappa_bps), left)
