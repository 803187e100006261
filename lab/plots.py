"""Pictures of a matrix: what evidence is left, for how much accuracy, after how many epochs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlbc.errors import UsageError
from dlbc.ml.watermark.mark import PRESENT
from lab.cells import CURVES
from lab.networks import HONEST_EPOCHS
from lab.summary import LOSS, REMOVAL_EPOCHS, Answer, answer
from lab.table import Row

mpl.rcParams["svg.hashsalt"] = "dlbc-lab"  # equal rows give equal files

PAPER = (3, 30)  # epochs to embed, and to remove
PER_INCH = 90
COLOURS = {
    Answer.FLAGGED: "#2a6f97",
    Answer.CLAIMED: "#61a5c2",
    Answer.ACCURACY: "#a9a9a9",
    Answer.EPOCHS: "#e09f3e",
    Answer.NOTHING: "#c1121f",
}


def draw(rows: Sequence[Row], folder: Path, kind: str, saving: Path | None) -> list[Path]:
    """Writes every picture that the rows give and returns where they lie.

    Args:
        kind: "png" or "svg".
        saving: what the benchmark of trajectories measured; None leaves its picture out.

    Raises:
        UsageError: there are no rows, the folder cannot be written, or `saving` is no such measurement.
    """
    if not rows:
        raise UsageError("the matrix has no rows yet; run dlbc-lab matrix")
    pictures: list[tuple[str, Figure]] = []
    for task in dict.fromkeys(row.task for row in rows):
        found = [row for row in rows if row.task == task]
        evidence = _panels(found, _evidence, "accuracy kept (%)", "lineage, share of its threshold")
        pictures.append((f"{task}-evidence", evidence))
        if curves := [row for row in found if row.attack in CURVES]:
            epochs = _panels(curves, _epochs, "epochs of the thief", "evidence, share of its threshold")
            epochs.legend(*epochs.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
            pictures.append((f"{task}-epochs", epochs))
    if saving is not None:
        pictures.append(("saving", _saving(saving)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_save(figure, folder / f"{name}.{kind}") for name, figure in pictures]
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror or error}); choose another --output") from error


def _panels(rows: Sequence[Row], panel: Callable[[Axes, Sequence[Row]], None], x: str, y: str) -> Figure:
    """One panel for each architecture."""
    names = list(dict.fromkeys(row.architecture for row in rows))
    columns = min(2, len(names))
    height = -(-len(names) // columns)
    figure = Figure(figsize=(5.5 * columns, 3.9 * height), layout="constrained")
    for place, name in enumerate(names, 1):
        axes = figure.add_subplot(height, columns, place)
        panel(axes, [row for row in rows if row.architecture == name])
        axes.axhline(1.0, color="black", linewidth=0.8, linestyle="--")
        axes.set(title=f"{rows[0].task}: {name}", xlabel=x, ylabel=y)
        axes.set_ylim(bottom=0)
    return figure


def _evidence(axes: Axes, rows: Sequence[Row]) -> None:
    """A point for each attack; the dashed line flags, and right of the dotted one at most two points are lost."""
    for found in Answer:
        points = [row for row in rows if answer(row) is found]
        if points:
            axes.scatter(
                [row.kept for row in points],
                [row.share for row in points],
                s=22,
                color=COLOURS[found],
                label=f"{found} ({len(points)})",
                zorder=3,
            )
    free = sorted((row for row in rows if answer(row) is Answer.NOTHING), key=lambda row: -row.epochs)
    for name, row in {row.attack: row for row in free}.items():  # each once, at its fewest epochs
        text = f"{name}, {row.epochs} "
        place = (row.kept, row.share)
        axes.annotate(text, place, (-4, -3), textcoords="offset points", fontsize=7, horizontalalignment="right")
    before = mean(row.before for row in rows)
    axes.axvline(100 * (before - LOSS) / before, color="black", linewidth=0.8, linestyle=":")
    axes.legend(fontsize=7, loc="best")


def _epochs(axes: Axes, rows: Sequence[Row]) -> None:
    """Two lines for each attack, lineage and mark; beside a point how much accuracy is lost, where it is over two."""
    for number, name in enumerate(CURVES):
        found = [row for row in rows if row.attack == name]
        stations = sorted({row.epochs for row in found})
        if not stations:
            continue
        at = [[row for row in found if row.epochs == station] for station in stations]
        shares = [mean(row.share for row in group) for group in at]
        marks = [mean(row.z for row in group) / PRESENT for group in at]
        colour = f"C{number}"
        axes.plot(stations, shares, marker="o", markersize=4, color=colour, label=f"{name}, lineage")
        axes.plot(stations, marks, marker="x", markersize=4, color=colour, linestyle="--", label=f"{name}, mark")
        for station, share, group in zip(stations, shares, at, strict=True):
            if (lost := mean(row.lost for row in group)) > LOSS:
                axes.annotate(f"-{lost:.0f}", (station, share), (3, 4), textcoords="offset points", fontsize=7)
    heights = axes.get_xaxis_transform()
    label = "the paper's 3 and 30"
    axes.vlines(PAPER, 0, 1, color="grey", linestyle=":", label=label, transform=heights, linewidth=0.8)
    axes.axvline(
        HONEST_EPOCHS[rows[0].task][rows[0].architecture], color="green", linewidth=0.8, label="honest training"
    )
    axes.set_xlim(0, REMOVAL_EPOCHS + 2)


def _saving(path: Path) -> Figure:
    """Bars: the most that each theft saves of a training from scratch, where trajectories are proven."""
    try:
        thefts: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["measured"]["thefts"]
        found = [(theft["name"], _largest(theft["rows"])) for theft in thefts]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: not what python -m benchmarks trajectory writes ({error!r}); run it again"
        ) from error
    figure = Figure(figsize=(5.5 * len(found), 5.0), layout="constrained")
    for place, (name, savings) in enumerate(found, 1):
        axes = figure.add_subplot(1, len(found), place)
        labels = list(savings)
        for number, draws in enumerate(("5", "8")):
            heights = [100 * savings[label][draws] for label in labels]
            axes.barh([index + 0.4 * number for index in range(len(labels))], heights, 0.4, label=f"{draws} draws")
        axes.set_yticks([index + 0.2 for index in range(len(labels))], labels, fontsize=7)
        axes.invert_yaxis()
        axes.axvline(10, color="black", linewidth=0.8, linestyle="--")
        axes.axvline(3, color="black", linewidth=0.8, linestyle=":")
        axes.set(title=f"with trajectories: {name}", xlabel="saving of a training from scratch (%)")
        axes.legend(fontsize=7)
    return figure


def _largest(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    most: dict[str, dict[str, float]] = {}
    for row in rows:
        best = most.setdefault(str(row["name"]), {"5": 0.0, "8": 0.0})
        for draws in best:
            best[draws] = max(best[draws], float(row["saving"][draws]))
    return most


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=PER_INCH, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
    return path
