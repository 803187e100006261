"""What the laboratory trains on. Nothing is downloaded: the digits ship with scikit-learn, scenes are made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from dlbc.errors import UsageError
from dlbc.ml import prg
from dlbc.ml.data import Dataset, as_dataset
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import choose_probes

TRAINING_DIGITS = 1_400

SIDE = 32  # pixels of a scene
TEXTURES = 4
TRAINING_SCENES, TEST_SCENES = 4_000, 1_000
INK = (90.0, 170.0)  # brightness that a digit adds, from faint to plain
CONTRAST = 30.0  # of the texture
NOISE = 20.0


@dataclass(frozen=True)
class Task:
    """Data with a name.

    Attributes:
        classes: number of labels.
    """

    name: str
    train: Dataset
    test: Dataset
    classes: int

    @property
    def probes(self) -> Array:
        """The samples that models are aligned on, picked by the task's name as by a task's hash."""
        return choose_probes(self.train.x, digest(f"task {self.name}"))


def digest(text: str) -> bytes:
    """A 32-byte seed."""
    return hashlib.sha256(text.encode()).digest()


def load(name: str) -> Task:
    """One of `TASKS`, made once a process.

    Raises:
        UsageError: there is no such task.
    """
    if name not in TASKS:
        raise UsageError(f"no task {name!r}; there are {', '.join(TASKS)}")
    return _made(name)


def digits() -> Task:
    """1,400 training and 397 test images of handwritten digits, uint8 (N, 1, 8, 8)."""
    x, y = _digits()
    train, test = slice(TRAINING_DIGITS), slice(TRAINING_DIGITS, None)
    return Task("digits", as_dataset(x[train], y[train], "digits"), as_dataset(x[test], y[test], "digits"), 10)


def scenes() -> Task:
    """4,000 training and 1,000 test scenes of 40 classes, uint8 (N, 1, 32, 32).

    A class is a digit and a texture. The digit is drawn at three times its size, anywhere, in a brightness of its own;
    the texture is a grating in one of four directions, of any phase and pitch; a piece of another digit and noise lie
    over both. Test scenes are made of digits that no training scene shows.
    """
    x, y = _digits()
    train, test = slice(TRAINING_DIGITS), slice(TRAINING_DIGITS, None)
    return Task(
        "scenes",
        _scenes(x[train], y[train], TRAINING_SCENES, "train"),
        _scenes(x[test], y[test], TEST_SCENES, "test"),
        10 * TEXTURES,
    )


TASKS: dict[str, Callable[[], Task]] = {"digits": digits, "scenes": scenes}


@cache
def _made(name: str) -> Task:
    return TASKS[name]()


def _digits() -> tuple[Array, Array]:
    """All 1,797, in the one order that splits are cut from."""
    try:  # whoever attacks a model of his own needs no digits
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError("the laboratory's own tasks need scikit-learn: pip install 'dlbc[lab]'") from error
    bunch = load_digits()
    order = prg.permutation(bytes(prg.SEED_BYTES), "digits", len(bunch.target))
    return (bunch.images[order] * 255 / 16).round().astype(np.uint8), bunch.target[order]


def _scenes(images: Array, labels: Array, count: int, part: str) -> Dataset:
    seed = digest(f"scenes {part}")

    def draw(label: str, *shape: int) -> Array:
        return prg.uniform(seed, label, (count, *shape))

    chosen, other = (prg.integers(seed, label, (count,), len(labels)) for label in ("digit", "distractor"))
    texture = prg.integers(seed, "texture", (count,), TEXTURES)
    canvas = _gratings(texture, draw("phase"), draw("pitch"))
    ink = INK[0] + (INK[1] - INK[0]) * draw("ink")
    large = images.repeat(3, axis=1).repeat(3, axis=2).astype(np.float64) / 255
    _paste(canvas, large[chosen] * ink[:, None, None], draw("place", 2))
    _paste(canvas, large[other][:, 8:16, 8:16] * ink[:, None, None], draw("distractor place", 2))
    noise = prg.normal(seed, "noise", canvas.shape) * NOISE
    return as_dataset((canvas + noise).clip(0, 255).astype(np.uint8), labels[chosen] * TEXTURES + texture, "scenes")


def _gratings(texture: Array, phase: Array, pitch: Array) -> Array:
    rows, columns = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    angle = (texture * np.pi / TEXTURES)[:, None, None]
    along = rows * np.cos(angle) + columns * np.sin(angle)
    wave: Array = np.sin(2 * np.pi * (along / (4 + 4 * pitch)[:, None, None] + phase[:, None, None]))
    return 60 + CONTRAST * wave


def _paste(canvas: Array, patches: Array, places: Array) -> None:
    side = patches.shape[1]
    for scene, patch, place in zip(canvas, patches, (places * (SIDE - side + 1)).astype(int), strict=True):
        scene[place[0] : place[0] + side, place[1] : place[1] + side] += patch
