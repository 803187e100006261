"""Which earlier models are aligned at all."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from calibration import digest
from conftest import Submission

from dlbc.ml.attacks import permute_channels, rotate_streams
from dlbc.ml.channels import Network
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import Fingerprint, fingerprint, worth_aligning
from dlbc.ml.watermark.fingerprint import likeness

SEED = digest("after the commits")
EARLIER = 25


def _library(model: Network, probes: Array) -> list[Fingerprint]:
    """As many networks of a model's architecture, untrained: strangers are told apart by their starts already."""
    others = []
    for index in range(EARLIER):
        other = copy.deepcopy(model)
        initialise(other, digest(f"earlier {index}"))
        others.append(fingerprint(other, probes, SEED))
    return others


def test_fingerprint__disguised__the_same_and_short(honest: tuple[Submission, Submission], probes: Array) -> None:
    model = honest[0].model
    disguised = copy.deepcopy(model)
    permute_channels(disguised, digest("disguise"))
    rotate_streams(disguised, digest("disguise"))
    ours, theirs = fingerprint(model, probes, SEED), fingerprint(disguised, probes, SEED)
    assert np.allclose(ours, theirs, atol=1e-3)
    assert ours.nbytes < 8_192
    assert not np.allclose(ours, fingerprint(honest[1].model, probes, SEED), atol=1e-1)
    assert not np.allclose(ours, fingerprint(model, probes, digest("another seed")), atol=1e-1)


def test_worth_aligning__stolen_from_one_of_many__the_origin_first(
    honest: tuple[Submission, Submission], stolen: Network, probes: Array
) -> None:
    first, second = (fingerprint(submission.model, probes, SEED) for submission in honest)
    earlier = [*_library(stolen, probes), second, first]
    chosen = worth_aligning(fingerprint(stolen, probes, SEED), earlier)
    assert chosen[0] == EARLIER + 1
    assert len(chosen) == 6  # √27, rounded up


def test_worth_aligning__few_or_none__all_of_them(probes: Array) -> None:
    model = build({"name": "lenet", "width": 8}, probes.shape[1:], 10)
    initialise(model, bytes(32))
    found = fingerprint(model, probes, SEED)
    assert worth_aligning(found, []) == []
    assert worth_aligning(found, [found]) == [0]
    assert sorted(worth_aligning(found, [found * (index + 1) for index in range(4)])) == [0, 1, 2, 3]


def test_worth_aligning__many_copies_of_one__all_are_aligned(probes: Array) -> None:
    """Models of one declared family are alike; none of them may be lost because they are many."""
    model = build({"name": "lenet", "width": 8}, probes.shape[1:], 10)
    initialise(model, bytes(32))
    found, others = fingerprint(model, probes, SEED), _library(model, probes)
    assert {20, 21, 22, 23, 24, 25, 26, 27, 28, 29} <= set(worth_aligning(found, [*others[:20], *[found] * 10]))


@pytest.mark.parametrize("kind", ["zero", "constant", "huge"])
def test_fingerprint__degenerate_model__finite_and_like_nobody(probes: Array, kind: str) -> None:
    model = build({"name": "resnet", "depth": 8, "width": 8}, probes.shape[1:], 10)
    initialise(model, bytes(32))
    degenerate = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in degenerate.parameters():
            parameter.fill_({"zero": 0.0, "constant": 0.01, "huge": 1e38}[kind])
    found = fingerprint(degenerate, probes, SEED)
    assert np.isfinite(found).all()
    assert np.isfinite(likeness(found, [*_library(model, probes), found])).all()
