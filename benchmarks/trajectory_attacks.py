"""What a thief shows instead of a training of his own: whole recorded trajectories, honest but for what is forged.

Each attack gives states for every station of the thief's recipe. They are built by the code that honest miners run,
so that everything in them comes out again when it is run again but for what the thief did not compute.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from dlbc.ml import prg
from dlbc.ml.batches import Batch
from dlbc.ml.channels import Network, tensors
from dlbc.ml.data import Dataset
from dlbc.ml.trajectory.commitment import Trajectory, leaf
from dlbc.ml.trajectory.execution import SECOND_DECAY, Execution, Numerics
from dlbc.ml.trajectory.recipe import LEAST_SHARE, MILLION, Recipe
from dlbc.ml.trajectory.state import BUCKETS, Layout, Sketch, Sketcher, State, Vector

Change = Callable[[int, State], State]


@dataclass(frozen=True)
class Shown:
    """A trajectory as somebody shows it.

    Attributes:
        states: of every station.
        sketches: that go into the leaves where they are not those of the states.
    """

    recipe: Recipe
    seed: bytes
    states: tuple[State, ...]
    sketches: tuple[Sketch, ...] | None = None

    @property
    def trajectory(self) -> Trajectory:
        """With a leaf for each state."""
        sketcher = Sketcher(self.seed, self.states[0].weights.size)
        leaves = [leaf(state, sketcher) for state in self.states]
        if self.sketches is not None:
            leaves = [replace(x, sketch=sketch) for x, sketch in zip(leaves, self.sketches, strict=True)]
        return Trajectory(self.recipe, tuple(leaves))


@dataclass(frozen=True)
class Stage:
    """Where thief and honest miner train.

    Attributes:
        blank: a network of the task's architecture; never changed.
        seed: m of whoever trains here.
    """

    blank: Network
    data: Dataset
    seed: bytes

    def execution(self, recipe: Recipe, numerics: Numerics | None = None) -> Execution:
        """At the start that the seed gives."""
        return Execution(copy.deepcopy(self.blank), self.data, self.seed, recipe, numerics=numerics)

    def show(self, recipe: Recipe, change: Change | None = None, run: Execution | None = None) -> Shown:
        """Trains to the end of a recipe without a mark; `change` may put another state in place at any station."""
        run = run or self.execution(recipe)
        states = []
        for station, step in enumerate(recipe.stations):
            run.run(step)
            state = run.state()
            if change is not None and (changed := change(station, state)) is not state:
                state = changed
                run.load(state)
            states.append(state)
        return Shown(recipe, self.seed, tuple(states))


def jump(stage: Stage, recipe: Recipe, target: Vector, at: int, parts: int = 1) -> Shown:
    """At station `at` the weights are the stolen ones; with several `parts`, a share of the way at each of so many."""

    def change(station: int, state: State) -> State:
        left = at + parts - station
        if not 0 < left <= parts:
            return state
        return replace(state, weights=state.weights + (target - state.weights) / np.float32(left))

    return stage.show(recipe, change)


def blend(stage: Stage, recipe: Recipe, target: Vector, at: int, size: float = 1.0, own: float = 0.0) -> Shown:
    """A jump to `size` times the stolen weights and `own` times those that he has: what is small is turned far by each
    step, and what is his own already makes no progress.
    """

    def change(station: int, state: State) -> State:
        if station != at:
            return state
        return replace(state, weights=np.float32(size) * (target + np.float32(own) * state.weights))

    return stage.show(recipe, change)


def forged_state(stage: Stage, recipe: Recipe, target: Vector, at: int, coast: int = 1) -> Shown:
    """At station `at` the optimizer's state is such that the next `coast` segments carry the weights to the stolen
    ones.
    """

    def change(station: int, state: State) -> State:
        return carried(recipe, state, target, coast) if station == at else state

    return stage.show(recipe, change)


def quiet(recipe: Recipe, at: int) -> Recipe:
    """The recipe with the least rate that is allowed in the segment after station `at`, and the full one from then on.

    Momentum forged there would move nothing where it is looked for, and the weights segments later.
    """
    k, before = recipe.segment, MILLION // 10
    return replace(recipe, schedule=((0, before), (at * k, MILLION // LEAST_SHARE), ((at + 1) * k, MILLION)))


def carried(recipe: Recipe, state: State, target: Vector, coast: int = 1) -> State:
    """The state with momentum towards `target`; AdamW's second moments so large that gradients do not disturb."""
    way, momentum = (state.weights - target).astype(np.float64), recipe.momentum / MILLION
    steps = range(state.step, min(recipe.steps, state.step + coast * recipe.segment))
    if recipe.optimizer == "sgd":
        reach = sum(momentum ** (step - state.step + 1) for step in steps)
        return replace(state, slots={"momentum": (way / reach).astype(np.float32)})
    size, reach = 1e3, 0.0
    for number, step in enumerate(steps, 1):
        age = recipe.age(step) + 1
        root = size * (SECOND_DECAY**number / (1 - SECOND_DECAY**age)) ** 0.5
        reach += momentum**number / (1 - momentum**age) / root
    second = np.full(way.size, size**2, np.float32)
    return replace(state, slots={"first": (way / reach).astype(np.float32), "second": second})


