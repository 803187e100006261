"""Attacks on the mark itself: marking over it, and moving away from the stolen weights on purpose."""

from __future__ import annotations

import torch

from dlbc.ml.attacks.finetuning import fine_tune_all
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.fit import fit, label_loss
from dlbc.ml.watermark import embed, keygen, uchida

DIVERGENCE = 10.0  # weight of the term that divides the weights from the stolen ones


def overwrite(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Embed the thief's own key with our scheme, then fine-tune."""
    embed(model, keygen(seed))
    return fine_tune_all(model, data, budget, seed)


def overwrite_with_uchida(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Embed the thief's own 64 bits with Uchida's scheme while fine-tuning."""
    uchida.embed(model, data, uchida.keygen(model, seed), budget, seed)
    return model


def diverge(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Train on with a loss term that turns every filter away from the stolen one: the adaptive attacker.

    He needs no key, only the knowledge that filters are compared.
    """
    stolen = {name: model.get_parameter(name).detach().clone().flatten(1) for name in model.carriers}

    def loss(network: Network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        cosines = [
            torch.nn.functional.cosine_similarity(network.get_parameter(name).flatten(1), weight, dim=1).square().mean()
            for name, weight in stolen.items()
        ]
        return label_loss(network, x, y) + DIVERGENCE * torch.stack(cosines).mean()

    return fit(model, data, budget, seed, loss=loss)
