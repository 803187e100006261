"""Training against a deadline: one cycle that is always annealed when time is up.

Two phases. The main phase raises the learning rate over its first tenth and lowers it on a cosine to a tenth
of the peak. Then `mark` may change the weights (the watermark), and the final phase, a tenth of the whole,
runs from a tenth of the peak down to 0. With a deadline, progress is the share of the time used and the final
phase is planned from measured steps; with a fixed number of epochs nothing depends on the clock, and the
result is the same on every run of one machine.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import torch

from dlbc.ml.batches import Batches, batch_size, held_out_count, hold_out
from dlbc.ml.channels import Network
from dlbc.ml.checkpoint import Progress, load_checkpoint, save_checkpoint
from dlbc.ml.data import Dataset
from dlbc.ml.device import enough_memory, has_bfloat16
from dlbc.ml.evaluate import score
from dlbc.ml.schedule import Plan, countdown
from dlbc.ml.update import GraphedUpdate, PlainUpdate, Rules

CHECKPOINT_SECONDS = 30.0

__all__ = ["Epoch", "Settings", "TrainingResult", "countdown", "train"]


@dataclass(frozen=True)
class Settings:
    """Choices that matter little to the result; the defaults suit small images.

    Attributes:
        rate: peak learning rate of AdamW.
        weight_decay: decoupled, towards 0, on tensors of two and more dimensions.
        pull: decoupled decay of the same tensors towards where training began (L2-SP: arXiv 1802.01483). It
            regularises as weight decay does, and a long training stays recognisably its miner's own.
        batch: samples a step; None takes 1/20 of the training set, 32 to 256.
        smoothing: share of the target spread over all labels.
        held_out: share of the training set kept for the reported accuracy, at most 5,000 samples.
        clip: largest gradient norm.
        bfloat16: compute products in bfloat16 on GPUs that are built for it; weights stay float32 everywhere.
    """

    rate: float = 4e-3
    weight_decay: float = 0.0
    pull: float = 0.1
    batch: int | None = None
    smoothing: float = 0.05
    held_out: float = 0.05
    clip: float = 1.0
    bfloat16: bool = True


@dataclass(frozen=True)
class Epoch:
    """What is told after every epoch.

    Attributes:
        number: from 1.
        progress: share of the whole training, 0 … 1.
        loss: mean training loss of the epoch.
        accuracy: on the held-out part, 0 … 1.
        seconds: wall-clock length.
        final: true in the phase after the mark.
    """

    number: int
    progress: float
    loss: float
    accuracy: float
    seconds: float
    final: bool


@dataclass(frozen=True)
class TrainingResult:
    """How a training went.

    Attributes:
        epochs: completed passes, fractional.
        steps: optimizer steps.
        loss: mean loss of the last epoch.
        accuracy: on the held-out part of the training data, 0 … 1.
        seconds: wall-clock time of this call.
        marked: whether `mark` has run (also in a run that this one resumed).
        stopped: whether `should_stop` ended it early.
    """

    epochs: float
    steps: int
    loss: float
    accuracy: float
    seconds: float
    marked: bool
    stopped: bool


def train(
    model: Network,
    data: Dataset,
    *,
    seed: bytes,
    seconds_left: Callable[[], float] | None = None,
    epochs: int | None = None,
    device: torch.device | None = None,
    mark: Callable[[Network], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    settings: Settings | None = None,
) -> TrainingResult:
    """Train `model`, just initialised, in place; it ends on `device` in evaluation mode.

    Args:
        seed: decides data order, shifts and the held-out part.
        seconds_left: asked before each step, so the deadline may move (`countdown` for a fixed one).
        epochs: number of passes, at least 2; with `seconds_left` too, whichever ends first.
        mark: changes the weights before the final phase, e.g. `lambda m: embed(m, keys)`. Runs once, also
            when time is short.
        on_epoch: told after every epoch.
        should_stop: asked before each step; True saves the checkpoint and returns without the mark.
        checkpoint: file to save to now and then and at the end, and to resume from after a crash. A finished
            training is not continued: calling again returns the same weights. Delete it once they are safe.
        checkpoint_seconds: pause between two saves; a crash loses at most as much.

    Raises:
        ValueError: neither budget is given, or fewer than 2 epochs.
        MemoryError: the device has too little; the checkpoint, if one was saved, stays.
    """
    if (epochs is None and seconds_left is None) or (epochs is not None and epochs < 2):
        raise ValueError("give seconds_left, or at least 2 epochs, or both")
    run = _Run(model, data, seed, device or torch.device("cpu"), settings or Settings())
    progress = Progress()
    if checkpoint is not None:
        progress = load_checkpoint(checkpoint, model, run.update.optimizer, run.fingerprint) or progress
    plan = Plan(run.steps_per_epoch, epochs, seconds_left, resumed=progress.share)
    if progress.marked_at is not None:
        plan.begin_final()
    losses: deque[torch.Tensor] = deque(maxlen=run.steps_per_epoch)
    saved = began = epoch_began = time.monotonic()
    stopped = False
    while not progress.finished:
        if should_stop():
            stopped = True
            break
        _advance(model, plan, progress, mark)
        if progress.marked_at is not None and plan.final_share(progress) >= 1.0:
            progress.finished = True
            break
        tick = time.monotonic()
        losses.append(run.step(progress.step, plan.rate(progress)))
        plan.step_times.append(time.monotonic() - tick)
        progress.step += 1
        now = time.monotonic()
        if progress.step % run.steps_per_epoch == 0:
            if on_epoch is not None:
                number, final = progress.step // run.steps_per_epoch, progress.marked_at is not None
                on_epoch(Epoch(number, progress.share, _mean(losses), run.accuracy(), now - epoch_began, final))
            epoch_began = time.monotonic()
        if checkpoint is not None and now - saved > checkpoint_seconds:
            save_checkpoint(checkpoint, model, run.update.optimizer, run.fingerprint, progress)
            saved = time.monotonic()
    if checkpoint is not None:
        save_checkpoint(checkpoint, model, run.update.optimizer, run.fingerprint, progress)
    run.update.optimizer.zero_grad(set_to_none=True)  # as much memory as the weights
    model.eval()
    return TrainingResult(
        epochs=progress.step / run.steps_per_epoch,
        steps=progress.step,
        loss=_mean(losses),
        accuracy=run.accuracy(),
        seconds=time.monotonic() - began,
        marked=progress.marked_at is not None and mark is not None,
        stopped=stopped,
    )


def _advance(model: Network, plan: Plan, progress: Progress, mark: Callable[[Network], None] | None) -> None:
    """Move along the main phase, and at its end embed the mark."""
    if progress.marked_at is None:
        progress.share = plan.main_share(progress)
        if progress.share >= 1.0:
            if mark is not None:
                mark(model)
            progress.marked_at = progress.step
            plan.begin_final()


def _mean(losses: Collection[torch.Tensor]) -> float:
    # Read all at once: each reading waits for the device.
    return sum(torch.stack(tuple(losses)).tolist()) / len(losses) if losses else math.nan


class _Run:
    """What stays the same over the steps: data on its device, order, update."""

    def __init__(self, model: Network, data: Dataset, seed: bytes, device: torch.device, settings: Settings) -> None:
        self.model, self.device = model, device
        self.task = f"training {type(model).__name__} on samples of shape {data.sample_shape}"
        kept, self.held = hold_out(data, seed, held_out_count(settings.held_out, len(data)))
        batch = batch_size(settings.batch, len(kept))
        self.fingerprint = f"{seed.hex()}/{len(kept)}/{batch}/{settings}"
        with enough_memory(device, self.task):
            model.to(device)
            self.batches = Batches(kept, seed, batch, device)
            self.update = self._update(device, settings)
        self.steps_per_epoch = self.batches.steps

    def _update(self, device: torch.device, settings: Settings) -> PlainUpdate | GraphedUpdate:
        decayed = [p for p in self.model.parameters() if p.dim() > 1]
        others = [p for p in self.model.parameters() if p.dim() <= 1]
        groups: list[dict[str, object]] = [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        # Taken before a checkpoint is loaded: a resumed training is pulled to the same start.
        starts = [(p, p.detach().clone()) for p in decayed] if settings.pull else []
        rules = Rules(
            pixels=self.batches.pixels,
            smoothing=settings.smoothing,
            clip=settings.clip,
            rate=settings.rate,
            pull=settings.pull,
            bfloat16=settings.bfloat16 and has_bfloat16(device),
        )
        if device.type == "cuda":
            return GraphedUpdate(self.model, groups, starts, rules, device)
        return PlainUpdate(self.model, groups, starts, rules)

    def step(self, number: int, share: float) -> torch.Tensor:
        """One optimizer step at a share of the peak rate; returns its loss, which a GPU may still be computing."""
        with enough_memory(self.device, self.task):
            return self.update(self.batches.take(number), share)

    def accuracy(self) -> float:
        """Share of correct predictions on the held-out part; 0 where there is none."""
        return score(self.model, self.held).correct / len(self.held) if len(self.held) else 0.0
