"""A training loop with any loss over a fixed number of epochs: what attacks and Uchida's scheme are made of.

Honest training is `dlbc.ml.training`, which keeps to a deadline; nothing that two parties must agree on depends on
this loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from dlbc.ml.augment import shift
from dlbc.ml.batches import Batches, batch_size
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset, prepare

Loss = Callable[[Network, torch.Tensor, torch.Tensor], torch.Tensor]

RATE = 4e-3  # as honest training's peak
SMOOTHING = 0.05


def label_loss(model: Network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with smoothed labels, as in honest training."""
    return nn.functional.cross_entropy(model(x), y, label_smoothing=SMOOTHING)


def fit(
    model: Network,
    data: Dataset,
    epochs: int,
    seed: bytes,
    *,
    rate: float = RATE,
    loss: Loss = label_loss,
    parameters: Sequence[nn.Parameter] | None = None,
    weight_decay: float = 0.0,
) -> Network:
    """Train in place with AdamW on a cosine from `rate` to 0, and return the model in evaluation mode.

    Args:
        epochs: passes over the data; 0 leaves the model as it is.
        seed: decides the data's order and shifts.
        loss: of (model, prepared samples, labels), a scalar.
        parameters: those to train; None takes all.
        weight_decay: decoupled, towards 0, on tensors of two and more dimensions.
    """
    device = next(model.parameters()).device
    batches = Batches(data, seed, batch_size(None, len(data)), device)
    trained = list(model.parameters() if parameters is None else parameters)
    decayed = {"params": [p for p in trained if p.dim() > 1], "weight_decay": weight_decay}
    others = {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0}
    optimizer = torch.optim.AdamW([decayed, others], lr=rate)
    steps = epochs * batches.steps
    for step in range(steps):
        batch = batches.take(step)
        x = prepare(batch.x)
        if batches.pixels:
            x = shift(x, batch.offsets, batches.pixels)
        for group in optimizer.param_groups:
            group["lr"] = rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss(model, x, batch.y).backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(trained, 1.0)
        if bool(torch.isfinite(norm)):
            optimizer.step()
    model.zero_grad(set_to_none=True)
    model.eval()
    return model
