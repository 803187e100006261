"""The watermark inside a trajectory: who runs a piece again knows the public key, and not the private ones.

So the step at which the mark goes in is not run again but bounded: beyond the public mark, which anybody can embed,
each carrier may have moved by one more chip at most, in either direction, and nothing else may have moved at all.
"""

from __future__ import annotations

import copy

import numpy as np

from dlbc.ml.channels import Network
from dlbc.ml.trajectory.state import Layout, Vector
from dlbc.ml.watermark import embed, keygen

_ROUNDING = 1e-5  # of a weight: embedding ends in float32


def unexplained(network: Network, layout: Layout, before: Vector, after: Vector, seed: bytes) -> float:
    """What of the change no mark of this miner explains, relative to the mark: 0 for an honest one.

    Args:
        network: of the architecture; its numbers do not matter, and stay.
        before, after: weights, (n,).
        seed: m, from which the public key follows.
    """
    marked = copy.deepcopy(network)
    layout.put_weights(marked, before)
    embed(marked, keygen(seed))
    public = layout.weights(marked)
    chip = np.abs(public - before)
    allowed = chip * (1 + 1e-3) + _ROUNDING * np.abs(before)
    excess = np.maximum(np.abs(after - public) - allowed, 0.0)
    return float(np.linalg.norm(excess) / max(float(np.linalg.norm(chip)), 1e-30))
