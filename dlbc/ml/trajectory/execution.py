"""Running a recipe's steps from any state: the same code for the miner who trains and whoever runs a piece again.

The optimizers are written out over flat vectors. So their state has one canonical form whatever torch's own classes
keep, and a commitment costs no gathering. They compute what `torch.optim.AdamW` and `torch.optim.SGD` (with decoupled
decay) do, in the order of `dlbc.ml.update`, but for this: momentum is of gradients times the rate that they came at.
Else what was forged where the rate is low would move the weights where it is high again, segments later. A batch whose
gradient is not finite changes no weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from dlbc.ml.batches import Batch, Batches, hold_out
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.device import enough_memory
from dlbc.ml.evaluate import exact_float32
from dlbc.ml.models import initialise
from dlbc.ml.trajectory.recipe import BILLION, MILLION, Recipe
from dlbc.ml.trajectory.state import SLOTS, Layout, State
from dlbc.ml.update import Rules

SECOND_DECAY = 0.999
EPSILON = 1e-8


@dataclass(frozen=True)
class Numerics:
    """By which numeric path the same mathematics is computed; for calibrating what honest machines differ by.

    Attributes:
        dtype: float32 as the recipe says, or float64.
        channels_last: whether images have their channels last in memory, which chooses other kernels.
    """

    dtype: torch.dtype = torch.float32
    channels_last: bool = False


class Execution:
    """A network that runs under a recipe.

    Attributes:
        network: trained in place, from W0 of the seed.
        start: the state before the first step.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        seed: bytes,
        recipe: Recipe,
        device: torch.device | None = None,
        numerics: Numerics | None = None,
    ) -> None:
        self.network, self.recipe, self._numerics = network, recipe, numerics or Numerics()
        self.device = device or torch.device("cpu")
        initialise(network, seed)
        self.layout = Layout(network)
        empty = np.zeros(self.layout.size, np.float32)
        slots = dict.fromkeys(SLOTS[recipe.optimizer], empty)
        self.start = State(0, self.layout.weights(network), slots, self.layout.buffers(network))
        with enough_memory(self.device, self._task):
            self._place(hold_out(data, seed, recipe.held_out)[0], seed)
        self.step = 0

    def _place(self, kept: Dataset, seed: bytes) -> None:
        dtype, device = self._numerics.dtype, self.device
        self._batches = Batches(kept, seed, min(self.recipe.batch, len(kept)), device)
        self.network.to(device, dtype)
        self._weights = torch.from_numpy(self.start.weights).to(device, dtype, copy=True)
        self._gradient = torch.zeros_like(self._weights)
        self._slots = {name: torch.zeros_like(self._weights) for name in self.start.slots}
        named = dict(self.network.named_parameters())
        for name, (begin, end) in self.layout.spans.items():
            # Views: a step on the flat vector is a step of the network.
            named[name].data = self._weights[begin:end].view(named[name].shape)
            named[name].grad = self._gradient[begin:end].view(named[name].shape)

    def load(self, state: State) -> None:
        """Goes on from `state`."""
        with torch.no_grad():
            self._weights.copy_(torch.from_numpy(state.weights))
            for name, slot in self._slots.items():
                slot.copy_(torch.from_numpy(state.slots[name]))
        self.layout.put_buffers(self.network, state.buffers)
        self.step = state.step

    def state(self) -> State:
        """A copy of where it stands."""
        slots = {name: _copied(slot) for name, slot in self._slots.items()}
        return State(self.step, _copied(self._weights), slots, self.layout.buffers(self.network))

    def run(self, until: int) -> None:
        """Takes the steps before `until`.

        Raises:
            MemoryError: the device has too little.
        """
        if not self.network.training:
            self.network.train()
        with enough_memory(self.device, self._task), _precision(self.recipe.precision):
            while self.step < until:
                self._take(self.step)
                self.step += 1

    def loss(self, batch: Batch) -> torch.Tensor:
        """Mean loss of a batch, a float32 scalar."""
        return self._rules.loss(self.forward, batch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of prepared and shifted samples."""
        x = x.to(self._numerics.dtype)
        if self._numerics.channels_last and x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        logits: torch.Tensor = self.network(x)
        return logits

    @property
    def _task(self) -> str:
        return f"running {type(self.network).__name__} by its recipe"

    @cached_property
    def _rules(self) -> Rules:
        recipe = self.recipe
        return Rules(
            pixels=self._batches.pixels if recipe.augmentation == "shift" else 0,
            smoothing=recipe.smoothing / MILLION,
            clip=recipe.clip / MILLION,
            rate=recipe.peak / BILLION,
            pull=0.0,
            bfloat16=recipe.precision == "bf16",
        )

    def _take(self, step: int) -> None:
        self._gradient.zero_()
        self.loss(self._batches.take(step)).backward()  # type: ignore[no-untyped-call]
        age = self.recipe.age(step)
        with torch.no_grad():
            if age == 0:
                for slot in self._slots.values():
                    slot.zero_()
            norm = torch.linalg.vector_norm(self._gradient)
            if not bool(torch.isfinite(norm)):
                return
            self._gradient.mul_((self._rules.clip / (norm + 1e-6)).clamp(max=1.0))
            self._update(self.recipe.rate(step), age + 1)

    def _update(self, rate: float, age: int) -> None:
        recipe, weights, momentum = self.recipe, self._weights, self.recipe.momentum / MILLION
        matrices = weights[: self.layout.matrices]
        matrices.mul_(1.0 - rate * recipe.weight_decay / MILLION)
        if recipe.optimizer == "sgd":
            weights.sub_(self._slots["momentum"].mul_(momentum).add_(self._gradient, alpha=rate))
        else:
            first = self._slots["first"].mul_(momentum).add_(self._gradient, alpha=(1.0 - momentum) * rate)
            second = self._slots["second"].mul_(SECOND_DECAY)
            second.addcmul_(self._gradient, self._gradient, value=1.0 - SECOND_DECAY)
            root = second.sqrt().div_((1.0 - SECOND_DECAY**age) ** 0.5).add_(EPSILON)
            weights.addcdiv_(first, root, value=-1.0 / (1.0 - momentum**age))


def _copied(vector: torch.Tensor) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    copied: np.ndarray[tuple[int], np.dtype[np.float32]] = vector.detach().to("cpu", torch.float32, copy=True).numpy()
    return copied


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """Deterministic kernels, and products in TF32 where the recipe says so."""
    with exact_float32():
        if name != "tf32":
            yield
            return
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")
        try:
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
                yield
        finally:
            torch.set_float32_matmul_precision(before)
