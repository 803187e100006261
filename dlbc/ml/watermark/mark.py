"""Spread-spectrum watermark in balanced weights (Cox et al., 1997; in networks cf. arXiv 1701.04082)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dlbc.ml.channels import Network
from dlbc.ml.models import initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.balance import Floats, Kept, add, filter_of
from dlbc.ml.watermark.keys import Key

GAMMA = 0.1
PRESENT = 8.0
INHERITED = 4.0  # by chance one unrelated model in 30,000 gets so far
OWN = 12.0

Chips = NDArray[np.int8]


@dataclass(frozen=True)
class Verdict:
    """Whether a mark was found.

    Attributes:
        z: standard deviations between the found correlation and chance.
        present: z >= 8.
        false_positive: Hoeffding's bound on the chance that any unrelated key compared does as well.
    """

    z: float
    present: bool
    false_positive: float


def strength(weights: int) -> float:
    """Amplitude for this many carrier weights: 0.1, more where the mark would stay below z = 16."""
    return max(GAMMA, 16.0 / math.sqrt(weights))


def amplitudes(model: Network, mean: float | None = None) -> dict[str, float]:
    """The amplitude in each carrier, in proportion to its size: a small tensor would pay most and carry least.

    What a weight's change costs is up to a hundred times as much in the first layers as in the largest
    (docs/decisions/0025-small-tensors-carry-little.md); z takes the mean over all weights, which is as before.

    Args:
        mean: over all weights; None takes `strength`.
    """
    mean = strength(model.carrier_size()) if mean is None else mean
    sizes = {name: model.get_parameter(name).numel() for name in model.carriers}
    scale = mean * sum(sizes.values()) / sum(size * size for size in sizes.values())
    return {name: scale * size for name, size in sizes.items()}


def embed(model: Network, keys: Key | Sequence[Key], gamma: float | None = None) -> None:
    """Add the chips of each key to the balanced weights: W += amplitude · s / (d1 · d2).

    Train one more epoch at a tenth of the learning rate afterwards, so that the network settles around the
    mark.

    Args:
        gamma: mean amplitude relative to rms 1; None takes `strength`.
    """
    chips = np.zeros(model.carrier_size(), np.int8)
    for key in _listed(keys):
        chips += key.chips(chips.size)
    amplitude = amplitudes(model, gamma)
    # What is behind a tensor's balance does not depend on the others, so each may be changed in turn.
    for name, part in _split(model, chips):
        found = filter_of(model, name)
        add(model, name, amplitude[name] * part / found.scaling().both, found.fold)


def extract(model: Network, key: Key, reference: Network | None = None, probes: Array | None = None) -> float:
    """z = ⟨x, s⟩ / ‖x‖ over the key's share of the balanced weights; about N(0, 1) for unrelated keys.

    Args:
        reference: the network that the key was embedded in, where `model` may be a reordered copy of it. None
            reads `model` in its own channel order: right for the submitter's public key, which he embeds in
            the very file he submits.
        probes: samples for the alignment (`choose_probes`); needed with a reference.
    """
    chips = key.chips(model.carrier_size())
    found = partial(_balanced, model) if reference is None else _aligned(model, reference, chips, probes)
    product = length = 0.0
    for name, part in _split(model, chips):
        x = found(name)
        # without copies of x, which is the largest thing here
        product += float(np.einsum("oik,oik->", x, part, dtype=np.float64))
        length += float(np.einsum("oik,oik,oik->", x, x, np.abs(part), dtype=np.float64))
    return product / math.sqrt(length) if length > 0 else 0.0


def _balanced(model: Network, name: str) -> Kept:
    return filter_of(model, name).balance().x


def _aligned(model: Network, reference: Network, chips: Chips, probes: Array | None) -> Callable[[str], Kept]:
    if probes is None:
        raise ValueError("alignment with a reference needs probes")
    # With the mark left in the reference, alignment itself would favour it and raise z by about 2.
    return align(model, _without(reference, chips), probes).subject


def verify(
    model: Network,
    key: Key,
    reference: Network | None = None,
    probes: Array | None = None,
    comparisons: int = 1,
) -> Verdict:
    """Whether `model` carries the key's mark; arguments as `extract`.

    Args:
        comparisons: how many (key, model) pairs are being tried; the bound on false positives is multiplied
            by it.
    """
    z = extract(model, key, reference, probes)
    bound = min(1.0, comparisons * math.exp(-z * z / 2)) if z > 0 else 1.0
    return Verdict(z, z >= PRESENT, bound)


def inherited(parent: Network, key: Key, reference: Network, probes: Array) -> bool:
    """Whether a declared parent carries the key's mark: then a child has it from there, and stole nothing.

    Marks outlive honest improvement: a winner's mark is found in the improvement of its improvement.
    """
    return extract(parent, key, reference, probes) >= INHERITED


def start_of(model: Network, seed: bytes) -> Network:
    """W0 = `initialise(seed)` of the model's architecture: where its miner's training begins, known to everybody."""
    start = copy.deepcopy(model)
    initialise(start, seed)
    return start


def start_score(model: Network, seed: bytes) -> float:
    """√n · cos(W, W0) over the carriers: at least 8 where training began at W0 = `initialise(seed)`.

    Hygiene, no proof: forging it costs about three epochs.
    """
    start = start_of(model, seed)
    ours, theirs = (np.concatenate([_unit(model_, n) for n in model.carriers]) for model_ in (model, start))
    length = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return math.sqrt(ours.size) * float(ours @ theirs) / length if length > 0 else 0.0


def _unit(model: Network, name: str) -> Floats:
    weight = model.get_parameter(name).detach().cpu().numpy().astype(np.float64).ravel()
    rms = float(np.sqrt(np.mean(np.square(weight))))
    return weight / rms if rms > 0 else weight


def _without(model: Network, chips: Chips) -> Network:
    """A copy with the chips projected out of each balanced tensor."""
    clean = copy.deepcopy(model)
    for name, part in _split(clean, chips):
        found = filter_of(clean, name)
        scale = found.scaling()
        carried = float(np.einsum("oik,oik->", found.x * scale.both, part, dtype=np.float64))
        amplitude = carried / max(1.0, float(np.count_nonzero(part)))
        add(clean, name, -amplitude * part / scale.both, found.fold)
    return clean


def _split(model: Network, chips: Chips) -> Iterator[tuple[str, Chips]]:
    """The flat chips cut into the shapes of the carriers, (outputs, inputs, kernel)."""
    begin = 0
    for name in model.carriers:
        shape = model.get_parameter(name).shape
        size = math.prod(shape)
        yield name, chips[begin : begin + size].reshape(shape[0], shape[1], -1)
        begin += size


def _listed(keys: Key | Sequence[Key]) -> Sequence[Key]:
    return (keys,) if isinstance(keys, Key) else keys
