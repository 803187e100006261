from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calibration import digest
from conftest import LENET, MLP, Submission

from dlbc.ml import schedule, training
from dlbc.ml.channels import Network, tensors
from dlbc.ml.data import Dataset
from dlbc.ml.device import pick_device
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.training import Epoch, Settings, countdown, train
from dlbc.ml.watermark import start_score

SEED = digest("a miner")


def fresh(architecture: dict[str, object], data: Dataset) -> Network:
    model = build(architecture, data.sample_shape, 10)
    initialise(model, SEED)
    return model


def same(first: Network, second: Network) -> bool:
    pairs = zip(tensors(first).values(), tensors(second).values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_train__no_budget_or_a_single_epoch__refused(train_set: Dataset) -> None:
    model = fresh(MLP, train_set)
    with pytest.raises(ValueError, match="seconds_left"):
        train(model, train_set, seed=SEED)
    with pytest.raises(ValueError, match="2 epochs"):
        train(model, train_set, seed=SEED, epochs=1)


def test_train__time_already_over__still_marks_once(train_set: Dataset) -> None:
    marks: list[Network] = []
    model = fresh(MLP, train_set)
    result = train(model, train_set, seed=SEED, seconds_left=lambda: -1.0, mark=marks.append)
    assert marks == [model]
    assert result.marked
    assert result.steps == 0


def test_train__two_samples__does_not_fail(train_set: Dataset) -> None:
    tiny = Dataset(train_set.x[:2], np.array([0, 1]))
    assert train(fresh(LENET, tiny), tiny, seed=SEED, epochs=2).steps == 2


def test_train__stopped__saves_without_the_mark(train_set: Dataset, tmp_path: Path) -> None:
    asked = iter(range(100))
    result = train(
        fresh(MLP, train_set),
        train_set,
        seed=SEED,
        epochs=9,
        should_stop=lambda: next(asked) >= 7,
        mark=lambda _: pytest.fail("a stopped training must not be marked"),
        checkpoint=tmp_path / "checkpoint",
    )
    assert result.stopped
    assert not result.marked
    assert result.steps == 7
    assert (tmp_path / "checkpoint").is_file()


class StepClock:
    """Time that passes with optimizer steps alone, so that a busy machine changes nothing."""

    STEP = 0.01

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StepClock:
    clock, step = StepClock(), training._Run.step

    def timed(run: training._Run, *arguments: Any) -> float:
        clock.now += StepClock.STEP
        return step(run, *arguments)

    monkeypatch.setattr(training._Run, "step", timed)
    monkeypatch.setattr(training, "time", clock)
    monkeypatch.setattr(schedule, "time", clock)
    return clock


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_train__deadline__kept_and_annealed(train_set: Dataset, clock: StepClock, seconds: float) -> None:
    """The whole budget is used and not a step more, and the last tenth comes after the mark."""
    epochs: list[Epoch] = []
    marked_at: list[float] = []
    began = clock.now
    result = train(
        fresh(MLP, train_set),
        train_set,
        seed=SEED,
        seconds_left=countdown(seconds),
        mark=lambda _: marked_at.append(clock.now - began),
        on_epoch=epochs.append,
    )
    assert seconds - 3 * StepClock.STEP <= clock.now - began <= seconds + StepClock.STEP
    assert result.marked
    assert 0.7 * seconds <= marked_at[0] <= 0.92 * seconds
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert not epochs[0].final


def test_train__deadline_that_moves_closer__kept(train_set: Dataset, clock: StepClock) -> None:
    """A deadline that comes 59 s nearer in the middle still finds a marked network in time."""
    left, began = countdown(60.0), clock.now

    def seconds_left() -> float:
        return left() - 59.0 if clock.now - began > 0.5 else left()

    result = train(fresh(MLP, train_set), train_set, seed=SEED, seconds_left=seconds_left, mark=lambda _: None)
    assert clock.now - began <= 1.0 + StepClock.STEP
    assert result.marked


def test_train__same_seed_and_epochs__same_weights(train_set: Dataset) -> None:
    first, second, other = (fresh(LENET, train_set) for _ in range(3))
    train(first, train_set, seed=SEED, epochs=2)
    train(second, train_set, seed=SEED, epochs=2)
    train(other, train_set, seed=digest("another miner"), epochs=2)
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("crash_after", [5, 49, 131])
def test_train__crash_and_resume__as_if_nothing_happened(train_set: Dataset, tmp_path: Path, crash_after: int) -> None:
    """Also when the crash comes in the middle of an epoch, and after the mark (step 120 of 140)."""

    def mark(model: Network) -> None:
        with torch.no_grad():
            model.get_parameter("head.bias").add_(0.5)

    steady = fresh(MLP, train_set)
    train(steady, train_set, seed=SEED, epochs=7, mark=mark)
    crashed = fresh(MLP, train_set)
    path = tmp_path / "checkpoint"
    asked = iter(range(10_000))
    train(
        crashed,
        train_set,
        seed=SEED,
        epochs=7,
        mark=mark,
        checkpoint=path,
        should_stop=lambda: next(asked) >= crash_after,
    )
    resumed = fresh(MLP, train_set)
    result = train(resumed, train_set, seed=SEED, epochs=7, mark=mark, checkpoint=path)
    assert same(steady, resumed)
    assert result.epochs == 7
    again = fresh(MLP, train_set)
    assert train(again, train_set, seed=SEED, seconds_left=countdown(60), checkpoint=path).steps == result.steps
    assert same(steady, again)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04"])
def test_train__damaged_checkpoint__starts_anew(train_set: Dataset, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint").write_bytes(content)
    with_damage, without = fresh(MLP, train_set), fresh(MLP, train_set)
    train(with_damage, train_set, seed=SEED, epochs=2, checkpoint=tmp_path / "checkpoint")
    train(without, train_set, seed=SEED, epochs=2)
    assert same(with_damage, without)


def test_train__checkpoint_of_another_seed__ignored(train_set: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    train(fresh(MLP, train_set), train_set, seed=digest("other"), epochs=2, checkpoint=path)
    result = train(fresh(MLP, train_set), train_set, seed=SEED, epochs=2, checkpoint=path)
    assert result.seconds > 0
    again = train(fresh(MLP, train_set), train_set, seed=SEED, epochs=2, checkpoint=path)
    assert again.steps == result.steps


def test_train__few_epochs__beats_nine_of_ten(honest: tuple[Submission, Submission], test_set: Dataset) -> None:
    for submission in honest:
        result = score(submission.model, test_set)
        assert result.total == len(test_set) == result.predictions.size
        assert result.correct > 0.9 * result.total


def test_pick_device__gpu_that_is_not_there__cpu_and_the_reason() -> None:
    device, message = pick_device(gpu=99)
    assert device.type == "cpu"
    assert "cuda:99" in message
    device, message = pick_device(device="quantum")
    assert device.type == "cpu"
    assert "quantum" in message


def test_pick_device__cpu_asked__cpu() -> None:
    assert pick_device(device="cpu")[0].type == "cpu"
    assert pick_device(gpu=-1)[0].type == "cpu"
    assert pick_device()[1]


def test_train__pull__keeps_the_network_near_its_start(train_set: Dataset) -> None:
    free, held = fresh(MLP, train_set), fresh(MLP, train_set)
    train(free, train_set, seed=SEED, epochs=6, settings=Settings(pull=0.0))
    train(held, train_set, seed=SEED, epochs=6, settings=Settings(pull=5.0))
    assert start_score(held, SEED) > start_score(free, SEED) + 2
