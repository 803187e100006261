"""Filters in a form that channel scaling and sign flips cannot change.

A thief can multiply a hidden channel by a positive number and divide it out in the next layer, and negate a
filter in front of a batch norm. Balancing finds the one scaling of rows and columns that gives every channel
the same energy (Sinkhorn and Knopp, 1967), so two networks that differ by such changes alone come out equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml.channels import Network

ITERATIONS = 30

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Balanced:
    """Filters with even energy.

    Attributes:
        x: the filters at rms 1, (outputs, inputs, kernel).
        scale: what they were multiplied by, (outputs, inputs, 1); x / scale are the filters again.
    """

    x: Floats
    scale: Floats


def filters(model: Network) -> dict[str, Floats]:
    """Every tensor that writes or reads hidden channels as (outputs, inputs, kernel) in float64.

    Filters in front of a batch norm are multiplied by the sign of its gain.
    """
    found: dict[str, Floats] = {}
    for group in model.groups:
        for writer in group.writers:
            weight = _array(model.get_parameter(writer.weight))
            found[writer.weight] = weight * gain_signs(model, writer.norm, weight.shape[0])
        for reader in group.readers:
            if reader not in found:
                found[reader] = _array(model.get_parameter(reader))
    return found


def store(model: Network, name: str, values: Floats) -> None:
    """Write filters back in the form that `filters` gives them."""
    writer = next(w for group in model.groups for w in group.writers if w.weight == name)
    parameter = model.get_parameter(name)
    signed = values * gain_signs(model, writer.norm, values.shape[0])
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(signed.reshape(tuple(parameter.shape)).astype(np.float32)))


def gain_signs(model: Network, norm: str | None, size: int) -> Floats:
    """The sign of each batch norm gain, (size, 1, 1); +1 where it is 0 or there is no batch norm."""
    if norm is None:
        return np.ones((size, 1, 1))
    gain = model.get_parameter(f"{norm}.weight").detach().cpu().numpy().astype(np.float64)
    return np.where(gain < 0, -1.0, 1.0).reshape(size, 1, 1)


def balance(weight: Floats) -> Balanced:
    """Scale rows and columns until each has mean energy one: 30 alternations, then rms 1 over all.

    Rows or columns that are entirely zero are left alone.
    """
    energy = np.square(weight).sum(axis=2)
    largest = energy.max(initial=0.0)
    if largest > 0:
        energy = energy / largest
    rows, columns = np.ones(weight.shape[0]), np.ones(weight.shape[1])
    for _ in range(ITERATIONS):
        rows = _inverse_root(energy @ np.square(columns) / columns.size)
        columns = _inverse_root(np.square(rows) @ energy / rows.size)
    scale = (rows[:, None] * columns[None, :])[:, :, None]
    x = weight * scale
    rms = float(np.sqrt(np.mean(np.square(x))))
    if rms > 0:
        x, scale = x / rms, scale / rms
    return Balanced(x, scale)


def _inverse_root(power: Floats) -> Floats:
    # A floor keeps the weights of a pruned channel from being blown up to infinity.
    return np.where(power > 1e-30, 1.0 / np.sqrt(np.maximum(power, 1e-30)), 1.0)


def _array(parameter: torch.Tensor) -> Floats:
    array = parameter.detach().cpu().numpy().astype(np.float64)
    return array.reshape(array.shape[0], array.shape[1], -1)
