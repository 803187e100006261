"""Spread-spectrum watermark in balanced weights (Cox et al., 1997; in networks cf. arXiv 1701.04082)."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlbc.ml.channels import Network
from dlbc.ml.models import initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.balance import Floats, add, filters
from dlbc.ml.watermark.keys import Key

GAMMA = 0.1
PRESENT = 8.0
OWN = 12.0


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


def embed(model: Network, keys: Key | Sequence[Key], gamma: float | None = None) -> None:
    """Add the chips of each key to the balanced weights: W += gamma · s / (d1 · d2).

    Train one more epoch at a tenth of the learning rate afterwards, so that the network settles around the
    mark.

    Args:
        gamma: amplitude relative to rms 1; None takes `strength`.
    """
    gamma = strength(model.carrier_size()) if gamma is None else gamma
    chips = np.zeros(model.carrier_size())
    for key in _listed(keys):
        chips += key.chips(chips.size)
    weights = filters(model)
    for name, part in _split(model, chips).items():
        found = weights[name]
        add(model, name, gamma * part / found.balance().scale, found.fold)


def extract(model: Network, key: Key, reference: Network | None = None, probes: Array | None = None) -> float:
    """z = ⟨x, s⟩ / ‖x‖ over the key's share of the balanced weights; about N(0, 1) for unrelated keys.

    Args:
        reference: the network that the key was embedded in, where `model` may be a reordered copy of it. None
            reads `model` in its own channel order: right for the submitter's public key, which he embeds in
            the very file he submits.
        probes: samples for the alignment (`choose_probes`); needed with a reference.
    """
    chips = key.chips(model.carrier_size()).astype(np.float64)
    if reference is None:
        found = {name: weight.balance().x for name, weight in filters(model).items()}
    else:
        if probes is None:
            raise ValueError("alignment with a reference needs probes")
        # With the mark left in the reference, alignment itself would favour it and raise z by about 2.
        found = align(model, _without(reference, chips), probes).subject
    x = np.concatenate([found[name].ravel() for name in model.carriers])
    share = chips != 0
    length = float(np.linalg.norm(x[share]))
    return float(x[share] @ chips[share]) / length if length > 0 else 0.0


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


def start_score(model: Network, seed: bytes) -> float:
    """√n · cos(W, W0) over the carriers: at least 8 where training began at W0 = `initialise(seed)`.

    Hygiene, no proof: forging it costs about three epochs.
    """
    start = copy.deepcopy(model)
    initialise(start, seed)
    ours, theirs = (np.concatenate([_unit(model_, n) for n in model.carriers]) for model_ in (model, start))
    length = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return math.sqrt(ours.size) * float(ours @ theirs) / length if length > 0 else 0.0


def _unit(model: Network, name: str) -> Floats:
    weight = model.get_parameter(name).detach().cpu().numpy().astype(np.float64).ravel()
    rms = float(np.sqrt(np.mean(np.square(weight))))
    return weight / rms if rms > 0 else weight


def _without(model: Network, chips: Floats) -> Network:
    """A copy with the chips projected out of each balanced tensor."""
    clean = copy.deepcopy(model)
    weights = filters(clean)
    for name, part in _split(clean, chips).items():
        found, balanced = weights[name], weights[name].balance()
        amplitude = float((balanced.x * part).sum()) / max(1.0, float(np.abs(part).sum()))
        add(clean, name, -amplitude * part / balanced.scale, found.fold)
    return clean


def _split(model: Network, chips: Floats) -> dict[str, Floats]:
    """The flat chips cut into the shapes of the carriers, (outputs, inputs, kernel)."""
    parts, begin = {}, 0
    for name in model.carriers:
        shape = model.get_parameter(name).shape
        size = math.prod(shape)
        parts[name] = chips[begin : begin + size].reshape(shape[0], shape[1], -1)
        begin += size
    return parts


def _listed(keys: Key | Sequence[Key]) -> Sequence[Key]:
    return (keys,) if isinstance(keys, Key) else keys
