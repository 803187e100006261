"""The laboratory's matrix as tables: what is left of the evidence after each theft, beside the paper's 3 and 30 epochs.

Measures nothing itself: `dlbc-lab matrix` does, for minutes or hours, and goes on where it broke off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import mean, median
from typing import Any

from benchmarks import results
from benchmarks.embedding import named
from benchmarks.results import ROOT
from benchmarks.tables import Section, Table
from dlbc.ml.watermark.uchida import MOST_WRONG
from lab import table
from lab.matrix import CSV_NAME
from lab.networks import HONEST_EPOCHS, NETWORKS
from lab.summary import LOSS, Answer, Line, answer, summarise
from lab.table import Row

ROWS = ROOT / "build" / "lab" / CSV_NAME
BITS = 64


def missing() -> str:
    """What has to be run before, or ""."""
    return "" if ROWS.is_file() else "run dlbc-lab matrix first, or make lab"


def measure() -> dict[str, Any]:
    """The matrix's rows as they are, and which part of an epoch embedding takes, where that was measured."""
    embedding = results.load("embedding")
    trained = [] if embedding is None else embedding.measured["trained"]
    shares = {found["name"]: median(run["embedding"] / run["epoch"] for run in found["runs"]) for found in trained}
    return {"rows": [asdict(row) for row in table.read(ROWS)], "embedding": shares}


def section(measured: dict[str, Any]) -> Section:
    """One table of all thefts for each task, one of what stops them, one of the epochs that it takes to get away."""
    rows = [Row(**row) for row in measured["rows"]]
    tasks = list(dict.fromkeys(row.task for row in rows))
    seeds = {task: len({row.seed for row in rows if row.task == task}) for task in tasks}
    run = ", ".join(f"{task} with {count} seed{'s' * (count > 1)}" for task, count in seeds.items())
    each = (_thefts(task, summarise(row for row in rows if row.task == task)) for task in tasks)
    return Section(
        "Laboratory",
        TEXT.format(run=run, thefts=len(rows), seconds=sum(row.seconds for row in rows)),
        (_answers(rows), _epochs(rows, measured["embedding"]), *each),
    )


def _thefts(task: str, lines: Sequence[Line]) -> Table:
    networks = list(dict.fromkeys(line.architecture for line in lines))
    found = {(line.attack, line.epochs, line.architecture): line for line in lines}
    rows = []
    names = list(dict.fromkeys(line.attack for line in lines))
    for attack, epochs in sorted(
        {(line.attack, line.epochs) for line in lines}, key=lambda k: (names.index(k[0]), k[1])
    ):
        cells = [_cell(found.get((attack, epochs, network))) for network in networks]
        rows.append([attack, str(epochs), *cells])
    note = (
        "Accuracy kept in percent of the owner's, the mean; lineage as a share of the threshold from which validators "
        "flag (the largest of cosine, match and core); z of the owner's strongest key after alignment, present from 8; "
        "wrong bits of Uchida's 64 after alignment. Least over the seeds (most, of the bits). "
        "**Bold**: a thief got away."
    )
    return Table(f"Thefts: {task}", ["Attack", "Epochs", *networks], rows, note)


def _cell(line: Line | None) -> str:
    if line is None:
        return ""
    bits = "" if line.uchida is None else f" · {line.uchida} b"
    text = f"{line.kept:.1f} % · {line.share:.2f} · z {line.z:.1f}{bits}"
    return f"**{text}**" if Answer.NOTHING in line.answers else text


def _answers(rows: Sequence[Row]) -> Table:
    cells = []
    for task, network, found in _by_network(rows):
        answers = [answer(row) for row in found]
        counts = [str(answers.count(kind)) for kind in Answer]
        survived = [_survived(found, "uchida_published"), _survived(found, "uchida_aligned")]
        marks = sum(row.claimable for row in found)
        cells.append([f"{task}, {network}", str(len(found)), *counts, str(marks), *survived])
    columns = ["Model", "Thefts", *(kind.value.capitalize() for kind in Answer)]
    note = (
        f"Each theft is counted once, under the first column that applies. *Loses accuracy*: more than {LOSS:.0f} "
        "points. The last three columns count for themselves: thefts after which a private key is still found; thefts "
        f"after which Uchida's message is still read with at most {MOST_WRONG[BITS]} of {BITS} wrong bits, by its "
        "authors' method from a model without disguise, and after our alignment."
    )
    return Table("What stops the thieves", [*columns, "Mark found", "Uchida's found", "aligned"], cells, note)


def _survived(rows: Iterable[Row], column: str) -> str:
    bits = [getattr(row, column) for row in rows if getattr(row, column) is not None]
    return str(sum(wrong <= MOST_WRONG[BITS] for wrong in bits)) if bits else "-"


def _epochs(rows: Sequence[Row], embedding: dict[str, float]) -> Table:
    cells = []
    for task, network, found in _by_network(rows):
        free = [row for row in found if answer(row) is Answer.NOTHING]
        best = min(free, key=lambda row: (row.epochs, row.lost), default=None)
        most = max(row.epochs for row in found)
        least = f"none within {most}" if best is None else f"{best.epochs}: {best.attack}, seed {best.seed}"
        before = f"{mean(row.before for row in found):.1f} %"
        share = embedding.get(named(NETWORKS[network])) if task == "digits" else None
        stopped = max((row.epochs for row in found if best is None or row.epochs < best.epochs), default=0)
        cells.append([f"{task}, {network}", "-" if share is None else f"{share:.2f}", "3", least, "30"])
        cells[-1] += [
            "-" if share is None else f"over {stopped / share:.0f}",
            str(HONEST_EPOCHS[task][network]),
            before,
        ]
    columns = ["Model", "Embed, ours", "Embed, Uchida's (as the paper)", "Least epochs to get away", "The paper says"]
    note = (
        "Epochs. Ours adds none to a training: what embedding takes stands there as a part of one (`python -m "
        "benchmarks embedding`). *Get away* is to be neither flagged nor claimed with at most "
        f"{LOSS:.0f} points of accuracy lost. *Per epoch of embedding*: the most epochs after which every theft that "
        "was tried is still stopped, over those that embedding takes; the paper's figures give 10, 30 is the aim. What "
        "an honest training from scratch takes stands beside it: a thief who needs as many has stolen nothing."
    )
    return Table("Epochs to remove", [*columns, "Per epoch of embedding", "Honest training", "Accuracy"], cells, note)


def _by_network(rows: Sequence[Row]) -> Iterable[tuple[str, str, list[Row]]]:
    for task, network in dict.fromkeys((row.task, row.architecture) for row in rows):
        yield task, network, [row for row in rows if (row.task, row.architecture) == (task, network)]


TEXT = """\
What `dlbc-lab matrix` found; `make lab` runs its short version and `make lab-full` all of it. Run here: {run}, {thefts}
thefts in all, which took {seconds:.0f} s of a processor; the last line of this section times only how the rows were
read. Every owner trains honestly, with our marks and Uchida's in one model; every thief disguises what he made by
reordering, rescaling, flipping and rotating all hidden channels, which is free. Tasks, seeds and pictures:
[docs/lab](lab/README.md).
"""
