"""Worthless and hostile models: an answer or a named refusal, never a crash, and nobody is accused because of them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from calibration import digest
from conftest import Submission

from dlbc.errors import InvalidArtifact
from dlbc.ml.channels import Network, tensors
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import embed, extract, fingerprint, keygen, lineage, start_score, verify
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.assignment import polar
from dlbc.ml.watermark.balance import balance

Pair = tuple[Submission, Submission]


def _fill(value: float) -> Callable[[Network], None]:
    def change(model: Network) -> None:
        for parameter in model.parameters():
            parameter.fill_(value)

    return change


def _equal_rows(model: Network) -> None:
    for parameter in model.parameters():
        parameter.copy_(parameter[:1].expand_as(parameter).clone())


def _one_huge_weight(model: Network) -> None:
    for parameter in model.parameters():
        parameter.view(-1)[0] = 3e38


def _dead_channels(model: Network) -> None:
    """All but one channel of every group are written by zeros."""
    for name in model.carriers:
        model.get_parameter(name)[1:] = 0


def _norms_without_gain(model: Network) -> None:
    for name, parameter in model.named_parameters():
        if "norm" in name or "before" in name or "between" in name:
            parameter.zero_()


def _half_of_the_gains(model: Network) -> None:
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 and "bias" not in name:
            parameter[::2] = 0


def _tied(model: Network) -> None:
    """Every tensor holds what the first one of its shape holds."""
    first: dict[torch.Size, torch.Tensor] = {}
    for parameter in model.parameters():
        parameter.copy_(first.setdefault(parameter.shape, parameter.clone()))


def _one_rank(model: Network) -> None:
    for name in model.carriers:
        flat = model.get_parameter(name).flatten(1)
        model.get_parameter(name).copy_((flat[:, :1] @ flat[:1]).reshape(model.get_parameter(name).shape))


DEGENERATE: dict[str, Callable[[Network], None]] = {
    "zero": _fill(0.0),
    "constant": _fill(0.01),
    "tiny": _fill(1e-42),
    "equal rows": _equal_rows,
    "one huge weight": _one_huge_weight,
    "dead channels": _dead_channels,
    "norms without gain": _norms_without_gain,
    "half of the gains zero": _half_of_the_gains,
    "tied": _tied,
    "rank one": _one_rank,
}


@pytest.mark.parametrize("kind", DEGENERATE)
def test_lineage__degenerate_model__accuses_nobody(honest: Pair, probes: Array, kind: str) -> None:
    """A worthless model that was opened earlier must not make honest ones look derived from it, or the reverse."""
    owner, other = honest
    degenerate = copy.deepcopy(other.model)
    with torch.no_grad():
        DEGENERATE[kind](degenerate)
    for subject, reference in ((owner.model, degenerate), (degenerate, owner.model)):
        found = lineage(subject, reference, probes)
        assert np.isfinite(found.cosine)
        assert np.isfinite(found.match)
        assert not found.related
        assert abs(extract(subject, owner.public, reference, probes)) < 8 or subject is owner.model
    assert np.isfinite(fingerprint(degenerate, probes, bytes(32))).all()
    assert np.isfinite(verify(degenerate, owner.public).z)
    assert np.isfinite(start_score(degenerate, owner.seed))


@pytest.mark.parametrize("size", [1e12, 1e25, 1e36])
def test_lineage__copy_with_enormous_weights_that_mean_nothing__is_still_one(
    honest: Pair, probes: Array, size: float
) -> None:
    """Balanced together with them, all others were nothing beside them."""
    original = honest[0].model
    copied = copy.deepcopy(original)
    with torch.no_grad():
        for group in copied.groups:
            if group.rotates:
                continue
            for writer in group.writers:
                copied.get_parameter(f"{writer.norm}.bias" if writer.norm else str(writer.bias))[0] = -3e38
            for reader in group.readers:
                weight = copied.get_parameter(reader.weight)
                weight[:, reader.start] = size * torch.sign(weight[:, reader.start])
    found = lineage(copied, original, probes)
    assert found.related
    assert found.cosine > 0.8
    assert lineage(original, copied, probes).related


@pytest.mark.parametrize("kind", ["zero", "norms without gain", "half of the gains zero", "dead channels"])
def test_embed__degenerate_model__finite_weights(honest: Pair, kind: str) -> None:
    model = copy.deepcopy(honest[0].model)
    with torch.no_grad():
        DEGENERATE[kind](model)
    embed(model, keygen(digest("key")))
    assert all(torch.isfinite(tensor).all() for tensor in tensors(model).values())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_watermark__nan_or_infinity__refused_by_name(honest: Pair, probes: Array, value: float) -> None:
    """Files with them are refused on loading; whoever skips that is told which tensor it is."""
    model = copy.deepcopy(honest[0].model)
    name = model.carriers[-1]
    with torch.no_grad():
        model.get_parameter(name).view(-1)[3] = value
    for call in (
        lambda: lineage(model, honest[1].model, probes),
        lambda: lineage(honest[1].model, model, probes),
        lambda: verify(model, honest[0].public),
        lambda: embed(model, honest[0].public),
    ):
        with pytest.raises(InvalidArtifact, match=name):
            call()


@pytest.mark.parametrize(
    "architecture",
    [
        {"name": "transformer", "width": 16, "depth": 1, "heads": 1, "patch": 8},  # one token, one head
        {"name": "transformer", "width": 16, "depth": 1, "heads": 16, "patch": 2},  # heads of one channel
        {"name": "unet", "width": 8, "levels": 4},  # below one pixel
    ],
)
def test_lineage__smallest_parts__strangers_apart_and_copies_found(
    probes: Array, architecture: dict[str, object]
) -> None:
    first, second = (build(architecture, probes.shape[1:], 10) for _ in range(2))
    initialise(first, digest("first"))
    initialise(second, digest("second"))
    assert not lineage(first, second, probes).related
    assert lineage(copy.deepcopy(first), first, probes).related
    embed(first, keygen(digest("key")))
    assert verify(first, keygen(digest("key"))).present


def test_lineage__wide_and_shallow_strangers__match_by_chance_alone(probes: Array) -> None:
    """A rotation of 128 channels fits to what it was found with: counted there, a third of the channels would match."""
    first, second = (
        build({"name": "transformer", "width": 128, "depth": 1, "heads": 4, "patch": 4}, probes.shape[1:], 10)
        for _ in range(2)
    )
    initialise(first, digest("first"))
    initialise(second, digest("second"))
    found = lineage(first, second, probes)
    assert found.match < 0.05
    assert found.cosine < 0.4


def test_align__same_architecture_for_other_images__refused(probes: Array) -> None:
    first = build({"name": "lenet", "width": 8}, (1, 8, 8), 10)
    second = build({"name": "lenet", "width": 8}, (3, 8, 8), 10)
    with pytest.raises(ValueError, match="one architecture"):
        align(first, second, probes)


def test_balance__one_channel__rms_one() -> None:
    assert np.allclose(np.abs(balance(np.full((1, 1, 9), -3.0)).x), 1.0)
    assert np.allclose(balance(np.full((1, 4, 1), 2.0), rows=False, columns=False).x, 1.0)


def test_polar__no_direction__no_rotation() -> None:
    """Else two streams of zeros would agree with each other perfectly."""
    assert not polar(np.zeros((4, 4))).any()
    flat = np.outer([1.0, 2.0, 0.0], [0.0, 1.0, 1.0])
    assert np.linalg.matrix_rank(polar(flat)) == 1
