"""What the hidden channels of a network answer to samples."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml.channels import ChannelGroup, Network
from dlbc.ml.data import prepare
from dlbc.ml.evaluate import exact_float32
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.balance import Floats

SIDE = 4  # positions that an image is pooled to, in height and width
PLACES = SIDE * SIDE  # tokens that a sequence is pooled to


def responses(model: Network, probes: Array) -> list[NDArray[np.float32]]:
    """For each channel group the standardised activations on the probes, (channels, features).

    Every channel has mean 0 and length 1; where the stream rotates it is the whole of them that has length 1, and the
    mean over the channels is taken off, since layer norms do not see it.
    """
    found, outputs = [], _outputs(model, probes)
    for group in model.groups:
        # one at a time, and kept in float32: all of them together may be larger than the network
        found.append(_standardise(group, torch.cat(outputs.pop(0), dim=1).double()).astype(np.float32))
    return found


def activity(model: Network, probes: Array) -> list[Floats]:
    """For each channel group the mean size of each channel's activations on the probes, (channels,)."""
    return [np.asarray(torch.cat(o, dim=1).double().abs().mean(dim=1)) for o in _outputs(model, probes)]


def _outputs(model: Network, probes: Array) -> list[list[torch.Tensor]]:
    found: dict[str, torch.Tensor] = {}
    handles = [
        model.get_submodule(tap).register_forward_hook(
            lambda _module, _inputs, output, tap=tap: found.__setitem__(tap, _pooled(output))
        )
        for group in model.groups
        for tap in group.taps
    ]
    training = model.training
    try:
        model.eval()
        with torch.inference_mode(), exact_float32():
            model(prepare(probes, next(model.parameters()).device))
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return [[found[tap] for tap in group.taps] for group in model.groups]


def _pooled(output: torch.Tensor) -> torch.Tensor:
    """To (channels, batch · positions), at most 4x4 positions or 16 tokens."""
    if output.dim() == 3:
        output = output.transpose(1, 2)
        if output.shape[2] > PLACES:
            output = torch.nn.functional.adaptive_avg_pool1d(output, PLACES)
    elif output.dim() == 4 and max(output.shape[2:]) > SIDE:
        output = torch.nn.functional.adaptive_avg_pool2d(output, SIDE)
    return output.transpose(0, 1).flatten(1).cpu()


def _standardise(group: ChannelGroup, values: torch.Tensor) -> Floats:
    array: Floats = np.nan_to_num(values.numpy(), nan=0.0, posinf=0.0, neginf=0.0)
    array = array - array.mean(axis=1, keepdims=True)
    if group.rotates:
        array = array - array.mean(axis=0, keepdims=True)
        length = np.linalg.norm(array)
    else:
        length = np.linalg.norm(array, axis=1, keepdims=True)
    return array / np.where(length > 0, length, 1.0)
