"""The heap of tasks against Python's: whatever comes and goes, the largest key lies on top."""

from __future__ import annotations

import random

import pytest
from storage_rig import CAPACITY, unpacked

ARITY = 4


@pytest.fixture
def harness(Harness, accounts):
    return accounts[0].deploy(Harness)


def is_heap(keys):
    return all(keys[(i - 1) // ARITY] >= key for i, key in enumerate(keys) if i)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 20, 21, 22, 85, 86])
def test_heap__any_shape__pops_from_the_largest_down(harness, length):
    rng = random.Random(length)  # noqa: S311  # a test that repeats
    keys = [rng.randrange(1, 2**128) for _ in range(length)]
    harness.pushKeys(keys)
    assert is_heap(harness.heapKeys())
    assert list(harness.popKeys(length).return_value) == sorted(keys, reverse=True)
    assert list(harness.heapKeys()) == []


def test_heap__pushes_and_pops_by_turns__keep_the_order(harness):
    rng = random.Random(1)  # noqa: S311  # a test that repeats
    model: list[int] = []
    for _ in range(12):
        keys = [rng.choice([rng.randrange(1, 50), rng.randrange(1, 2**128)]) for _ in range(rng.randrange(1, 30))]
        keys = [key for key in dict.fromkeys(keys) if key not in model]
        harness.pushKeys(keys)
        model = sorted(model + keys, reverse=True)
        n = rng.randrange(len(model) + 1)
        assert list(harness.popKeys(n).return_value) == model[:n]
        model = model[n:]
        found = list(harness.heapKeys())
        assert sorted(found, reverse=True) == model
        assert is_heap(found)


def test_heap__full__takes_the_last_and_gives_them_all_back(harness):
    keys = list(range(1, CAPACITY + 1))
    random.Random(2).shuffle(keys)  # noqa: S311  # a test that repeats
    for start in range(0, CAPACITY, 512):
        harness.pushKeys(keys[start : start + 512], {"gas_limit": 30_000_000})
    assert harness.heapKeys()[0] == CAPACITY
    assert list(harness.popKeys(300).return_value) == list(range(CAPACITY, CAPACITY - 300, -1))


def test_packed_keys__order_as_the_long_ones(harness):
    """Half a word says the same as the key that programs see, at the ends of every range."""
    cases = [
        (base, clock, task_id)
        for base in (-(2**47), -1, 0, 1, 2**47)
        for clock in (0, 1, 2**72 - 1)
        for task_id in (1, 2, 2**32 - 1)
    ]
    packed = [harness.packed(*case) for case in cases]
    keys = [harness.key(*case) for case in cases]
    for short, long, (*_, task_id) in zip(packed, keys, cases, strict=True):
        assert harness.unpacked(short) == long == unpacked(short)
        assert harness.taskIdOf(long) == task_id
    assert [x for _, x in sorted(zip(packed, keys, strict=True))] == sorted(keys)
