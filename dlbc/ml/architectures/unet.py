"""`unet`: an encoder and a decoder with skip concatenations (Ronneberger et al., arXiv 1505.04597).

Its head classifies the averaged features of the last decoder stage, since tasks are scored by correct labels.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import nn

from dlbc.ml.channels import ChannelGroup, Network, Reader, Writer, batch_norm

ARGUMENTS = {"width": (8, 128), "levels": (1, 4)}


class Stage(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(inputs, outputs), _convolution(outputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.second(self.first(x))
        return y


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            norm=batch_norm(outputs, dimensions=2),
            relu=nn.ReLU(),
        )
    )


class UNet(Network):
    """Stages of w, 2w, … channels going down, twice as many after each halving, and the same going up."""

    name = "unet"

    def __init__(self, input_shape: tuple[int, ...], classes: int, *, width: int, levels: int) -> None:
        super().__init__()
        self.input_shape, self.classes = input_shape, classes
        widths = [width << level for level in range(levels + 1)]
        self.input_norm = batch_norm(input_shape[0], dimensions=2, affine=False)
        self.down = nn.ModuleList(
            Stage(input_shape[0] if level == 0 else widths[level - 1], widths[level]) for level in range(levels + 1)
        )
        self.up = nn.ModuleList(Stage(widths[level] + widths[level + 1], widths[level]) for level in range(levels))
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.head = nn.Linear(width, classes)
        self.groups = _groups(widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = [self.down[0](self.input_norm(x))]
        for stage in self.down[1:]:
            skips.append(stage(self.pool(skips[-1])))
        x = skips.pop()
        for stage in reversed(self.up):
            skip = skips.pop()
            x = stage(torch.cat([skip, nn.functional.interpolate(x, size=skip.shape[2:])], dim=1))
        logits: torch.Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def _groups(widths: list[int]) -> tuple[ChannelGroup, ...]:
    """Two groups a stage. A decoder stage reads what comes over the skip first, and what comes from below after it."""
    levels = len(widths) - 1
    groups = []
    for level in range(levels + 1):
        readers = []
        if level < levels:
            readers = [Reader(f"down.{level + 1}.first.conv.weight"), Reader(f"up.{level}.first.conv.weight")]
        else:
            readers = [Reader(f"up.{level - 1}.first.conv.weight", start=widths[level - 1])]
        groups += _stage(f"down.{level}", widths[level], tuple(readers))
    for level in reversed(range(levels)):
        above = Reader(f"up.{level - 1}.first.conv.weight", start=widths[level - 1]) if level else Reader("head.weight")
        groups += _stage(f"up.{level}", widths[level], (above,))
    return tuple(groups)


def _stage(name: str, size: int, readers: tuple[Reader, ...]) -> list[ChannelGroup]:
    def group(part: str, readers: tuple[Reader, ...]) -> ChannelGroup:
        writer = Writer(f"{name}.{part}.conv.weight", norm=f"{name}.{part}.norm")
        return ChannelGroup(size, (writer,), readers, taps=(f"{name}.{part}",))

    return [group("first", (Reader(f"{name}.second.conv.weight"),)), group("second", readers)]


def widest(input_shape: tuple[int, ...], *, width: int, levels: int) -> int:
    """Numbers in the largest activation of one sample: the decoder's last concatenation of w and 2w channels."""
    return max(input_shape[0], 3 * width) * math.prod(input_shape[1:])
