"""Undo a thief's change of basis: find which channel of one network is which of another.

First by what the channels respond to (activations on probes), then by their weights. Channels that keep their
identity are paired by linear assignment (re-basin: Ainsworth et al., arXiv 2209.04836; re-alignment before
extraction: Li et al., arXiv 2112.14108); a stream that may be rotated is rotated back, heads by `align_heads`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlbc.ml import prg
from dlbc.ml.channels import AttentionHeads, ChannelGroup, Network
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.assignment import Order, assign, assign_unbiased, polar
from dlbc.ml.watermark.balance import BalancedFilters, Floats, Kept
from dlbc.ml.watermark.heads import align_heads
from dlbc.ml.watermark.responses import responses

PROBES = 256
ROUNDS = 4

Weights = Mapping[str, NDArray[np.float32]]  # filters by name; products are summed in float64
Move = Order | Floats  # an order, or a matrix that takes the subject's channels to the reference's


@dataclass(frozen=True)
class Alignment:
    """Two networks in the same basis.

    Attributes:
        match: share of channels for which incoming weights alone and outgoing weights alone name the same
            partner; channels of a stream that rotates have none, and are not counted.
    """

    match: float
    _basis: _Basis
    _left: Weights
    _right: Weights

    def subject(self, name: str) -> Kept:
        """The subject's balanced filters, (outputs, inputs, kernel), in the reference's channels."""
        return _unit(self._basis.bring(name, self._right[name]))

    def reference(self, name: str) -> Kept:
        """The reference's balanced filters."""
        return self._left[name]


def choose_probes(x: Array, seed: bytes, count: int = PROBES) -> Array:
    """`count` training samples picked by PRG(seed), with seed = specHash so that nobody can choose them."""
    return x[np.sort(prg.permutation(seed, "probes", x.shape[0])[:count])]


def align(subject: Network, reference: Network, probes: Array) -> Alignment:
    """Bring `subject` into the basis of `reference`.

    Args:
        probes: samples as in `Dataset.x`, (256, *sample_shape).

    Raises:
        ValueError: the networks are of different architectures.
        InvalidArtifact: one of them holds NaN or infinity.
    """
    if _form(subject) != _form(reference):
        raise ValueError("only networks of one architecture can be aligned")
    alike = [
        _wide(a) @ _wide(b).T for a, b in zip(responses(reference, probes), responses(subject, probes), strict=True)
    ]
    left, right = BalancedFilters(reference), BalancedFilters(subject)
    basis = _Basis(
        reference.groups,
        reference.heads,
        [_best(group, found) for group, found in zip(reference.groups, alike, strict=True)],
    )
    for _ in range(ROUNDS):
        if not basis.improve(left, right):
            break
    return Alignment(_match(basis, left, right), basis, left, right)


def _wide(weight: Kept) -> Floats:
    return weight.astype(np.float64)


def _product(ours: Kept, theirs: Kept) -> Floats:
    """Over all but the first axis, in float64: one place of the kernel at a time, or it would take several copies."""
    whole = np.zeros((ours.shape[0], theirs.shape[0]))
    for place in range(ours.shape[2]):
        whole += _wide(ours[:, :, place]) @ _wide(theirs[:, :, place]).T
    return whole


def _form(model: Network) -> tuple[object, ...]:
    shapes = tuple((name, tuple(parameter.shape)) for name, parameter in model.named_parameters())
    return model.groups, model.heads, shapes


class _Basis:
    """How each of the subject's channel groups and heads goes over into the reference's."""

    def __init__(self, groups: tuple[ChannelGroup, ...], heads: tuple[AttentionHeads, ...], moves: list[Move]) -> None:
        self.groups, self.heads, self.moves = groups, heads, moves
        self.of_heads: dict[str, tuple[Floats, int]] = {}

    def improve(self, left: Weights, right: Weights) -> bool:
        """One pass over all groups and heads; false where nothing changed any more."""
        before = list(self.moves)
        for heads in self.heads:
            names = (heads.query, heads.key, heads.value, heads.output)
            for name in names:
                self.of_heads.pop(name, None)
            theirs = {name: _wide(self.bring(name, right[name])) for name in names}
            self.of_heads |= align_heads(heads, {name: _wide(left[name]) for name in names}, theirs)
        for index, group in enumerate(self.groups):
            incoming, outgoing = self.similarity(group, left, right)
            self.moves[index] = _best(group, incoming + outgoing)
        return not all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(before, self.moves, strict=True))

    def bring(self, name: str, weight: Kept, without: ChannelGroup | None = None) -> Kept:
        """The subject's weight in the reference's basis, but for the channels of one group."""
        for group, move in zip(self.groups, self.moves, strict=True):
            if group is without:
                continue
            if any(writer.weight == name for writer in group.writers):
                weight = _moved(weight, move, 0)
            for reader in group.readers:
                if reader.weight == name:
                    weight = _moved(weight, move, 1, slice(reader.start, reader.start + group.size))
        if name in self.of_heads:
            move, axis = self.of_heads[name]
            weight = _moved(weight, move, axis)
        return weight

    def similarity(self, group: ChannelGroup, left: Weights, right: Weights) -> tuple[Floats, Floats]:
        """How alike are reference channel i (row) and subject channel j: incoming weights, outgoing weights."""
        incoming, outgoing = np.zeros((group.size, group.size)), np.zeros((group.size, group.size))
        for writer in group.writers:
            other = self.bring(writer.weight, right[writer.weight], without=group)
            incoming += _product(left[writer.weight], other)
        for reader in group.readers:
            places = slice(reader.start, reader.start + group.size)
            other = self.bring(reader.weight, right[reader.weight], without=group)
            outgoing += _product(*(w[:, places].transpose(1, 0, 2) for w in (left[reader.weight], other)))
        return incoming, outgoing


