"""A miner's own copy of his trajectory: all leaves, and every so many states, from which the others are run again."""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from io import FileIO
from pathlib import Path

import numpy as np

from dlbc.errors import InvalidArtifact
from dlbc.ml.tensor_file import TensorSpec, file_bytes, read_tensors, write_tensors
from dlbc.ml.trajectory.commitment import LEAF_BYTES, Leaf, decode_leaf
from dlbc.ml.trajectory.recipe import Recipe, decode
from dlbc.ml.trajectory.state import SLOTS, Layout, State

KEPT = 24  # states of a training that is not interrupted, up to twice as many
KEPT_SECONDS = 0.25  # at least, between two of them: a short training is sooner run again than written down
DURABLE_SECONDS = 1.0  # a loss of power costs at most so much more than an interruption


class Store:
    """A folder of one training; what another training left there is removed.

    Attributes:
        recipe: as it stands: `plan`, or what it was shortened to before an interruption.
    """

    def __init__(self, folder: Path, plan: Recipe, seed: bytes, layout: Layout) -> None:
        self._folder, self._layout = folder, layout
        self._every = max(1, len(plan.stations) // KEPT)
        self._recipe_path, self._leaves_path, self._name = (
            folder / "recipe.json",
            folder / "leaves",
            folder / "training",
        )
        name = hashlib.sha256(plan.encoded + seed).hexdigest()
        if not self._name.is_file() or self._name.read_text(encoding="ascii") != name:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.save_recipe(plan)
            self._name.write_text(name, encoding="ascii")
        self.recipe = decode(self._recipe_path.read_bytes())
        self._file: FileIO | None = None
        self._kept_at = self._durable_at = -math.inf

    def save_recipe(self, recipe: Recipe) -> None:
        """Replaces the recipe, atomically."""
        part = self._recipe_path.with_suffix(".part")
        part.write_bytes(recipe.encoded)
        part.replace(self._recipe_path)
        self.recipe = recipe

    def leaves(self) -> list[Leaf]:
        """What was appended, in order; a leaf that a crash cut short is left out."""
        stored = self._leaves_path.read_bytes() if self._leaves_path.is_file() else b""
        return [
            decode_leaf(stored[n : n + LEAF_BYTES])
            for n in range(0, len(stored) // LEAF_BYTES * LEAF_BYTES, LEAF_BYTES)
        ]

    def keep(self, leaves: int) -> None:
        """Forgets all leaves but the first so many."""
        self.close()
        with self._leaves_path.open("ab") as file:
            file.truncate(leaves * LEAF_BYTES)

    def append(self, leaf: Leaf) -> None:
        """One more leaf; the file stays open for the next."""
        if self._file is None:
            self._file = FileIO(self._leaves_path, "ab")
        self._file.write(leaf.encoded)

    def close(self) -> None:
        """Lets go of the leaves' file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def is_due(self, station: int) -> bool:
        """Whether the state of this station is one of those that are kept."""
        return station % self._every == 0 and time.monotonic() - self._kept_at >= KEPT_SECONDS

    def save_state(self, station: int, state: State) -> None:
        """Writes a state, atomically; short trainings would spend much of their time on making each durable."""
        now = time.monotonic()
        durable = now - self._durable_at >= DURABLE_SECONDS
        arrays = {"weights": state.weights, "buffers": state.buffers, "step": np.array([state.step]), **state.slots}
        write_tensors(arrays, self._path(station), durable=durable)
        self._kept_at, self._durable_at = now, now if durable else self._durable_at

    def latest(self, most: int) -> tuple[int, State] | None:
        """Number and state of the last readable station up to `most`; None where there is none."""
        found = (int(path.stem) for path in self._folder.glob("*.state"))
        for station in sorted((number for number in found if number <= most), reverse=True):
            state = self._read(station)
            if state is not None:
                return station, state
        return None

    def _read(self, station: int) -> State | None:
        slots = SLOTS[self.recipe.optimizer]
        flat = TensorSpec("F32", (self._layout.size,))
        specs = {
            "weights": flat,
            "buffers": TensorSpec("F32", (self._layout.buffer_size,)),
            "step": TensorSpec("I64", (1,)),
        }
        specs |= dict.fromkeys(slots, flat)
        try:
            arrays = read_tensors(self._path(station), max_bytes=file_bytes(specs), expected=specs)
        except InvalidArtifact:
            return None  # a crash of the machine in the middle of a write: an earlier one is as good
        return State(
            int(arrays["step"][0]), arrays["weights"], {name: arrays[name] for name in slots}, arrays["buffers"]
        )

    def _path(self, station: int) -> Path:
        return self._folder / f"{station:08d}.state"
