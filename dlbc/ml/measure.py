"""What a task costs to compute, measured rather than declared: the same integers for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from dlbc.ml.channels import tensors
from dlbc.ml.models import outline
from dlbc.ml.tensor_file import TensorSpec, file_bytes


@dataclass(frozen=True)
class Measurement:
    """What one task costs.

    Attributes:
        parameters: trainable numbers.
        flops: floating point operations of one sample's forward pass, a multiply-add counted as two.
        model_bytes: exact size of the plaintext model file.
    """

    parameters: int
    flops: int
    model_bytes: int


def measure(architecture: Mapping[str, object], input_shape: tuple[int, ...], classes: int) -> Measurement:
    """Measure on torch's `meta` device: nothing is allocated and nothing is computed.

    Raises:
        InvalidTask: as `dlbc.ml.models.build`.
    """
    model = outline(architecture, input_shape, classes)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.empty((1, *input_shape), device="meta"))
    return Measurement(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops=int(counter.get_total_flops()),
        model_bytes=file_bytes({name: TensorSpec("F32", tuple(t.shape)) for name, t in tensors(model).items()}),
    )
