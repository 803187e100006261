"""The validator's side: do the opened pieces of a training come out again as they were committed to?

Only what is certain accuses. A file that cannot be read, a state that is missing or is not the committed one, a model
far from its start: flagged, and so unpaid. An error over the tolerance: flagged. Only an error that no honest machine
comes near is slashable.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch

from dlbc.errors import InvalidArtifact
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.trajectory.commitment import leaf
from dlbc.ml.trajectory.execution import Execution, Numerics
from dlbc.ml.trajectory.marking import unexplained
from dlbc.ml.trajectory.opening import Opening, read_opening
from dlbc.ml.trajectory.recipe import Bounds, check
from dlbc.ml.trajectory.state import Layout, Sketch, Sketcher, State, Vector, cosine
from dlbc.ml.trajectory.windows import Window, choose
from dlbc.ml.watermark import NEAR, nearness, start_of

# Over two segments of five steps honest machines reach 0.055 in float32, 0.12 in bfloat16, and of ten a little more
# (docs/decisions/0019).
TOLERANCE: Mapping[str, float] = {"fp32": 0.1, "tf32": 0.2, "bf16": 0.2}
# Adaptive steps from moments of nothing are as large for small gradients as for large ones: in the first ten steps
# of a U-Net another machine's kernels reach 0.15 and 0.31, in the next ones 0.24 in bfloat16. A jump is near 1 there as
# everywhere.
EARLY = (3.0, 2.0, 2.0, 2.0)  # times as much, by the station that a window begins at
SLASHABLE = 0.3
DRAWS = 5
_SKETCH_ROUNDING = 2.0**-10  # one unit in the last place of float16
BLINDNESS = 0.2  # between a cosine and that of two sketches; its standard deviation is at most 1/√1024 = 0.03
_FLOOR = 1e-7  # of a vector's own length: where nothing changed, rounding is no error


class Kind(StrEnum):
    """What is wrong, before anything is run again."""

    FILE = "the opening cannot be used"
    DIGEST = "the opening is not what was committed to"
    START = "the training does not begin where the seed says"
    END = "the training does not end at the submitted model"
    MISSING = "a state that was asked for is missing"
    HASH = "an opened state is not the one committed to"
    SKETCH = "a sketch is not of the state beside it"
    BLIND = "the weights were made so that the sketches do not see how far they are apart"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, with its place in words."""

    kind: Kind
    where: str


@dataclass(frozen=True)
class Claim:
    """What a miner claims.

    Attributes:
        digest: `trajectory` of his commitment.
        seed: m, which start, order and public key follow from.
        network: the opened model, on the CPU.
    """

    digest: bytes
    seed: bytes
    network: Network


@dataclass(frozen=True)
class Rerun:
    """How a window came out.

    Attributes:
        errors: ‖run again - claimed‖ / ‖claimed - start of the window‖ by part and station, as "weights 12"; for
            the mark, what it does not explain in units of itself.
    """

    window: Window
    errors: Mapping[str, float]

    @property
    def worst(self) -> float:
        """The largest error; infinite where one is no number."""
        return max(error if math.isfinite(error) else math.inf for error in self.errors.values())


