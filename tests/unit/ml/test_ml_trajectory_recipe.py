from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from calibration import digest
from trajectories import STEPS, blank, recipe, stage

from dlbc.errors import InvalidArtifact
from dlbc.ml import schedule
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.models import initialise
from dlbc.ml.schedule import final_rate, main_rate
from dlbc.ml.training import Settings, train
from dlbc.ml.trajectory import DRAWS, Bounds, Recipe, plan, planning
from dlbc.ml.trajectory.planning import FULL_RATE, LONG, MOMENTUM, SEGMENT, shorten
from dlbc.ml.trajectory.recipe import BILLION, MAX_BYTES, MILLION, check, decode, most_momentum
from dlbc.ml.trajectory.state import Layout
from dlbc.ml.trajectory.windows import SEGMENTS, UNIFORM
from dlbc.wire import canonical

SEED = digest("a recipe")


@pytest.fixture
def good(train_set: Dataset) -> Recipe:
    return recipe(train_set, marked=True)


def encoded(recipe_: Recipe, **changes: Any) -> bytes:
    return canonical.dumps({**asdict(recipe_), **changes})


def test_encoded__of_a_recipe__is_the_canonical_json_of_the_wire(good: Recipe) -> None:
    assert good.encoded == canonical.dumps(asdict(good))
    assert decode(good.encoded) == good
    check(good)


def test_digest__any_field_changes__another(good: Recipe) -> None:
    others = {replace(good, **{name: _other(value)}).digest for name, value in asdict(good).items()}
    assert len(others | {good.digest}) == len(asdict(good)) + 1


def _other(value: object) -> object:
    return value + 1 if isinstance(value, int) else value[:-1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("optimizer", "lion"),
        ("augmentation", "mixup"),
        ("precision", "fp8"),
        ("peak", 0),
        ("peak", -4_000_000),
        ("peak", 30_000_000),
        ("steps", 153),
        ("steps", 5),
        ("steps", 10**7),
        ("segment", 0),
        ("segment", 150),
        ("batch", 1),
        ("batch", 5_000),
        ("held_out", -1),
        ("momentum", 960_000),
        ("momentum", True),
        ("smoothing", 200_001),
        ("clip", 0),
        ("reset_every", 50),
        ("mark_at", 43),
        ("mark_at", STEPS),
        ("weight_decay", -1),
    ],
)
def test_check__out_of_bounds__refused_by_name(good: Recipe, field: str, value: object) -> None:
    with pytest.raises(InvalidArtifact, match=rf"recipe\.{field}"):
        check(replace(good, **{field: value}))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ((), "1 to"),
        (((1, MILLION),), "first for step 0"),
        (((0, MILLION), (0, MILLION)), "must rise"),
        (((0, MILLION), (20, MILLION), (10, MILLION)), "must rise"),
        (((0, MILLION), (10, 99)), "1/10,000"),
        (((0, MILLION), (10, 0)), "1/10,000"),
        (((0, MILLION + 1),), "a share"),
        (((0, MILLION), (STEPS, MILLION)), "after the last"),
        (tuple((n, MILLION) for n in range(2_001)), "1 to"),
    ],
)
def test_check__schedule_out_of_bounds__refused(
    good: Recipe, schedule: tuple[tuple[int, int], ...], words: str
) -> None:
    with pytest.raises(InvalidArtifact, match=rf"recipe\.schedule.*{words}"):
        check(replace(good, schedule=schedule))


def test_check__decay_that_forgets_a_start__refused(good: Recipe) -> None:
    steady = replace(good, schedule=((0, MILLION),), peak=10_000_000)
    check(replace(steady, weight_decay=MILLION))  # 150 steps of 0.01 at decay 1: exactly 1.5
    with pytest.raises(InvalidArtifact, match=r"recipe\.weight_decay.*over 1\.5"):
        check(replace(steady, weight_decay=MILLION + 1))


def test_check__momentum_that_outlasts_a_segment__refused(good: Recipe) -> None:
    """A momentum that was forged once would otherwise carry the weights through several segments."""
    with pytest.raises(InvalidArtifact, match=r"recipe\.momentum.*35 %"):
        check(replace(good, momentum=950_000))
    check(replace(good, momentum=950_000, segment=30, mark_at=120))


def test_check__what_the_task_does_not_allow__refused(good: Recipe) -> None:
    for bounds, field in (
        (Bounds(peaks={"sgd": BILLION}), "optimizer"),
        (Bounds(peaks={"adamw": 3_999_999}), "peak"),
        (Bounds(precisions=("bf16",)), "precision"),
        (Bounds(steps=140), "steps"),
        (Bounds(batch=32), "batch"),
    ):
        with pytest.raises(InvalidArtifact, match=rf"recipe\.{field}"):
            check(good, bounds)


@pytest.mark.parametrize(
    "bytes_",
    [b"", b"\xff", b"[]", b"7", b"[" * 50_000, b'{"peak":1e3}', b'{"peak":NaN}', b" " * (MAX_BYTES + 1), b"9" * 5_000],
)
def test_decode__no_recipe__refused(bytes_: bytes) -> None:
    with pytest.raises(InvalidArtifact, match="recipe"):
        decode(bytes_)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "teacher"},
        {"pull": 0},
        {"schedule": 7},
        {"schedule": [[0]]},
        {"schedule": [[0, "1"]]},
        {"schedule": [[0, -5]]},
        {"schedule": {"0": 1}},
        {"peak": "4"},
        {"peak": None},
        {"optimizer": ["adamw"]},
        {"mark_at": [0]},
    ],
)
def test_decode__wrong_fields__refused(good: Recipe, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidArtifact, match="recipe"):
        decode(encoded(good, **changes))


