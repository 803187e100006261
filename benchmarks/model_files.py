"""Model files of the sizes that the paper reports, filled with random numbers: only their size matters here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlbc.ml.tensor_file import write_tensors

TENSOR = 1 << 22  # numbers in each tensor but the last


@dataclass(frozen=True)
class ModelSize:
    """A network by its number of parameters.

    Attributes:
        signed, moved: how often the parts `signature` and `network` measure it: a large model costs everybody else on
            the machine more.
        signature, network: the paper's overheads in seconds that may be of a model of this kind; () where none can be.
    """

    name: str
    parameters: int
    signed: int
    moved: int
    signature: tuple[float, ...] = ()
    network: tuple[float, ...] = ()


SIZES = (
    ModelSize("LeNet-5", 61_706, 15, 15, (0.001, 0.002), (0.37, 0.41)),
    ModelSize("ResNet-18", 11_689_512, 5, 5),
    ModelSize("U-Net", 31_030_658, 3, 3, (1.25,), (3.77,)),  # one channel, two classes
    ModelSize("FCN-32s", 134_346_581, 3, 1, (0.98,), (3.01,)),  # on VGG-16, 21 classes
)


def write_model(size: ModelSize, path: Path) -> None:
    """A model file as miners write it, with that many float32 parameters."""
    random = np.random.default_rng(size.parameters)
    lengths = [TENSOR] * (size.parameters // TENSOR) + [size.parameters % TENSOR]
    write_tensors(
        {f"layers.{i}.weight": random.standard_normal(n, dtype=np.float32) for i, n in enumerate(lengths)}, path
    )


def papers(seconds: tuple[float, ...]) -> str:
    """The paper's figures as a cell."""
    return " or ".join(f"{value:g}" for value in seconds) + " s" if seconds else "-"


def verdict(ours: Mapping[str, float], paper: Mapping[str, tuple[float, ...]]) -> str:
    """Which models took longer here than in the paper, by name."""
    slower = [name for name, figures in paper.items() if figures and ours[name] > max(figures)]
    faster = [name for name, figures in paper.items() if figures and ours[name] < min(figures)]
    words = [f"longer than the paper's figure: {', '.join(slower)}"] if slower else []
    words += [f"shorter: {', '.join(faster)}"] if faster else []
    return f"**Here {'; '.join(words)}.**" if words else "Here as long as the paper's figures."


def megabytes(size: int) -> str:
    """Bytes as MB of 10^6."""
    return f"{size / 1e6:.2f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"
