"""Was a candidate made from an earlier model? Lineage, less what explains it innocently.

Networks are alike for three reasons: one was made from the other, both were made from a third, or somebody who knew
where the other's miner has to begin trained from there too. Only the first is theft.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dlbc.ml.channels import Network
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import NEAR, beyond_parent, keygen, lineage, nearness, start_of
from dlbc.ml.watermark.lineage import Lineage


def unless_framed(
    model: Network,
    seed: bytes,
    reference: Network,
    reference_seed: bytes,
    improved: Callable[[], Network | None],
    probes: Array,
) -> Lineage:
    """Lineage that is not related where the candidate comes from its own start, which everybody knows.

    But where the reference improves another model it began there, and whoever is like it has no start to point to.

    Args:
        seed, reference_seed: m of their miners.
        improved: loads the winner that the reference's miner declared, or None; asked only where it matters.
    """
    found = lineage(model, reference, probes)
    if not found.related or not _began(model, seed, reference, reference_seed, probes):
        return found
    base = improved()
    if base is not None and lineage(reference, base, probes).related:
        return found
    return replace(found, related=False)


def unless_explained(
    found: Lineage, model: Network, reference: Network, reference_seed: bytes, declared: Network, probes: Array
) -> Lineage:
    """Lineage beyond the winner that the candidate declares, if both are like it: else it explains nothing.

    Args:
        found: without that.
    """
    if not all(lineage(child, declared, probes).related for child in (model, reference)):
        return found
    return beyond_parent(model, reference, declared, probes, keygen(reference_seed))


def _began(model: Network, seed: bytes, reference: Network, reference_seed: bytes, probes: Array) -> bool:
    """Whether a model comes from its own start, rather than the reference from its own."""
    start = start_of(model, seed)
    near = nearness(model, start)
    if near >= NEAR and near > nearness(reference, start_of(reference, reference_seed)):
        return True
    return lineage(start, reference, probes).related
