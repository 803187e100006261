"""Difficulty and the queue's order: the reference for `contracts/libraries/DifficultyRanking.sol`.

Programs never rank for the chain; they use this to foresee fees and order, and the tests to hold the
contract to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.types import TaskSpec

FEE_GRAIN = 10**15  # a fee is weighed in thousandths of a token
QUEUE_STEP = 512

_BASE_SHIFT = 24
_KEY_OFFSET = 1 << 160
_TASK_ID_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Weights:
    """The signed weights of `base`, as in `IDLBC.Limits`."""

    flops: int
    net: int
    data: int
    fee: int


def lg(x: int) -> int:
    """floor(256 * log2(x)) for a uint256, UQ8.8; lg(0) = lg(1) = 0.

    Bit for bit the contract's: the mantissa has 127 fractional bits, and each of eight squarings (rounded
    down) yields one bit of the result. Below 2^64 that is exact; above, a mantissa cut to 128 bits may
    round one step down.
    """
    if x < 2:
        return 0
    result = x.bit_length() - 1
    mantissa = (x << 127) >> result
    for _ in range(8):
        mantissa = mantissa * mantissa >> 127
        result <<= 1
        if mantissa >> 128:
            result |= 1
            mantissa >>= 1
    return result


def base(weights: Weights, spec: TaskSpec) -> int:
    """A task's static difficulty, in 1/256 of a weighted doubling; may be negative."""
    return (
        weights.flops * lg(spec.flops)
        + weights.net * lg(spec.net_bytes)
        + weights.data * lg(spec.data_bytes)
        + weights.fee * lg(spec.fee // FEE_GRAIN)
    )


def clock_rate(alpha: int, gamma: int, waiting: int) -> int:
    """By how much the virtual clock advances in a second while `waiting` tasks wait, in 2^-24 units of
    `base`.
    """
    return alpha + gamma * lg(1 + waiting) // 256


def queue_key(base_: int, clock_at_submit: int, task_id: int) -> int:
    """The static rank of a task: the largest opens first; of equal ranks the older task."""
    rank = _KEY_OFFSET + (base_ << _BASE_SHIFT) - clock_at_submit
    return rank << 64 | ~task_id & _TASK_ID_MASK


def task_id_of(key: int) -> int:
    """The task of a queue key."""
    return ~key & _TASK_ID_MASK


def score(base_: int, clock_at_submit: int, clock: int) -> int:
    """What `IDLBC.rank` reports at a moment of the clock; orders waiting tasks as their keys do."""
    return (base_ << _BASE_SHIFT) + clock - clock_at_submit


def fee_floor(fee_unit: int, spec: TaskSpec, queued: int) -> int:
    """The least fee for a task, in base units: `fee_unit` a doubling of its difficulty, one at least; doubles with
    every 512 queued.
    """
    doublings = max(256, lg(spec.flops) + lg(spec.net_bytes) + lg(spec.data_bytes))
    return fee_unit * doublings // 256 << queued // QUEUE_STEP
