"""Uchida's scheme: it embeds as published, and a permutation hides it from whoever does not align."""

from __future__ import annotations

import copy

import pytest
from calibration import digest
from conftest import Submission

from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import uchida


@pytest.fixture(scope="module")
def marked(lenets: tuple[Submission, Submission], train_set: Dataset) -> tuple[Network, uchida.UchidaKey]:
    model = copy.deepcopy(lenets[0].model)
    key = uchida.keygen(model, digest("owner"))
    uchida.embed(model, train_set, key, epochs=3, seed=digest("owner"))
    return model, key


def test_embed__three_epochs__message_read_accuracy_kept(
    marked: tuple[Network, uchida.UchidaKey], lenets: tuple[Submission, Submission], test_set: Dataset
) -> None:
    model, key = marked
    assert uchida.wrong_bits(lenets[0].model, key) > 16
    assert uchida.wrong_bits(model, key) <= 3
    assert uchida.embedded(model, key)
    assert score(model, test_set).correct >= score(lenets[0].model, test_set).correct - 0.03 * len(test_set)


def test_embedded__strangers_key__no(marked: tuple[Network, uchida.UchidaKey]) -> None:
    assert not uchida.embedded(marked[0], uchida.keygen(marked[0], digest("stranger")))


def test_wrong_bits__permuted__hidden_until_aligned(marked: tuple[Network, uchida.UchidaKey], probes: Array) -> None:
    model, key = marked
    stolen = copy.deepcopy(model)
    permute_channels(stolen, digest("thief"))
    assert not uchida.embedded(stolen, key)
    assert uchida.wrong_bits(stolen, key, model, probes) == uchida.wrong_bits(model, key)
    with pytest.raises(ValueError, match="probes"):
        uchida.wrong_bits(stolen, key, model)


def test_keygen__more_bits_than_the_layer_has__refused(lenets: tuple[Submission, Submission]) -> None:
    assert len(uchida.keygen(lenets[0].model, digest("owner"), bits=256).message) == 256
    for bits, layer in ((64, "layers.0.conv.weight"), (1_000, None), (8, "no such layer")):
        with pytest.raises(ValueError, match="cannot carry"):
            uchida.keygen(lenets[0].model, digest("owner"), bits, layer)
