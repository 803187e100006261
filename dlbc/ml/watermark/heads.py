"""Undo what a thief can do inside attention: which head is which, and what stands between its two factors.

Query and key of a head enter its function as WqᵀWk alone, value and output as WoWv. Any invertible matrix may
therefore be multiplied into one factor and divided out of the other. The two factors are first brought to equal
Gram matrices, which leaves a rotation, and that is found by Procrustes' method (Schönemann, 1966).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlbc.ml.channels import AttentionHeads
from dlbc.ml.watermark.assignment import assign, polar
from dlbc.ml.watermark.balance import Floats

RIDGE = 1e-9  # of a Gram matrix's mean eigenvalue: an unused direction is not blown up to infinity

Pairs = tuple[tuple[Floats, Floats], tuple[Floats, Floats]]


def align_heads(
    heads: AttentionHeads, left: Mapping[str, Floats], right: Mapping[str, Floats]
) -> dict[str, tuple[Floats, int]]:
    """For each of the four weights the matrix that brings its heads in the form of `left`, and the axis to apply it to.

    Args:
        left: filters of the reference by name.
        right: filters of the subject, their other axes aligned already.
    """
    ours, theirs = _pairs(heads, left), _pairs(heads, right)
    likeness = sum(_likeness(a, b) for a, b in zip(ours, theirs, strict=True))
    order = assign(np.asarray(likeness))
    size = ours[0][0].shape[1]
    moves = [np.zeros((heads.count * size, heads.count * size)) for _ in range(4)]
    for place, source in enumerate(order):
        rows = slice(place * size, (place + 1) * size)
        columns = slice(source * size, (source + 1) * size)
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            first, second = _between((a[0][place], a[1][place]), (b[0][source], b[1][source]))
            moves[2 * number][rows, columns], moves[2 * number + 1][rows, columns] = first, second
    names = (heads.query, heads.key, heads.value, heads.output)
    return {name: (move, int(name == heads.output)) for name, move in zip(names, moves, strict=True)}


def _pairs(heads: AttentionHeads, weights: Mapping[str, Floats]) -> Pairs:
    """Query and key, value and transposed output, each (count, size, width)."""

    def cut(weight: Floats) -> Floats:
        return weight.reshape(heads.count, -1, weight.shape[1])

    query, key, value, output = (weights[name][:, :, 0] for name in (heads.query, heads.key, heads.value, heads.output))
    return (cut(query), cut(key)), (cut(value), cut(output.T))


def _likeness(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Floats:
    """Cosines between the heads' products, (count, count), from Gram matrices of the small side alone."""

    def inner(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Floats:
        first, second = (np.einsum("ird,jsd->ijrs", x, y, optimize=True) for x, y in zip(a, b, strict=True))
        products: Floats = (first * second).sum(axis=(2, 3))
        return products

    lengths = np.sqrt(np.outer(np.diag(inner(a, a)), np.diag(inner(b, b))))
    return inner(a, b) / np.where(lengths > 0, lengths, 1.0)


def _between(ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The matrices (size, size) that bring the factors of one head of theirs to ours."""
    to_ours, to_theirs = _even(*ours), _even(*theirs)
    from_ours, from_theirs = np.linalg.inv(to_ours), np.linalg.inv(to_theirs)
    # With factors at equal Gram matrices, (M a, M⁻¹ b), all that is left between two equal heads is a rotation.
    rotation = polar(
        (to_ours @ ours[0]) @ (to_theirs @ theirs[0]).T + (from_ours @ ours[1]) @ (from_theirs @ theirs[1]).T
    )
    return from_ours @ rotation @ to_theirs, to_ours @ rotation @ from_theirs


def _even(first: Floats, second: Floats) -> Floats:
    """The symmetric M for which M·first and M⁻¹·second have equal Gram matrices: (A⁻¹ # B)^½ of their own two."""
    a, b = (_ridged(factor @ factor.T) for factor in (first, second))
    root = _power(a, 0.5)
    inverse = _power(a, -0.5)
    return _power(inverse @ _power(root @ b @ root, 0.5) @ inverse, 0.5)


def _ridged(gram: Floats) -> Floats:
    mean = float(np.trace(gram)) / gram.shape[0]
    ridged: Floats = gram + np.eye(gram.shape[0]) * (RIDGE * mean if mean > 0 else 1.0)
    return ridged


def _power(matrix: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    floor = max(float(values[-1]), 1e-300) * 1e-12
    powered: Floats = (vectors * np.maximum(values, floor) ** exponent) @ vectors.T
    return powered
