"""`mlp`: linear layers with ReLU over flattened samples, for tables and for very small images."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import nn

from dlbc.ml.channels import ChannelGroup, Network, Reader, Writer, batch_norm

# Channels are aligned by linear assignment, cubic in their number: a hostile layer of 2,048 takes 14 seconds.
# With 8, channels of one honest pair in 20 agree by chance (870 ordered pairs), with 12 of none.
ARGUMENTS = {"hidden": (16, 2048), "layers": (1, 16)}


class Mlp(Network):
    """`layers` hidden layers of `hidden` units; the input norm learns the training set's statistics."""

    name = "mlp"

    def __init__(self, input_shape: tuple[int, ...], classes: int, *, hidden: int, layers: int) -> None:
        super().__init__()
        self.input_shape, self.classes = input_shape, classes
        features = math.prod(input_shape)
        self.input_norm = batch_norm(features, dimensions=1, affine=False)
        self.hidden = nn.Sequential(
            *(
                nn.Sequential(OrderedDict(linear=nn.Linear(features if index == 0 else hidden, hidden), relu=nn.ReLU()))
                for index in range(layers)
            )
        )
        self.head = nn.Linear(hidden, classes)
        self.groups = tuple(
            ChannelGroup(
                size=hidden,
                writers=(Writer(f"hidden.{index}.linear.weight", bias=f"hidden.{index}.linear.bias"),),
                readers=(Reader("head.weight" if index == layers - 1 else f"hidden.{index + 1}.linear.weight"),),
                taps=(f"hidden.{index}",),
            )
            for index in range(layers)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.hidden(self.input_norm(x.flatten(1))))
        return logits


def widest(input_shape: tuple[int, ...], *, hidden: int, layers: int) -> int:
    """Numbers in the largest activation of one sample."""
    return max(math.prod(input_shape), hidden)
