"""Trainings that are to be proven: run under a recipe, and committed to station by station (docs/protocol.md,
"Trajectory proofs").
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch

from dlbc.errors import InvalidArtifact
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.training import Settings
from dlbc.ml.trajectory import Bounds, Recipe, Recording, plan
from dlbc.ml.trajectory.execution import Execution
from dlbc.ml.trajectory.recipe import decode
from dlbc.ml.watermark import embed
from miner.room import Room
from miner.secrets import Secrets

WARM_UP = 10  # steps: the first ones of a process are slow
TIMED = 20
COMMITTING = 1.1  # what committing to each station may add to a step


class NoRecording(Exception):
    """There is no recording of this round here, or another one than was committed to."""


def begin(
    room: Room, secrets: Secrets, network: Network, data: Dataset, device: torch.device, seconds: float
) -> Recording:
    """The round's recording, begun for `seconds` of training, or found as an earlier process left it."""
    try:
        return reopen(room, secrets, network, data, device)
    except NoRecording:
        steps = int(seconds / (COMMITTING * seconds_a_step(network, data, secrets.seed, device)))
        found = plan(Settings(), len(data), min(steps, Bounds().steps))
        part = room.plan.with_suffix(".part")
        part.write_bytes(found.encoded)
        part.replace(room.plan)
        return _open(room, secrets, network, data, device, found)


def reopen(room: Room, secrets: Secrets, network: Network, data: Dataset, device: torch.device) -> Recording:
    """The round's recording, as far as it got.

    Raises:
        NoRecording: none was begun here, or its plan is damaged.
    """
    try:
        return _open(room, secrets, network, data, device, decode(room.plan.read_bytes()))
    except (FileNotFoundError, InvalidArtifact) as error:
        raise NoRecording(f"no recorded training lies in {room.folder}: {error}") from error


def seconds_a_step(network: Network, data: Dataset, seed: bytes, device: torch.device) -> float:
    """Measured on a copy that is thrown away."""
    trial = plan(Settings(), len(data), WARM_UP + TIMED, marked=False)
    run = Execution(copy.deepcopy(network), data, seed, trial, device)
    run.run(WARM_UP)
    began = time.monotonic()
    run.run(WARM_UP + TIMED)
    return (time.monotonic() - began) / TIMED


def epochs(recipe: Recipe, steps: int, samples: int) -> float:
    """Passes over the training set that so many steps are."""
    return steps * recipe.batch / max(1, samples - recipe.held_out)


def _open(
    room: Room, secrets: Secrets, network: Network, data: Dataset, device: torch.device, found: Recipe
) -> Recording:
    return Recording(
        network, data, seed=secrets.seed, plan=found, folder=room.recording, mark=marker(secrets), device=device
    )


def marker(secrets: Secrets) -> Callable[[Network], None]:
    """Embeds all of the miner's keys; the same weights come out marked in the same way."""

    def mark(network: Network) -> None:
        embed(network, (secrets.public_key, *secrets.private_keys(network)))

    return mark
