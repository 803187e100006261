"""Pictures to train on where no data set is at hand: drawn from a seed, and too hard to be learned without mistakes."""

from __future__ import annotations

import numpy as np

from dlbc.ml.data import Dataset

CLASSES = 10
PROTOTYPES = 4  # of each class
CELL = 2  # pixels that a prototype's spots are wide
TILE = 4  # spots on a side of its pattern, which is repeated
CHUNK = 4_096


def pictures(count: int, shape: tuple[int, int, int], seed: int, *, first: int = 0) -> Dataset:
    """`count` uint8 pictures (channels, height, width) of ten classes.

    Each is a repeated pattern of its class, moved, with up to half of another class's mixed in, and noise on top.

    Args:
        first: number of the first chunk; another one gives other pictures of the same classes, for a test set.
    """
    prototypes = _prototypes(shape, np.random.default_rng(seed))
    x, y = np.empty((count, *shape), np.uint8), np.empty(count, np.int64)
    for number, begin in enumerate(range(0, count, CHUNK)):
        part = slice(begin, min(begin + CHUNK, count))
        x[part], y[part] = _chunk(prototypes, part.stop - begin, np.random.default_rng((seed, first + number)))
    return Dataset(x, y)


def _prototypes(shape: tuple[int, int, int], random: np.random.Generator) -> np.ndarray:
    channels, height, width = shape
    tile = random.normal(size=(CLASSES * PROTOTYPES, channels, TILE, TILE)).astype(np.float32)
    tile = tile.repeat(CELL, axis=2).repeat(CELL, axis=3)
    side = TILE * CELL
    return np.tile(tile, (1, 1, -(-height // side), -(-width // side)))[:, :, :height, :width]


def _chunk(prototypes: np.ndarray, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    chosen, other = random.integers(len(prototypes), size=(2, count))
    share = random.uniform(0.0, 0.5, size=(count, 1, 1, 1)).astype(np.float32)
    x = (1 - share) * prototypes[chosen] + share * prototypes[other]
    _, _, height, width = x.shape
    rows, columns = random.integers(-CELL, CELL + 1, size=(2, count, 1))
    sample = np.arange(count)[:, None, None]
    down, across = (rows + np.arange(height)) % height, (columns + np.arange(width)) % width
    x = x[sample, :, down[:, :, None], across[:, None, :]].transpose(0, 3, 1, 2)
    x = 128 + 40 * (x + random.normal(scale=1.0, size=x.shape).astype(np.float32))
    return x.clip(0, 255).astype(np.uint8), chosen // PROTOTYPES
