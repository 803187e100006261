"""What a miner commits to: a leaf for each station of his training, under one root."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dlbc.ml.trajectory.recipe import Recipe
from dlbc.ml.trajectory.state import BUCKETS, Sketch, Sketcher, State

HASH_BYTES = 32
_LEAF = b"DLBC/trajectory/leaf/1\x00"
_NODE = b"DLBC/trajectory/node/1\x00"
_ROOT = b"DLBC/trajectory/1\x00"


@dataclass(frozen=True)
class Leaf:
    """One station.

    Attributes:
        weights, optimizer, buffers: hashes, 32 bytes each.
        sketch: of the weights, float16, (1024,).
    """

    weights: bytes
    optimizer: bytes
    buffers: bytes
    sketch: Sketch

    @property
    def hashes(self) -> bytes:
        """96 bytes."""
        return self.weights + self.optimizer + self.buffers

    @property
    def encoded(self) -> bytes:
        """96 + 2,048 bytes, little-endian."""
        return self.hashes + self.sketch.astype("<f2").tobytes()


LEAF_BYTES = 3 * HASH_BYTES + 2 * BUCKETS


def leaf(state: State, sketcher: Sketcher) -> Leaf:
    """The leaf of a state."""
    return Leaf(state.weights_hash, state.optimizer_hash, state.buffers_hash, sketcher(state.weights))


def decode_leaf(encoded: bytes) -> Leaf:
    """The leaf of 2,144 bytes as `Leaf.encoded` gives them."""
    first, second, third = (encoded[begin : begin + HASH_BYTES] for begin in range(0, 3 * HASH_BYTES, HASH_BYTES))
    return Leaf(first, second, third, np.frombuffer(encoded[3 * HASH_BYTES :], "<f2").astype(np.float16))


@dataclass(frozen=True)
class Trajectory:
    """A recipe, and a leaf for each of its stations."""

    recipe: Recipe
    leaves: tuple[Leaf, ...]

    @cached_property
    def digest(self) -> bytes:
        """`trajectory` of the commitment: H(domain, recipeHash, k, S, root)."""
        numbers = self.recipe.segment.to_bytes(8, "big") + self.recipe.steps.to_bytes(8, "big")
        return hashlib.sha256(_ROOT + self.recipe.digest + numbers + root([x.encoded for x in self.leaves])).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree of RFC 6962 over sha-256 with tags of its own (no Keccak where models train); 32 zero bytes if empty."""
    level = [hashlib.sha256(_LEAF + data).digest() for data in leaves]
    while len(level) > 1:
        joined = [hashlib.sha256(_NODE + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = joined + level[len(joined) * 2 :]
    return level[0] if level else bytes(HASH_BYTES)
