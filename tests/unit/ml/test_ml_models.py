from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from dlbc.errors import InvalidTask
from dlbc.ml.channels import tensors
from dlbc.ml.evaluate import exact_float32, predict
from dlbc.ml.measure import measure
from dlbc.ml.model_file import save_model
from dlbc.ml.models import NAMES, build, initialise

IMAGE = (1, 8, 8)
RESNET = {"name": "resnet", "depth": 8, "width": 16}
TRANSFORMER = {"name": "transformer", "width": 32, "depth": 2, "heads": 4, "patch": 2}
UNET = {"name": "unet", "width": 8, "levels": 2}


@pytest.mark.parametrize(
    ("architecture", "where"),
    [
        ("resnet", "architecture"),
        ({}, "architecture.name"),
        ({"name": "perceptron"}, "architecture.name"),
        ({"name": ["resnet"]}, "architecture.name"),
        ({"name": "resnet", "depth": 8}, "architecture.width"),
        ({"name": "resnet", "depth": 8, "width": 16, "norm": "x"}, "architecture.norm"),
        ({"name": "resnet", "depth": 9, "width": 16}, "architecture.depth"),
        ({"name": "resnet", "depth": 8, "width": "16"}, "architecture.width"),
        ({"name": "resnet", "depth": 8, "width": 16.0}, "architecture.width"),
        ({"name": "lenet", "width": True}, "architecture.width"),
        ({"name": "lenet", "width": 10**30}, "architecture.width"),
        ({"name": "lenet", "width": -1}, "architecture.width"),
        ({"name": "mlp", "hidden": 2049, "layers": 1}, "architecture.hidden"),
        ({"name": "lenet", "width": 512, "depth": 1}, "architecture.depth"),
        ({"name": "mlp", "hidden": 15, "layers": 1}, "architecture.hidden"),
        ({"name": "mlp", "hidden": 16, "layers": 1}, "architecture"),
        ({"name": "unet", "width": 8}, "architecture.levels"),
        ({"name": "unet", "width": 8, "levels": 5}, "architecture.levels"),
        ({**TRANSFORMER, "depth": 13}, "architecture.depth"),
        ({**TRANSFORMER, "heads": 5}, "architecture.heads"),
        ({**TRANSFORMER, "patch": 3}, "architecture.patch"),
        ({**TRANSFORMER, "patch": 16}, "architecture.patch"),
        ({**TRANSFORMER, "patch": True}, "architecture.patch"),
    ],
)
def test_build__architecture_outside_the_rules__names_the_field(architecture: object, where: str) -> None:
    with pytest.raises(InvalidTask) as caught:
        build(architecture, IMAGE, 10)  # type: ignore[arg-type]
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("shape", "classes", "where"),
    [
        ((64,), 10, "architecture.name"),
        ((1, 2, 2), 10, "architecture.name"),
        ((1, 8, 8), 1, "classes"),
        ((1, 8, 8), True, "classes"),
        ((1, 0, 8), 10, "input_shape"),
        ((), 10, "input_shape"),
        ((3, 100_000, 100_000), 10, "input_shape"),
        ((3, 512, 512), 10, "architecture"),
    ],
)
def test_build__impossible_samples__names_the_field(shape: tuple[int, ...], classes: int, where: str) -> None:
    with pytest.raises(InvalidTask) as caught:
        build(RESNET, shape, classes)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [
        (RESNET, (1, 8, 8)),
        (RESNET, (3, 32, 32)),
        ({"name": "resnet", "depth": 14, "width": 8}, (3, 9, 7)),
        ({"name": "lenet", "width": 8}, (1, 8, 8)),
        ({"name": "lenet", "width": 32}, (3, 32, 32)),
        ({"name": "mlp", "hidden": 64, "layers": 1}, (64,)),
        ({"name": "mlp", "hidden": 64, "layers": 2}, (1, 8, 8)),
        (UNET, (1, 8, 8)),
        ({"name": "unet", "width": 8, "levels": 4}, (3, 9, 7)),
        ({"name": "unet", "width": 8, "levels": 1}, (1, 4, 4)),
        (TRANSFORMER, (1, 8, 8)),
        ({**TRANSFORMER, "heads": 1, "depth": 1}, (3, 12, 8)),
        ({**TRANSFORMER, "patch": 8}, (1, 8, 8)),
    ],
)
def test_build__allowed_architectures__map_samples_to_logits(
    architecture: dict[str, object], shape: tuple[int, ...]
) -> None:
    model = build(architecture, shape, 7)
    initialise(model, bytes(32))
    assert model(torch.rand(3, *shape)).shape == (3, 7)
    assert model.carriers
    named = tensors(model)
    for group in model.groups:
        for writer in group.writers:
            assert named[writer.weight].shape[0] == group.size
    read: dict[str, set[int]] = {
        heads.output: set(range(model.get_parameter(heads.output).shape[1])) for heads in model.heads
    }
    for group in model.groups:
        for reader in group.readers:
            places = range(reader.start, reader.start + group.size)
            assert read.setdefault(reader.weight, set()).isdisjoint(places)
            read[reader.weight].update(places)
    # Every input is read once, and every matrix is part of a group.
    assert all(places == set(range(named[name].shape[1])) for name, places in read.items())
    assert read.keys() | set(model.carriers) == {name for name, tensor in named.items() if tensor.dim() > 1}


