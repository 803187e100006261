"""Watermark keys: one public per submission, a few private ones that stay committed until a dispute."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlbc.ml import prg

MAX_PRIVATE_KEYS = 4
WEIGHTS_PER_PRIVATE_KEY = 25_600  # (8 / (0.1 · 0.5))²: still found where a cosine of one half survives


@dataclass(frozen=True)
class Key:
    """A spread-spectrum key: its chips are ±1, one for each weight of its share.

    Attributes:
        secret: 32 bytes that the chips are expanded from.
        index: share number; 0 of 1 is the whole network (the public key).
        shares: number of shares that the weights are dealt into, round robin.
        private: whether it is committed to, and not computed from a seed. Its chips are other ones, so that nobody
            can commit to a secret that is somebody's public key: every model of his carries that mark.
    """

    secret: bytes
    index: int = 0
    shares: int = 1
    private: bool = False

    def chips(self, count: int) -> NDArray[np.int8]:
        """The chips for `count` weights: ±1 on the key's share, 0 elsewhere."""
        chips = prg.signs(self.secret, "watermark/private-chips" if self.private else "watermark/chips", count)
        if self.shares > 1:
            share = chips[self.index :: self.shares].copy()
            chips[:] = 0
            chips[self.index :: self.shares] = share
        return chips

    @property
    def leaf(self) -> bytes:
        """32 bytes for a leaf of the commitment's Merkle tree: a hash, so that the other keys stay hidden."""
        place = self.index.to_bytes(1, "big") + self.shares.to_bytes(1, "big")
        return hashlib.sha256(b"DLBC/watermark/leaf/1\x00" + place + self.secret).digest()


def keygen(seed: bytes) -> Key:
    """The public key Kpub = H(m ‖ 1) of a submission, which anyone can recompute from its seed m."""
    return Key(_hash(seed, b"\x01"))


def private_key_count(weights: int) -> int:
    """J: how many private keys this many carrier weights can hold; 0 means no private claim."""
    return min(MAX_PRIVATE_KEYS, weights // WEIGHTS_PER_PRIVATE_KEY)


def private_keys(r: bytes, seed: bytes, count: int) -> tuple[Key, ...]:
    """The private keys Kj = H(r ‖ m ‖ 2 ‖ j), j < count, each on its own share of the weights.

    Args:
        r: 32 secret bytes of the miner, derived from his keystore for this round.
        seed: m, the submission's seed.
        count: `private_key_count(model.carrier_size())`.
    """
    if len(r) != prg.SEED_BYTES or len(seed) != prg.SEED_BYTES:
        raise ValueError("r and the seed have 32 bytes each")
    return tuple(Key(_hash(r, seed, b"\x02", j.to_bytes(4, "big")), j, count, private=True) for j in range(count))


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"DLBC/watermark/key/1\x00" + b"".join(parts)).digest()
