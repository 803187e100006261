"""Recording, crashes, deadlines, regeneration; and which windows are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibration import digest
from trajectories import SEED, STEPS, Recorded, blank, mark, recipe, recorded, stage

from dlbc.ml.data import Dataset
from dlbc.ml.trajectory import NotReproducible, Recipe, Recording, choose, storage
from dlbc.ml.trajectory.recipe import check
from dlbc.ml.trajectory.storage import KEPT
from dlbc.ml.trajectory.windows import drawn, progress


@pytest.fixture
def good(train_set: Dataset) -> Recipe:
    return recipe(train_set, marked=True)


@pytest.fixture(scope="module")
def steady(train_set: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(train_set, tmp_path_factory.mktemp("steady"), recipe(train_set, marked=True), mark)


@pytest.fixture(autouse=True)
def _keeps_at_any_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept would otherwise depend on how fast the machine is."""
    monkeypatch.setattr(storage, "KEPT_SECONDS", 0.0)


def recording(data: Dataset, folder: Path, plan: Recipe, seed: bytes = SEED) -> Recording:
    return Recording(blank(data), data, seed=seed, plan=plan, folder=folder, mark=mark if plan.mark_at else None)


def stop_after(count: int) -> object:
    asked = iter(range(10_000))
    return lambda: next(asked) >= count


def test_train__twice__the_same_commitment(train_set: Dataset, good: Recipe, steady: Recorded, tmp_path: Path) -> None:
    again = recording(train_set, tmp_path / "again", good)
    assert again.train()
    assert again.trajectory.digest == steady.opening.trajectory.digest
    assert again.accuracy > 0.3


@pytest.mark.parametrize("after", [0, 1, 7, 14, 15])
def test_train__stopped_and_resumed__as_if_nothing_happened(
    train_set: Dataset, good: Recipe, steady: Recorded, tmp_path: Path, after: int
) -> None:
    """Also just before and just after the mark, stations 13 and 14."""
    first = recording(train_set, tmp_path / "run", good)
    assert not first.train(should_stop=stop_after(after))  # type: ignore[arg-type]
    second = recording(train_set, tmp_path / "run", good)
    assert second.train()
    assert second.trajectory.digest == steady.opening.trajectory.digest


def test_train__crash__goes_on_from_what_was_kept(
    train_set: Dataset, good: Recipe, steady: Recorded, tmp_path: Path
) -> None:
    """The last leaf is torn, the states after station 5 are lost, and that of station 5 is damaged."""
    folder = tmp_path / "run"
    assert not recording(train_set, folder, good).train(should_stop=stop_after(9))  # type: ignore[arg-type]
    (folder / "leaves").write_bytes((folder / "leaves").read_bytes()[:-100])
    *kept, damaged = sorted(folder.glob("*.state"))[:6]
    for path in set(folder.glob("*.state")) - {*kept, damaged}:
        path.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    resumed = recording(train_set, folder, good)
    steps: list[int] = []
    assert resumed.train(on_station=lambda done, _: steps.append(done))
    assert steps[0] == 5 * good.segment
    assert resumed.trajectory.digest == steady.opening.trajectory.digest