def test_build__every_registered_name__is_tested_above() -> None:
    assert NAMES == ("mlp", "lenet", "resnet", "unet", "transformer")


def test_initialise__known_seed__known_weights(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A vector: every miner's W0 must be recomputable by every validator for ever."""
    model = build(RESNET, IMAGE, 10)
    initialise(model, bytes(range(32)))
    save_model(model, tmp_path / "w0")
    assert hashlib.sha256((tmp_path / "w0").read_bytes()).hexdigest()[:32] == "73a1836a73a051ddefebf933b8d50deb"


def test_initialise__layer_norms__identity() -> None:
    model = build(TRANSFORMER, IMAGE, 10)
    initialise(model, bytes(32))
    assert all((model.get_parameter(f"{norm}.weight") == 1).all() for norm in ("norm", "blocks.1.between"))


def test_initialise__twice_and_after_use__same_weights() -> None:
    first, second = build(RESNET, IMAGE, 10), build(RESNET, IMAGE, 10)
    second.train()(torch.rand(4, *IMAGE))  # moves the batch norms
    initialise(first, b"a" * 32)
    initialise(second, b"a" * 32)
    assert all(torch.equal(a, b) for a, b in zip(tensors(first).values(), tensors(second).values(), strict=True))
    initialise(second, b"b" * 32)
    assert not torch.equal(first.get_parameter("head.weight"), second.get_parameter("head.weight"))


def test_measure__known_network__counts_by_hand() -> None:
    found = measure({"name": "mlp", "hidden": 64, "layers": 1}, (64,), 10)
    assert found.parameters == 64 * 64 + 64 + 64 * 10 + 10
    assert found.flops == 2 * (64 * 64 + 64 * 10)


def test_measure__model_bytes__is_the_size_of_the_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for architecture in (
        RESNET,
        UNET,
        TRANSFORMER,
        {"name": "lenet", "width": 8},
        {"name": "mlp", "hidden": 64, "layers": 2},
    ):
        save_model(build(architecture, IMAGE, 10), tmp_path / "model")
        assert measure(architecture, IMAGE, 10).model_bytes == (tmp_path / "model").stat().st_size


def test_measure__largest_allowed_network__takes_no_memory() -> None:
    assert measure({"name": "mlp", "hidden": 2048, "layers": 16}, (4096,), 10).parameters > 70_000_000


def test_exact_float32__denormal_numbers__count_as_zero() -> None:
    """Their slow arithmetic must not hold up a validator; afterwards they are numbers again."""
    small = torch.full((64,), 1e-20)
    with exact_float32():
        products = small * small
    assert products.count_nonzero() == 0
    assert (small * small).count_nonzero() == 64


def test_predict__nan_and_infinite_outputs__are_wrong() -> None:
    model = build({"name": "mlp", "hidden": 64, "layers": 1}, (64,), 3)
    initialise(model, bytes(32))
    x = np.zeros((3, 64), np.float32)
    x[1] = np.nan
    x[2] = np.inf
    predictions = predict(model, x)
    assert predictions.dtype == np.int32
    assert predictions[0] >= 0
    assert predictions[1:].tolist() == [-1, -1]


def test_predict__tie__lowest_class_on_every_machine() -> None:
    model = build({"name": "mlp", "hidden": 64, "layers": 1}, (64,), 3)  # all zero
    assert predict(model, np.zeros((2, 64), np.uint8)).tolist() == [0, 0]


def test_predict__model_in_training_mode__scores_as_in_evaluation_and_stays() -> None:
    model = build(RESNET, IMAGE, 10)
    initialise(model, bytes(32))
    x = np.random.default_rng(0).integers(0, 256, (300, *IMAGE), dtype=np.uint8)
    expected = predict(model.eval(), x)
    assert np.array_equal(predict(model.train(), x), expected)
    assert model.training
    assert np.array_equal(predict(model.eval(), x[:7]), expected[:7])
