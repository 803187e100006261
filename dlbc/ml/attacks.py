"""What a thief can do to a model without changing what it computes: for demonstrations and tests."""

from __future__ import annotations

import torch

from dlbc.ml import prg
from dlbc.ml.channels import ChannelGroup, Network, tensors


def permute_channels(model: Network, seed: bytes) -> None:
    """Reorder, rescale and sign-flip every hidden channel in place; outputs stay the same up to rounding.

    Channels are scaled by 1/2 to 2, filters in front of a batch norm additionally by ±1/2 to ±2.
    """
    with torch.no_grad():
        for index, group in enumerate(model.groups):
            _permute(model, group, seed, f"attack/{index}")


def _permute(model: Network, group: ChannelGroup, seed: bytes, label: str) -> None:
    named = tensors(model)
    device = named[group.writers[0].weight].device
    order = torch.from_numpy(prg.permutation(seed, f"{label}/order", group.size)).to(device)
    scale = _factors(group.size, seed, f"{label}/scale").to(device)
    for number, writer in enumerate(group.writers):
        weight = named[writer.weight]
        weight.copy_(weight[order])
        if writer.norm is None:
            weight.mul_(_rows(scale, weight))
            if writer.bias is not None:
                bias = named[writer.bias]
                bias.copy_(bias[order] * scale)
            continue
        gain, shift = named[f"{writer.norm}.weight"], named[f"{writer.norm}.bias"]
        mean, variance = named[f"{writer.norm}.running_mean"], named[f"{writer.norm}.running_var"]
        flip = torch.from_numpy(prg.signs(seed, f"{label}/flip/{number}", group.size)).float().to(device)
        stretch = _factors(group.size, seed, f"{label}/stretch/{number}").to(device)
        weight.mul_(_rows(stretch * flip, weight))
        gain.copy_(gain[order] * scale * flip)
        shift.copy_(shift[order] * scale)
        mean.copy_(mean[order] * stretch * flip)
        # torch adds its epsilon of 1e-5 to the variance, so that much is scaled and taken off again.
        variance.copy_(((variance[order] + 1e-5) * stretch**2 - 1e-5).clamp_min_(0.0))
    for reader in group.readers:
        weight = named[reader]
        weight.copy_(weight[:, order] / scale.reshape(1, -1, *([1] * (weight.dim() - 2))))


def _factors(size: int, seed: bytes, label: str) -> torch.Tensor:
    return torch.from_numpy(2.0 ** (2.0 * prg.uniform(seed, label, (size,)) - 1.0)).float()


def _rows(factor: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return factor.reshape(-1, *([1] * (weight.dim() - 1)))
