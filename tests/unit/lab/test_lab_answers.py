"""Students answer like their teachers, and strangers do not. Every network here is trained."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from dlbc.ml.attacks import attack
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.models import build, initialise
from dlbc.ml.training import train
from lab import tasks
from lab.answers import Answers, answers, likeness
from lab.tasks import digest

EPOCHS = 6


@pytest.fixture(scope="module")
def data() -> Dataset:
    return tasks.load("digits").train


@pytest.fixture(scope="module")
def strangers(data: Dataset) -> list[Network]:
    """A teacher and four others."""
    models = [build({"name": "lenet", "width": 16}, data.sample_shape, 10) for _ in range(5)]
    for number, model in enumerate(models):
        initialise(model, digest(f"stranger {number}"))
        train(model, data, seed=digest(f"stranger {number}"), epochs=EPOCHS)
    return models


@pytest.fixture(scope="module")
def known(strangers: list[Network], data: Dataset) -> list[Answers]:
    return [answers(model, data) for model in strangers]


def test_likeness__student_in_a_fresh_network__over_any_stranger(
    strangers: list[Network], known: list[Answers], data: Dataset
) -> None:
    student = answers(attack("distil", strangers[0], data, 2 * EPOCHS, digest("thief")), data)
    found = likeness(student, known[0], known[1:4])
    others = [likeness(one, known[0], [k for k in known[1:] if k is not one]) for one in known[1:]]
    assert found > max(others) + 0.1
    assert likeness(student, known[4], known[1:4]) < found - 0.1  # like his teacher, and nobody else's student


def test_likeness__strangers__what_the_samples_explain_is_taken_off(known: list[Answers]) -> None:
    alike = float(np.corrcoef(known[0], known[4])[0, 1])
    assert alike > 0.5
    assert likeness(known[4], known[0], known[1:4]) < alike / 2


def test_likeness__copy__one(known: list[Answers]) -> None:
    assert likeness(known[0], known[0], known[1:4]) == pytest.approx(1)


def test_answers__what_a_label_alone_decides__is_left_out(strangers: list[Network], data: Dataset) -> None:
    """Otherwise all good models would be alike."""
    shifted = copy.deepcopy(strangers[0])
    with torch.no_grad():
        shifted.get_parameter("head.bias").add_(torch.arange(10.0))
    assert np.allclose(answers(shifted, data), answers(strangers[0], data), atol=1e-4)


def test_likeness__no_pool_to_tell_what_is_common__refused(known: list[Answers]) -> None:
    with pytest.raises(ValueError, match="2 models in the pool"):
        likeness(known[0], known[1], known[2:4])


def test_likeness__model_that_always_answers_the_same__is_like_nobody(known: list[Answers]) -> None:
    assert likeness(np.zeros_like(known[0]), known[0], known[1:4]) == 0
