"""A miner that trains by his own code and pretends that his recorded training led to that model: it jumps at the end.

He records a short honest training from his seed, and puts what he really trained in place of its last state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import torch

from dlbc.cli import chain_options, open_context, run_main
from dlbc.config import Settings
from dlbc.funds import parse_amount
from dlbc.journal import Duty
from dlbc.materials import fetch_manifest, fetch_train
from dlbc.ml import training
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.trajectory import Recording, Trajectory, plan
from dlbc.ml.trajectory.commitment import leaf
from dlbc.ml.trajectory.state import Layout, Sketcher, State
from dlbc.service import Done
from miner import program, prove, recording, records
from miner.options import GRACE_SECONDS, PROVE, SEAL, TRAIN, Options
from miner.room import open_room

if TYPE_CHECKING:
    from dlbc.ml.channels import Network
    from dlbc.ml.data import Dataset
    from dlbc.service import Context
    from dlbc.service import Outcome as Result
    from miner.room import Room
    from miner.secrets import Secrets

EPOCHS = 6
STEPS = 120
FETCH_SECONDS = 10.0


class Forged:
    """A recording whose last state is another model."""

    def __init__(self, honest: Recording, seed: bytes, weights: Any, buffers: Any) -> None:
        self._honest, recorded = honest, honest.trajectory
        self._last = len(recorded.leaves) - 1
        before = honest.states([self._last])[self._last]
        self._jump = State(before.step, weights, before.slots, buffers)
        forged = leaf(self._jump, Sketcher(seed, len(weights)))
        self.trajectory = Trajectory(recorded.recipe, (*recorded.leaves[:-1], forged))

    def states(self, stations: set[int]) -> dict[int, State]:
        honest = self._honest.states(stations - {self._last})
        return {**honest, self._last: self._jump} if self._last in stations else honest


def forge(room: Room, secrets: Secrets, network: Network, data: Dataset, device: torch.device) -> Forged:
    """From what lies in the round's folder; records the honest part if that was not done."""
    with np.load(room.folder / "jump.npz") as jump:
        weights, buffers = jump["weights"], jump["buffers"]
    honest = Recording(
        network,
        data,
        seed=secrets.seed,
        plan=plan(training.Settings(), len(data), STEPS),
        folder=room.recording,
        mark=recording.marker(secrets),
        device=device,
    )
    honest.train()
    return Forged(honest, secrets.seed, weights, buffers)


def train(duty: Duty, context: Context, options: Options) -> Result:
    """An ordinary training, and a recording of another one."""
    room = open_room(context, duty.round_id)
    secrets, device = room.secrets(context), torch.device(options.device)
    manifest = fetch_manifest(context.ipfs, room.spec, room.cache, FETCH_SECONDS)
    data = fetch_train(context.ipfs, manifest, room.cache, FETCH_SECONDS)
    model, blank = (build(manifest.architecture, manifest.input_shape, manifest.classes) for _ in range(2))
    initialise(model, secrets.seed)
    result = training.train(
        model, data, seed=secrets.seed, epochs=EPOCHS, mark=recording.marker(secrets), device=device
    )
    layout = Layout(model)
    np.savez(room.folder / "jump.npz", weights=layout.weights(model), buffers=layout.buffers(model))
    forged = forge(room, secrets, blank, data, device)
    save_model(model.to("cpu"), room.model)
    records.save_trained(
        context.journal,
        room.round_id,
        records.Trained(
            path=room.model,
            anchor=room.anchor,
            watermark=secrets.watermark_root(model),
            accuracy=result.accuracy,
            epochs=result.epochs,
            trajectory=forged.trajectory.digest,
        ),
    )
    context.journal.owe(Duty(SEAL, room.round_id, duty.subject, deadline=room.commit_end + GRACE_SECONDS))
    return Done()


def open_forged(duty: Duty, context: Context, options: Options) -> Result:
    """The miner's own duty, over what was forged."""
    recording.reopen = forge  # type: ignore[assignment]
    return prove.prove(duty, context, options)


@click.command()
@chain_options
def main(settings: Settings) -> None:
    with open_context(settings, "miner") as context:
        options = replace(Options(), auto_stake=parse_amount("50"))
        program.service(context, options, keep=False, instead={TRAIN: train, PROVE: open_forged}).run()


if __name__ == "__main__":
    run_main(main)
