"""`lenet`: three 3x3 convolutions with ReLU and pooling, no batch norm between (after LeCun et al., 1998)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from dlbc.ml.channels import ChannelGroup, Network, Reader, Writer, batch_norm

ARGUMENTS = {"width": (8, 512)}


class LeNet(Network):
    """Channels w, 3w/2, 2w. Width 32 has 41,760 convolution weights on one-channel images."""

    name = "lenet"

    def __init__(self, input_shape: tuple[int, ...], classes: int, *, width: int) -> None:
        super().__init__()
        self.input_shape, self.classes = input_shape, classes
        channels = (input_shape[0], width, width * 3 // 2, width * 2)
        self.input_norm = batch_norm(channels[0], dimensions=2, affine=False)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(OrderedDict(conv=nn.Conv2d(channels[i], channels[i + 1], 3, padding=1), relu=nn.ReLU()))
                for i in range(3)
            )
        )
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.head = nn.Linear(channels[3], classes)
        self.groups = tuple(
            ChannelGroup(
                size=channels[i + 1],
                writers=(Writer(f"layers.{i}.conv.weight", bias=f"layers.{i}.conv.bias"),),
                readers=(Reader("head.weight" if i == 2 else f"layers.{i + 1}.conv.weight"),),
                taps=(f"layers.{i}",),
            )
            for i in range(3)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.layers[0](self.input_norm(x)))
        x = self.layers[2](self.pool(self.layers[1](x)))
        logits: torch.Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def widest(input_shape: tuple[int, ...], *, width: int) -> int:
    """Numbers in the largest activation of one sample."""
    return max(input_shape[0], width) * input_shape[1] * input_shape[2]
