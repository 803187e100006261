"""Scoring: the number of correct predictions, equal for miner and validator up to the device's last bits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset, prepare
from dlbc.ml.device import enough_memory
from dlbc.ml.tensor_file import Array

BATCH = 256  # fixed: another batch size may choose another kernel, and with it other last bits


@dataclass(frozen=True)
class Evaluation:
    """What a model scores on a test set.

    Attributes:
        correct: samples predicted as labelled.
        total: samples in the test set.
        predictions: int32, (total,); -1 where the model gave NaN or infinity.
    """

    correct: int
    total: int
    predictions: NDArray[np.int32]


def score(model: Network, dataset: Dataset, device: torch.device | None = None) -> Evaluation:
    """Correct predictions on `dataset`; the model moves to `device` if given and keeps its mode."""
    predictions = predict(model, dataset.x, device)
    return Evaluation(int((predictions == dataset.y).sum()), len(dataset), predictions)


def predict(model: Network, x: Array, device: torch.device | None = None, batch: int = BATCH) -> NDArray[np.int32]:
    """The most likely class of each sample: the lowest of a tie, -1 where an output is NaN or infinite.

    Args:
        x: samples as in `Dataset.x`, not yet prepared; (N, *sample_shape).
        batch: samples at a time; leave it alone wherever the result is claimed or voted on.

    Raises:
        MemoryError: the device has too little, which says nothing against the model.
    """
    device = next(model.parameters()).device if device is None else device
    training = model.training
    parts = []
    with enough_memory(device, f"scoring {type(model).__name__}"):
        model.to(device).eval()
        with torch.inference_mode(), exact_float32():
            for begin in range(0, x.shape[0], batch):
                logits = model(prepare(x[begin : begin + batch], device)).float().cpu().numpy()
                best = logits.argmax(axis=1).astype(np.int32)
                best[~np.isfinite(logits).all(axis=1)] = -1
                parts.append(best)
    model.train(training)
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


class _Switches:
    """Torch's switches for exact products are the process's: the first thread sets them, the last restores them."""

    def __init__(self) -> None:
        self._lock, self._users, self._undo = threading.Lock(), 0, ExitStack()

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._undo.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
                torch.set_float32_matmul_precision("highest")
                exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
                self._undo.enter_context(exact)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._undo.close()


_SWITCHES = _Switches()


@contextmanager
def exact_float32() -> Iterator[None]:
    """Full float32 and deterministic kernels: TF32 would move borderline samples between devices.

    Denormal numbers count as zero: a hostile model made of them would take 7 to 40 times as long to score on a CPU.
    """
    torch.set_flush_denormal(True)
    try:
        with _SWITCHES.held():
            yield
    finally:
        torch.set_flush_denormal(False)
