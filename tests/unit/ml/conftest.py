"""Networks trained once for the whole folder: two honest miners for each kind of network, and one thief."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest
import torch
from calibration import digest, digits, mine, tuned

from dlbc.ml.attacks import permute_channels, rotate_streams
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.tensor_file import Array
from dlbc.ml.training import Settings
from dlbc.ml.watermark import Key, choose_probes

torch.set_num_threads(1)

RESNET: dict[str, object] = {"name": "resnet", "depth": 8, "width": 16}
LENET: dict[str, object] = {"name": "lenet", "width": 32}
MLP: dict[str, object] = {"name": "mlp", "hidden": 128, "layers": 2}
UNET: dict[str, object] = {"name": "unet", "width": 8, "levels": 2}
TRANSFORMER: dict[str, object] = {"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 4}


@dataclass(frozen=True)
class Submission:
    model: Network
    public: Key
    private: tuple[Key, ...]
    seed: bytes


@pytest.fixture(scope="session")
def train_set() -> Dataset:
    return digits()[0]


@pytest.fixture(scope="session")
def test_set() -> Dataset:
    return digits()[1]


@pytest.fixture(scope="session")
def probes(train_set: Dataset) -> Array:
    return choose_probes(train_set.x, digest("specification"))


def _pair(architecture: dict[str, object], data: Dataset, epochs: int) -> tuple[Submission, Submission]:
    first, second = (Submission(*mine(architecture, name, data, epochs), digest(name)) for name in ("alice", "bob"))
    return first, second


@pytest.fixture(scope="session")
def resnets(train_set: Dataset) -> tuple[Submission, Submission]:
    return _pair(RESNET, train_set, 10)


@pytest.fixture(scope="session")
def lenets(train_set: Dataset) -> tuple[Submission, Submission]:
    return _pair(LENET, train_set, 15)


@pytest.fixture(scope="session")
def mlps(train_set: Dataset) -> tuple[Submission, Submission]:
    return _pair(MLP, train_set, 30)


@pytest.fixture(scope="session")
def unets(train_set: Dataset) -> tuple[Submission, Submission]:
    return _pair(UNET, train_set, 20)


@pytest.fixture(scope="session")
def transformers(train_set: Dataset) -> tuple[Submission, Submission]:
    return _pair(TRANSFORMER, train_set, 18)


@pytest.fixture(scope="session", params=["resnet", "lenet", "mlp", "unet", "transformer"])
def honest(request: pytest.FixtureRequest) -> tuple[Submission, Submission]:
    """Two miners who trained independently on the same data, for each kind of network in turn."""
    pair: tuple[Submission, Submission] = request.getfixturevalue(f"{request.param}s")
    return pair


def steal(model: Network, data: Dataset) -> Network:
    """What a thief submits: channels reordered, scaled, flipped and rotated, then three epochs of fine-tuning."""
    stolen = copy.deepcopy(model)
    permute_channels(stolen, digest("thief"))
    rotate_streams(stolen, digest("thief"))
    tuned(stolen, data, 3, Settings().rate / 10)
    return stolen


@pytest.fixture(scope="session")
def stolen(honest: tuple[Submission, Submission], train_set: Dataset) -> Network:
    return steal(honest[0].model, train_set)