@dataclass(frozen=True)
class Verdict:
    """What a validator says of a trajectory.

    Attributes:
        faults: empty where everything could be run again.
        windows: empty where there are faults.
        tolerance: of the recipe's precision.
        near: how near the model lies to its miner's start (`nearness`): under `NEAR`, windows miss too much.
    """

    faults: tuple[Fault, ...]
    windows: tuple[Rerun, ...]
    tolerance: float = TOLERANCE["fp32"]
    near: float = 1.0

    @property
    def worst(self) -> float:
        """The largest error of all windows; 0 without any."""
        return max((window.worst for window in self.windows), default=0.0)

    @property
    def flagged(self) -> bool:
        """Whether the model is to be flagged TRAJECTORY."""
        if self.faults or self.near < NEAR:
            return True
        return any(w.worst > allowed(self.tolerance, w.window.first) for w in self.windows)

    @property
    def slashable(self) -> bool:
        """Whether an error is so large that no honest machine comes near it."""
        return any(window.worst > allowed(SLASHABLE, window.window.first) for window in self.windows)

    @property
    def words(self) -> str:
        """One line for an operator's log."""
        if self.faults:
            more = f" and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            return f"{self.faults[0].kind}: {self.faults[0].where}{more}"
        window = max(self.windows, key=lambda found: found.worst / allowed(1.0, found.window.first))
        part = max(window.errors, key=lambda name: window.errors[name])
        most = allowed(self.tolerance, window.window.first)
        judged = "over" if window.worst > most else "within"
        found = f"largest error {window.worst:.2g} ({part}), {judged} {most:g}; {len(self.windows)} windows"
        away = f"; too far from the start that the seed gives: {self.near:.2f} is left of it, {NEAR:g} is needed"
        return found + away if self.near < NEAR else found


def allowed(tolerance: float, first: int) -> float:
    """The error that a window may have which begins at station `first`."""
    return tolerance * (EARLY[first] if first < len(EARLY) else 1.0)


def verify(
    path: Path,
    claim: Claim,
    data: Dataset,
    *,
    draw: bytes,
    draws: int = DRAWS,
    bounds: Bounds | None = None,
    device: torch.device | None = None,
    numerics: Numerics | None = None,
) -> Verdict:
    """Judges the opening in a file that may come from a stranger.

    Args:
        data: the task's training set.
        draw: 32 bytes that nobody knew at the commitment and that all validators share.
        draws: windows by progress.

    Raises:
        OSError, MemoryError: this machine fails. That must not become a vote.
    """
    try:
        opening = read_opening(path, Layout(claim.network), bounds)
        check(opening.trajectory.recipe, bounds, len(data))
    except InvalidArtifact as error:
        return Verdict((Fault(Kind.FILE, str(error)),), ())
    return examine(opening, claim, data, draw=draw, draws=draws, device=device, numerics=numerics)


def examine(
    opening: Opening,
    claim: Claim,
    data: Dataset,
    *,
    draw: bytes,
    draws: int = DRAWS,
    device: torch.device | None = None,
    numerics: Numerics | None = None,
) -> Verdict:
    """As `verify`, of an opening that was read."""
    tolerance = TOLERANCE[opening.trajectory.recipe.precision]
    windows = choose(opening.trajectory, draw, draws)
    run = Execution(copy.deepcopy(claim.network), data, claim.seed, opening.trajectory.recipe, device, numerics)
    faults = _faults(opening, claim, windows, run)
    if faults:
        return Verdict(tuple(faults), (), tolerance)
    near = nearness(claim.network, start_of(claim.network, claim.seed))
    return Verdict((), tuple(rerun(run, opening, window, claim.seed) for window in windows), tolerance, near)


def rerun(run: Execution, opening: Opening, window: Window, seed: bytes) -> Rerun:
    """Both segments in one go: a state that was forged between them shows in the weights of the second too.

    State and buffers are compared after the first segment, weights and buffers after the second as well; there the
    momentum of honest machines differs by more than the tolerance, and another window has it after its first.
    """
    start, middle, end = (opening.states[number] for number in window.stations)
    run.load(start)
    errors: dict[str, float] = {}
    for number, claimed in zip(window.stations[1:], (middle, end), strict=True):
        if number - 1 == opening.trajectory.recipe.mark_station:
            before = opening.states[number - 1]
            errors[f"mark {number}"] = unexplained(run.network, run.layout, before.weights, claimed.weights, seed)
            found = run.state()
            # The private keys' part is taken over as claimed; from here on the run is compared again.
            run.load(State(found.step, found.weights + (claimed.weights - before.weights), found.slots, found.buffers))
        run.run(claimed.step)
        found = run.state()
        errors |= _errors(run.layout, found, claimed, start, number, slots=number == window.stations[1])
    return Rerun(window, errors)


