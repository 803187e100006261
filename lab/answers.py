"""What a student keeps of his teacher beyond the labels: how wrong answers rank (Hinton et al., arXiv 1503.02531).

Weights say nothing about a model that was distilled into a fresh one, and neither does agreement: all good models
agree. But on a training sample two models differ in how much they doubt, and between which labels. Of that honest
models share what is in the sample, and a student shares with his teacher what is in neither.

Evidence for the laboratory only. Validators cannot use it: whoever brings the models of the pool decides what counts
as common, and could make an honest model look like a student (docs/decisions/0024-what-students-keep.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset, prepare
from dlbc.ml.evaluate import exact_float32

LEAST_POOL = 3
BATCH = 1_024

Answers = NDArray[np.float64]


def answers(network: Network, data: Dataset) -> Answers:
    """Centred logits of all samples without the mean of their label, (samples · classes,)."""
    parts = []
    network.eval()
    with torch.inference_mode(), exact_float32():
        for begin in range(0, len(data), BATCH):
            parts.append(network(prepare(data.x[begin : begin + BATCH])).double().numpy())
    logits = np.concatenate(parts)
    logits -= logits.mean(axis=1, keepdims=True)
    for label in np.unique(data.y):
        logits[data.y == label] -= logits[data.y == label].mean(axis=0)
    return logits.ravel()


def likeness(subject: Answers, reference: Answers, pool: Sequence[Answers]) -> float:
    """The partial correlation of two models' answers, given those of others: about 0.15 between honest models.

    Args:
        pool: of models that derive from neither, of the same task; `LEAST_POOL` at least.

    Raises:
        ValueError: the pool is too small.
    """
    if len(pool) < LEAST_POOL:
        raise ValueError(f"{len(pool)} models in the pool; what is common takes {LEAST_POOL} or more to tell")
    common = np.stack([np.ones_like(subject), *pool], axis=1)
    ours, theirs = (x - common @ np.linalg.lstsq(common, x, rcond=None)[0] for x in (subject, reference))
    length = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return float(ours @ theirs) / length if length > 0 else 0.0