def _best(group: ChannelGroup, similarity: Floats) -> Move:
    return polar(similarity) if group.rotates else assign(similarity)


def _match(basis: _Basis, left: Weights, right: Weights) -> float:
    """As `Alignment.match`."""
    agreeing = counted = 0
    for half in _halves(basis):
        tried = _turned_without(half, basis, left, right)
        for group, move in zip(basis.groups, basis.moves, strict=True):
            if group.rotates:
                continue
            ours = np.arange(group.size)[half]
            incoming, outgoing = (found[np.ix_(ours, move[ours])] for found in tried.similarity(group, left, right))
            agreeing += int((assign_unbiased(incoming, "incoming") == assign_unbiased(outgoing, "outgoing")).sum())
            counted += ours.size
    return agreeing / counted


def _halves(basis: _Basis) -> tuple[slice, ...]:
    """The channels that are looked at together: all, or where a stream rotates every other one."""
    rotates = any(group.rotates for group in basis.groups)
    return (slice(0, None, 2), slice(1, None, 2)) if rotates else (slice(None),)


def _turned_without(half: slice, basis: _Basis, left: Weights, right: Weights) -> _Basis:
    """The basis with streams rotated by what does not belong to the channels of `half`.

    A rotation has so many numbers that it fits to the pairs it was found with, also where they have nothing in
    common: incoming and outgoing weights then agree by themselves. Heads fit likewise, and are left out.
    """
    if not any(group.rotates for group in basis.groups):
        return basis
    seen = _Unseen(basis, half, left)
    turned = _Basis(basis.groups, basis.heads, list(basis.moves))
    for index, group in enumerate(basis.groups):
        if group.rotates:
            turned.moves[index] = polar(np.add(*basis.similarity(group, seen, right)))
    return turned


class _Unseen(Mapping[str, NDArray[np.float32]]):
    """Filters without what belongs to the channels of a half, and without those of heads."""

    def __init__(self, basis: _Basis, half: slice, left: Weights) -> None:
        self._basis, self._half, self._left = basis, half, left
        self._of_heads = {name for h in basis.heads for name in (h.query, h.key, h.value, h.output)}

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        weight = self._left[name].copy()
        if name in self._of_heads:
            weight[:] = 0
        for group in self._basis.groups:
            if group.rotates:
                continue
            if any(writer.weight == name for writer in group.writers):
                weight[self._half] = 0
            for reader in group.readers:
                if reader.weight == name:
                    weight[:, reader.start : reader.start + group.size][:, self._half] = 0
        return weight

    def __iter__(self) -> Iterator[str]:
        return iter(self._left)

    def __len__(self) -> int:
        return len(self._left)


def _moved(weight: Kept, move: Move, axis: int, places: slice = slice(None)) -> Kept:
    if axis == 0:
        return weight[move] if move.ndim == 1 else np.einsum("ij,jkl->ikl", move, weight, optimize=True)
    part = weight[:, places]
    part = part[:, move] if move.ndim == 1 else np.einsum("ij,kjl->kil", move, part, optimize=True)
    if part.shape == weight.shape:
        return part
    whole = weight.copy()
    whole[:, places] = part
    return whole


def _unit(weight: Kept) -> Kept:
    # What changes the rms is the passage of heads from one form to another.
    rms = math.sqrt(float(np.einsum("oik,oik->", weight, weight, dtype=np.float64)) / weight.size)
    if rms > 0:
        weight /= rms
    return weight