def hidden_moments(stage: Stage, recipe: Recipe, target: Vector, at: int) -> Shown:
    """As `forged_state` for AdamW, but by small numbers: second moments of 0 make much of a little momentum."""

    def change(station: int, state: State) -> State:
        if station != at:
            return state
        gradient = np.sqrt(np.maximum(state.slots["second"].astype(np.float64), 1e-20))
        momentum = recipe.momentum / MILLION
        reach = 0.0
        for number, step in enumerate(range(state.step, state.step + recipe.segment), 1):
            age = recipe.age(step) + 1
            root = ((1 - SECOND_DECAY**number) / (1 - SECOND_DECAY**age)) ** 0.5
            reach += momentum**number / (1 - momentum**age) / root
        first = (state.weights - target) / reach * gradient
        return replace(state, slots={"first": first.astype(np.float32), "second": np.zeros_like(state.weights)})

    return stage.show(recipe, change)


def interpolation(stage: Stage, recipe: Recipe, target: State) -> Shown:
    """The straight way from the start to the stolen model, no step computed."""
    start = stage.execution(recipe).start
    states = []
    for station, step in enumerate(recipe.stations):
        share = np.float32(station / (len(recipe.stations) - 1))
        weights, buffers = (a + share * (b - a) for a, b in _pairs(start, target))
        states.append(replace(start, step=step, weights=weights, buffers=buffers))
    states[-1] = replace(states[-1], weights=target.weights, buffers=target.buffers)
    return Shown(recipe, stage.seed, tuple(states))


def _pairs(first: State, second: State) -> tuple[tuple[Vector, Vector], ...]:
    return (first.weights, second.weights), (first.buffers, second.buffers)


def pull(stage: Stage, recipe: Recipe, target: Vector, share: float) -> Shown:
    """Honest steps, and after each segment `share` of its length towards the stolen weights."""
    before = stage.execution(recipe).start.weights

    def change(_: int, state: State) -> State:
        nonlocal before
        length, way = np.linalg.norm(state.weights - before), target - state.weights
        scale = np.float32(min(1.0, share * float(length) / max(1e-12, float(np.linalg.norm(way)))))
        before = state.weights + scale * way
        return replace(state, weights=before)

    return stage.show(recipe, change)


class Distilling(Execution):
    """A loss that the recipe has not: a share of it is the distance to a stolen model's opinions."""

    teacher: Network
    share: float

    def loss(self, batch: Batch) -> torch.Tensor:
        own = super().loss(batch)
        with torch.no_grad():
            opinion = self.teacher(self._seen).softmax(dim=1)
        return (1 - self.share) * own + self.share * torch.nn.functional.cross_entropy(self._logits, opinion)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self._seen, self._logits = x, super().forward(x)
        return self._logits


