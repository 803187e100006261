"""The miner's side: train under a recipe, commit to every station, and show any station's state afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import torch

from dlbc.errors import DLBCError
from dlbc.ml.batches import hold_out
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.trajectory.commitment import Trajectory, leaf
from dlbc.ml.trajectory.execution import Execution
from dlbc.ml.trajectory.planning import shorten
from dlbc.ml.trajectory.recipe import Recipe
from dlbc.ml.trajectory.state import Sketcher, State
from dlbc.ml.trajectory.storage import Store

RESERVE = 1.1  # a step is taken to be this much longer than it was
LEAST_CHANGE = 50  # a recipe is shortened by no less than this part of what is left of it
LEAST_SEGMENTS = 2  # are left of a shortened one


class NotReproducible(DLBCError):
    """This machine does not compute the same twice: it can train, and cannot prove it."""


class Recording:
    """One training and what it committed to. A folder with half of it is gone on with.

    Attributes:
        network: where the training stands; its result once `train` returned True.
        recipe: the plan, or what it was shortened to.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        *,
        seed: bytes,
        plan: Recipe,
        folder: Path,
        mark: Callable[[Network], None] | None = None,
        device: torch.device | None = None,
    ) -> None:
        """`network` is initialised from `seed`; `mark` must do the same whenever it is called on the same weights.

        Raises:
            ValueError: a mark without a place in the plan, or a place without a mark.
        """
        if (mark is None) != (plan.mark_at == 0):
            raise ValueError("a recipe with mark_at needs a mark, and one without has no place for it")
        self.network, self._data, self._seed, self._mark = network, data, seed, mark
        self._run = Execution(network, data, seed, plan, device)
        self._store = Store(folder, plan, seed, self._run.layout)
        self._run.recipe = self._store.recipe
        self._sketcher = Sketcher(seed, self._run.layout.size)
        self._leaves = self._store.leaves()
        self._station = 0
        self._resume()

    @property
    def recipe(self) -> Recipe:
        """The plan, or what it was shortened to."""
        return self._run.recipe

    @property
    def trajectory(self) -> Trajectory:
        """What to commit to, once `train` returned True."""
        return Trajectory(self.recipe, tuple(self._leaves))

    @property
    def accuracy(self) -> float:
        """Share of correct predictions on what the seed holds out of training, 0 … 1; 0 where that is nothing."""
        held = hold_out(self._data, self._seed, self.recipe.held_out)[1]
        return score(self.network, held).correct / len(held) if len(held) else 0.0

    def train(
        self,
        *,
        seconds_left: Callable[[], float] | None = None,
        on_station: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """To the recipe's end, or until stopped: then False, and the next recording in this folder goes on.

        Args:
            seconds_left: asked at every station; where the rest of the recipe would take longer it is shortened.
            on_station: told the steps done and those of the recipe.
            should_stop: asked at every station.

        Raises:
            MemoryError: the device has too little; what was stored stays.
        """
        try:
            return self._train(seconds_left, on_station or (lambda done, of: None), should_stop)
        finally:
            self._store.close()

    def _train(
        self,
        seconds_left: Callable[[], float] | None,
        on_station: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> bool:
        pace: deque[float] = deque(maxlen=16)
        while self._station < len(self.recipe.stations) - 1:
            if should_stop():
                self._store.save_state(self._station, self._run.state())
                return False
            if seconds_left is not None and pace:
                self._hurry(seconds_left() / (RESERVE * median(pace)))
            began, before = time.monotonic(), self._run.step
            self._advance()
            if self._run.step > before:
                pace.append((time.monotonic() - began) / (self._run.step - before))
            self._commit()
            on_station(self._run.step, self.recipe.steps)
        self.network.eval()
        return True

    def states(self, stations: Iterable[int]) -> dict[int, State]:
        """The states to open, each run again from the nearest that was kept. The network is left at its last state.

        Raises:
            NotReproducible: a state came out other than it was committed to.
        """
        found: dict[int, State] = {}
        for station in sorted(set(stations)):
            kept = self._store.latest(station)
            if kept is not None and not kept[0] <= self._station <= station:
                self._go_to(*kept)
            while self._station < station:
                self._advance()
            found[station] = self._run.state()
            if leaf(found[station], self._sketcher).hashes != self._leaves[station].hashes:
                raise NotReproducible(
                    f"station {station} was not computed again as it was committed to: this machine's kernels are not "
                    "deterministic; train such tasks on the CPU"
                )
        last = self._store.latest(len(self._leaves) - 1)
        if last is not None:
            self._go_to(*last)
        self.network.eval()
        return found

    def _resume(self) -> None:
        kept = self._store.latest(len(self._leaves) - 1)
        # after a loss of power a file may hold other numbers than were written
        while kept is not None and leaf(kept[1], self._sketcher).hashes != self._leaves[kept[0]].hashes:
            kept = self._store.latest(kept[0] - 1)
        if kept is None:
            self._leaves = []
            self._store.keep(0)
            self._commit()
            self._store.close()
            return
        self._go_to(*kept)
        self._leaves = self._leaves[: self._station + 1]
        self._store.keep(len(self._leaves))

    def _go_to(self, station: int, state: State) -> None:
        self._run.load(state)
        self._station = station

    def _advance(self) -> None:
        """To the next station, by steps or by the mark."""
        if self._station == self.recipe.mark_station and self._mark is not None:
            self._mark(self.network)
        self._run.run(self.recipe.stations[self._station + 1])
        self._station += 1

    def _commit(self) -> None:
        state = self._run.state()
        found = leaf(state, self._sketcher)
        if self._store.is_due(self._station) or self._station == len(self.recipe.stations) - 1:
            self._store.save_state(self._station, state)
        self._leaves.append(found)
        self._store.append(found)

    def _hurry(self, feasible: float) -> None:
        at, recipe = self._run.step, self.recipe
        remaining = recipe.steps - at
        left = max(LEAST_SEGMENTS, int(feasible) // recipe.segment) * recipe.segment
        if self._station == recipe.mark_station or (remaining - left) * LEAST_CHANGE < remaining:
            return  # between a phase's last step and its mark there is nothing to shorten
        shorter = shorten(recipe, at, left)
        self._store.save_recipe(shorter)
        self._run.recipe = shorter
