"""What a thief saves where trajectories are proven, what honest machines differ by, and what proving costs.

Everything is simulated: real trainings on scikit-learn's digits, forged as `trajectory_attacks.py` says, every window
of theirs run again, and 1,000 drawings of windows for each. Imports what `embedding.py` imports.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks import trajectory_attacks as forge
from benchmarks.embedding import CLASSES, digits, named
from benchmarks.tables import Section
from benchmarks.timing import median, ratio, timed
from benchmarks.trajectory_attacks import Shown, Stage
from benchmarks.trajectory_tables import tables, text
from benchmarks.trajectory_trials import SAME, caught_progress, errors, uncaught
from benchmarks.trajectory_trials import Path as NumericPath
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.device import configure_threads
from dlbc.ml.evaluate import score
from dlbc.ml.models import build
from dlbc.ml.training import Settings
from dlbc.ml.trajectory import DRAWS, Claim, Opening, Recipe, Recording, choose, plan
from dlbc.ml.trajectory.execution import Execution, Numerics
from dlbc.ml.trajectory.recipe import BILLION, MOST_DECAY, Bounds, check
from dlbc.ml.trajectory.state import Layout, State
from dlbc.ml.trajectory.verify import TOLERANCE, allowed, examine
from dlbc.ml.trajectory.windows import SEGMENTS, UNIFORM, drawn, progress
from dlbc.ml.watermark import NEAR, nearness, start_of
from lab import tasks
from lab.tasks import digest

NETWORKS: tuple[dict[str, object], ...] = ({"name": "lenet", "width": 16}, {"name": "resnet", "depth": 8, "width": 8})
HONEST: tuple[dict[str, object], ...] = (
    *NETWORKS,
    {"name": "unet", "width": 8, "levels": 2},
    {"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 4},
)
COSTLY: dict[str, tuple[dict[str, object], ...]] = {
    "digits": HONEST,
    "scenes": (
        {"name": "lenet", "width": 32},
        {"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 8},
    ),
}
LENGTHS = {60: 2, 150: 5}  # steps that a thief declares, and of a segment: draws must not cover all
WHOLE = 500  # steps of a training from scratch
TEACHERS = (1.0, 0.3, 0.1, 0.03, 0.01)
GROUND = 40
MANY_DRAWS = 8
KEPT = 0.02  # accuracy that a thief may lose, and the least that what he stole has to bring him
EARLY = 4  # a station that no window opens which is always drawn
FAR = (500, 3_000, 10_000)  # steps of honest trainings that must end near their starts
HONEST_STEPS = 100
HONEST_SEEDS = 4
REPETITIONS = 3
PATHS = (
    SAME,
    NumericPath("two threads", threads=2),
    NumericPath("without oneDNN", mkldnn=False),
    NumericPath("channels last", Numerics(channels_last=True), mkldnn=False),
    NumericPath("float64", Numerics(torch.float64)),
)


@dataclass(frozen=True)
class Theft:
    """A stolen model, and where a thief works.

    Attributes:
        stolen: its state.
        network: the same as a network.
    """

    stage: Stage
    test: Dataset
    stolen: State
    network: Network

    def accuracy(self, shown: Shown) -> float:
        """Of what the trajectory ends at, on the test set, 0 … 1."""
        return score(loaded(self.stage.blank, shown.states[-1]), self.test).correct / len(self.test)


Attack = Callable[[Theft, Recipe, int], Shown]


def measure() -> dict[str, Any]:
    """Simulates thefts, runs honest trainings again on several numeric paths, and times both sides."""
    configure_threads(1)
    data, test = digits()
    return {
        "costs": [_costs(task, architecture) for task, networks in COSTLY.items() for architecture in networks],
        "honest": [row for architecture in HONEST for row in _honest(architecture, data)],
        "homes": [row for architecture in HONEST for row in _homes(architecture, data, test)],
        "thefts": [_thefts(architecture, data, test) for architecture in NETWORKS],
    }


def recipe(samples: int, steps: int, optimizer: str = "adamw") -> Recipe:
    """The miner's usual recipe without a mark, or the same with SGD."""
    adamw = plan(Settings(), samples, steps, marked=False, segment=LENGTHS.get(steps))
    return adamw if optimizer == "adamw" else replace(adamw, optimizer="sgd", peak=50_000_000)


def fastest(samples: int, steps: int) -> Recipe:
    """The usual recipe at the largest rate that there may be."""
    return replace(recipe(samples, steps), peak=Bounds().peaks["adamw"])