def _faults(opening: Opening, claim: Claim, windows: tuple[Window, ...], run: Execution) -> list[Fault]:
    trajectory, layout = opening.trajectory, run.layout
    if trajectory.digest != claim.digest:
        return [Fault(Kind.DIGEST, f"its digest is {trajectory.digest.hex()}, {claim.digest.hex()} was committed to")]
    sketcher = Sketcher(claim.seed, layout.size)
    faults = []
    if trajectory.leaves[0].hashes != leaf(run.start, sketcher).hashes:
        faults.append(Fault(Kind.START, "leaf 0 is not the start that follows from the miner's seed"))
    final = State(0, layout.weights(claim.network), {}, layout.buffers(claim.network))
    last = trajectory.leaves[-1]
    if (final.weights_hash, final.buffers_hash) != (last.weights, last.buffers):
        faults.append(Fault(Kind.END, f"leaf {len(trajectory.leaves) - 1} is not the submitted model"))
    for number in sorted({number for window in windows for number in window.stations}):
        state, committed = opening.states.get(number), trajectory.leaves[number]
        if state is None:
            faults.append(Fault(Kind.MISSING, f"station {number}"))
            continue
        found = leaf(state, sketcher)
        if found.hashes != committed.hashes:
            faults.append(Fault(Kind.HASH, f"station {number}"))
        elif not np.allclose(
            found.sketch.astype(np.float64), committed.sketch.astype(np.float64), rtol=_SKETCH_ROUNDING, atol=1e-7
        ):
            faults.append(Fault(Kind.SKETCH, f"station {number}"))
        elif blind(state.weights, found.sketch, final.weights, last.sketch):
            faults.append(Fault(Kind.BLIND, f"station {number} and the last one"))
    return faults


def blind(weights: Vector, sketch: Sketch, final: Vector, last: Sketch) -> bool:
    """Whether sketches say something else of the way to the final weights than the weights themselves.

    A miner knows the signs beforehand, and could choose weights whose difference lies in what no sketch sees. Then the
    jump makes no progress, and nobody looks at it; but the states before it, the first one too, contradict it.
    """
    return abs(cosine(weights, final) - cosine(sketch, last)) > BLINDNESS


def _errors(
    layout: Layout, found: State, claimed: State, start: State, number: int, *, slots: bool
) -> dict[str, float]:
    spans = list(layout.spans.values())
    errors = {f"weights {number}": relative_error(found.weights, claimed.weights, start.weights, spans)}
    if slots:
        for name, slot in claimed.slots.items():
            errors[f"{name} {number}"] = relative_error(found.slots[name], slot, start.slots[name], spans)
    if layout.buffer_size:
        whole = [(0, layout.buffer_size)]
        errors[f"buffers {number}"] = relative_error(found.buffers, claimed.buffers, start.buffers, whole)
    return errors


def relative_error(found: Vector, claimed: Vector, start: Vector, spans: list[tuple[int, int]]) -> float:
    """The larger of two: over the whole vector, and by tensor as the root mean square weighted by size.

    The second keeps one tensor that is made to move far, and means nothing, from hiding what happens in the others.
    """
    wrong, moved = (np.square(v.astype(np.float64)) for v in (found - claimed, claimed - start))
    floor = np.square(claimed.astype(np.float64)) * _FLOOR**2

    def relative(begin: int, end: int) -> float:
        part = float(wrong[begin:end].sum())
        whole = float(moved[begin:end].sum() + floor[begin:end].sum())
        return part / whole if whole > 0 else (0.0 if part == 0 else 1.0)

    by_tensor = sum((end - begin) * min(1.0, relative(begin, end)) for begin, end in spans) / found.size
    error = math.sqrt(max(relative(0, found.size), by_tensor))
    return error if math.isfinite(error) else math.inf
