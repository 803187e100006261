"""A training's state on disk, so that a crash costs half a minute and not the round."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from dlbc.ml.channels import Network, tensors


@dataclass
class Progress:
    """Where a training stands.

    Attributes:
        step: optimizer steps done.
        share: of the main phase, 0 … 1.
        marked_at: the step before which the mark was embedded; None before that.
        finished: the result is final, and a resumed training returns it unchanged.
    """

    step: int = 0
    share: float = 0.0
    marked_at: int | None = None
    finished: bool = False


def save_checkpoint(
    path: Path, model: Network, optimizer: torch.optim.Optimizer, fingerprint: str, progress: Progress
) -> None:
    """Write atomically. `fingerprint` names the training that the state belongs to."""
    temporary = path.with_name(path.name + ".part")
    state = {
        "fingerprint": fingerprint,
        "progress": asdict(progress),
        "model": {name: tensor.detach().cpu() for name, tensor in tensors(model).items()},
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, temporary)
    temporary.replace(path)


def load_checkpoint(path: Path, model: Network, optimizer: torch.optim.Optimizer, fingerprint: str) -> Progress | None:
    """Restore model and optimizer; None where the file is absent, damaged or of another training.

    For a miner's own files only; even so nothing but tensors and plain values is unpickled.
    """
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError):
        return None
    if not isinstance(state, dict) or state.get("fingerprint") != fingerprint:
        return None
    with torch.no_grad():
        for name, tensor in tensors(model).items():
            tensor.copy_(state["model"][name])
    # The groups are this run's own: those of a GPU ask for what a CPU cannot do.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state["optimizer"]["state"], "param_groups": groups})
    return Progress(**state["progress"])
