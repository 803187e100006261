"""A training's state in canonical order: weights, the optimizer's state, buffers, and the step before which it holds.

Everything is flat float32. Parameters of two and more dimensions come first, since only they decay, then the others,
each kind in the order of the module tree; buffers likewise in that order. Hashes are over little-endian bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dlbc.ml import prg

BUCKETS = 1_024
SLOTS: Mapping[str, tuple[str, ...]] = {"adamw": ("first", "second"), "sgd": ("momentum",)}
_TAG = b"DLBC/trajectory/state/1\x00"

Vector = NDArray[np.float32]
Sketch = NDArray[np.float16]


@dataclass(frozen=True)
class State:
    """Where a training stands.

    Attributes:
        step: optimizer steps done.
        weights: all parameters, (n,).
        slots: the optimizer's state by name (`SLOTS`), (n,) each.
        buffers: running statistics, (b,).
    """

    step: int
    weights: Vector
    slots: Mapping[str, Vector]
    buffers: Vector

    @cached_property
    def weights_hash(self) -> bytes:
        """32 bytes."""
        return _hash(b"weights", self.weights)

    @cached_property
    def optimizer_hash(self) -> bytes:
        """32 bytes, over step and slots."""
        return _hash(b"optimizer" + self.step.to_bytes(8, "big"), *(self.slots[name] for name in sorted(self.slots)))

    @cached_property
    def buffers_hash(self) -> bytes:
        """32 bytes."""
        return _hash(b"buffers", self.buffers)


class Layout:
    """How a network's tensors lie in the flat vectors.

    Attributes:
        matrices: how many numbers belong to parameters of two and more dimensions; they come first.
        size: numbers in all parameters (n).
        buffer_size: numbers in all buffers (b).
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = list(model.named_parameters())
        ordered = [p for p in parameters if p[1].dim() > 1] + [p for p in parameters if p[1].dim() <= 1]
        self.spans: dict[str, tuple[int, int]] = {}
        end = self.matrices = 0
        for name, parameter in ordered:
            self.spans[name] = (end, end + parameter.numel())
            end += parameter.numel()
            self.matrices += parameter.numel() if parameter.dim() > 1 else 0
        self.size = end
        self.buffer_size = sum(buffer.numel() for buffer in model.buffers())

    def weights(self, model: nn.Module) -> Vector:
        """A copy of all parameters, (n,)."""
        named = dict(model.named_parameters())
        return _joined([named[name].detach() for name in self.spans])

    def buffers(self, model: nn.Module) -> Vector:
        """A copy of all buffers, (b,)."""
        return _joined(list(model.buffers()))

    def put_weights(self, model: nn.Module, weights: Vector) -> None:
        """Copies (n,) numbers into the parameters."""
        named = dict(model.named_parameters())
        with torch.no_grad():
            for name, (begin, end) in self.spans.items():
                named[name].copy_(torch.from_numpy(weights[begin:end]).view(named[name].shape))

    def put_buffers(self, model: nn.Module, buffers: Vector) -> None:
        """Copies (b,) numbers into the buffers."""
        begin = 0
        with torch.no_grad():
            for buffer in model.buffers():
                buffer.copy_(torch.from_numpy(buffers[begin : begin + buffer.numel()]).view(buffer.shape))
                begin += buffer.numel()


class Sketcher:
    """The count-sketch of weights (Charikar et al., 2002): number i times a sign goes into bucket i mod 1,024.

    Inner products of two sketches are those of the weights up to about 1/√1024 of the product of their lengths.
    """

    def __init__(self, seed: bytes, size: int) -> None:
        self._signs = prg.signs(seed, "trajectory/sketch", size)

    def __call__(self, weights: Vector) -> Sketch:
        """float16, (1024,). Row after row in float64, so that the order of the sum is the same everywhere."""
        signed = weights * self._signs
        whole = signed.size // BUCKETS * BUCKETS
        total: NDArray[np.float64] = signed[:whole].reshape(-1, BUCKETS).sum(axis=0, dtype=np.float64)
        total[: signed.size - whole] += signed[whole:]
        limit = float(np.finfo(np.float16).max)
        return np.clip(total, -limit, limit).astype(np.float16)


def cosine(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Of two vectors or two sketches; 0 where one is all zero."""
    one, two = first.astype(np.float64), second.astype(np.float64)
    length = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / length if length > 0 else 0.0


def _joined(parts: list[torch.Tensor]) -> Vector:
    if not parts:
        return np.zeros(0, np.float32)
    joined: Vector = torch.cat([part.reshape(-1) for part in parts]).to("cpu", torch.float32).numpy()
    return joined


def _hash(label: bytes, *vectors: Vector) -> bytes:
    digest = hashlib.sha256(_TAG + len(label).to_bytes(1, "big") + label)
    for vector in vectors:
        digest.update(np.ascontiguousarray(vector, dtype="<f4").data)
    return digest.digest()
