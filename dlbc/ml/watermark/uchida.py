"""The scheme that the paper cites, for comparison: Uchida et al., "Embedding Watermarks into Deep Neural Networks".

(arXiv 1701.04082.) A secret matrix projects the mean filter of one layer to logits whose signs are the message; a
regulariser of strength λ embeds it during training. The mean over filters does not care for their order, but
the order of what they read matters, so a thief who permutes channels hides the message.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from dlbc.ml import prg
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.fit import RATE, fit, label_loss
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.balance import Floats, filter_of

BITS = 64
STRENGTH = 1.0  # in the last epochs; 0.1 where it is there from the start
MOST_WRONG = {64: 9, 256: 80}  # bits, for a chance of 1.8e-9 and 9.4e-10 with a stranger's key


@dataclass(frozen=True)
class UchidaKey:
    """A message and the matrix that reads it.

    Attributes:
        layer: name of the weight.
        matrix: standard normal, (bits, inputs · kernel).
        message: 0 or 1, (bits,).
    """

    layer: str
    matrix: Floats
    message: Array


def keygen(model: Network, seed: bytes, bits: int = BITS, layer: str | None = None) -> UchidaKey:
    """Key and message from a seed.

    Args:
        bits: length of the message.
        layer: None takes the carrier whose mean filter has most numbers.

    Raises:
        ValueError: the layer does not exist, or its mean filter has fewer numbers than the message bits.
    """
    sizes = {name: math.prod(model.get_parameter(name).shape[1:]) for name in model.carriers}
    layer = max(sizes, key=lambda name: sizes[name]) if layer is None else layer
    if sizes.get(layer, 0) < bits:
        raise ValueError(f"{layer}: a mean filter of {sizes.get(layer, 0)} numbers cannot carry {bits} bits")
    matrix = prg.normal(seed, "uchida/matrix", (bits, sizes[layer]))
    return UchidaKey(layer, matrix, (prg.signs(seed, "uchida/message", bits) > 0).astype(np.int64))


def embed(
    model: Network,
    data: Dataset,
    key: UchidaKey,
    epochs: int,
    seed: bytes,
    strength: float = STRENGTH,
    rate: float = RATE,
) -> None:
    """Train in place for `epochs` with the regulariser λ · cross-entropy(sigmoid(X w̄), message)."""
    device = next(model.parameters()).device
    matrix = torch.from_numpy(key.matrix.astype(np.float32)).to(device)
    wanted = torch.from_numpy(key.message.astype(np.float32)).to(device)

    def loss(network: Network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        mean = network.get_parameter(key.layer).mean(dim=0).flatten()
        return label_loss(network, x, y) + strength * nn.functional.binary_cross_entropy_with_logits(
            matrix @ mean, wanted
        )

    fit(model, data, epochs, seed, rate=rate, loss=loss)


def wrong_bits(model: Network, key: UchidaKey, reference: Network | None = None, probes: Array | None = None) -> int:
    """Bits that differ from the message; half of them with a stranger's key.

    Args:
        reference: the network that the key was embedded in, to bring `model` into its channel order first.
        probes: samples for the alignment; needed with a reference.
    """
    if reference is None:
        mean = model.get_parameter(key.layer).detach().cpu().double().mean(dim=0).flatten().numpy()
    else:
        if probes is None:
            raise ValueError("alignment with a reference needs probes")
        ours = filter_of(reference, key.layer)
        # Aligned filters are balanced; the message lives in the filters as they are stored.
        aligned = align(model, reference, probes).subject(key.layer) / ours.balance().scale / ours.fold
        mean = aligned.mean(axis=0).ravel()
    return int(((key.matrix @ mean > 0) != (key.message > 0)).sum())


def embedded(model: Network, key: UchidaKey) -> bool:
    """Whether so few bits are wrong that chance cannot have done it."""
    bits = len(key.message)
    return wrong_bits(model, key) <= MOST_WRONG.get(bits, bits // 8)
