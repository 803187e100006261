"""The watermark inside a trajectory: who runs a piece again knows the public key, and not the private ones.

So the step at which the mark goes in is not run again but bounded: beyond the public mark, which anybody can embed,
each carrier may have moved by one more chip at most, in either direction, and nothing else may have moved at all.
"""

from __future__ import annotations

import copy
import math

import numpy as np

from dlbc.ml.channels import Network
from dlbc.ml.trajectory.state import Layout, Vector
from dlbc.ml.watermark import embed, keygen
from dlbc.ml.watermark.mark import amplitudes

_ROUNDING = 1e-5  # of a weight: embedding ends in float32


def unexplained(network: Network, layout: Layout, before: Vector, after: Vector, seed: bytes) -> float:
    """What of the change no mark of this miner explains, relative to the mark: 0 for an honest one.

    The larger of two, as `relative_error` takes them: over all tensors, and by tensor. A mark's natural length is taken
    of the smaller of a tensor before and after: what blows up one of them must not hide a jump in it.

    Args:
        network: of the architecture; its numbers do not matter, and stay.
        before, after: weights, (n,).
        seed: m, from which the public key follows.
    """
    marked = copy.deepcopy(network)
    layout.put_weights(marked, before)
    embed(marked, keygen(seed))
    public, old, new = (weights.astype(np.float64) for weights in (layout.weights(marked), before, after))
    excess = np.maximum(np.abs(new - public) - (1 + 1e-3) * np.abs(public - old) - _ROUNDING * np.abs(old), 0.0)
    amplitude, wrong, whole, by_tensor = amplitudes(marked), 0.0, 0.0, 0.0
    for name, (begin, end) in layout.spans.items():
        part = float(np.square(excess[begin:end]).sum())
        length = min(float(np.square(weights[begin:end]).sum()) for weights in (old, new))
        mark = amplitude.get(name, 0.0) ** 2 * length
        wrong, whole = wrong + part, whole + mark
        by_tensor += (end - begin) * (min(1.0, part / mark) if mark > 0 else float(part > 0)) / excess.size
    error = math.sqrt(max(wrong / whole if whole > 0 else float(wrong > 0), by_tensor))
    return error if math.isfinite(error) else math.inf
