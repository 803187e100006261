"""The registry: architectures by pinned name, each with an allow-list of integer arguments.

A manifest comes from a stranger, so it can only name what is listed here, within bounds; no code and no class
name is ever loaded from it. Everything is checked, on torch's `meta` device, before memory is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from dlbc.errors import InvalidTask
from dlbc.ml import prg
from dlbc.ml.architectures import lenet, mlp, resnet, transformer, unet
from dlbc.ml.channels import Network, tensors

MAX_PARAMETERS = 200_000_000
MIN_CARRIERS = 2_048  # weights that carry the watermark; with fewer it cannot reach its threshold
MAX_ACTIVATION = 1 << 20  # numbers in the largest activation of one sample: 1 GiB for a scoring batch of 256
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class _Entry:
    network: type[Network]
    arguments: Mapping[str, tuple[int, int]]
    widest: Callable[..., int]
    image: bool = True
    problem: Callable[..., tuple[str, str] | None] = lambda *_, **__: None


_REGISTRY = {
    entry.network.name: entry
    for entry in (
        _Entry(mlp.Mlp, mlp.ARGUMENTS, mlp.widest, image=False),
        _Entry(lenet.LeNet, lenet.ARGUMENTS, lenet.widest),
        _Entry(resnet.ResNet, resnet.ARGUMENTS, resnet.widest, problem=resnet.problem),
        _Entry(unet.UNet, unet.ARGUMENTS, unet.widest),
        _Entry(transformer.Transformer, transformer.ARGUMENTS, transformer.widest, problem=transformer.problem),
    )
}

NAMES = tuple(_REGISTRY)


def build(architecture: Mapping[str, object], input_shape: tuple[int, ...], classes: int) -> Network:
    """The network that `architecture` names, on the CPU; weights are 0 until `initialise` fills them.

    Args:
        architecture: {"name": one of NAMES, then exactly its integer arguments}, e.g.
            {"name": "mlp", "hidden": 128, "layers": 2}, {"name": "lenet", "width": 32},
            {"name": "resnet", "depth": 8, "width": 16}, {"name": "unet", "width": 16, "levels": 2} or
            {"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 2}.
        input_shape: of one sample: (channels, height, width), or (features,) for `mlp`.
        classes: number of labels, at least 2.

    Raises:
        InvalidTask: naming the field, what was found and what is allowed.
    """
    model = outline(architecture, input_shape, classes)
    model.to_empty(device="cpu")
    _blank(model)
    return model


def outline(architecture: Mapping[str, object], input_shape: tuple[int, ...], classes: int) -> Network:
    """As `build`, but on the `meta` device: shapes and names without memory."""
    entry, arguments = _check(architecture, input_shape, classes)
    with torch.device("meta"):
        model = entry.network(input_shape, classes, **arguments)
    count = sum(parameter.numel() for parameter in model.parameters())
    if count > MAX_PARAMETERS:
        raise InvalidTask(
            "architecture",
            f"{count:,} parameters, at most {MAX_PARAMETERS:,} are allowed; reduce width or depth",
        )
    if model.carrier_size() < MIN_CARRIERS:
        raise InvalidTask(
            "architecture",
            f"{model.carrier_size():,} hidden weights cannot carry a watermark, {MIN_CARRIERS:,} are needed; "
            "make it wider",
        )
    return model.eval()


def initialise(model: Network, seed: bytes) -> None:
    """W0: fill every weight from PRG(seed), uniform within ±√(6 / fan-in) (He et al., arXiv 1502.01852).

    Uniform rather than normal because it is exact on every platform. The head starts within ±√(1 / fan-in);
    biases are 0, batch norms and layer norms the identity.

    Raises:
        ValueError: the seed is not 32 bytes.
    """
    _blank(model)
    head = [name for name, _ in model.named_parameters() if name.startswith("head.")]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() < 2:
                continue
            bound = math.sqrt((1.0 if name in head else 6.0) / math.prod(parameter.shape[1:]))
            values = (2.0 * prg.uniform(seed, f"init/{name}", tuple(parameter.shape)) - 1.0) * bound
            parameter.copy_(torch.from_numpy(values.astype("float32")))


def _blank(model: Network) -> None:
    """All zero, with batch norms and layer norms as the identity."""
    with torch.no_grad():
        for tensor in tensors(model).values():
            tensor.zero_()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                cast(torch.Tensor, module.running_var).fill_(1.0)
                if module.affine:
                    module.weight.fill_(1.0)
            elif isinstance(module, nn.LayerNorm):
                module.weight.fill_(1.0)


def _check(
    architecture: Mapping[str, object], input_shape: tuple[int, ...], classes: int
) -> tuple[_Entry, dict[str, int]]:
    if not isinstance(architecture, Mapping):
        raise InvalidTask("architecture", f"a mapping with a name is needed, found {type(architecture).__name__}")
    name = architecture.get("name")
    if not isinstance(name, str) or name not in _REGISTRY:
        raise InvalidTask("architecture.name", f"{str(name)[:60]!r} is not known; choose one of {', '.join(NAMES)}")
    entry = _REGISTRY[name]
    unknown = sorted(str(key)[:60] for key in architecture if key != "name" and key not in entry.arguments)
    if unknown:
        raise InvalidTask(
            f"architecture.{unknown[0]}",
            f"{name} has no such argument; it takes {', '.join(entry.arguments)}",
        )
    arguments = {}
    for key, (low, high) in entry.arguments.items():
        value = architecture.get(key)
        if type(value) is not int or not low <= value <= high:  # bool is an int, and not a width
            found = "is missing" if key not in architecture else f"is {str(value)[:60]}"
            raise InvalidTask(f"architecture.{key}", f"{found}; an integer from {low} to {high} is needed")
        arguments[key] = value
    _check_shape(name, entry, input_shape, classes)
    if problem := entry.problem(input_shape, **arguments):
        raise InvalidTask(f"architecture.{problem[0]}", problem[1])
    if entry.widest(input_shape, **arguments) > MAX_ACTIVATION:
        raise InvalidTask(
            "architecture",
            f"one sample needs {entry.widest(input_shape, **arguments):,} activations in a layer, at most "
            f"{MAX_ACTIVATION:,} are allowed; reduce the width or the image",
        )
    return entry, arguments


def _check_shape(name: str, entry: _Entry, input_shape: tuple[int, ...], classes: int) -> None:
    if type(classes) is not int or not 2 <= classes <= MAX_CLASSES:
        raise InvalidTask("classes", f"is {str(classes)[:60]}; an integer from 2 to {MAX_CLASSES:,} is needed")
    if not input_shape or any(type(size) is not int or not 1 <= size <= MAX_ACTIVATION for size in input_shape):
        raise InvalidTask("input_shape", f"{str(input_shape)[:60]} is not a list of positive sizes")
    if entry.image and (len(input_shape) != 3 or min(input_shape[1:]) < 4):
        raise InvalidTask(
            "architecture.name",
            f"{name} needs images (channels, height, width) of at least 4x4 pixels, samples have shape "
            f"{input_shape}; use mlp for flat features",
        )
    if len(input_shape) not in {1, 3} or math.prod(input_shape) > MAX_ACTIVATION:
        raise InvalidTask(
            "input_shape",
            f"{input_shape}; (features,) or (channels, height, width) with at most {MAX_ACTIVATION:,} "
            "numbers is needed",
        )
