"""Filters in a form that channel scaling, sign flips and the gains of norms cannot change.

A thief can multiply a hidden channel by a positive number and divide it out in the next layer, and negate a
filter in front of a batch norm. Balancing finds the one scaling of rows and columns that gives every channel
the same energy (Sinkhorn and Knopp, 1967), so two networks that differ by such changes alone come out equal.

Where a stream is read through layer norms, their gains are moved into the readers, and the mean over the channels,
which the norms take off, is taken off both sides. Channels of such a stream are not scaled one by one: the stream
may be rotated, and balancing must come out the same after a rotation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.errors import InvalidArtifact
from dlbc.ml.channels import ChannelGroup, Network

ITERATIONS = 30
SMALLEST_GAIN = 1e-6  # of a layer norm through which a mark can be carried
SMALLEST_POWER = 1e-200  # relative; the squares of the smallest and the largest float32 are 1e-167 apart

Floats = NDArray[np.float64]
Kept = NDArray[np.float32] | Floats


@dataclass(frozen=True)
class Scaling:
    """What balances filters, by outputs and by inputs.

    Attributes:
        rows: (outputs, 1, 1).
        columns: (1, inputs, 1).
    """

    rows: Floats
    columns: Floats

    @property
    def both(self) -> Floats:
        """What each filter is multiplied by, (outputs, inputs, 1)."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Filter:
    """A weight as the channels around it see it.

    Attributes:
        x: the filters, (outputs, inputs, kernel).
        fold: what stored weights were multiplied by, broadcasts to x.
        free: whether outputs and whether inputs may be scaled one by one.
    """

    x: Floats
    fold: Floats
    free: tuple[bool, bool]

    def scaling(self) -> Scaling:
        """As the function `scaling`, along the axes that are free."""
        return scaling(self.x, *self.free)

    def balance(self) -> Balanced:
        """As the function `balance`, along the axes that are free."""
        return balance(self.x, *self.free)


@dataclass(frozen=True)
class Balanced:
    """Filters with even energy.

    Attributes:
        x: the filters at rms 1, (outputs, inputs, kernel).
        scale: what they were multiplied by, (outputs, inputs, 1); x / scale are the filters again.
    """

    x: Floats
    scale: Floats


class BalancedFilters(Mapping[str, NDArray[np.float32]]):
    """The balanced filters of a network in float32, by name: computed each time, for all of them are a second model."""

    def __init__(self, model: Network) -> None:
        """Raises InvalidArtifact: a tensor holds NaN or infinity."""
        self._model = model
        self._found = {name: (found.fold, found.scaling()) for name, found in _filters(model)}
        streams = [group for group in model.groups if group.rotates]
        written = {writer.weight for group in streams for writer in group.writers}
        self._centred = written | {reader.weight for group in streams for reader in group.readers}

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        fold, found = self._found[name]
        if name in self._centred:
            return (filter_of(self._model, name).x * found.both).astype(np.float32)
        stored = self._model.get_parameter(name).detach().cpu().numpy()
        x = stored.reshape(*stored.shape[:2], -1)
        # multiplied in float64, for a factor may be huge, and without a copy in float64
        balanced: NDArray[np.float32] = np.empty(x.shape, np.float32)
        np.multiply(x, fold * found.both, out=balanced, casting="same_kind")
        return balanced

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _filters(model: Network) -> Iterator[tuple[str, Filter]]:
    """Every tensor that writes or reads hidden channels with its name, one after another: each is large.

    Raises:
        InvalidArtifact: a tensor holds NaN or infinity.
    """
    readers = (reader.weight for group in model.groups for reader in group.readers)
    for name in dict.fromkeys((*model.carriers, *readers, *(heads.output for heads in model.heads))):
        yield name, filter_of(model, name)


def filter_of(model: Network, name: str) -> Filter:
    """A weight in float64, multiplied by the sign of the gain of a batch norm behind it and by that of a layer norm
    in front of it.

    Raises:
        InvalidArtifact: it holds NaN or infinity.
    """
    fold, free = _surroundings(model, name)
    x = _array(model, name)
    x *= fold
    return Filter(_centred(model.groups, name, x), fold, free)


