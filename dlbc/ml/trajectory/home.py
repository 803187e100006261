"""Does a trained model still lie near the start that the chain gave its miner?

Windows find a jump by the progress it makes towards the end. A thief who trains on for long enough, from stolen weights
that he made small so that each step turns them far, leaves them behind, and with them all progress that the jump made.
But he does not come near his own start in this way: nothing in a recipe leads there, and honest trainings never left it
far behind (docs/decisions/0026-trained-near-the-start.md).
"""

from __future__ import annotations

import numpy as np

from dlbc.ml.channels import Network
from dlbc.ml.trajectory.state import Layout, Vector

NEAR = 0.4  # cosine of a row and its start; honest trainings stay over 0.55
AWAY = 0.1  # share of the weights whose rows may have turned further


def nearness(network: Network, layout: Layout, start: Vector, final: Vector) -> float:
    """The cosine with its start that all rows but a tenth, counted by weights, reach: 1 for an untrained network.

    By rows (what leads into one output), because those that mean nothing could be left as they were, and as large as
    one likes, beside stolen ones in the same tensor. Rows that start at zero have no direction to keep, and do not
    count; one that ends at zero has kept nothing.

    Args:
        network: of the architecture; its numbers do not matter.
        start, final: weights, (n,).
    """
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    cosines, sizes = [], []
    for name, (begin, end) in layout.spans.items():
        if len(shapes[name]) < 2:
            continue
        one, two = (weights[begin:end].reshape(shapes[name][0], -1).astype(np.float64) for weights in (start, final))
        lengths = np.linalg.norm(one, axis=1)
        counted = lengths > 0
        products = np.einsum("ij,ij->i", one, two)[counted]
        both = lengths[counted] * np.linalg.norm(two, axis=1)[counted]
        directed = (both > 0) & np.isfinite(both)
        cosines.append(np.divide(products, both, out=np.zeros_like(products), where=directed))
        sizes.append(np.full(int(counted.sum()), one.shape[1]))
    if not cosines or not sum(size.size for size in sizes):
        return 1.0
    found, weights = np.concatenate(cosines), np.concatenate(sizes)
    order = np.argsort(found)
    place = np.searchsorted(np.cumsum(weights[order]), AWAY * weights.sum(), side="right")
    return float(found[order][place])
