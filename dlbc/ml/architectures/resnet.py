"""`resnet`: the CIFAR networks of He et al. (arXiv 1512.03385, section 4.2) with projection shortcuts."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from dlbc.ml.channels import ChannelGroup, Network, Reader, Writer, batch_norm

ARGUMENTS = {"depth": (8, 164), "width": (8, 512)}


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, *, relu: bool = False) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        norm=batch_norm(outputs, dimensions=2),
    )
    if relu:
        layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut: the identity, or a 1x1 projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.inner = _convolution(inputs, outputs, 3, stride, relu=True)
        self.outer = _convolution(outputs, outputs, 3)
        self.project = stride != 1 or inputs != outputs
        self.shortcut = _convolution(inputs, outputs, 1, stride) if self.project else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.relu(self.outer(self.inner(x)) + self.shortcut(x))
        return y


class ResNet(Network):
    """`depth` = 6n + 2: a stem, three stages of n blocks with w, 2w and 4w channels, and a linear head."""

    name = "resnet"

    def __init__(self, input_shape: tuple[int, ...], classes: int, *, depth: int, width: int) -> None:
        super().__init__()
        self.input_shape, self.classes = input_shape, classes
        blocks = (depth - 2) // 6
        self.input_norm = batch_norm(input_shape[0], dimensions=2, affine=False)
        self.stem = _convolution(input_shape[0], width, 3, relu=True)
        stages, inputs = [], width
        for stage in range(3):
            outputs = width << stage
            stages.append(
                nn.Sequential(
                    *(
                        Block(inputs if b == 0 else outputs, outputs, 2 if stage > 0 and b == 0 else 1)
                        for b in range(blocks)
                    )
                )
            )
            inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(inputs, classes)
        self.groups = _groups(blocks, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stages(self.stem(self.input_norm(x)))
        logits: torch.Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def _writer(module: str) -> Writer:
    return Writer(f"{module}.conv.weight", norm=f"{module}.norm")


def _groups(blocks: int, width: int) -> tuple[ChannelGroup, ...]:
    """One group per residual stream (a stage; the stem belongs to the first) and one inside every block."""
    groups = []
    for stage in range(3):
        names = [f"stages.{stage}.{b}" for b in range(blocks)]
        opening = "stem" if stage == 0 else f"{names[0]}.shortcut"
        # The first block of stages 2 and 3 reads the stream before it.
        readers = [f"{name}.inner.conv.weight" for name in (names if stage == 0 else names[1:])]
        following = f"stages.{stage + 1}.0"
        readers += (
            ["head.weight"] if stage == 2 else [f"{following}.inner.conv.weight", f"{following}.shortcut.conv.weight"]
        )
        groups.append(
            ChannelGroup(
                size=width << stage,
                writers=(_writer(opening), *(_writer(f"{name}.outer") for name in names)),
                readers=tuple(Reader(name) for name in readers),
                taps=(*(("stem",) if stage == 0 else ()), *names),
            )
        )
        groups += [
            ChannelGroup(
                size=width << stage,
                writers=(_writer(f"{name}.inner"),),
                readers=(Reader(f"{name}.outer.conv.weight"),),
                taps=(f"{name}.inner",),
            )
            for name in names
        ]
    return tuple(groups)


def widest(input_shape: tuple[int, ...], *, depth: int, width: int) -> int:
    """Numbers in the largest activation of one sample."""
    return max(input_shape[0], width) * input_shape[1] * input_shape[2]


def problem(input_shape: tuple[int, ...], *, depth: int, width: int) -> tuple[str, str] | None:
    """The argument that does not fit and why; None where all do."""
    return ("depth", f"is {depth}; 6n + 2 is needed: 8, 14, 20, 26, …") if (depth - 2) % 6 else None
