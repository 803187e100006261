"""`transformer`: a small vision transformer with layer norms in front (Dosovitskiy et al., arXiv 2010.11929).

ReLU instead of GELU, because its last bits do not depend on the device, and attention in plain products instead of a
fused kernel, for the same reason. Tokens are averaged in front of the head; there is no class token.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import nn

from dlbc.ml.channels import AttentionHeads, ChannelGroup, Network, Reader, Writer, batch_norm

# Hidden units, four for a channel, are aligned by linear assignment: no more of them than in `mlp`.
ARGUMENTS = {"width": (16, 512), "depth": (1, 12), "heads": (1, 16), "patch": (1, 32)}
EXPANSION = 4


class Attention(nn.Module):
    """Multi-head attention without biases inside the heads; (batch, tokens, width) to the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        mixed = scores.softmax(dim=3) @ value
        y: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return y


class Block(nn.Module):
    """Attention, then two linear layers with ReLU, each added to the stream that it reads through a layer norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.between = nn.LayerNorm(width)
        self.hidden = nn.Sequential(OrderedDict(linear=nn.Linear(width, EXPANSION * width), relu=nn.ReLU()))
        self.output = nn.Linear(EXPANSION * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.before(x))
        y: torch.Tensor = x + self.output(self.hidden(self.between(x)))
        return y


class Transformer(Network):
    """`depth` blocks over square patches of `patch` pixels; every token has `width` numbers."""

    name = "transformer"

    def __init__(
        self, input_shape: tuple[int, ...], classes: int, *, width: int, depth: int, heads: int, patch: int
    ) -> None:
        super().__init__()
        self.input_shape, self.classes = input_shape, classes
        self.input_norm = batch_norm(input_shape[0], dimensions=2, affine=False)
        self.embedding = nn.Conv2d(input_shape[0], width, patch, stride=patch)
        self.position = nn.Parameter(torch.zeros(width, _tokens(input_shape, patch)))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        names = [f"blocks.{index}" for index in range(depth)]
        self.groups = (_stream(width, names), *(_hidden(width, name) for name in names))
        self.heads = tuple(
            AttentionHeads(heads, *(f"{name}.attention.{part}.weight" for part in ("query", "key", "value", "output")))
            for name in names
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embedding(self.input_norm(x)).flatten(2) + self.position
        x = self.norm(self.blocks(x.transpose(1, 2)))
        logits: torch.Tensor = self.head(x.mean(dim=1))
        return logits


def _stream(width: int, names: list[str]) -> ChannelGroup:
    writers = [Writer("embedding.weight", bias="embedding.bias"), Writer("position")]
    readers = []
    for name in names:
        writers += [
            Writer(f"{name}.{layer}.weight", bias=f"{name}.{layer}.bias") for layer in ("attention.output", "output")
        ]
        readers += [
            Reader(f"{name}.attention.{part}.weight", norm=f"{name}.before") for part in ("query", "key", "value")
        ]
        readers.append(Reader(f"{name}.hidden.linear.weight", norm=f"{name}.between"))
    readers.append(Reader("head.weight", norm="norm"))
    return ChannelGroup(width, tuple(writers), tuple(readers), taps=tuple(names), rotates=True)


def _hidden(width: int, name: str) -> ChannelGroup:
    return ChannelGroup(
        size=EXPANSION * width,
        writers=(Writer(f"{name}.hidden.linear.weight", bias=f"{name}.hidden.linear.bias"),),
        readers=(Reader(f"{name}.output.weight"),),
        taps=(f"{name}.hidden",),
    )


def _tokens(input_shape: tuple[int, ...], patch: int) -> int:
    return (input_shape[1] // patch) * (input_shape[2] // patch)


def widest(input_shape: tuple[int, ...], *, width: int, depth: int, heads: int, patch: int) -> int:
    """Numbers in the largest activation of one sample."""
    tokens = _tokens(input_shape, patch)
    return max(math.prod(input_shape), EXPANSION * width * tokens, heads * tokens * tokens)


def problem(input_shape: tuple[int, ...], *, width: int, depth: int, heads: int, patch: int) -> tuple[str, str] | None:
    """The argument that does not fit and why; None where all do."""
    if width % heads:
        return "heads", f"is {heads}; a divisor of the width of {width} is needed"
    if input_shape[1] % patch or input_shape[2] % patch:
        return (
            "patch",
            f"is {patch}; a divisor of height and width of the {input_shape[1]}x{input_shape[2]} image is needed",
        )
    return None
