"""Light augmentation: shifts by a few pixels. No flips, since labels may depend on the side."""

from __future__ import annotations

import torch


def reach(sample_shape: tuple[int, ...]) -> int:
    """Largest shift in pixels: 1 for 8x8, 4 for 32x32 and larger, 0 for flat features."""
    return max(1, min(4, min(sample_shape[1:]) // 8)) if len(sample_shape) == 3 else 0


def shift(x: torch.Tensor, offsets: torch.Tensor, pixels: int) -> torch.Tensor:
    """Move each image by its own offset; what enters at the border is 0.

    Args:
        x: (batch, C, H, W).
        offsets: int64, (batch, 2), rows and columns, each 0 … 2·pixels; `pixels` means unmoved.
    """
    batch, _, height, width = x.shape
    padded = torch.nn.functional.pad(x, (pixels,) * 4)
    rows = (offsets[:, :1] + torch.arange(height, device=x.device))[:, :, None]
    columns = (offsets[:, 1:] + torch.arange(width, device=x.device))[:, None, :]
    index = torch.arange(batch, device=x.device)[:, None, None]
    moved = padded[index, :, rows, columns].permute(0, 3, 1, 2)
    # Its channels are last in memory, which tensor cores like and CPUs do not.
    return moved if x.is_cuda else moved.contiguous()
