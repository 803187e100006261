"""What a thief can do to a model without changing what it computes."""

from __future__ import annotations

import numpy as np
import torch

from dlbc.ml import prg
from dlbc.ml.channels import AttentionHeads, ChannelGroup, Network, Reader, tensors

SMALLEST_GAIN = 1e-2  # a layer norm's gain that cannot be moved into the readers without losing digits


def shuffle_features(model: Network, seed: bytes) -> None:
    """Reorder the hidden channels in place and change nothing else; outputs stay the same up to rounding."""
    with torch.no_grad():
        for index, group in enumerate(model.groups):
            _reorder(model, group, torch.from_numpy(prg.permutation(seed, f"shuffle/{index}", group.size)))


def permute_channels(model: Network, seed: bytes) -> None:
    """Reorder, rescale and sign-flip every hidden channel in place; outputs stay the same up to rounding.

    Channels are scaled by 1/2 to 2, filters in front of a batch norm additionally by ±1/2 to ±2, gains of layer norms
    by ±1/2 to ±2. Heads are reordered too, and what stands between their factors is mixed.
    """
    with torch.no_grad():
        for index, group in enumerate(model.groups):
            _permute(model, group, seed, f"attack/{index}")
        for index, heads in enumerate(model.heads):
            _mix_heads(model, heads, seed, f"attack/heads/{index}")


def rotate_streams(model: Network, seed: bytes) -> None:
    """Rotate every stream that is read through layer norms, in place, and add to it what they do not see.

    Outputs stay the same up to rounding. A stream with a gain near 0 is left as it is.
    """
    with torch.no_grad():
        for index, group in enumerate(model.groups):
            if group.rotates:
                _rotate(model, group, seed, f"rotate/{index}")


def _permute(model: Network, group: ChannelGroup, seed: bytes, label: str) -> None:
    _reorder(model, group, torch.from_numpy(prg.permutation(seed, f"{label}/order", group.size)))
    named = tensors(model)
    device = named[group.writers[0].weight].device
    scale = _factors(group.size, seed, f"{label}/scale").to(device)
    if group.rotates:
        scale.fill_(1.0)  # a stream behind layer norms cannot be scaled channel by channel
    for number, writer in enumerate(group.writers):
        weight = named[writer.weight]
        if writer.norm is None:
            weight.mul_(_along(scale, weight, 0))
            if writer.bias is not None:
                named[writer.bias].mul_(scale)
            continue
        flip = _flips(group.size, seed, f"{label}/flip/{number}").to(device)
        stretch = _factors(group.size, seed, f"{label}/stretch/{number}").to(device)
        weight.mul_(_along(stretch * flip, weight, 0))
        named[f"{writer.norm}.weight"].mul_(scale * flip)
        named[f"{writer.norm}.bias"].mul_(scale)
        named[f"{writer.norm}.running_mean"].mul_(stretch * flip)
        variance = named[f"{writer.norm}.running_var"]
        # torch adds its epsilon of 1e-5 to the variance, so that much is scaled and taken off again.
        variance.copy_(((variance + 1e-5) * stretch**2 - 1e-5).clamp_min_(0.0))
    gains = {}
    for norm in _norms(group):
        gains[norm] = (_factors(group.size, seed, f"{label}/{norm}") * _flips(group.size, seed, f"{label}/{norm}")).to(
            device
        )
        named[f"{norm}.weight"].mul_(gains[norm])
        named[f"{norm}.bias"].mul_(gains[norm])
    for reader in group.readers:
        part = _read(named[reader.weight], reader, group)
        part.div_(_along(scale if reader.norm is None else gains[reader.norm], part, 1))


def _reorder(model: Network, group: ChannelGroup, order: torch.Tensor) -> None:
    named = tensors(model)
    for writer in group.writers:
        parts = ("weight", "bias", "running_mean", "running_var")
        norm = [f"{writer.norm}.{part}" for part in parts] if writer.norm is not None else []
        for name in (writer.weight, *([writer.bias] if writer.bias is not None else []), *norm):
            named[name].copy_(named[name][order])
    for layer_norm in _norms(group):
        for name in (f"{layer_norm}.weight", f"{layer_norm}.bias"):
            named[name].copy_(named[name][order])
    for reader in group.readers:
        part = _read(named[reader.weight], reader, group)
        part.copy_(part[:, order])


