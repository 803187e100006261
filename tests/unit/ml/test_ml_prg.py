"""The vectors below are protocol: a change to any of them changes every miner's start, order and keys."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from dlbc.ml import prg

SEED = bytes(range(32))


def test_expand__seed_of_another_length__refused() -> None:
    with pytest.raises(ValueError, match="31"):
        prg.expand(bytes(31), "x", 1)


def test_expand__known_seed__known_bytes() -> None:
    independent = hashlib.shake_256(b"DLBC/prg/1\x00" + b"\x00\x04test" + SEED + bytes(8)).digest(16)
    assert prg.expand(SEED, "test", 16) == independent
    assert independent.hex() == "ad944f96c841afa74d0d25b056289f67"


def test_expand__beyond_one_block__prefix_stays() -> None:
    long = prg.expand(SEED, "test", (1 << 20) + 5)
    assert len(long) == (1 << 20) + 5
    assert long[:16] == prg.expand(SEED, "test", 16)
    assert long[-5:] != long[:5]


def test_expand__labels_that_could_run_together__differ() -> None:
    assert prg.expand(SEED, "a", 32) != prg.expand(SEED, "ab", 32)
    assert prg.expand(SEED, "a", 32) != prg.expand(bytes(32), "a", 32)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: prg.uniform(SEED, "u", (1000,)), "15413d4519dd3d0c7ec68ac34a1182a5"),
        (lambda: prg.normal(SEED, "n", (1000,)), "49ec74125db3bf0a309276e08acb2e46"),
        (lambda: prg.signs(SEED, "s", 1001), "d886df25890fbd5ce98c16fecdbb24ee"),
        (lambda: prg.permutation(SEED, "p", 1000), "97e8a05368966e05ca27930b248077af"),
        (lambda: prg.integers(SEED, "i", (1000,), 7), "436e5ff39626b5984cbb2322a8cf66d2"),
    ],
)
def test_generators__known_seed__known_digest(function, expected: str) -> None:  # type: ignore[no-untyped-def]
    values = function()
    little_endian = values.astype(values.dtype.newbyteorder("<"))
    assert hashlib.sha256(little_endian.tobytes()).hexdigest()[:32] == expected


def test_permutation__first_values__as_checked_in() -> None:
    assert prg.permutation(SEED, "p", 8).tolist() == [6, 2, 3, 4, 7, 0, 1, 5]
    assert sorted(prg.permutation(SEED, "p", 100).tolist()) == list(range(100))


def test_normal__many__mean_0_and_deviation_1() -> None:
    values = prg.normal(SEED, "n", (100_000,))
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.01


def test_uniform__many__fill_the_unit_interval() -> None:
    values = prg.uniform(SEED, "u", (100_000,))
    assert 0 <= values.min() < 1e-3
    assert 1 - 1e-3 < values.max() < 1
    assert abs(np.mean(values) - 0.5) < 0.005


def test_signs__many__balanced() -> None:
    values = prg.signs(SEED, "s", 100_000)
    assert set(np.unique(values)) == {-1, 1}
    assert abs(values.mean(dtype=float)) < 0.02
