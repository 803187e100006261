"""Whether a mark that is found in a model says that it was stolen.

The bound on false positives holds for a key that was chosen before the model. The reference that models are aligned
with is chosen later, by whoever accuses, and can be made so that the alignment itself finds his mark in strangers:
from channels that hold nothing but the mark, or from the accused's own start, which everybody can compute. So a mark
convicts only where the two models are related without it too, and where nothing innocent explains it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dlbc.ml.channels import Network
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.keys import Key
from dlbc.ml.watermark.lineage import lineage
from dlbc.ml.watermark.mark import inherited, verify


@dataclass(frozen=True)
class Trial:
    """What speaks against a model.

    Attributes:
        z: standard deviations of the mark.
        why_not: in words, to follow "the mark"; "" where it convicts.
    """

    z: float
    why_not: str

    @property
    def convicts(self) -> bool:
        """Whether the model was made from the reference."""
        return not self.why_not


def try_mark(subject: Network, key: Key, reference: Network, probes: Array, innocent: Mapping[str, Network]) -> Trial:
    """Looks for a mark, and for what else may explain it.

    Args:
        reference: the network that the key was embedded in.
        innocent: networks by name that the subject may have the mark from: its own start, a parent that it declares.
    """
    mark = verify(subject, key, reference, probes)
    if not mark.present:
        return Trial(mark.z, "is not in the model")
    for name, network in innocent.items():
        if inherited(network, key, reference, probes):
            return Trial(mark.z, f"came with {name}")
    if not lineage(subject, reference, probes).related:
        return Trial(mark.z, "is found by an alignment that nothing else supports: the two models are not related")
    return Trial(mark.z, "")
