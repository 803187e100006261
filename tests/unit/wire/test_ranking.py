"""Difficulty and queue order."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from wire_samples import SPEC, repeatable_random

from dlbc.wire import ranking
from dlbc.wire.ranking import Weights, lg


def exact_lg(x: int) -> int:
    """floor(256 * log2(x)) = floor(log2(x^256)), without rounding."""
    return (x**256).bit_length() - 1


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0, 0), (1, 0), (2, 256), (3, 405), (4, 512), (1024, 2560), (2**64 - 1, 16383), (2**256 - 1, 65535)],
)
def test_lg__known_value__is_exact(x: int, expected: int) -> None:
    assert lg(x) == expected


def test_lg__below_2_to_64__is_exact_also_beside_the_steps() -> None:
    chance = repeatable_random(7)
    for _ in range(400):
        bits = chance.randrange(2, 65)
        x = chance.getrandbits(bits) | 1 << bits - 1
        assert lg(x) == exact_lg(x)
    for step in range(256, 256 * 64, 61):
        # the smallest integer whose exact logarithm reaches the step, by bisection
        low, high = 1, 1 << 64
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if exact_lg(middle) >= step else (middle + 1, high)
        for x in (low - 1, low, low + 1):
            assert lg(x) == exact_lg(x)


def test_lg__any_uint256__grows_and_is_within_one_step() -> None:
    chance = repeatable_random(8)
    values = sorted(chance.getrandbits(chance.randrange(1, 257)) for _ in range(500))
    for smaller, larger in pairwise(values):
        assert lg(smaller) <= lg(larger)
    for x in values:
        assert x < 2 or 0 <= exact_lg(x) - lg(x) <= 1


def test_base__each_weight__counts_its_own_part() -> None:
    spec = replace(SPEC, flops=2, net_bytes=4, data_bytes=8, fee=16 * 10**15 + 1)
    assert ranking.base(Weights(1, 0, 0, 0), spec) == 256
    assert ranking.base(Weights(0, 1, 0, 0), spec) == 512
    assert ranking.base(Weights(0, 0, 1, 0), spec) == 768
    assert ranking.base(Weights(0, 0, 0, 1), spec) == 1024
    assert ranking.base(Weights(-1, -1, -1, 1), spec) == 1024 - 1536


def test_base__fee_below_two_thousandths__weighs_nothing() -> None:
    assert ranking.base(Weights(0, 0, 0, 5), replace(SPEC, fee=2 * 10**15 - 1)) == 0


def test_clock_rate__queue_doubles__grows_by_gamma() -> None:
    assert ranking.clock_rate(1000, 7, 0) == 1000
    assert ranking.clock_rate(1000, 7, 1) == 1007
    assert ranking.clock_rate(1000, 7, 3) == 1014
    assert ranking.clock_rate(1000, 7, 2) == 1000 + 7 * 405 // 256


def test_queue_key__equal_rank__opens_the_older_task_first() -> None:
    assert ranking.queue_key(5, 9, 1) > ranking.queue_key(5, 9, 2)


def test_queue_key__any_two_tasks__are_ordered_as_their_scores() -> None:
    chance = repeatable_random(9)
    for _ in range(300):
        tasks = [(chance.randrange(-(2**48), 2**48), chance.getrandbits(80), chance.randrange(1, 99)) for _ in "ab"]
        (base_a, at_a, id_a), (base_b, at_b, id_b) = tasks
        now = max(at_a, at_b) + chance.getrandbits(70)
        score_a, score_b = ranking.score(base_a, at_a, now), ranking.score(base_b, at_b, now)
        key_a, key_b = ranking.queue_key(base_a, at_a, id_a), ranking.queue_key(base_b, at_b, id_b)
        assert 0 < key_a < 1 << 256
        assert ranking.task_id_of(key_a) == id_a
        if score_a != score_b:
            assert (score_a > score_b) == (key_a > key_b)


def test_queue_key__submitted_later_by_the_starvation_bound__never_passes() -> None:
    alpha, easy, hard = 1 << 20, 100, 5000
    seconds = ((hard - easy) << 24) // alpha + 1
    assert ranking.queue_key(easy, 0, 1) > ranking.queue_key(hard, seconds * alpha, 2)


def test_fee_floor__each_512_tasks__doubles() -> None:
    spec = replace(SPEC, flops=2, net_bytes=2, data_bytes=2)
    assert [ranking.fee_floor(10, spec, queued) for queued in (0, 511, 512, 1024)] == [30, 30, 60, 120]
