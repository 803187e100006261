"""Training samples on their device, dealt out in an order and with shifts that a seed decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from dlbc.ml import prg
from dlbc.ml.augment import reach
from dlbc.ml.data import Dataset

MOST_HELD_OUT = 5_000
RESIDENT_SHARE = 0.5  # of the device's free memory may hold samples; the rest is for the network


@dataclass(frozen=True)
class Batch:
    """What one optimizer step sees; all on one device.

    Attributes:
        x: samples as stored, uint8 or float32, (batch, *sample_shape).
        y: labels, int64, (batch,).
        offsets: int64, (batch, 2), for `augment.shift`; of no meaning for flat features.
    """

    x: torch.Tensor
    y: torch.Tensor
    offsets: torch.Tensor


def held_out_count(share: float, samples: int) -> int:
    """How many of `samples` are kept from training at this share; at least two are left to train on."""
    return max(0, min(MOST_HELD_OUT, int(share * samples), samples - 2))


def hold_out(data: Dataset, seed: bytes, count: int) -> tuple[Dataset, Dataset]:
    """The part that is trained on, in the order of the data, and `count` samples that the seed keeps from it."""
    order = prg.permutation(seed, "train/split", len(data))
    held, kept = order[:count], np.sort(order[count:])
    return Dataset(data.x[kept], data.y[kept]), Dataset(data.x[held], data.y[held])


def batch_size(wanted: int | None, samples: int) -> int:
    """Samples a step: as wanted, else 1/20 of the training set, 32 to 256, as a power of two. What remains of an
    epoch is left out: batch norm does not learn from a batch of one.
    """
    size = wanted or 2 ** round(math.log2(min(256, max(32, samples / 20))))
    return max(2, min(size, samples))


class Batches:
    """All samples in one pass an epoch, in batches of one size; what remains of an epoch is left out.

    Attributes:
        size: samples in a batch.
        steps: batches in an epoch, at least one.
        pixels: largest shift.
    """

    def __init__(self, data: Dataset, seed: bytes, size: int, device: torch.device) -> None:
        self.size, self.steps, self.pixels = size, max(1, len(data) // size), reach(data.sample_shape)
        self._seed, self._device, self._count = seed, device, len(data)
        # Samples stay as they are stored: a quarter of the bytes where they are uint8.
        self._home = device if fits(data.x.nbytes, device) else torch.device("cpu")
        self._x = torch.from_numpy(np.ascontiguousarray(data.x)).to(self._home)
        self._y = torch.from_numpy(data.y).to(device)
        self._epoch = -1
        self._order = self._offsets = torch.zeros(0, dtype=torch.int64)

    def take(self, number: int) -> Batch:
        """The batch of optimizer step `number`, counted from 0 over all epochs."""
        epoch, place = divmod(number, self.steps)
        if epoch != self._epoch:
            self._epoch = epoch
            order = prg.permutation(self._seed, f"train/order/{epoch}", self._count)
            offsets = prg.integers(self._seed, f"train/shift/{epoch}", (self._count, 2), 2 * self.pixels + 1)
            self._order = torch.from_numpy(order).to(self._device)
            self._offsets = torch.from_numpy(offsets).to(self._device)
        chosen = self._order[place * self.size : (place + 1) * self.size]
        return Batch(self._samples(chosen), self._y[chosen], self._offsets[chosen])

    def _samples(self, chosen: torch.Tensor) -> torch.Tensor:
        if self._home == self._device:
            return self._x[chosen]
        x = self._x[chosen.cpu()]
        return (x.pin_memory() if self._device.type == "cuda" else x).to(self._device, non_blocking=True)


def fits(size: int, device: torch.device) -> bool:
    """Whether samples of `size` bytes may stay on the device for the whole training."""
    return device.type != "cuda" or size <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
