"""Training a fresh network on what a stolen one answers: its function is kept, its weights are not."""

from __future__ import annotations

import copy

import torch
from torch import nn

from dlbc.ml.attacks.parts import fresh
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.fit import fit, label_loss

TEMPERATURE = 4.0
SOFT = 0.9  # of the loss; the rest is the true labels'


def retrain(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """On the stolen model's labels (Tramèr et al., arXiv 1609.02943)."""
    teacher = copy.deepcopy(model).eval()

    def loss(network: Network, x: torch.Tensor, _y: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            labels = teacher(x).argmax(dim=1)
        return label_loss(network, x, labels)

    return fit(fresh(model, seed), data, budget, seed, loss=loss)


def distil(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """On the stolen model's softened outputs (Hinton et al., arXiv 1503.02531)."""
    teacher = copy.deepcopy(model).eval()

    def loss(network: Network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted = (teacher(x) / TEMPERATURE).softmax(dim=1)
        logits = network(x)
        soft = nn.functional.cross_entropy(logits / TEMPERATURE, wanted) * TEMPERATURE**2
        return SOFT * soft + (1.0 - SOFT) * nn.functional.cross_entropy(logits, y)

    return fit(fresh(model, seed), data, budget, seed, loss=loss)