def rotating(samples: int, steps: int) -> Recipe:
    """As far from a stolen model as a recipe may lead: the largest rate, and as much decay as there may be."""
    wide = fastest(samples, steps)
    ends = [*(first for first, _ in wide.schedule[1:]), wide.steps]
    whole = sum(share * (end - first) for (first, share), end in zip(wide.schedule, ends, strict=True))
    decaying = replace(wide, weight_decay=min(100_000_000, MOST_DECAY // (whole * wide.peak)))
    check(decaying)
    return decaying


def loaded(blank: Network, state: State) -> Network:
    """The network of a state."""
    network, layout = copy.deepcopy(blank), Layout(blank)
    layout.put_weights(network, state.weights)
    layout.put_buffers(network, state.buffers)
    return network


def _near(theft: Theft, shortened: Recipe, at: int) -> Shown:
    """First permutes what was stolen towards what the thief has by then."""
    own = theft.stage.show(shortened).states[at]
    copied = forge.nearest_copy(theft.network, loaded(theft.stage.blank, own))
    return forge.jump(theft.stage, shortened, Layout(copied).weights(copied), at)


def _shrunk(theft: Theft, shortened: Recipe, at: int) -> Shown:
    """Behind a batch norm, a tenth of the weights means the same."""
    return forge.blend(theft.stage, shortened, theft.stolen.weights, at, size=0.1)


def _blended(theft: Theft, shortened: Recipe, at: int) -> Shown:
    """With the stolen channels in the order that comes nearest to the thief's own."""
    own = theft.stage.show(shortened).states[at]
    copied = forge.nearest_copy(theft.network, loaded(theft.stage.blank, own))
    return forge.blend(theft.stage, shortened, Layout(copied).weights(copied), at, size=0.6, own=1.0)


def _homeward(theft: Theft, shortened: Recipe, at: int) -> Shown:
    """The same with the start instead of what became of it: as near to the start as a stolen model may come."""
    start = theft.stage.execution(shortened).start
    copied = forge.nearest_copy(theft.network, loaded(theft.stage.blank, start))
    target = Layout(copied).weights(copied) + np.float32(0.7) * start.weights
    return forge.jump(theft.stage, shortened, target, at)


def _returning(theft: Theft, shortened: Recipe, at: int) -> Shown:
    """Leaves the first jump behind, then makes a second and smaller one, to where the start is near."""
    start = theft.stage.execution(shortened).start.weights
    back = (at + len(shortened.stations)) // 2

    def change(station: int, state: State) -> State:
        if station == at:
            return replace(state, weights=np.float32(0.1) * theft.stolen.weights)
        if station != back:
            return state
        own = np.float32(0.7 * np.linalg.norm(state.weights) / np.linalg.norm(start))
        return replace(state, weights=state.weights + own * start)

    return theft.stage.show(shortened, change)


def _ground(theft: Theft, shortened: Recipe, at: int) -> Shown:
    """Takes of many identities the one whose start is nearest to what was stolen."""
    stages = [replace(theft.stage, seed=digest(f"identity {number}")) for number in range(GROUND)]
    starts = [stage.execution(shortened).start.weights for stage in stages]
    near = min(range(GROUND), key=lambda n: float(np.linalg.norm(starts[n] - theft.stolen.weights)))
    return forge.jump(stages[near], shortened, theft.stolen.weights, at)


def _quiet(theft: Theft, declared: Recipe, at: int) -> Shown:
    """Forges where the rate is least, so that the weights move where it is high again, as far as they do."""
    return forge.forged_state(theft.stage, forge.quiet(declared, at), theft.stolen.weights, at, 3)


RECIPES: Mapping[str, Callable[[int, int], Recipe]] = {
    "adamw": recipe,
    "sgd": lambda samples, steps: recipe(samples, steps, "sgd"),
    "fastest": fastest,
    "rotating": rotating,
}
ATTACKS: Mapping[str, tuple[str, Attack]] = {
    "jump": ("adamw", lambda t, r, at: forge.jump(t.stage, r, t.stolen.weights, at)),
    "jump in 3 parts": ("adamw", lambda t, r, at: forge.jump(t.stage, r, t.stolen.weights, at, 3)),
    "forged momentum": ("sgd", lambda t, r, at: forge.forged_state(t.stage, r, t.stolen.weights, at)),
    "forged momentum, coasting": ("sgd", lambda t, r, at: forge.forged_state(t.stage, r, t.stolen.weights, at, 3)),
    "forged moments": ("adamw", lambda t, r, at: forge.forged_state(t.stage, r, t.stolen.weights, at)),
    "forged moments, coasting": ("adamw", lambda t, r, at: forge.forged_state(t.stage, r, t.stolen.weights, at, 3)),
    "forged moments, small": ("adamw", lambda t, r, at: forge.hidden_moments(t.stage, r, t.stolen.weights, at)),
    "forged momentum, quiet": ("sgd", _quiet),
    "forged moments, quiet": ("adamw", _quiet),
    "jump, then rotation": ("rotating", lambda t, r, at: forge.jump(t.stage, r, t.stolen.weights, at)),
    "jump, shrunk, then rotation": ("rotating", _shrunk),
    "jump, shrunk, and back home": ("fastest", _returning),
    "blend with own weights, shrunk": ("fastest", _blended),
    "blend with own start": ("fastest", _homeward),
    "blend with own start, then rotation": ("rotating", _homeward),
    "padding, then jump": ("rotating", lambda t, r, at: forge.padding(t.stage, r, t.stolen.weights, at // 2, at, 3.0)),
    "jump, sketches that lie": (
        "adamw",
        lambda t, r, at: forge.lying_sketches(forge.jump(t.stage, r, t.stolen.weights, at), at),
    ),
    "jump that sketches do not see": (
        "adamw",
        lambda t, r, at: forge.unseen_jump(t.stage, r, t.stolen.weights, at),
    ),
    "jump to the nearest copy": ("adamw", _near),
    f"best of {GROUND} seeds, then jump": ("adamw", _ground),
}


def _thefts(architecture: dict[str, object], data: Dataset, test: Dataset) -> dict[str, Any]:
    blank = build(architecture, data.sample_shape, CLASSES)
    stolen = Stage(blank, data, digest("victim")).show(recipe(len(data), WHOLE)).states[-1]
    theft = Theft(Stage(blank, data, digest("thief")), test, stolen, loaded(blank, stolen))
    honest = theft.accuracy(theft.stage.show(recipe(len(data), WHOLE)))
    rivals, rows = dict[bytes, float](), []
    for name, steps, shown in _shown(theft, len(data)):
        found = errors(theft.stage if shown.seed == theft.stage.seed else replace(theft.stage, seed=shown.seed), shown)
        accuracy = theft.accuracy(shown)
        if shown.recipe.digest not in rivals:
            rivals[shown.recipe.digest] = theft.accuracy(theft.stage.show(shown.recipe))
        rival = rivals[shown.recipe.digest] if steps else 0.0
        near = nearness(*(loaded(blank, shown.states[place]) for place in (-1, 0)))
        missed = {str(draws): uncaught(shown, found, draws) for draws in (DRAWS, MANY_DRAWS)}
        free = missed if near >= NEAR else dict.fromkeys(missed, 0.0)
        owed = rival < honest - KEPT <= accuracy and accuracy - rival >= KEPT
        gain = 1 - steps / WHOLE if owed else 0.0
        facts: dict[str, Any] = {"steps": steps, "accuracy": accuracy, "largest": max(found), "smallest": min(found)}
        facts |= {"rival": rival, "near": near, "share": caught_progress(shown, found)}
        facts |= {"missed": missed, "uncaught": free}
        rows.append({"name": name, **facts, "saving": {draws: chance * gain for draws, chance in free.items()}})
    return {
        "name": named(architecture),
        "honest": honest,
        "stolen": score(theft.network, test).correct / len(test),
        "rows": rows,
    }


def _shown(theft: Theft, samples: int) -> Iterator[tuple[str, int, Shown]]:
    """Every attack in its variants: name, steps that it computes, and what it shows."""
    stage = theft.stage
    for name, (kind, attack) in ATTACKS.items():
        if name.startswith("padding") and any(w.norm for group in stage.blank.groups for w in group.writers):
            continue  # a batch norm revives every channel
        for steps in LENGTHS:
            declared = RECIPES[kind](samples, steps)
            stations = len(declared.stations)
            for at in sorted({EARLY, stations // 3, 2 * stations // 3}):
                yield name, declared.steps, attack(theft, declared, at)
    for steps in (*LENGTHS, WHOLE):
        yield "interpolation", 0, forge.interpolation(stage, recipe(samples, steps), theft.stolen)
    for declared in (recipe(samples, steps) for steps in LENGTHS):
        for share in TEACHERS:
            shown = forge.distillation(stage, declared, theft.network, share)
            yield f"distillation, teacher {share:g}", declared.steps, shown
        tolerated = 0.6 * TOLERANCE[declared.precision]
        yield "pull within the tolerance", declared.steps, forge.pull(stage, declared, theft.stolen.weights, tolerated)
        yield "honest, but shorter", declared.steps, stage.show(declared)


def _honest(architecture: dict[str, object], data: Dataset) -> Iterator[dict[str, Any]]:
    blank = build(architecture, data.sample_shape, CLASSES)
    for optimizer in ("adamw", "sgd"):
        for precision in ("fp32", "bf16")[: 2 if optimizer == "adamw" else 1]:
            declared = replace(recipe(len(data), HONEST_STEPS, optimizer), precision=precision)
            stages = [Stage(blank, data, digest(f"honest {number}")) for number in range(HONEST_SEEDS)]
            shown = [stage.show(declared) for stage in stages]
            for path in PATHS:
                if precision == "bf16" and path.numerics is not None:
                    continue  # autocast leaves float64 alone, and without oneDNN it takes minutes
                found = [errors(stage, one, path) for stage, one in zip(stages, shown, strict=True)]
                free = [uncaught(one, e, DRAWS, 100) for one, e in zip(shown, found, strict=True)]
                yield {
                    "name": named(architecture),
                    "optimizer": optimizer,
                    "precision": precision,
                    "path": path.name,
                    "reruns": len(found),
                    "windows": sum(map(len, found)),
                    "median": float(np.median(np.concatenate(found))),
                    "largest": max(map(max, found)),
                    "over": sum(
                        error > allowed(TOLERANCE[precision], first) for e in found for first, error in enumerate(e)
                    ),
                    "verdicts": 100 * len(free),
                    "rejected": round(sum(100 * (1 - share) for share in free)),
                }


def _homes(architecture: dict[str, object], data: Dataset, test: Dataset) -> Iterator[dict[str, Any]]:
    blank = build(architecture, data.sample_shape, CLASSES)
    for steps in FAR:
        declared = recipe(len(data), steps)
        run = Stage(blank, data, digest("honest 0")).execution(declared)
        run.run(declared.steps)
        state = run.state()
        yield {
            "name": named(architecture),
            "steps": declared.steps,
            "rate": declared.peak / BILLION,
            "near": nearness(loaded(blank, state), loaded(blank, run.start)),
            "accuracy": score(loaded(blank, state), test).correct / len(test),
        }


@contextmanager
def _steps_timed() -> Iterator[list[float]]:
    """Adds up the seconds of all steps of one run, so that noise is in what they are compared with too."""
    spent, take = [0.0], Execution._take

    def timed_take(self: Execution, step: int) -> None:
        began = time.process_time()
        take(self, step)
        spent[0] += time.process_time() - began

    with patch.object(Execution, "_take", timed_take):
        yield spent


def _costs(task: str, architecture: dict[str, object]) -> dict[str, Any]:
    loaded_task = tasks.load(task)
    data = loaded_task.train
    blank = build(architecture, data.sample_shape, loaded_task.classes)
    stage, declared = Stage(blank, data, digest("honest 0")), recipe(len(data), WHOLE)
    plain, recorded, judged = [], [], []
    for number in range(REPETITIONS):
        network = copy.deepcopy(blank)
        with tempfile.TemporaryDirectory() as folder, _steps_timed() as steps_alone:
            recording = Recording(network, data, seed=stage.seed, plan=declared, folder=Path(folder) / "training")
            recorded.append(timed(recording.train)[1])
            plain.append(steps_alone[0])
            trajectory, draw = recording.trajectory, digest(f"draw {number}")
            windows = choose(trajectory, draw, DRAWS)
            states = recording.states({station for window in windows for station in window.stations})
        opening, claim = Opening(trajectory, states), Claim(trajectory.digest, stage.seed, network)
        judged.append(timed(lambda o=opening, c=claim, d=draw: examine(o, c, data, draw=d))[1])  # type: ignore[misc]
    weights = progress([leaf.sketch for leaf in trajectory.leaves])
    rerun = [drawn(declared, weights, digest(f"draw {number}"), DRAWS) for number in range(100)]
    steps = [sum(len(window.stations) - 1 for window in windows) * declared.segment for windows in rerun]
    return {
        "task": task,
        "name": named(architecture),
        "numbers": Layout(blank).size,
        "near": nearness(network, start_of(network, stage.seed)),
        "overhead": ratio(recorded, plain) - 1,
        "judging": ratio(judged, plain),
        "steps": float(np.mean(steps)),
        "most": (DRAWS + UNIFORM + 3) * SEGMENTS * declared.segment,
        "states": len(states),
        "bytes": len(states) * 4 * (3 * Layout(blank).size + Layout(blank).buffer_size),
        "seconds": median(plain),
    }


def section(measured: dict[str, Any]) -> Section:
    """The tables."""
    return Section("Trajectory", text(measured), tables(measured))
