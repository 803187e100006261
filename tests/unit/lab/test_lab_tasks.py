"""What the laboratory trains on is the same on every call, and makes a fair task."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dlbc.errors import UsageError
from dlbc.ml.data import validate_split
from lab import tasks


def test_load__unknown_task__lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="no task 'cifar'; there are digits, scenes"):
        tasks.load("cifar")


def test_digits__without_scikit_learn__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UsageError, match="pip install"):
        tasks.digits()


def test_scenes__made_twice__equal_bytes_and_a_fair_split() -> None:
    first, second = tasks.load("scenes"), tasks.scenes()
    assert first.train.x.tobytes() == second.train.x.tobytes()
    assert first.train.x.shape == (4_000, 1, 32, 32)
    assert validate_split(first.train, first.test) == first.classes == 40


def test_scenes__each_class__has_enough_samples_to_be_learned() -> None:
    assert np.bincount(tasks.load("scenes").train.y, minlength=40).min() >= 50


def test_gratings__four_textures__vary_along_their_own_direction() -> None:
    """The horizontal one is the same in every row but not in every column, and the vertical one the other way round."""
    found = tasks._gratings(np.array([0, 2]), np.zeros(2), np.zeros(2))
    assert np.allclose(found[0].std(axis=1), 0) and found[0].std(axis=0).min() > 10
    assert np.allclose(found[1].std(axis=0), 0) and found[1].std(axis=1).min() > 10


def test_paste__a_patch__lies_inside_the_canvas_at_its_place() -> None:
    canvas = np.zeros((2, 32, 32))
    tasks._paste(canvas, np.ones((2, 16, 16)), np.array([[0.0, 0.0], [0.999, 0.999]]))
    assert canvas[0, :16, :16].all() and canvas[0].sum() == 256
    assert canvas[1, 16:, 16:].all() and canvas[1].sum() == 256
