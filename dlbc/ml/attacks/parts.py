"""Parts of a network that attacks ask for."""

from __future__ import annotations

import copy

import torch
from torch import nn

from dlbc.ml.channels import ChannelGroup, Network
from dlbc.ml.data import Dataset
from dlbc.ml.models import initialise
from dlbc.ml.watermark.balance import Floats
from dlbc.ml.watermark.responses import activity

SAMPLES = 256


def fresh(model: Network, seed: bytes) -> Network:
    """A network of the same architecture at the start that a seed gives."""
    start = copy.deepcopy(model)
    initialise(start, seed)
    return start


def head_parameters(model: Network) -> list[nn.Parameter]:
    """Weight and bias of the last layer."""
    return [parameter for name, parameter in model.named_parameters() if name.startswith("head.")]


def last_group(model: Network) -> ChannelGroup:
    """The hidden channels nearest to the head; a stream that all blocks write is not meant."""
    read = next(group for group in model.groups if any(reader.weight == "head.weight" for reader in group.readers))
    return model.groups[-1] if read.rotates else read


def least_active(model: Network, data: Dataset) -> list[torch.Tensor]:
    """For each channel group its channels, those first that answer the data least."""
    means: list[Floats] = activity(model, data.x[:SAMPLES])
    return [torch.from_numpy(mean.argsort(kind="stable")) for mean in means]


def writer_rows(model: Network, group: ChannelGroup) -> list[torch.Tensor]:
    """Every parameter that writes the group's channels, each with one row for a channel."""
    names = [name for writer in group.writers for name in (writer.weight, writer.bias) if name is not None]
    names += [f"{writer.norm}.{part}" for writer in group.writers if writer.norm for part in ("weight", "bias")]
    return [model.get_parameter(name) for name in names]
