"""Model files: safetensors of float32 with exactly the names and shapes of the task's architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from dlbc.errors import InvalidArtifact
from dlbc.ml.channels import Network, tensors
from dlbc.ml.models import build, outline
from dlbc.ml.tensor_file import TensorSpec, read_specs, read_tensors, write_tensors


def save_model(model: Network, path: Path) -> None:
    """Write the weights; equal weights give equal bytes. Replaces `path` atomically."""
    arrays = {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in tensors(model).items()}
    write_tensors(arrays, path)


def load_model(
    path: Path,
    architecture: Mapping[str, object],
    input_shape: tuple[int, ...],
    classes: int,
    max_bytes: int,
) -> Network:
    """The network stored in a file that may come from a stranger, on the CPU in evaluation mode.

    Names, shapes and dtypes are compared with the architecture before any data is read.

    Raises:
        InvalidTask: the architecture itself is not allowed (`dlbc.ml.models.build`).
        InvalidArtifact: too large, malformed, other tensors than the architecture's, NaN or infinity,
            negative variance.
    """
    expected = {
        name: TensorSpec("F32", tuple(tensor.shape))
        for name, tensor in tensors(outline(architecture, input_shape, classes)).items()
    }
    found = read_specs(path, max_bytes=max_bytes, expected=expected)
    for name, spec in expected.items():
        if found[name] != spec:
            raise InvalidArtifact(
                f"{path.name}: tensor {name} is {found[name].dtype} {found[name].shape}, "
                f"the architecture needs {spec.dtype} {spec.shape}"
            )
    arrays = read_tensors(path, max_bytes=max_bytes, expected=expected)
    model = build(architecture, input_shape, classes)
    with torch.no_grad():
        for name, tensor in tensors(model).items():
            if not np.isfinite(arrays[name]).all():
                raise InvalidArtifact(f"{path.name}: tensor {name} holds NaN or infinity")
            if name.endswith("running_var") and (arrays[name] < 0).any():
                raise InvalidArtifact(f"{path.name}: tensor {name} is a variance and holds negative numbers")
            tensor.copy_(torch.from_numpy(arrays[name]))
    return model.eval()