def distillation(stage: Stage, recipe: Recipe, teacher: Network, share: float) -> Shown:
    """A whole training of one's own, with a teacher."""
    run = Distilling(copy.deepcopy(stage.blank), stage.data, stage.seed, recipe)
    run.teacher, run.share = copy.deepcopy(teacher).eval(), share
    return stage.show(recipe, run=run)


def padding(stage: Stage, recipe: Recipe, target: Vector, pad_at: int, at: int, size: float) -> Shown:
    """A dead channel of large numbers, which decay shrinks: it means nothing and earns progress. Then the jump."""
    places = dead_channel(stage.blank)

    def change(station: int, state: State) -> State:
        weights = state.weights.copy()
        if station == at:
            weights = target.copy()
            weights[places] = state.weights[places]
        if station == pad_at:
            # All inputs of the channel are at least 0 or small, so that these never let it through.
            weights[places] = -size * float(np.sqrt(np.mean(np.square(target))))
        return replace(state, weights=weights) if station in {pad_at, at} else state

    return stage.show(recipe, change)


def dead_channel(network: Network) -> list[int]:
    """Places of everything that writes the last hidden channel of the last group."""
    layout = Layout(network)
    places: list[int] = []
    for writer in network.groups[-1].writers:
        begin, end = layout.spans[writer.weight]
        places += range(end - (end - begin) // network.groups[-1].size, end)
        if writer.bias is not None:
            places.append(layout.spans[writer.bias][1] - 1)
    return places


def unseen(seed: bytes, weights: Vector, target: Vector) -> Vector:
    """The weights nearest to `target` whose sketch is that of `weights`."""
    signs = prg.signs(seed, "trajectory/sketch", weights.size)
    places = np.arange(weights.size) % BUCKETS
    apart = np.bincount(places, signs * (target - weights).astype(np.float64), BUCKETS)
    share: Vector = (signs * (apart / np.bincount(places, minlength=BUCKETS))[places]).astype(np.float32)
    return target - share


def unseen_jump(stage: Stage, recipe: Recipe, target: Vector, at: int) -> Shown:
    """A jump to nearly the stolen weights, in directions that the sketches do not see: it makes no progress."""

    def change(station: int, state: State) -> State:
        return replace(state, weights=unseen(stage.seed, state.weights, target)) if station == at else state

    return stage.show(recipe, change)


def lying_sketches(shown: Shown, at: int) -> Shown:
    """The sketches before the jump are of a straight way to its end: honest segments get the jump's progress."""
    sketcher = Sketcher(shown.seed, shown.states[0].weights.size)
    first, last = shown.states[0].weights, shown.states[at].weights
    sketches = tuple(
        sketcher(first + np.float32(min(1.0, station / at)) * (last - first))
        if station < at
        else sketcher(state.weights)
        for station, state in enumerate(shown.states)
    )
    return replace(shown, sketches=sketches)


def nearest_copy(stolen: Network, own: Network, passes: int = 3) -> Network:
    """The stolen model with its hidden channels in the order that comes nearest to one's own weights.

    For networks whose streams are not concatenated.
    """
    copied = copy.deepcopy(stolen)
    theirs, ours = tensors(copied), tensors(own)
    for _ in range(passes):
        for group in copied.groups:
            rows = [(writer.weight, 0) for writer in group.writers] + [(reader.weight, 1) for reader in group.readers]
            alike = np.sum([_rows(ours[name], axis) @ _rows(theirs[name], axis).T for name, axis in rows], axis=0)
            order = torch.from_numpy(linear_sum_assignment(alike, maximize=True)[1])
            norms = [name for w in group.writers if w.norm for name in theirs if name.startswith(f"{w.norm}.")]
            biases = [writer.bias for writer in group.writers if writer.bias]
            with torch.no_grad():
                for name, axis in [*rows, *((name, 0) for name in norms + biases)]:
                    theirs[name].copy_(theirs[name].index_select(axis, order))
    return copied


def _rows(tensor: torch.Tensor, axis: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    moved = tensor.detach().movedim(axis, 0)
    return np.asarray(moved.reshape(moved.shape[0], -1).numpy())
