"""One short training, recorded, and its openings: for the tests of dlbc.ml.trajectory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from calibration import digest

from benchmarks.trajectory_attacks import Shown, Stage
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.models import build
from dlbc.ml.training import Settings
from dlbc.ml.trajectory import Claim, Opening, Recipe, Recording, Verdict, choose, plan
from dlbc.ml.trajectory.execution import Numerics
from dlbc.ml.trajectory.state import Layout
from dlbc.ml.trajectory.verify import examine
from dlbc.ml.watermark import embed, keygen, private_keys

LENET: dict[str, object] = {"name": "lenet", "width": 8}
STEPS = 150
SEED = digest("a miner with a trajectory")
DRAW = digest("a later block")


def recipe(data: Dataset, *, marked: bool = False, **changes: object) -> Recipe:
    return replace(plan(Settings(), len(data), STEPS, marked=marked), **changes)


def sgd(data: Dataset) -> Recipe:
    return recipe(data, optimizer="sgd", peak=50_000_000)


def blank(data: Dataset) -> Network:
    return build(LENET, data.sample_shape, 10)


def stage(data: Dataset, seed: bytes = SEED) -> Stage:
    return Stage(blank(data), data, seed)


def mark(network: Network) -> None:
    embed(network, (keygen(SEED), *private_keys(digest("secret"), SEED, 1)))


@dataclass(frozen=True)
class Recorded:
    """A finished recording with everything opened that DRAW asks for."""

    recording: Recording
    network: Network
    opening: Opening

    @property
    def claim(self) -> Claim:
        return Claim(self.opening.trajectory.digest, SEED, copy.deepcopy(self.network))


def recorded(data: Dataset, folder: Path, plan_: Recipe, marking: Callable[[Network], None] | None) -> Recorded:
    network = blank(data)
    recording = Recording(network, data, seed=SEED, plan=plan_, folder=folder, mark=marking)
    assert recording.train()
    trajectory = recording.trajectory
    stations = {number for window in choose(trajectory, DRAW, 5) for number in window.stations}
    return Recorded(recording, network, Opening(trajectory, recording.states(stations)))


def judged(shown: Shown, data: Dataset, *, numerics: Numerics | None = None, network: Network | None = None) -> Verdict:
    """The verdict on a trajectory of which everything is opened."""
    network = blank(data) if network is None else copy.deepcopy(network)
    layout = Layout(network)
    layout.put_weights(network, shown.states[-1].weights)
    layout.put_buffers(network, shown.states[-1].buffers)
    trajectory = shown.trajectory
    claim = Claim(trajectory.digest, shown.seed, network)
    opening = Opening(trajectory, dict(enumerate(shown.states)))
    return examine(opening, claim, data, draw=DRAW, numerics=numerics)
