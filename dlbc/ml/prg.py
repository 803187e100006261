"""Random numbers that are the same on every machine: SHAKE-256 (FIPS 202) of a 32-byte seed and a label.

The generators of numpy and torch may change between versions, so nothing that two parties must agree on uses
them. Everything below is integer arithmetic plus at most one correctly rounded IEEE 754 operation per number,
so results are equal bit for bit across platforms; no logarithm or sine is involved, whose last bit differs
between builds of numpy.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

SEED_BYTES = 32
_TAG = b"DLBC/prg/1\x00"
_BLOCK = 1 << 20  # bytes per SHAKE call


def expand(seed: bytes, label: str, length: int) -> bytes:
    """`length` bytes that depend on (seed, label) alone; the start of a longer request is the shorter one.

    Raises:
        ValueError: the seed is not 32 bytes.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a PRG seed has {SEED_BYTES} bytes, this one has {len(seed)}")
    name = label.encode()
    prefix = _TAG + len(name).to_bytes(2, "big") + name + seed
    blocks = []
    for index in range(-(-length // _BLOCK)):
        size = min(_BLOCK, length - index * _BLOCK)
        blocks.append(hashlib.shake_256(prefix + index.to_bytes(8, "big")).digest(size))
    return b"".join(blocks)


def derive(seed: bytes, label: str) -> bytes:
    """A 32-byte child seed."""
    return expand(seed, label, SEED_BYTES)


def uniform(seed: bytes, label: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Numbers in [0, 1): 53 bits each, multiples of 2^-53."""
    words = np.frombuffer(expand(seed, label, 8 * math.prod(shape)), dtype="<u8")
    values: NDArray[np.float64] = np.right_shift(words, 11).astype(np.float64).reshape(shape)
    return values * 2.0**-53


def integers(seed: bytes, label: str, shape: tuple[int, ...], bound: int) -> NDArray[np.int64]:
    """Integers in [0, bound), for bounds far below 2^53 (the bias is at most bound / 2^53)."""
    return np.floor(uniform(seed, label, shape) * bound).astype(np.int64)


def normal(seed: bytes, label: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Standard normal numbers, each the centred sum of twelve 16-bit uniforms: exact everywhere, within ±6.

    The excess kurtosis is -0.1. Box-Muller has better tails but its last bits depend on the mathematics
    library.
    """
    count = math.prod(shape)
    words = np.frombuffer(expand(seed, label, 24 * count), dtype="<u2").reshape(count, 12)
    total: NDArray[np.int64] = words.sum(axis=1, dtype=np.int64) - 6 * (2**16 - 1)
    return total.astype(np.float64).reshape(shape) * 2.0**-16


def signs(seed: bytes, label: str, count: int) -> NDArray[np.int8]:
    """`count` values of -1 or +1, one bit each, least significant bit of each byte first."""
    octets = np.frombuffer(expand(seed, label, -(-count // 8)), dtype=np.uint8)
    bits = np.unpackbits(octets, count=count, bitorder="little").astype(np.int8)
    return (2 * bits - 1).astype(np.int8)


def permutation(seed: bytes, label: str, count: int) -> NDArray[np.int64]:
    """A uniformly random order of 0 … count-1: the stable ranking of 64-bit keys."""
    keys = np.frombuffer(expand(seed, label, 8 * count), dtype="<u8")
    return np.argsort(keys, kind="stable").astype(np.int64)
