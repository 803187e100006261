"""Runs cells one after another and keeps each at once, so that a run which breaks off goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dlbc.errors import UsageError
from dlbc.ml import prg
from dlbc.ml.attacks import attack
from dlbc.ml.measure import measure
from dlbc.ml.model_file import load_model, save_model
from dlbc.ml.tensor_file import MAX_HEADER_BYTES
from lab import table, tasks
from lab.cells import Cell
from lab.evidence import Evidence, examine
from lab.networks import HONEST_EPOCHS, NETWORKS
from lab.owner import Owner, blank, train_owner
from lab.table import Row
from lab.tasks import Task, digest

CSV_NAME, JSON_NAME, OWNERS = "matrix.csv", "matrix.json", f"owners-{table.VERSION}"


def run(cells: Sequence[Cell], folder: Path, tell: Callable[[Row | str, int], None]) -> list[Row]:
    """Runs those cells that the folder has no row of, and returns the rows of all.

    Args:
        folder: for the rows and the owners' trained models.
        tell: called with a sentence, or a row as soon as it is kept, and how many cells are done.

    Raises:
        UsageError: the folder cannot be used, or its rows are of another version.
        InvalidArtifact: a kept model is damaged; delete it.
    """
    try:
        (folder / OWNERS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be used ({error.strerror or error}); choose another --output") from error
    path = folder / CSV_NAME
    rows = {}
    if path.exists():
        rows = {row.cell: row for row in table.read(path)}
        table.mend(path)
    done = sum(cell in rows for cell in cells)
    if done:
        tell(f"{done} of {len(cells)} cells are done already", done)
    bench: _Bench | None = None
    for cell in cells:
        if cell in rows:
            continue
        if bench is None or not bench.serves(cell):
            tell(f"the honest miner {cell.seed} of {cell.task} · {cell.architecture}", done)
            bench = _Bench(cell, folder / OWNERS)
        rows[cell] = bench.row(cell)
        table.append(path, rows[cell])
        done += 1
        tell(rows[cell], done)
    table.write_json(folder / JSON_NAME, list(rows.values()))
    return [rows[cell] for cell in cells]


class _Bench:
    """An owner on the bench: trained once, attacked many times."""

    def __init__(self, cell: Cell, folder: Path) -> None:
        self.task = tasks.load(cell.task)
        self.owner = owner(cell.architecture, self.task, cell.seed, folder)
        self._place = (cell.task, cell.architecture, cell.seed)
        self.before = self.examine(Cell(*self._place, "nothing", 0))

    def serves(self, cell: Cell) -> bool:
        return self._place == (cell.task, cell.architecture, cell.seed)

    def examine(self, cell: Cell) -> Evidence:
        task, thief = self.task, digest(f"thief {cell.seed} {cell.attack}")
        stolen = attack(cell.attack, self.owner.model, task.train, cell.budget, thief)
        disguise = prg.derive(thief, "disguise")
        return examine(stolen, self.owner.model, self.owner.keys, task.test, task.probes, disguise)

    def row(self, cell: Cell) -> Row:
        began = time.process_time()
        found = self.examine(cell)
        return Row(
            version=table.VERSION,
            task=cell.task,
            architecture=cell.architecture,
            seed=cell.seed,
            attack=cell.attack,
            budget=cell.budget,
            epochs=cell.epochs,
            before=_short(100 * self.before.accuracy),
            after=_short(100 * found.accuracy),
            kept=_short(100 * found.accuracy / self.before.accuracy if self.before.accuracy else 0.0),
            z_public=None if found.z_public is None else _short(found.z_public),
            z_private=None if found.z_private is None else _short(found.z_private),
            uchida_published=found.uchida_published,
            uchida_aligned=found.uchida_aligned,
            cosine=_short(found.cosine),
            match=_short(found.match),
            core=_short(found.core),
            share=_short(found.share),
            flagged=found.related,
            claimable=found.claimable,
            seconds=_short(time.process_time() - began),
        )


def owner(architecture: str, task: Task, number: int, folder: Path) -> Owner:
    """An honest miner of a task, trained here or in an earlier run.

    Raises:
        InvalidArtifact: the kept model is damaged.
    """
    path = folder / f"{task.name}-{architecture}-{number}.safetensors"
    network = NETWORKS[architecture]
    if not path.exists():
        trained = train_owner(network, task, number, HONEST_EPOCHS[task.name][architecture])
        save_model(trained.model, path)
        return trained
    shape = (task.train.sample_shape, task.classes)
    model = load_model(path, network, *shape, max_bytes=measure(network, *shape).model_bytes + MAX_HEADER_BYTES)
    return Owner(model, blank(network, task, number).keys)


def _short(value: float) -> float:
    return round(value, 3)
