"""What an architecture declares about its hidden channels: which tensors permute, scale and flip together.

A hidden channel is written by the first axis of some tensors and read by the second axis of others.
Reordering it in all of them at once changes the file and not the function, and so does multiplying what is
written and dividing what is read by the same positive number (ReLU is positively homogeneous), and so does a
negated filter in front of a batch norm whose gain is negated too. A thief can use this freedom;
`watermark.align` undoes it, for every network that declares its groups.

To add an architecture, write a module in `architectures/` whose network fills `groups` and `input_shape`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Writer:
    """A convolution or linear layer whose output channels belong to a group.

    Attributes:
        weight: name of the weight tensor, shape (channels, inputs, *kernel).
        bias: name of its bias, shape (channels,), if it has one.
        norm: module name of the batch norm that follows directly, if one does; there is then no bias.
    """

    weight: str
    bias: str | None = None
    norm: str | None = None


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that permute together, for example the residual stream of one stage.

    Attributes:
        size: number of channels.
        writers: every layer that writes them.
        readers: every weight tensor that reads them along axis 1.
        taps: modules whose outputs are the channels after ReLU, shape (batch, channels, ...).
    """

    size: int
    writers: tuple[Writer, ...]
    readers: tuple[str, ...]
    taps: tuple[str, ...]


class Network(nn.Module):
    """A network that declares its channel groups; maps (batch, *input_shape) float32 to (batch, classes)."""

    input_shape: tuple[int, ...]
    classes: int
    groups: tuple[ChannelGroup, ...]

    @property
    def carriers(self) -> tuple[str, ...]:
        """The tensors that carry a watermark: every one that writes hidden channels, so all but the head."""
        return tuple(writer.weight for group in self.groups for writer in group.writers)

    @property
    def first_layers(self) -> frozenset[str]:
        """Carriers that read the input itself."""
        read = {name for group in self.groups for name in group.readers}
        return frozenset(name for name in self.carriers if name not in read)

    def carrier_size(self) -> int:
        """Number of weights that carry a watermark."""
        return sum(self.get_parameter(name).numel() for name in self.carriers)


def batch_norm(channels: int, *, dimensions: int, affine: bool = True) -> nn.Module:
    """A batch norm without torch's batch counter, which only an open-ended average needs."""
    norm = (nn.BatchNorm1d if dimensions == 1 else nn.BatchNorm2d)(channels, affine=affine)
    norm.num_batches_tracked = None
    return norm


def tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name, in the order of the module tree; the storage is the model's own."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}