def add(model: Network, name: str, change: Floats, fold: Floats) -> None:
    """Add to a weight what adds `change` to its filters; left out where a layer norm hides it.

    Args:
        change: (outputs, inputs, kernel).
        fold: of its `Filter`.
    """
    parameter = model.get_parameter(name)
    seen = np.abs(fold) > SMALLEST_GAIN
    stored = _array(model, name)
    stored += change * np.where(seen, 1.0 / np.where(seen, fold, 1.0), 0.0)
    largest = float(np.finfo(np.float32).max)
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.clip(stored, -largest, largest, out=stored)).reshape(parameter.shape))


def gain_signs(model: Network, norm: str | None, size: int) -> Floats:
    """The sign of each batch norm gain, (size, 1, 1); +1 where it is 0 or there is no batch norm."""
    if norm is None:
        return np.ones((size, 1, 1))
    return np.where(_vector(model, f"{norm}.weight") < 0, -1.0, 1.0).reshape(size, 1, 1)


def balance(weight: Floats, rows: bool = True, columns: bool = True) -> Balanced:
    """Filters scaled by `scaling`; arguments as there."""
    found = scaling(weight, rows, columns)
    return Balanced(weight * found.both, found.both)


def scaling(weight: Floats, rows: bool = True, columns: bool = True) -> Scaling:
    """Scales rows and columns until each has mean energy one: 30 alternations, then rms 1 over all.

    Rows or columns that are entirely zero are left alone.

    Args:
        rows: whether outputs are scaled.
        columns: whether inputs are scaled.
    """
    energy = np.einsum("oik,oik->oi", weight, weight)  # without a copy of the weight
    largest = float(energy.max(initial=0.0)) or 1.0
    energy /= largest
    of_rows, of_columns = np.ones(weight.shape[0]), np.ones(weight.shape[1])
    for _ in range(ITERATIONS if rows and columns else 1):
        if rows:
            of_rows = _inverse_root(energy @ np.square(of_columns) / of_columns.size)
        if columns:
            of_columns = _inverse_root(np.square(of_rows) @ energy / of_rows.size)
    left = float(np.square(of_rows) @ energy @ np.square(of_columns)) * largest
    rms = math.sqrt(left / weight.size)
    return Scaling((of_rows / (rms or 1.0)).reshape(-1, 1, 1), of_columns.reshape(1, -1, 1))


def _surroundings(model: Network, name: str) -> tuple[Floats, tuple[bool, bool]]:
    """`Filter.fold` and `Filter.free` of a weight: what the norms around it and its streams make of it."""
    shape = model.get_parameter(name).shape
    rows, columns = np.ones((1, 1, 1)), np.ones((1, 1, 1))
    of_heads = {weight for heads in model.heads for weight in (heads.query, heads.key, heads.value)}
    free_rows, free_columns = name not in of_heads, all(heads.output != name for heads in model.heads)
    for group in model.groups:
        for writer in group.writers:
            if writer.weight == name:
                rows = gain_signs(model, writer.norm, shape[0])
                free_rows = free_rows and not group.rotates
        for reader in group.readers:
            if reader.weight == name and reader.norm is not None:
                columns = _vector(model, f"{reader.norm}.weight").reshape(1, -1, 1)
                free_columns = False
    return rows * columns, (free_rows, free_columns)


def _centred(groups: tuple[ChannelGroup, ...], name: str, x: Floats) -> Floats:
    """Without the part along the all-ones direction of a stream that layer norms read."""
    for group in groups:
        if group.rotates:
            if any(writer.weight == name for writer in group.writers):
                x = x - x.mean(axis=0, keepdims=True)
            if any(reader.weight == name for reader in group.readers):
                x = x - x.mean(axis=1, keepdims=True)
    return x


def _inverse_root(power: Floats) -> Floats:
    # What is zero stays so. Everything else counts: with a floor among what float32 can hold, a few enormous weights of
    # silent channels would take all others out of every comparison.
    return np.where(power > SMALLEST_POWER, 1.0 / np.sqrt(np.maximum(power, SMALLEST_POWER)), 1.0)


def _array(model: Network, name: str) -> Floats:
    array = model.get_parameter(name).detach().cpu().numpy().astype(np.float64)
    if not np.isfinite(array).all():
        raise InvalidArtifact(f"tensor {name} holds NaN or infinity: nothing can be said of such a model")
    return array.reshape(array.shape[0], array.shape[1], -1)


def _vector(model: Network, name: str) -> Floats:
    return model.get_parameter(name).detach().cpu().numpy().astype(np.float64)
