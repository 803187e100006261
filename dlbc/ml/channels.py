"""What an architecture declares about its hidden channels: which tensors permute, scale, flip and rotate together.

A hidden channel is written by the first axis of some tensors and read by the second axis of others.
Reordering it in all of them at once changes the file and not the function, and so does multiplying what is
written and dividing what is read by the same positive number (ReLU is positively homogeneous), and so does a
negated filter in front of a batch norm whose gain is negated too.

A transformer has more of this freedom. Its residual stream is only ever read through layer norms, which see neither
the mean over the channels nor an orthogonal change of basis that keeps the all-ones direction (Ashkboos et al., arXiv
2401.15024, section 3), and whose gains may move into the readers. An attention head computes with products of two
matrices each, so any invertible matrix may stand between the two.

A thief can use all of it; `watermark.align` undoes it, for every network that declares its groups and heads.

To add an architecture, write a module in `architectures/` whose network fills `groups`, `heads` and `input_shape`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
class Reader:
    """A weight that reads a group's channels, at neighbouring places of its second axis.

    Attributes:
        weight: name of the weight tensor, shape (outputs, inputs, *kernel).
        start: the first channel's place among the inputs; others than 0 where streams are concatenated.
        norm: module name of the layer norm in between, over all inputs of the weight, if there is one.
    """

    weight: str
    start: int = 0
    norm: str | None = None


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that permute together, for example the residual stream of one stage.

    Attributes:
        size: number of channels.
        writers: every layer that writes them.
        readers: every weight that reads them.
        taps: modules whose outputs are the channels after ReLU, or the stream where it rotates; shape (batch,
            channels), (batch, channels, height, width) or (batch, tokens, channels).
        rotates: every reader has a layer norm, so the channels are free up to a rotation, and not only up to their
            order and scale.
    """

    size: int
    writers: tuple[Writer, ...]
    readers: tuple[Reader, ...]
    taps: tuple[str, ...]
    rotates: bool = False


@dataclass(frozen=True)
class AttentionHeads:
    """The heads of one attention layer, which permute, and inside which query with key and value with output mix.

    Attributes:
        count: number of heads.
        query: name of the weight, (count · size, inputs), one head after another; there is no bias.
        key: likewise.
        value: likewise.
        output: name of the weight that reads the heads' values, (outputs, count · size).
    """

    count: int
    query: str
    key: str
    value: str
    output: str


class Network(nn.Module):
    """A network that declares its channel groups; maps (batch, *input_shape) float32 to (batch, classes)."""

    name: ClassVar[str]
    input_shape: tuple[int, ...]
    classes: int
    groups: tuple[ChannelGroup, ...]
    heads: tuple[AttentionHeads, ...] = ()

    @property
    def carriers(self) -> tuple[str, ...]:
        """The tensors that carry a watermark: every one that writes hidden channels, so all but the head."""
        written = [writer.weight for group in self.groups for writer in group.writers]
        return (*written, *(name for heads in self.heads for name in (heads.query, heads.key, heads.value)))

    @property
    def first_layers(self) -> frozenset[str]:
        """Carriers that read the input itself."""
        read = {reader.weight for group in self.groups for reader in group.readers}
        read |= {heads.output for heads in self.heads}
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
