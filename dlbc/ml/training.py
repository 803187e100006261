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

import numpy as np
import torch

from dlbc.ml import prg
from dlbc.ml.augment import reach, shift
from dlbc.ml.channels import Network
from dlbc.ml.checkpoint import Progress, load_checkpoint, save_checkpoint
from dlbc.ml.data import Dataset, prepare
from dlbc.ml.evaluate import score
from dlbc.ml.schedule import Plan, countdown

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
    """

    rate: float = 4e-3
    weight_decay: float = 0.0
    pull: float = 0.1
    batch: int | None = None
    smoothing: float = 0.05
    held_out: float = 0.05
    clip: float = 1.0


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
    """
    if (epochs is None and seconds_left is None) or (epochs is not None and epochs < 2):
        raise ValueError("give seconds_left, or at least 2 epochs, or both")
    run = _Run(model, data, seed, device or torch.device("cpu"), settings or Settings())
    progress = Progress()
    if checkpoint is not None:
        progress = load_checkpoint(checkpoint, model, run.optimizer, run.fingerprint) or progress
    plan = Plan(run.steps_per_epoch, epochs, seconds_left, resumed=progress.share)
    if progress.marked_at is not None:
        plan.begin_final()
    losses: deque[float] = deque(maxlen=run.steps_per_epoch)
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
            save_checkpoint(checkpoint, model, run.optimizer, run.fingerprint, progress)
            saved = time.monotonic()
    if checkpoint is not None:
        save_checkpoint(checkpoint, model, run.optimizer, run.fingerprint, progress)
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


def _mean(losses: Collection[float]) -> float:
    return sum(losses) / len(losses) if losses else math.nan


class _Run:
    """What stays the same over the steps: data on its device, optimizer, order."""

    def __init__(self, model: Network, data: Dataset, seed: bytes, device: torch.device, settings: Settings) -> None:
        self.model, self.seed, self.device, self.settings = model.to(device), seed, device, settings
        order = prg.permutation(seed, "train/split", len(data))
        held = min(5_000, int(settings.held_out * len(data)), len(data) - 2)
        self.held = Dataset(data.x[order[:held]], data.y[order[:held]])
        kept = np.sort(order[held:])
        self.x, self.y = data.x[kept], torch.from_numpy(data.y[kept]).to(device)
        batch = settings.batch or 2 ** round(math.log2(min(256, max(32, kept.size / 20))))
        self.batch = max(2, min(batch, kept.size))
        # The remainder is left out: batch norm does not learn from a batch of one.
        self.steps_per_epoch = max(1, kept.size // self.batch)
        self.pixels = reach(data.sample_shape)
        decayed = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        # Taken before a checkpoint is loaded: a resumed training is pulled to the same start.
        self.starts = [(p, p.detach().clone()) for p in decayed] if settings.pull else []
        self.optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": settings.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=settings.rate,
        )
        self.bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        self.fingerprint = f"{seed.hex()}/{kept.size}/{self.batch}/{settings}"
        self._epoch = -1
        self._order = kept
        self._offsets = torch.zeros(0)

    def step(self, number: int, rate: float) -> float:
        """One optimizer step; returns its loss."""
        epoch, place = divmod(number, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = prg.permutation(self.seed, f"train/order/{epoch}", self.y.shape[0])
            shape = (self.y.shape[0], 2)
            self._offsets = torch.from_numpy(
                prg.integers(self.seed, f"train/shift/{epoch}", shape, 2 * self.pixels + 1)
            )
        chosen = self._order[place * self.batch : (place + 1) * self.batch]
        x = prepare(self.x[chosen]).to(self.device, non_blocking=True)
        if self.pixels:
            x = shift(x, self._offsets[chosen].to(self.device), self.pixels)
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            loss = torch.nn.functional.cross_entropy(
                self.model(x).float(), self.y[chosen], label_smoothing=self.settings.smoothing
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * rate
        if bool(torch.isfinite(norm)):  # one bad batch must not poison the weights
            self.optimizer.step()
            with torch.no_grad():
                for parameter, start in self.starts:
                    parameter.lerp_(start, self.settings.pull * self.settings.rate * rate)
        return float(loss.detach())

    def accuracy(self) -> float:
        """Share of correct predictions on the held-out part; 0 where there is none."""
        return score(self.model, self.held).correct / len(self.held) if len(self.held) else 0.0
