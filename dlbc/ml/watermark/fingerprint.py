"""Which earlier models are worth aligning with: a short fingerprint per model, compared in microseconds.

A channel is a point, its standardised answers to the probes, and a network is the set of its channels. The
fingerprint is the mean of random Fourier features over that set (Rahimi and Recht, 2007; a kernel mean embedding), so
the channels' order, scale and sign before a batch norm do not matter, and neither does a rotated stream, which is left
out. What networks of one task have in common is the mean over the earlier ones, and is taken off.

A fingerprint accuses nobody: it only chooses what `lineage` looks at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dlbc.ml import prg
from dlbc.ml.channels import Network
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark.balance import Floats
from dlbc.ml.watermark.responses import responses

DIRECTIONS = 64
FREQUENCY = 2.0  # higher ones tell more networks apart, and lose sooner what a thief has trained on
ALWAYS = 0.5  # likeness from which a pair is aligned whatever its rank
FEWEST = 4  # earlier models are aligned in any case

Fingerprint = NDArray[np.float32]


def fingerprint(model: Network, probes: Array, seed: bytes) -> Fingerprint:
    """One row of 128 numbers for each channel group that keeps its channels' identity; 0 where all of them are dead.

    Args:
        probes: as for `lineage`; all fingerprints that are compared need the same.
        seed: 32 bytes that no miner knew when he committed: who knows the directions can train against them.
    """
    rows = []
    for index, (group, found) in enumerate(zip(model.groups, responses(model, probes), strict=True)):
        if group.rotates:
            continue
        alive = found[np.abs(found).max(axis=1) > 0].astype(np.float64)
        signs = prg.signs(seed, f"fingerprint/{index}", found.shape[1] * DIRECTIONS)
        angles = FREQUENCY * alive @ signs.reshape(-1, DIRECTIONS).astype(np.float64)
        features = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        rows.append(features.mean(axis=0) if len(alive) else np.zeros(2 * DIRECTIONS))
    return np.asarray(rows, dtype=np.float32)


def likeness(subject: Fingerprint, earlier: Sequence[Fingerprint]) -> Floats:
    """For each earlier model the largest cosine over the groups, less what all earlier ones have in common."""
    if not earlier:
        return np.zeros(0)
    library = np.stack([found.astype(np.float64) for found in earlier])
    common = library.mean(axis=0) if len(earlier) > 1 else np.zeros_like(library[0])
    ours, theirs = subject - common, library - common
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=2)
    cosines = (theirs * ours).sum(axis=2) / np.where(lengths > 0, lengths, 1.0)
    largest: Floats = cosines.max(axis=1)
    return largest


def worth_aligning(subject: Fingerprint, earlier: Sequence[Fingerprint]) -> list[int]:
    """Places of the earlier models that `subject` may come from, the likeliest first.

    The √n likeliest of n, at least four, and all that are very much alike.
    """
    alike = likeness(subject, earlier)
    order = np.argsort(-alike, kind="stable")
    most = max(FEWEST, math.ceil(math.sqrt(len(earlier))))
    return [int(place) for rank, place in enumerate(order) if rank < most or alike[place] >= ALWAYS]