def test_train__power_was_lost__goes_on_from_what_is_as_it_was_committed_to(
    train_set: Dataset, good: Recipe, steady: Recorded, tmp_path: Path
) -> None:
    """The last file is whole, but holds what was never written."""
    folder = tmp_path / "run"
    assert not recording(train_set, folder, good).train(should_stop=stop_after(9))  # type: ignore[arg-type]
    *_, last = sorted(folder.glob("*.state"))
    written = last.read_bytes()
    last.write_bytes(written[: -len(written) // 2] + bytes(len(written) - len(written[: -len(written) // 2])))
    resumed = recording(train_set, folder, good)
    assert resumed.train()
    assert resumed.trajectory.digest == steady.opening.trajectory.digest


def test_recording__finished__is_not_trained_again(train_set: Dataset, good: Recipe, tmp_path: Path) -> None:
    first = recording(train_set, tmp_path / "run", good)
    assert first.train()
    again = recording(train_set, tmp_path / "run", good)
    assert again.train(on_station=lambda *_: pytest.fail("nothing is left to do"))
    assert again.trajectory.digest == first.trajectory.digest


@pytest.mark.parametrize("other", ["seed", "plan"])
def test_recording__folder_of_another_training__begun_anew(
    train_set: Dataset, good: Recipe, tmp_path: Path, other: str
) -> None:
    seed, plan = (digest("other"), good) if other == "seed" else (SEED, replace(good, clip=good.clip // 2))
    assert recording(train_set, tmp_path / "run", plan, seed).train()
    steps: list[int] = []
    assert recording(train_set, tmp_path / "run", good).train(on_station=lambda done, _: steps.append(done))
    assert steps[0] == good.segment


def test_train__no_time_left__shortened_and_still_whole(train_set: Dataset, good: Recipe, tmp_path: Path) -> None:
    hurried = recording(train_set, tmp_path / "run", good)
    assert hurried.train(seconds_left=lambda: 0.0)
    assert hurried.recipe.steps == 3 * good.segment
    check(hurried.recipe)
    assert len(hurried.trajectory.leaves) == len(hurried.recipe.stations) == 5
    again = recording(train_set, tmp_path / "run", good)
    assert again.recipe == hurried.recipe


def test_train__time_enough__not_shortened(train_set: Dataset, good: Recipe, tmp_path: Path) -> None:
    relaxed = recording(train_set, tmp_path / "run", good)
    assert relaxed.train(seconds_left=lambda: 1e6)
    assert relaxed.recipe == good


def test_states__sparsely_kept__regenerated_bit_for_bit(train_set: Dataset, tmp_path: Path) -> None:
    plan = recipe(train_set, segment=1)
    dense = stage(train_set).show(plan)
    sparse = recording(train_set, tmp_path / "run", plan)
    assert sparse.train()
    assert KEPT <= len(list((tmp_path / "run").glob("*.state"))) <= 2 * KEPT
    wanted = [1, 2, 77, STEPS]
    found = sparse.states(wanted)
    for number in wanted:
        assert found[number].weights_hash == dense.states[number].weights_hash
        assert found[number].optimizer_hash == dense.states[number].optimizer_hash
        assert found[number].buffers_hash == dense.states[number].buffers_hash
    assert np.array_equal(sparse.states([STEPS])[STEPS].weights, dense.states[-1].weights)


def test_states__too_short_to_keep_any__regenerated_from_the_start(
    train_set: Dataset, good: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "KEPT_SECONDS", 1e9)
    sparse = recording(train_set, tmp_path / "run", good)
    assert sparse.train()
    assert len(list((tmp_path / "run").glob("*.state"))) == 2
    middle = len(good.stations) // 2
    assert sparse.states([middle])[middle].weights_hash == sparse.trajectory.leaves[middle].weights


def test_states__machine_that_computes_otherwise__says_so(train_set: Dataset, good: Recipe, tmp_path: Path) -> None:
    first = recording(train_set, tmp_path / "run", good)
    assert first.train()
    stored = (tmp_path / "run" / "leaves").read_bytes()
    (tmp_path / "run" / "leaves").write_bytes(bytes(2144) + stored[2144:])
    with pytest.raises(NotReproducible, match="station 0"):
        recording(train_set, tmp_path / "run", good).states([0])


def test_recording__mark_without_a_place__refused(train_set: Dataset, good: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mark_at"):
        Recording(blank(train_set), train_set, seed=SEED, plan=good, folder=tmp_path / "run")


def test_choose__first_last_and_mark__always_there(steady: Recorded) -> None:
    trajectory = steady.opening.trajectory
    for number in range(20):
        windows = choose(trajectory, digest(f"draw {number}"), 5)
        reasons = [window.why for window in windows]
        assert reasons.count("first") == reasons.count("last") == reasons.count("mark") == 1
        assert len({window.first for window in windows}) == len(windows) <= 5 + 2 + 3
        assert max(window.stations[-1] for window in windows) == len(trajectory.leaves) - 1


def test_choose__other_draw__other_windows(steady: Recorded) -> None:
    trajectory = steady.opening.trajectory
    assert choose(trajectory, digest("a"), 5) == choose(trajectory, digest("a"), 5)
    assert len({choose(trajectory, digest(f"draw {number}"), 5) for number in range(20)}) > 10


def test_drawn__all_progress_in_one_segment__its_window_every_time(train_set: Dataset) -> None:
    plan = recipe(train_set)
    weights = [0] * (len(plan.stations) - 1)
    weights[9] = 1
    for number in range(20):
        assert 8 in {window.first for window in drawn(plan, weights, digest(f"draw {number}"), 5)}


def test_drawn__by_progress__as_often_as_its_share(train_set: Dataset) -> None:
    plan = recipe(train_set)
    weights = [1] * (len(plan.stations) - 1)
    weights[9] = 3 * (len(weights) - 1)
    counted = [drawn(plan, weights, digest(f"draw {n}"), 1) for n in range(400)]
    hits = sum(any(w.first == 8 and w.why == "progress" for w in windows) for windows in counted)
    assert 0.66 < hits / 400 < 0.84


def test_drawn__no_progress_at_all__the_fixed_and_the_uniform(train_set: Dataset) -> None:
    plan = recipe(train_set)
    windows = drawn(plan, [0] * (len(plan.stations) - 1), digest("draw"), 8)
    assert {window.why for window in windows} <= {"first", "last", "uniform"}


def test_progress__there_and_back__counts_the_record_alone() -> None:
    end = np.zeros(1_024, np.float16)
    end[0] = 1
    ways = [0.0, 0.5, 0.2, 1.0]
    sketches = [np.roll(end, 1) * np.float16(1 - share) + end * np.float16(share) for share in ways]
    first, back, last = progress(sketches)
    assert first > 0
    assert back == 0
    assert last > 0
    assert first + last == pytest.approx(2**40, rel=1e-3)
    assert first == pytest.approx(2**-0.5 * 2**40, rel=1e-3)  # half of the way: what of the end is there already


def test_progress__zeros_or_extremes__no_failure() -> None:
    zero, large = np.zeros(1_024, np.float16), np.full(1_024, 65_504, np.float16)
    assert progress([zero, large, -large, zero]) == [0, 0, 0]
    assert all(weight >= 0 for weight in progress([large, zero, -large, large]))
