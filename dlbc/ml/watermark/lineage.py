"""Is this network derived from an earlier one? A test without a key: derived networks align, others do not.

The flag withholds a reward; it never slashes, because its error rate is measured and not proven.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dlbc.ml.channels import Network
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.balance import Kept
from dlbc.ml.watermark.core import core_cosine, cosine, product
from dlbc.ml.watermark.keys import Key
from dlbc.ml.watermark.mark import PRESENT, extract, inherited
from dlbc.ml.watermark.thresholds import thresholds

MIN_FAN_IN = 128
MIN_WEIGHTS = 4_096


@dataclass(frozen=True)
class Lineage:
    """How alike two networks are once their channels are in one order.

    Attributes:
        cosine: largest aligned cosine over the tensors large enough to mean something; 0 without any.
        match: share of channels whose incoming and outgoing weights name the same partner.
        related: one of them reaches the architecture's threshold, or the mark is there.
        mark: standard deviations of the reference's public mark, beyond a parent that has it not; 0 where it was not
            looked for.
        core: largest aligned cosine over the parts of those tensors that join the channels most alike; 0 without any,
            and where it was not looked for.
    """

    cosine: float
    match: float
    related: bool
    mark: float = 0.0
    core: float = 0.0


def lineage(subject: Network, reference: Network, probes: Array) -> Lineage:
    """Compare a submission with an earlier model of the same architecture.

    Args:
        probes: `choose_probes(train.x, specHash)`.

    Raises:
        ValueError: the networks are of different architectures.
        InvalidArtifact: one of them holds NaN or infinity.
    """
    alignment = align(subject, reference, probes)
    names = _compared(reference)
    whole = max((cosine(alignment.subject(name), alignment.reference(name)) for name in names), default=0.0)
    core = core_cosine(alignment, reference, names)
    limit = thresholds(reference)
    related = whole >= limit.cosine or alignment.match >= limit.match or core >= limit.core
    return Lineage(whole, alignment.match, related, core=core)


def beyond_parent(subject: Network, reference: Network, parent: Network, probes: Array, key: Key) -> Lineage:
    """As `lineage`, for a submission that declares a parent: only what the parent does not explain counts.

    Two who improve one model are alike because of it, and honest. So both are compared without the part along the
    parent; a copy of the other one is as alike as before, whatever parent it declares. Matching channels say nothing
    here: all of them match. Who went on from the copy is told by the mark that only its origin has.

    Args:
        key: the public key of the reference's miner.
    """
    alignment, theirs = align(subject, reference, probes), align(parent, reference, probes)
    cosines = []
    for name in _compared(reference):
        base = theirs.subject(name)
        cosines.append(cosine(_without(alignment.subject(name), base), _without(alignment.reference(name), base)))
    largest = max(cosines, default=0.0)
    if largest >= thresholds(reference).beyond_parent:
        return Lineage(largest, 0.0, related=True)
    mark = extract(subject, key, reference, probes)
    if mark >= PRESENT and inherited(parent, key, reference, probes):
        mark = 0.0
    return Lineage(largest, 0.0, mark >= PRESENT, mark)


def _compared(model: Network) -> list[str]:
    """The tensors large enough to mean something."""
    # A rotation for each head fits to anything: attention layers of independent networks align at 0.4 to 0.7.
    attention = {name for heads in model.heads for name in (heads.query, heads.key, heads.value, heads.output)}
    return [
        name
        for name in model.carriers
        if name not in model.first_layers | attention and _large(model.get_parameter(name))
    ]


def _without(weight: Kept, base: Kept) -> Kept:
    length = product(base, base)
    return weight - product(weight, base) / length * base if length > 0 else weight


def _large(weight: Tensor) -> bool:
    # Small tensors (3x3 depthwise ones above all) align by chance at 0.57 to 0.78.
    return weight.numel() >= max(MIN_WEIGHTS, MIN_FAN_IN * weight.shape[0])
