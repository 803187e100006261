"""How alike are two networks where they are most alike, for a thief who keeps a part of the channels and replaces the
rest: over whole tensors the copied part is a minority, and drowns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dlbc.ml.channels import ChannelGroup, Network
from dlbc.ml.watermark.align import Alignment
from dlbc.ml.watermark.balance import Floats, Kept

SHARES = (1 / 2, 1 / 4, 1 / 8)  # of each group's channels
SMALLEST = 256  # weights: fewer agree by chance, for the channels were chosen because they do

Chosen = NDArray[np.bool_]


def core_cosine(alignment: Alignment, reference: Network, names: Iterable[str]) -> float:
    """The largest cosine between parts of two aligned tensors that join the channels most alike.

    Choosing raises what independent networks reach (0.53 where whole tensors reach 0.27), and lowers nothing of a
    copy: what is left of it stays near 1 (docs/decisions/0028-what-a-graft-keeps.md).

    Args:
        names: tensors large enough to mean something.
    """
    alike = [None if group.rotates else _alike(alignment, group) for group in reference.groups]
    chosen = [[_best(found, share) for found in alike] for share in SHARES]
    largest = 0.0
    for name in names:
        ours, theirs = alignment.reference(name), alignment.subject(name)
        for best in chosen:
            rows, columns = _joined(name, ours, reference.groups, best)
            if rows.sum() * columns.sum() * ours.shape[2] >= SMALLEST:
                largest = max(largest, cosine(ours[rows][:, columns], theirs[rows][:, columns]))
    return largest


def cosine(a: Kept, b: Kept) -> float:
    """Of two tensors of one shape (outputs, inputs, kernel); 0 where one of them is zero."""
    length = math.sqrt(product(a, a) * product(b, b))
    return product(a, b) / length if length > 0 else 0.0


def product(a: Kept, b: Kept) -> float:
    """The sum over all places, in float64 without copies in it."""
    return float(np.einsum("oik,oik->", a, b, dtype=np.float64))


def _alike(alignment: Alignment, group: ChannelGroup) -> Floats:
    """For each channel the cosine of what writes it plus the cosine of what reads it, (size,)."""
    writers = [(writer.weight, 0, slice(None)) for writer in group.writers]
    readers = [(reader.weight, 1, slice(reader.start, reader.start + group.size)) for reader in group.readers]
    return _along(alignment, writers, group.size) + _along(alignment, readers, group.size)


def _along(alignment: Alignment, places: list[tuple[str, int, slice]], size: int) -> Floats:
    products, ours, theirs = np.zeros((3, size))
    for name, axis, part in places:
        a, b = (np.moveaxis(found, axis, 0)[part] for found in (alignment.reference(name), alignment.subject(name)))
        products += _by_channel(a, b)
        ours += _by_channel(a, a)
        theirs += _by_channel(b, b)
    lengths = np.sqrt(ours * theirs)
    found: Floats = np.divide(products, lengths, out=np.zeros(size), where=lengths > 0)
    return found


def _by_channel(a: Kept, b: Kept) -> Floats:
    found: Floats = np.einsum("cik,cik->c", a, b, dtype=np.float64)
    return found


def _best(alike: Floats | None, share: float) -> Chosen | None:
    """The channels most alike; None where a stream rotates, which has none that could be told apart."""
    if alike is None:
        return None
    chosen = np.zeros(alike.size, np.bool_)
    chosen[np.argsort(-alike, kind="stable")[: math.ceil(share * alike.size)]] = True
    return chosen


def _joined(
    name: str, weight: Kept, groups: tuple[ChannelGroup, ...], best: list[Chosen | None]
) -> tuple[Chosen, Chosen]:
    """Which rows and columns of a tensor belong to the channels chosen, or to no group that was chosen from."""
    rows, columns = (np.ones(size, np.bool_) for size in weight.shape[:2])
    for group, chosen in zip(groups, best, strict=True):
        if chosen is None:
            continue
        if any(writer.weight == name for writer in group.writers):
            rows &= chosen
        for reader in group.readers:
            if reader.weight == name:
                columns[reader.start : reader.start + group.size] &= chosen
    return rows, columns
