"""Proof that training happened: a miner commits to his path, and validators run a few pieces of it again.

Five verbs: `plan` a recipe, record with `Recording`, `choose` the windows to open, `write_opening`, `verify`.
Everything follows from the miner's seed m and a recipe that is data; the design's reasons and what was measured are in
docs/decisions/0019-trajectory-as-built.md.
"""

from dlbc.ml.trajectory.commitment import Trajectory
from dlbc.ml.trajectory.opening import Opening, max_opening_bytes, read_opening, write_opening
from dlbc.ml.trajectory.planning import plan
from dlbc.ml.trajectory.recipe import Bounds, Recipe
from dlbc.ml.trajectory.record import NotReproducible, Recording
from dlbc.ml.trajectory.verify import DRAWS, Claim, Kind, Verdict, verify
from dlbc.ml.trajectory.windows import Window, choose

__all__ = [
    "DRAWS",
    "Bounds",
    "Claim",
    "Kind",
    "NotReproducible",
    "Opening",
    "Recipe",
    "Recording",
    "Trajectory",
    "Verdict",
    "Window",
    "choose",
    "max_opening_bytes",
    "plan",
    "read_opening",
    "verify",
    "write_opening",
]
