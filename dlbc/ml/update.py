"""One optimizer step: as torch runs it, and as a CUDA graph.

A small network's step is some hundred kernels of a few microseconds, and starting each from Python takes longer than
running it. On CUDA the whole step is therefore recorded once and replayed; nothing in it waits for the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from dlbc.ml.augment import shift
from dlbc.ml.batches import Batch
from dlbc.ml.channels import Network
from dlbc.ml.data import prepare

EAGER_STEPS = 3  # before a recording, so that libraries have loaded and the optimizer has its state

Update = Callable[[Batch, float], torch.Tensor]


@dataclass(frozen=True)
class Rules:
    """What one step does.

    Attributes:
        pixels: largest shift of an image.
        smoothing: share of the target spread over all labels.
        clip: largest gradient norm.
        rate: peak learning rate.
        pull: share of the learning rate by which weights move towards where they started.
        bfloat16: whether products are computed in bfloat16; weights stay float32.
    """

    pixels: int
    smoothing: float
    clip: float
    rate: float
    pull: float
    bfloat16: bool

    def loss(self, model: Callable[[torch.Tensor], torch.Tensor], batch: Batch) -> torch.Tensor:
        """Mean loss of a batch, a float32 scalar."""
        x = prepare(batch.x)
        if self.pixels:
            x = shift(x, batch.offsets, self.pixels)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits = model(x).float()
            return torch.nn.functional.cross_entropy(logits, batch.y, label_smoothing=self.smoothing)


class PlainUpdate:
    """A step as torch runs it, on any device; called with a batch and a share of the peak rate, gives the loss."""

    def __init__(
        self,
        model: Network,
        groups: list[dict[str, object]],
        starts: Sequence[tuple[torch.Tensor, torch.Tensor]],
        rules: Rules,
    ) -> None:
        self.optimizer = torch.optim.AdamW(groups, lr=rules.rate)
        self._model, self._starts, self._rules = model, starts, rules

    def __call__(self, batch: Batch, share: float) -> torch.Tensor:
        self._model.train()
        loss = self._rules.loss(self._model, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._rules.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rules.rate * share
        if bool(torch.isfinite(norm)):  # one bad batch must not poison the weights
            self.optimizer.step()
            with torch.no_grad():
                for parameter, start in self._starts:
                    parameter.lerp_(start, self._rules.pull * self._rules.rate * share)
        return loss.detach()


class GraphedUpdate:
    """A step on CUDA: run a few times as it is, then recorded, then replayed. Batches must be of one size.

    The host is at most one step ahead of the device, so that who measures calls measures steps.
    """

    def __init__(
        self,
        model: Network,
        groups: list[dict[str, object]],
        starts: Sequence[tuple[torch.Tensor, torch.Tensor]],
        rules: Rules,
        device: torch.device,
    ) -> None:
        self._model, self._starts, self._rules, self._device = model, starts, rules, device
        self._rate = torch.zeros((), device=device)
        self._bad = torch.zeros((), device=device)
        self.optimizer = torch.optim.AdamW(groups, lr=self._rate, fused=True, capturable=True)
        # Torch's own agreement with fused optimizers (of its GradScaler): a step with 1 here changes nothing.
        self.optimizer.found_inf = self._bad  # type: ignore[attr-defined]
        self._stream = _stream(device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._input: Batch | None = None
        self._loss = torch.zeros((), device=device)
        self._eager: float = EAGER_STEPS
        self._before: torch.cuda.Event | None = None

    def __call__(self, batch: Batch, share: float) -> torch.Tensor:
        with torch.cuda.device(self._device):
            outside = torch.cuda.current_stream()
            self._stream.wait_stream(outside)
            with torch.cuda.stream(self._stream):
                self._rate.fill_(self._rules.rate * share)
                loss = self._replay(batch)
                ended = torch.cuda.Event()  # type: ignore[no-untyped-call]
                ended.record()
            outside.wait_stream(self._stream)
        if self._before is not None:
            self._before.synchronize()
        self._before = ended
        return loss

    def _replay(self, batch: Batch) -> torch.Tensor:
        if self._eager:
            self._eager -= 1
            return self._step(batch)
        if self._graph is None and not self._record(batch):
            self._eager = math.inf  # this network, driver or memory cannot be recorded
            return self._step(batch)
        assert self._graph is not None and self._input is not None  # noqa: S101  # for the type checker
        self._input.x.copy_(batch.x)
        self._input.y.copy_(batch.y)
        self._input.offsets.copy_(batch.offsets)
        self._graph.replay()
        return self._loss.clone()

    def _record(self, batch: Batch) -> bool:
        graph = torch.cuda.CUDAGraph()
        self._input = Batch(batch.x.clone(), batch.y.clone(), batch.offsets.clone())
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._loss = self._step(self._input)
        except RuntimeError:  # out of memory too: the recording keeps its own beside the rest
            return False
        self._graph = graph
        return True

    def _step(self, batch: Batch) -> torch.Tensor:
        rules, parameters = self._rules, list(self._model.parameters())
        self._model.train()
        self.optimizer.zero_grad(set_to_none=True)
        # Deterministic kernels: equal seeds shall give equal weights on one machine, on a GPU too.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
            loss = rules.loss(self._model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(parameters, rules.clip)
        self._bad.copy_(torch.isfinite(norm).logical_not())  # one bad batch must not poison the weights
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate  # a checkpoint may have put a copy there
        self.optimizer.step()
        if self._starts:
            ours, starts = [p.detach() for p, _ in self._starts], [start for _, start in self._starts]
            towards = torch._foreach_sub(starts, ours)
            torch._foreach_mul_(towards, rules.pull * self._rate * (1.0 - self._bad))
            torch._foreach_add_(ours, towards)
        return loss.detach()


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """One for all trainings of a process: torch keeps a workspace of up to 32 MiB for every stream it has seen."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