def _mix_heads(model: Network, heads: AttentionHeads, seed: bytes, label: str) -> None:
    query, key, value, output = (
        model.get_parameter(name) for name in (heads.query, heads.key, heads.value, heads.output)
    )
    order = torch.from_numpy(prg.permutation(seed, f"{label}/order", heads.count))
    size = query.shape[0] // heads.count
    for number, (first, second) in enumerate(((query, key), (value, output.T))):
        for factor in (first, second):
            cut = factor.reshape(heads.count, size, -1)
            factor.copy_(cut[order.to(cut.device)].reshape(factor.shape))
        for head in range(heads.count):
            rows = slice(head * size, (head + 1) * size)
            mixing = _invertible(size, seed, f"{label}/{number}/{head}").to(first.device)
            first[rows] = (mixing @ first[rows].double()).float()
            second[rows] = (torch.linalg.inv(mixing).T @ second[rows].double()).float()


def _rotate(model: Network, group: ChannelGroup, seed: bytes, label: str) -> None:
    named = tensors(model)
    norms = _norms(group)
    if any(bool((named[f"{norm}.weight"].abs() < SMALLEST_GAIN).any()) for norm in norms):
        return
    device = named[group.writers[0].weight].device
    rotation = _keeping_ones(_orthogonal(group.size, seed, label)).to(device)
    for writer in group.writers:
        weight = named[writer.weight]
        turned = (rotation @ weight.double().flatten(1)).reshape(weight.shape)
        unseen = torch.from_numpy(prg.normal(seed, f"{label}/{writer.weight}", (1, *weight.shape[1:]))).to(device)
        weight.copy_(turned + unseen * weight.double().square().mean().sqrt())
        if writer.bias is not None:
            named[writer.bias].copy_(rotation @ named[writer.bias].double())
    for reader in group.readers:
        weight = named[reader.weight]  # layer norms stand in front of whole inputs
        weight.copy_(weight.double() * named[f"{reader.norm}.weight"].double() @ rotation.T)
    for norm in norms:
        gain, shift = named[f"{norm}.weight"], named[f"{norm}.bias"]
        shift.copy_(rotation @ (shift.double() / gain.double()))
        gain.fill_(1.0)


def _norms(group: ChannelGroup) -> list[str]:
    return list(dict.fromkeys(reader.norm for reader in group.readers if reader.norm is not None))


def _orthogonal(size: int, seed: bytes, label: str) -> torch.Tensor:
    rotation: torch.Tensor = torch.linalg.qr(torch.from_numpy(prg.normal(seed, label, (size, size))))[0]
    return rotation


def _keeping_ones(rotation: torch.Tensor) -> torch.Tensor:
    """The rotation acts on what is orthogonal to the all-ones direction, which stays."""
    size = rotation.shape[0]
    ones_first = torch.cat([torch.ones(size, 1), torch.eye(size)[:, : size - 1]], dim=1).double()
    basis: torch.Tensor = torch.linalg.qr(ones_first)[0]
    inner = torch.eye(size, dtype=torch.float64)
    inner[1:, 1:] = torch.linalg.qr(rotation[1:, 1:])[0]
    return basis @ inner @ basis.T


def _invertible(size: int, seed: bytes, label: str) -> torch.Tensor:
    stretch = 2.0 ** (2.0 * prg.uniform(seed, f"{label}/stretch", (size,)) - 1.0)
    return _orthogonal(size, seed, label) * torch.from_numpy(stretch)


def _flips(size: int, seed: bytes, label: str) -> torch.Tensor:
    return torch.from_numpy(prg.signs(seed, label, size).astype(np.float32))


def _factors(size: int, seed: bytes, label: str) -> torch.Tensor:
    return torch.from_numpy(2.0 ** (2.0 * prg.uniform(seed, label, (size,)) - 1.0)).float()


def _along(factor: torch.Tensor, weight: torch.Tensor, axis: int) -> torch.Tensor:
    return factor.reshape([-1 if place == axis else 1 for place in range(weight.dim())])


def _read(weight: torch.Tensor, reader: Reader, group: ChannelGroup) -> torch.Tensor:
    """The view of a reader's weight that reads the group."""
    return weight[:, reader.start : reader.start + group.size]
