"""Replacing parts of a stolen model by fresh ones: layers, channels, or a share of every weight."""

from __future__ import annotations

import torch

from dlbc.ml.attacks.parts import fresh, head_parameters, last_group, least_active, writer_rows
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.fit import fit

STOLEN = 0.3  # of every weight, in merging
LAUNDERED = 0.25  # of every group's channels
GRAFTED = 0.5
GRAFTED_HARD = 0.75


def reset_last(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Begin anew with the head and with what writes its channels, and train on."""
    start = fresh(model, seed)
    with torch.no_grad():
        for ours, theirs in zip(
            (*head_parameters(model), *writer_rows(model, last_group(model))),
            (*head_parameters(start), *writer_rows(start, last_group(start))),
            strict=True,
        ):
            ours.copy_(theirs)
    return fit(model, data, budget, seed)


def reset_first(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Begin anew with the layers that read the input, and train on."""
    start = fresh(model, seed)
    with torch.no_grad():
        for name in model.first_layers:
            model.get_parameter(name).copy_(start.get_parameter(name))
    return fit(model, data, budget, seed)


def merge(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Three tenths of every stolen weight, the rest from the thief's own start, and train on."""
    start = fresh(model, seed)
    with torch.no_grad():
        for name in model.carriers:
            model.get_parameter(name).lerp_(start.get_parameter(name), 1.0 - STOLEN)
    return fit(model, data, budget, seed)


def launder(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Begin anew with a quarter of each group's channels, those that answer the data least, and train on.

    After neural laundering (Aiken et al., arXiv 2004.11368), which resets channels that a trigger excites.
    """
    return fit(_replaced(model, data, seed, LAUNDERED, readers=False), data, budget, seed)


def graft(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Begin anew with half of each group's channels, and with what reads them, and train on."""
    return fit(_replaced(model, data, seed, GRAFTED, readers=True), data, budget, seed)


def graft_hard(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """As `graft`, with three quarters of the channels."""
    return fit(_replaced(model, data, seed, GRAFTED_HARD, readers=True), data, budget, seed)


def _replaced(model: Network, data: Dataset, seed: bytes, share: float, *, readers: bool) -> Network:
    """A share of the channels, those that answer the data least, as in the thief's own start."""
    start = fresh(model, seed)
    orders = least_active(model, data)
    with torch.no_grad():
        for group, order in zip(model.groups, orders, strict=True):
            chosen = order[: int(share * group.size)]
            for ours, theirs in zip(writer_rows(model, group), writer_rows(start, group), strict=True):
                ours[chosen] = theirs[chosen]
            for reader in group.readers if readers else ():
                read = reader.start + chosen
                model.get_parameter(reader.weight)[:, read] = start.get_parameter(reader.weight)[:, read]
    return model
