"""The file in which a miner opens his trajectory: recipe, all leaves, and the states of the chosen windows.

A safetensors file of `recipe` (U8, canonical JSON), `leaves` (U8, (stations, 2144)) and for each opened station N the
flat vectors `N/weights`, `N/buffers` and `N/<slot>` (F32). Everything comes from a stranger: shapes are compared with
the architecture before numbers are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlbc.errors import InvalidArtifact
from dlbc.ml.tensor_file import Array, TensorSpec, read_specs, read_tensors, write_tensors
from dlbc.ml.trajectory.commitment import LEAF_BYTES, Trajectory, decode_leaf
from dlbc.ml.trajectory.recipe import MAX_BYTES, MILLION, Bounds, Recipe, check, decode
from dlbc.ml.trajectory.state import SLOTS, Layout, State

MAX_STATIONS = 40  # opened: three for each of 8 windows by progress, 2 uniform, the first, the last and the mark's
MAX_LEAVES = 50_000  # more than a training of as many steps as `Bounds` allows has at ten steps a segment
HEADER_BYTES = 65_536
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Opening:
    """What was opened.

    Attributes:
        states: by number of station.
    """

    trajectory: Trajectory
    states: Mapping[int, State]


def write_opening(opening: Opening, path: Path) -> None:
    """Writes the file; equal openings give equal bytes."""
    arrays: dict[str, Array] = {
        "recipe": np.frombuffer(opening.trajectory.recipe.encoded, np.uint8),
        "leaves": np.stack([np.frombuffer(leaf.encoded, np.uint8) for leaf in opening.trajectory.leaves]),
    }
    for number, state in opening.states.items():
        arrays |= {f"{number}/weights": state.weights, f"{number}/buffers": state.buffers}
        arrays |= {f"{number}/{name}": slot for name, slot in state.slots.items()}
    write_tensors(arrays, path)


def max_opening_bytes(layout: Layout) -> int:
    """Size above which no file is read: known from the architecture before anything is fetched."""
    slots = max(len(names) for names in SLOTS.values())
    state = 4 * (layout.size * (1 + slots) + layout.buffer_size)
    return HEADER_BYTES + MAX_BYTES + MAX_LEAVES * LEAF_BYTES + MAX_STATIONS * state


def read_opening(path: Path, layout: Layout, bounds: Bounds | None = None) -> Opening:
    """Reads a file that may come from a stranger. Hashes and the digest are the caller's to compare.

    Raises:
        InvalidArtifact: malformed, too large, a recipe out of bounds, other shapes than the architecture's, a number
            that is not finite, a station that the recipe has not.
        OSError, MemoryError: this machine fails, which says nothing against the file.
    """
    specs = read_specs(path, max_bytes=max_opening_bytes(layout))
    for name in ("recipe", "leaves"):
        if name not in specs:
            raise InvalidArtifact(f"{path.name}: tensor {name} is missing")
    if specs["recipe"].dtype != "U8" or len(specs["recipe"].shape) != 1 or specs["recipe"].bytes > MAX_BYTES:
        raise InvalidArtifact(f"{path.name}: recipe must be at most {MAX_BYTES:,} numbers of type U8")
    stations = _opened(path.name, specs)
    leaves = specs["leaves"]
    if leaves.dtype != "U8" or len(leaves.shape) != 2 or leaves.shape[1] != LEAF_BYTES or leaves.shape[0] > MAX_LEAVES:
        raise InvalidArtifact(
            f"{path.name}: leaves are {leaves.dtype} {leaves.shape}, U8 (stations, {LEAF_BYTES}) is needed"
        )
    for number in stations:
        _check_shapes(path.name, specs, number, layout)
    arrays = read_tensors(path, max_bytes=max_opening_bytes(layout))
    recipe = decode(arrays["recipe"].tobytes())
    check(recipe, bounds)
    if leaves.shape[0] != len(recipe.stations):
        raise InvalidArtifact(
            f"{path.name}: {leaves.shape[0]:,} leaves, the recipe has {len(recipe.stations):,} stations"
        )
    trajectory = Trajectory(recipe, tuple(decode_leaf(row.tobytes()) for row in arrays["leaves"]))
    for number, leaf in enumerate(trajectory.leaves):
        if not np.isfinite(leaf.sketch).all():
            raise InvalidArtifact(f"{path.name}: the sketch of leaf {number} holds NaN or infinity")
    return Opening(trajectory, {number: _state(path.name, arrays, number, recipe) for number in stations})


def _opened(file: str, specs: Mapping[str, TensorSpec]) -> list[int]:
    numbers = set()
    for name in specs.keys() - {"recipe", "leaves"}:
        number, _, part = name.partition("/")
        if not (number.isascii() and number.isdecimal() and len(number) <= 9 and str(int(number)) == number and part):
            raise InvalidArtifact(f"{file}: unexpected tensor {name[:40]!r}")
        numbers.add(int(number))
    if len(numbers) > MAX_STATIONS:
        raise InvalidArtifact(f"{file}: {len(numbers)} stations are opened, at most {MAX_STATIONS} are asked for")
    return sorted(numbers)


def _check_shapes(file: str, specs: Mapping[str, TensorSpec], number: int, layout: Layout) -> None:
    found = {name.partition("/")[2]: spec for name, spec in specs.items() if name.startswith(f"{number}/")}
    flat = TensorSpec("F32", (layout.size,))
    fixed = {"weights": flat, "buffers": TensorSpec("F32", (layout.buffer_size,))}
    if not any(found == fixed | dict.fromkeys(slots, flat) for slots in SLOTS.values()):
        raise InvalidArtifact(
            f"{file}: station {number} needs F32 weights and optimizer state of ({layout.size},) and buffers of "
            f"({layout.buffer_size},), found {str({name: spec.shape for name, spec in sorted(found.items())})[:120]}"
        )


def _check_clipped(file: str, number: int, slots: Mapping[str, Array], recipe: Recipe) -> None:
    """Clipped gradients bound what an optimizer can hold; larger numbers would hide what is forged beside them."""
    clip = recipe.clip / MILLION
    step = clip * max(recipe.rate(first) for first, _ in recipe.schedule)
    most = {"first": step, "second": clip**2, "momentum": step / (1 - recipe.momentum / MILLION)}
    for name, values in slots.items():
        wide = values.astype(np.float64)
        found = float(wide.sum()) if name == "second" else float(np.linalg.norm(wide))
        if found > most[name] * (1 + _ROUNDING):
            raise InvalidArtifact(
                f"{file}: {name} of station {number} is {found:.3g} long, clipped gradients leave {most[name]:.3g}"
            )


def _state(file: str, arrays: Mapping[str, Array], number: int, recipe: Recipe) -> State:
    if number >= len(recipe.stations):
        raise InvalidArtifact(f"{file}: station {number} is opened, the recipe has {len(recipe.stations):,}")
    names = SLOTS[recipe.optimizer]
    if f"{number}/{names[0]}" not in arrays:
        raise InvalidArtifact(f"{file}: station {number} has the state of another optimizer than {recipe.optimizer}")
    for name in ("weights", "buffers", *names):
        values = arrays[f"{number}/{name}"]
        if not np.isfinite(values).all() or (name == "second" and (values < 0).any()):
            raise InvalidArtifact(f"{file}: {name} of station {number} holds NaN, infinity or a negative square")
    slots = {name: arrays[f"{number}/{name}"] for name in names}
    _check_clipped(file, number, slots, recipe)
    return State(recipe.stations[number], arrays[f"{number}/weights"], slots, arrays[f"{number}/buffers"])
