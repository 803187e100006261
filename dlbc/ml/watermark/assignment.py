"""Partners for rows: one each by linear assignment, or a rotation by Procrustes' method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlbc.ml import prg
from dlbc.ml.watermark.balance import Floats

Order = NDArray[np.int64]

SMALLEST = 1e-9  # of the largest singular value: below it no direction names a partner


def assign(similarity: Floats) -> Order:
    """For each row the column that it is paired with, so that the sum of similarities is largest."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # noqa: PLC0415  (not needed to mine)

    _, columns = linear_sum_assignment(-_finite(similarity))
    return np.asarray(columns, dtype=np.int64)


def assign_unbiased(similarity: Floats, label: str) -> Order:
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


def polar(similarity: Floats) -> Floats:
    """The rotation Q for which ⟨Q, similarity⟩ is largest (Schönemann, 1966).

    Directions without any similarity are left out, so that nothing aligns with a dead stream.
    """
    similarity = _finite(similarity)
    largest = float(np.abs(similarity).max(initial=0.0))
    if largest == 0:
        return np.zeros_like(similarity)
    u, values, v = np.linalg.svd(similarity / largest)
    kept = values > SMALLEST * values[0]
    rotation: Floats = u[:, kept] @ v[kept]
    return rotation


def _finite(similarity: Floats) -> Floats:
    return np.nan_to_num(similarity, nan=0.0, posinf=0.0, neginf=0.0)
