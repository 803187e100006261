"""The thief's tools: what each of them changes, and what it leaves as it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from calibration import digest
from conftest import Submission

from dlbc.errors import InvalidTask
from dlbc.ml.attacks import ATTACKS, attack, permute_channels, rotate_streams, shuffle_features
from dlbc.ml.channels import Network, tensors
from dlbc.ml.data import Dataset, prepare
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise

STRUCTURAL = {"permute": permute_channels, "rotate": rotate_streams, "shuffle": shuffle_features}


@pytest.fixture(scope="module", params=["lenet", "transformer"])
def victim(request: pytest.FixtureRequest, train_set: Dataset) -> Network:
    architecture: dict[str, object] = {
        "lenet": {"name": "lenet", "width": 16},
        "transformer": {"name": "transformer", "width": 32, "depth": 1, "heads": 2, "patch": 4},
    }[request.param]
    model = build(architecture, train_set.sample_shape, 10)
    initialise(model, digest("victim"))
    return model.eval()


@pytest.fixture(scope="module")
def little(train_set: Dataset) -> Dataset:
    return Dataset(train_set.x[:128], train_set.y[:128])


@pytest.mark.parametrize("name", STRUCTURAL)
def test_structural_attack__any_network__same_outputs_other_weights(
    honest: tuple[Submission, Submission], test_set: Dataset, name: str
) -> None:
    model = honest[0].model
    if name == "rotate" and not any(group.rotates for group in model.groups):
        pytest.skip("it has no stream to rotate")
    disguised = copy.deepcopy(model)
    STRUCTURAL[name](disguised, digest("disguise"))
    x = prepare(test_set.x)
    with torch.inference_mode():
        assert torch.allclose(model(x), disguised(x), atol=1e-3)
    assert score(model, test_set).correct == score(disguised, test_set).correct
    changed = [n for n in model.carriers if not torch.equal(model.get_parameter(n), disguised.get_parameter(n))]
    if name == "permute":
        assert changed == list(model.carriers)
    assert len(changed) >= len(model.carriers) / 2


@pytest.mark.parametrize("name", ATTACKS)
def test_attack__each_of_them__finite_model_and_the_victims_untouched(
    victim: Network, little: Dataset, name: str
) -> None:
    before = {key: tensor.clone() for key, tensor in tensors(victim).items()}
    stolen = attack(name, victim, little, 1, digest("thief"))
    assert all(torch.equal(before[key], tensor) for key, tensor in tensors(victim).items())
    assert type(stolen) is type(victim)
    assert not stolen.training
    for key, tensor in tensors(stolen).items():
        assert torch.isfinite(tensor).all(), key
    changed = any(not torch.equal(before[key], tensor) for key, tensor in tensors(stolen).items())
    assert changed == (name not in {"nothing"} and not (name == "rotate" and victim.name == "lenet"))
    again = attack(name, victim, little, 1, digest("thief"))
    assert all(torch.equal(a, b) for a, b in zip(tensors(stolen).values(), tensors(again).values(), strict=True))


@pytest.mark.parametrize("name", ["ftll", "rtll"])
def test_attack__last_layer__only_the_head_moves(victim: Network, little: Dataset, name: str) -> None:
    stolen = attack(name, victim, little, 2, digest("thief"))
    moved = [key for key, p in stolen.named_parameters() if not torch.equal(p, victim.get_parameter(key))]
    assert moved
    assert all(key.startswith("head.") for key in moved)


def test_attack__no_budget__change_alone(victim: Network, little: Dataset) -> None:
    pruned = attack("prune", victim, little, 0, digest("thief"))
    zeros = [float((pruned.get_parameter(name) == 0).float().mean()) for name in victim.carriers if name != "position"]
    assert min(zeros) >= 0.5
    rounded = attack("quantise-4", victim, little, 0, digest("thief"))
    assert max(rounded.get_parameter(name).unique().numel() for name in victim.carriers) <= 16


def test_attack__several__one_after_another(victim: Network, little: Dataset) -> None:
    stolen = attack("shuffle+quantise-4", victim, little, 0, digest("thief"))
    name = victim.carriers[0]
    assert stolen.get_parameter(name).unique().numel() <= 16
    assert not torch.equal(
        stolen.get_parameter(name), attack("quantise-4", victim, little, 0, bytes(32)).get_parameter(name)
    )


def test_attack__distilled__learns_the_teachers_answers(victim: Network, train_set: Dataset) -> None:
    """Its own weights are fresh: nothing of the victim's is in them but the function."""
    teacher = score(victim, train_set).predictions
    student = attack("retrain", victim, train_set, 5, digest("thief"))
    assert np.mean(score(student, train_set).predictions == teacher) > 0.6
    name = victim.carriers[-1]
    ours, theirs = student.get_parameter(name).flatten(), victim.get_parameter(name).flatten()
    assert abs(float(torch.nn.functional.cosine_similarity(ours, theirs, dim=0).detach())) < 0.2


@pytest.mark.parametrize(("names", "budget"), [("steal", 1), ("permute+", 1), ("", 1), ("permute", -1)])
def test_attack__unknown_or_impossible__refused(victim: Network, little: Dataset, names: str, budget: int) -> None:
    with pytest.raises(InvalidTask, match=r"is not known; choose of|from 0 on"):
        attack(names, victim, little, budget, digest("thief"))
