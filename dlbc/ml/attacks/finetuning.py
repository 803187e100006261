"""Training a stolen model on: all layers or the last, from the stolen weights or a fresh head, with other losses.

Names as in Adi et al. (arXiv 1802.04633): fine-tune or re-train, all layers or the last layer.
"""

from __future__ import annotations

import torch

from dlbc.ml import prg
from dlbc.ml.attacks.parts import fresh, head_parameters
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.fit import RATE, fit, label_loss

GENTLE = RATE / 10
DECAY = 0.05  # of every weight, at each step at the peak rate
DECAYED_EPOCHS = 5
EPSILON = 8 / 255  # largest change of a pixel in adversarial training


def fine_tune_all(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """FTAL: all layers, at a tenth of the training's rate."""
    return fit(model, data, budget, seed, rate=GENTLE)


def fine_tune_hard(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """FTAL at three times the training's own rate, which costs accuracy before it gains some."""
    return fit(model, data, budget, seed, rate=3 * RATE)


def fine_tune_last(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """FTLL: the head alone."""
    return fit(model, data, budget, seed, rate=GENTLE, parameters=head_parameters(model))


def retrain_all(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """RTAL: a fresh head, then all layers."""
    _fresh_head(model, seed)
    return fit(model, data, budget, seed)


def retrain_last(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """RTLL: a fresh head, trained alone."""
    _fresh_head(model, seed)
    return fit(model, data, budget, seed, parameters=head_parameters(model))


def regularise(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """Strong weight decay for at most 5 epochs, then fine-tuning for the rest of the budget."""
    first = min(budget, DECAYED_EPOCHS)
    fit(model, data, first, prg.derive(seed, "decay"), weight_decay=DECAY / RATE)
    return fit(model, data, budget - first, seed)


def train_adversarially(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """On samples moved by up to 8/255 along the loss's gradient (Goodfellow et al., arXiv 1412.6572)."""

    def loss(network: Network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(label_loss(network, x, y), x)
        return label_loss(network, (x + EPSILON * gradient.sign()).detach(), y)

    return fit(model, data, budget, seed, loss=loss)


def _fresh_head(model: Network, seed: bytes) -> None:
    start = fresh(model, seed)
    with torch.no_grad():
        for ours, theirs in zip(head_parameters(model), head_parameters(start), strict=True):
            ours.copy_(theirs)
