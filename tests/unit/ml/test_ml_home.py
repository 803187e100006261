"""A model lies near the start of whoever trained it, row by row, and nowhere near anybody else's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from calibration import digest
from trajectories import SEED, blank, judged, recipe, stage

from benchmarks import trajectory_attacks as attacks
from benchmarks import trajectory_trials as trials
from benchmarks.trajectory_attacks import Stage
from dlbc.ml.data import Dataset
from dlbc.ml.models import build
from dlbc.ml.trajectory.recipe import MILLION, Bounds
from dlbc.ml.trajectory.state import Layout, State, Vector
from dlbc.ml.watermark.home import AWAY, NEAR, nearness


@pytest.fixture(scope="module")
def start(train_set: Dataset) -> Vector:
    return stage(train_set).execution(recipe(train_set)).start.weights


@pytest.fixture(scope="module")
def trained(train_set: Dataset) -> Vector:
    return stage(train_set).show(recipe(train_set)).states[-1].weights


def near(data: Dataset, start: Vector, final: Vector) -> float:
    begun, ended = blank(data), blank(data)
    Layout(begun).put_weights(begun, start)
    Layout(ended).put_weights(ended, final)
    return nearness(ended, begun)


def wide(data: Dataset, weights: Vector) -> Vector:
    """The rows of the largest tensor, a view of its numbers."""
    network = blank(data)
    layout, shapes = Layout(network), {name: p.shape for name, p in network.named_parameters()}
    name = max(layout.spans, key=lambda n: layout.spans[n][1] - layout.spans[n][0])
    begin, end = layout.spans[name]
    return weights[begin:end].reshape(shapes[name][0], -1)


def test_nearness__own_start_and_a_strangers__tells_them(train_set: Dataset, start: Vector, trained: Vector) -> None:
    assert near(train_set, start, start) == pytest.approx(1)
    assert near(train_set, start, trained) > NEAR + 0.2
    strange = stage(train_set, digest("a stranger")).execution(recipe(train_set)).start.weights
    assert near(train_set, strange, trained) < 0.1


def test_nearness__scaled__the_same(train_set: Dataset, start: Vector, trained: Vector) -> None:
    assert near(train_set, start, trained * np.float32(1e-3)) == pytest.approx(near(train_set, start, trained))


def test_nearness__rows_that_mean_nothing_made_large__hide_no_others(train_set: Dataset, start: Vector) -> None:
    """By tensors, or over the whole, one row of the start made large enough would be all that is seen."""
    stolen = stage(train_set, digest("victim")).execution(recipe(train_set)).start.weights.copy()
    wide(train_set, stolen)[0] = wide(train_set, start)[0] * np.float32(1e4)
    cosine = stolen @ start / np.linalg.norm(stolen) / np.linalg.norm(start)
    assert cosine > 0.15
    assert near(train_set, start, stolen) < 0.1


@pytest.mark.parametrize("filling", [0.0, np.nan, np.inf])
def test_nearness__rows_without_direction__have_kept_nothing(train_set: Dataset, start: Vector, filling: float) -> None:
    final = start.copy()
    wide(train_set, final)[:] = filling
    assert wide(train_set, final).size > AWAY * final.size
    assert not near(train_set, start, final) >= NEAR


def test_nearness__start_of_zeros__judges_nobody(train_set: Dataset, start: Vector, trained: Vector) -> None:
    assert near(train_set, np.zeros_like(start), trained) == 1
    half = start.copy()
    wide(train_set, half)[:] = 0
    assert near(train_set, half, trained) > NEAR


def test_examine__trained_away_from_a_jump__flagged_where_windows_miss_it(train_set: Dataset) -> None:
    """Stolen weights made small are turned far by each step: in the end little of them is left, nor of the jump.

    A batch norm takes the smallness out again, so that they mean the same.
    """
    network = build({"name": "resnet", "depth": 8, "width": 8}, train_set.sample_shape, 10)
    victim, thief = (Stage(network, train_set, digest(name)) for name in ("victim", "thief"))
    stolen = victim.show(recipe(train_set)).states[-1].weights
    fast = recipe(train_set, peak=Bounds().peaks["adamw"], weight_decay=MILLION)

    def shrink(station: int, state: State) -> State:
        return replace(state, weights=stolen * np.float32(0.1)) if station == 10 else state

    plain, shown = attacks.jump(thief, fast, stolen, 10), thief.show(fast, shrink)
    seen, hidden = (trials.caught_progress(x, trials.errors(thief, x)) for x in (plain, shown))
    assert hidden < 0.4
    assert seen > 0.6
    verdict = judged(shown, train_set, network=network)
    assert verdict.near < NEAR
    assert verdict.flagged
    assert "too far from the start" in verdict.words


def test_examine__honest__says_how_near(train_set: Dataset) -> None:
    verdict = judged(Stage(blank(train_set), train_set, SEED).show(recipe(train_set)), train_set)
    assert NEAR < verdict.near < 1
    assert not verdict.flagged
    assert "too far" not in verdict.words
    assert replace(verdict, near=NEAR - 0.01).flagged
    assert not replace(verdict, near=NEAR - 0.01).slashable
