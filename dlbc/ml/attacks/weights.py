"""Changing the weights directly, then training to win back the accuracy: pruning, rounding, noise, shifts."""

from __future__ import annotations

import numpy as np
import torch

from dlbc.ml import prg
from dlbc.ml.attacks.finetuning import fine_tune_all
from dlbc.ml.attacks.parts import last_group, least_active, writer_rows
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.fit import fit

PRUNED = 0.5
PRUNED_HARD = 0.9
DORMANT = 0.96  # of the last layer's channels in fine-pruning
NOISE = 0.5  # of a tensor's rms
SHIFT = 0.5


def prune(model: Network, data: Dataset, budget: int, seed: bytes, share: float = PRUNED) -> Network:
    """Set the smallest weights of each tensor to 0 (Han et al., arXiv 1506.02626), then fine-tune."""
    with torch.no_grad():
        for name in model.carriers:
            weight = model.get_parameter(name)
            count = int(share * weight.numel())
            if count:
                weight[weight.abs() <= weight.abs().flatten().kthvalue(count).values] = 0
    return fine_tune_all(model, data, budget, seed)


def prune_hard(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """As `prune`, nine tenths."""
    return prune(model, data, budget, seed, PRUNED_HARD)


def fine_prune(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Silence the last channels that answer the data least, then train on (Liu et al., arXiv 1805.12185)."""
    group = last_group(model)
    order = least_active(model, data)[model.groups.index(group)]
    with torch.no_grad():
        for parameter in writer_rows(model, group):
            parameter[order[: int(DORMANT * group.size)]] = 0
    return fit(model, data, budget, seed)


def quantise(model: Network, data: Dataset, budget: int, seed: bytes, bits: int = 5) -> Network:
    """Round every tensor to 2^bits levels between its extremes; afterwards nothing is trained."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                low, high = parameter.min(), parameter.max()
                step = ((high - low) / (2**bits - 1)).clamp_min(torch.finfo(torch.float32).tiny)
                parameter.copy_(((parameter - low) / step).round() * step + low)
    return model


def quantise_to_4_bits(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """As `quantise`, 16 levels."""
    return quantise(model, data, budget, seed, 4)


def add_noise(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Normal noise of half a tensor's rms, then fine-tuning."""
    with torch.no_grad():
        for name in model.carriers:
            weight = model.get_parameter(name)
            weight.add_(_normal(weight, seed, name) * weight.square().mean().sqrt() * NOISE)
    return fine_tune_all(model, data, budget, seed)


def shift_weights(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Take half of the layer's mean filter, and noise of its spread, from each filter; then fine-tune.

    Named "weight shifting" by Lukas et al. (IEEE S&P 2022), whose code may differ in the details.
    """
    with torch.no_grad():
        for name in model.carriers:
            weight = model.get_parameter(name)
            spread = weight.std(dim=0, keepdim=True, correction=0)
            weight.sub_(SHIFT * (weight.mean(dim=0, keepdim=True) + _normal(weight, seed, name) * spread))
    return fine_tune_all(model, data, budget, seed)


def _normal(weight: torch.Tensor, seed: bytes, label: str) -> torch.Tensor:
    return torch.from_numpy(prg.normal(seed, label, tuple(weight.shape)).astype(np.float32)).to(weight.device)