def test_decode__not_canonical__refused(good: Recipe) -> None:
    text = good.encoded.decode()
    for other in (
        json.dumps(asdict(good)),
        text.replace('"clip":', '"clip": '),
        text.replace('"clip":', '"clip":7,"clip":'),
        text.replace("adamw", "\\u0061damw"),
    ):
        with pytest.raises(InvalidArtifact):
            decode(other.encode())


def fresh(data: Dataset) -> Network:
    model = blank(data)
    initialise(model, SEED)
    return model


def test_plan__rates__are_those_of_train(train_set: Dataset) -> None:
    planned = plan(Settings(batch=133), len(train_set), 4 * 10, segment=10)
    rates = [main_rate(step / 30) for step in range(30)] + [final_rate(step / 10) for step in range(10)]
    found = [planned.rate(step) for step in range(40)]
    assert found == pytest.approx([Settings().rate * rate for rate in rates], rel=1e-3)


def test_plan__epochs_of_train_at_one_rate__the_same_training(
    train_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe says what `train` does without its pull: data, order, shifts and the mark before the last tenth.

    At one rate, because a recipe's momentum remembers the rates that its gradients came at.
    """
    for module in (schedule, planning):
        for name in ("main_rate", "final_rate"):
            monkeypatch.setattr(module, name, lambda share: 0.5)

    def mark(model: Network) -> None:
        with torch.no_grad():
            model.get_parameter("head.bias").add_(0.5)

    settings = Settings(batch=133, pull=0.0)
    planned = plan(settings, len(train_set), 4 * 10, segment=10)
    ours = fresh(train_set)
    assert train(ours, train_set, seed=SEED, epochs=4, settings=settings, mark=mark).steps == planned.steps
    run = stage(train_set, SEED).execution(planned)
    run.run(planned.mark_at)
    mark(run.network)
    run.run(planned.steps)
    assert planned.mark_at == 30
    first, second = Layout(ours).weights(ours), run.state().weights
    moved = np.linalg.norm(first - run.start.weights)
    assert np.linalg.norm(first - second) < 1e-3 * moved


def test_plan__long_training__at_lower_rates(train_set: Dataset) -> None:
    """Else it would end too far from its start to be believed (`home.py`)."""
    peaks = [plan(Settings(), len(train_set), steps).peak for steps in (200, FULL_RATE, 27 * FULL_RATE)]
    assert peaks[0] == peaks[1] == round(Settings().rate * BILLION)
    assert peaks[2] == round(peaks[0] / 9)


def test_plan__long_training__committed_to_half_as_often(train_set: Dataset) -> None:
    """What validators run again stays below a hundredth, and there are fewer leaves."""
    short, long = (plan(Settings(), len(train_set), steps) for steps in (LONG - 1, LONG))
    assert (short.segment, long.segment) == (SEGMENT, 2 * SEGMENT)
    assert short.momentum < long.momentum == MOMENTUM
    most = (DRAWS + UNIFORM + 3) * SEGMENTS * short.segment
    assert most <= 10_000 / 100


@pytest.mark.parametrize("segment", [1, 5, 10, 30, 1_000])
def test_most_momentum__of_any_segment__is_allowed_and_a_thousandth_more_is_not(good: Recipe, segment: int) -> None:
    bounds = Bounds(segment=1_000, steps=10**6)
    fitting = replace(good, segment=segment, steps=4 * segment, mark_at=0, schedule=((0, MILLION),), peak=10**6)
    most = min(most_momentum(segment), 950_000)
    check(replace(fitting, momentum=most), bounds)
    with pytest.raises(InvalidArtifact, match=r"recipe\.momentum"):
        check(replace(fitting, momentum=most + 1_000), bounds)


def test_plan__any_length__within_bounds(train_set: Dataset) -> None:
    for steps in (1, 40, 999, 20_000, 300_000):
        planned = plan(Settings(weight_decay=0.1), len(train_set), steps)
        check(planned)
        assert len(planned.encoded) < MAX_BYTES
        assert planned.steps <= max(40, steps)


@pytest.mark.parametrize("at", [0, 50, 130, 140])
@pytest.mark.parametrize("left", [20, 30, 90])
def test_shorten__anywhere__keeps_the_past_and_ends_in_time(good: Recipe, at: int, left: int) -> None:
    shorter = shorten(good, at, left)
    check(shorter)
    assert shorter.steps == at + left
    assert [shorter.rate(step) for step in range(at)] == [good.rate(step) for step in range(at)]
    assert shorter.rate(shorter.steps - 1) <= good.rate(at)
    assert at <= shorter.mark_at < shorter.steps or shorter.mark_at == good.mark_at


def test_stations__with_a_mark__one_more_than_without(good: Recipe) -> None:
    plain = replace(good, mark_at=0)
    assert plain.stations == tuple(range(0, STEPS + 1, good.segment))
    assert plain.mark_station is None
    number = good.mark_station
    assert number is not None
    assert good.stations[number] == good.stations[number + 1] == good.mark_at
    assert sorted(set(good.stations)) == list(plain.stations)
