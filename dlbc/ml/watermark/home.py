"""Does a model still lie near the start that the chain gave its miner?

Everybody knows everybody's start, and nobody comes near his own but by beginning there: a stolen model, whatever its
channels are called and however long one trains on from it, stays where it came from. Honest trainings never leave their
start far behind (docs/decisions/0026-trained-near-the-start.md).
"""

from __future__ import annotations

import numpy as np

from dlbc.ml.channels import Network

NEAR = 0.3  # cosine of a row and its start; honest trainings by a recipe stay over 0.45
AWAY = 0.1  # share of the weights whose rows may have turned further


def nearness(model: Network, start: Network) -> float:
    """The cosine with its start that all rows but a tenth, counted by weights, reach: 1 for an untrained network.

    By rows (what leads into one output), because those that mean nothing could be left as they were, and as large as
    one likes, beside stolen ones in the same tensor. Rows that start at zero have no direction to keep, and do not
    count; one that ends at zero has kept nothing.

    Args:
        start: `start_of(model, seed)` of its miner's seed.
    """
    found, sizes = [np.empty(0)], [np.empty(0)]
    begun = dict(start.named_parameters())
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        ours, theirs = (p.detach().cpu().double().flatten(1).numpy() for p in (parameter, begun[name]))
        lengths = np.linalg.norm(theirs, axis=1)
        counted = lengths > 0
        products = np.einsum("ij,ij->i", ours, theirs)[counted]
        both = lengths[counted] * np.linalg.norm(ours, axis=1)[counted]
        directed = (both > 0) & np.isfinite(both)
        found.append(np.divide(products, both, out=np.zeros_like(products), where=directed))
        sizes.append(np.full(products.size, ours.shape[1]))
    cosines, weights = np.concatenate(found), np.concatenate(sizes)
    if not cosines.size:
        return 1.0
    order = np.argsort(cosines)
    place = np.searchsorted(np.cumsum(weights[order]), AWAY * weights.sum(), side="right")
    return float(cosines[order][place])
