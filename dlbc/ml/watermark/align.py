"""Undo a thief's reordering of channels: find which channel of one network is which of another.

First by what the channels respond to (activations on probes), then by their weights; each step is a linear
assignment (re-basin: Ainsworth et al., arXiv 2209.04836; re-alignment before extraction: Li et al., arXiv
2112.14108).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml import prg
from dlbc.ml.channels import ChannelGroup, Network
from dlbc.ml.data import prepare
from dlbc.ml.evaluate import exact_float32
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.balance import Floats, balance, filters

PROBES = 256
ROUNDS = 4

Order = NDArray[np.int64]


@dataclass(frozen=True)
class Alignment:
    """Two networks in the same channel order.

    Attributes:
        subject: balanced filters by name, reordered to the reference's channels.
        reference: balanced filters by name.
        match: share of channels for which incoming weights alone and outgoing weights alone name the same
            partner.
    """

    subject: dict[str, Floats]
    reference: dict[str, Floats]
    match: float


def choose_probes(x: Array, seed: bytes, count: int = PROBES) -> Array:
    """`count` training samples picked by PRG(seed), with seed = specHash so that nobody can choose them."""
    return x[np.sort(prg.permutation(seed, "probes", x.shape[0])[:count])]


def align(subject: Network, reference: Network, probes: Array) -> Alignment:
    """Bring `subject` into the channel order of `reference`.

    Args:
        probes: samples as in `Dataset.x`, (256, *sample_shape).

    Raises:
        ValueError: the networks are of different architectures.
    """
    if subject.groups != reference.groups:
        raise ValueError("only networks of one architecture can be aligned")
    groups = reference.groups
    left = {name: balance(weight).x for name, weight in filters(reference).items()}
    right = {name: balance(weight).x for name, weight in filters(subject).items()}
    orders = [assign(a @ b.T) for a, b in zip(responses(reference, probes), responses(subject, probes), strict=True)]
    for _ in range(ROUNDS):
        before = [order.copy() for order in orders]
        for index, group in enumerate(groups):
            incoming, outgoing = _similarity(group, groups, orders, left, right)
            orders[index] = assign(incoming + outgoing)
        if all(np.array_equal(a, b) for a, b in zip(before, orders, strict=True)):
            break
    agreeing = 0
    for group in groups:
        incoming, outgoing = _similarity(group, groups, orders, left, right)
        agreeing += int((_shuffled(incoming, "incoming") == _shuffled(outgoing, "outgoing")).sum())
    ordered = {name: _reorder(name, weight, groups, orders) for name, weight in right.items()}
    return Alignment(ordered, left, agreeing / sum(group.size for group in groups))


def assign(similarity: Floats) -> Order:
    """For each row the column that it is paired with, so that the sum of similarities is largest."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # noqa: PLC0415  (not needed to mine)

    _, columns = linear_sum_assignment(-np.nan_to_num(similarity, nan=0.0, posinf=0.0, neginf=0.0))
    return np.asarray(columns, dtype=np.int64)


def _shuffled(similarity: Floats, label: str) -> Order:
    """As `assign`, with ties broken in an order of its own.

    Otherwise a reference of dead or equal channels, whose similarities are all ties, would give the same
    answer twice and make every honest network look derived from it.
    """
    size = similarity.shape[0]
    rows = prg.permutation(bytes(prg.SEED_BYTES), f"ties/{label}/rows", size)
    columns = prg.permutation(bytes(prg.SEED_BYTES), f"ties/{label}/columns", size)
    order = np.empty(size, np.int64)
    order[rows] = columns[assign(similarity[np.ix_(rows, columns)])]
    return order


def responses(model: Network, probes: Array) -> list[Floats]:
    """For each channel group the standardised activations on the probes, (channels, features)."""
    found: dict[str, torch.Tensor] = {}
    handles = [
        model.get_submodule(tap).register_forward_hook(
            lambda _module, _inputs, output, tap=tap: found.__setitem__(tap, _pooled(output))
        )
        for group in model.groups
        for tap in group.taps
    ]
    training = model.training
    try:
        model.eval()
        with torch.inference_mode(), exact_float32():
            model(prepare(probes, next(model.parameters()).device))
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return [_standardise(torch.cat([found[tap] for tap in group.taps], dim=1)) for group in model.groups]


def _pooled(output: torch.Tensor) -> torch.Tensor:
    """(batch, channels, ...) to (channels, batch · positions), at most 4x4 positions."""
    if output.dim() == 4 and max(output.shape[2:]) > 4:
        output = torch.nn.functional.adaptive_avg_pool2d(output, 4)
    return output.transpose(0, 1).flatten(1).double().cpu()


def _standardise(values: torch.Tensor) -> Floats:
    array: Floats = np.nan_to_num(values.numpy(), nan=0.0, posinf=0.0, neginf=0.0)
    array = array - array.mean(axis=1, keepdims=True)
    length = np.linalg.norm(array, axis=1, keepdims=True)
    return array / np.where(length > 0, length, 1.0)


def _similarity(
    group: ChannelGroup,
    groups: tuple[ChannelGroup, ...],
    orders: list[Order],
    left: Mapping[str, Floats],
    right: Mapping[str, Floats],
) -> tuple[Floats, Floats]:
    """How alike are reference channel i (row) and subject channel j: incoming weights, outgoing weights."""
    incoming = np.zeros((group.size, group.size))
    outgoing = np.zeros((group.size, group.size))
    for writer in group.writers:
        other = _reorder(writer.weight, right[writer.weight], groups, orders, rows=False)
        incoming += left[writer.weight].reshape(group.size, -1) @ other.reshape(group.size, -1).T
    for reader in group.readers:
        other = _reorder(reader, right[reader], groups, orders, columns=False).transpose(1, 0, 2)
        outgoing += left[reader].transpose(1, 0, 2).reshape(group.size, -1) @ other.reshape(group.size, -1).T
    return incoming, outgoing


def _reorder(
    name: str,
    weight: Floats,
    groups: tuple[ChannelGroup, ...],
    orders: list[Order],
    *,
    rows: bool = True,
    columns: bool = True,
) -> Floats:
    for group, order in zip(groups, orders, strict=True):
        if rows and any(writer.weight == name for writer in group.writers):
            weight = weight[order]
        if columns and name in group.readers:
            weight = weight[:, order]
    return weight
