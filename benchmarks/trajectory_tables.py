"""The tables of `trajectory.py`."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import Table
from benchmarks.timing import short

LONG = (10_000, 50_000)

TEXT = """\
Scikit-learn's digits, 1,400 for training and 397 for the test, one thread. A miner's training from scratch takes
500 steps; the thief declares a shorter one, 60 in segments of two or 150 in segments of five, computes it, and forges
how it comes to the stolen weights. Every window of what he shows was run again; *uncaught* is the share of 1,000
drawings of windows in which none of those that are opened is over the tolerance, and 0 where the model does not lie
near its thief's start (0.3 is needed, decision 0026). *Saving* is that share times the part of 500 steps that he did
not compute; it is 0 where he loses more than two points of accuracy against an honest training from scratch ({honest}),
and where an honest training by his own recipe loses no more either or is within two points of him: he does not owe that
to what he stole.
"""


def text(measured: dict[str, Any]) -> str:
    """The paragraphs above the tables."""
    honest = ", ".join(f"{100 * theft['honest']:.1f} % for {theft['name']}" for theft in measured["thefts"])
    return TEXT.format(honest=honest)


def tables(measured: dict[str, Any]) -> tuple[Table, ...]:
    """One of thefts for each network, two of honest trainings, one of costs."""
    honest = (_honest(measured["honest"]), _homes(measured["homes"], measured["costs"]))
    return (*(_thefts(theft) for theft in measured["thefts"]), *honest, _costs(measured["costs"]))


def _thefts(theft: dict[str, Any]) -> Table:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in theft["rows"]:
        by_name.setdefault(row["name"], []).append(row)
    rows = []
    for name, variants in by_name.items():
        best = max(variants, key=lambda row: (row["saving"]["5"], row["uncaught"]["5"], row["missed"]["5"]))
        savings = [max(row["saving"][draws] for row in variants) for draws in ("5", "8")]
        cells = [name, str(len(variants)), str(best["steps"]), f"{100 * best['accuracy']:.1f} %"]
        cells.append(f"{100 * best['rival']:.1f} %" if best["steps"] else "")
        cells += [f"{best['near']:.2f}", f"{best['largest']:.2g}", f"{best['share']:.2f}"]
        cells.append(f"{100 * best['missed']['5']:.1f} %")
        cells += [f"{100 * best['uncaught'][draws]:.1f} %" for draws in ("5", "8")]
        rows.append([*cells, *(f"{100 * saving:.1f} %" for saving in savings)])
    columns = ["Attack", "Variants", "Steps", "Accuracy", "Honest so long", "Near", "Largest error", "Progress caught"]
    columns += ["Missed by windows", "Uncaught, 5 draws", "8 draws", "Saving, 5 draws", "8 draws"]
    note = (
        "Variants: declared lengths, each with the jump at the fourth station, after a third and after two thirds. The "
        "row is of the variant that saves most at 5 draws, or else is missed most; the last two columns are the most "
        "over all variants, each for itself. *Honest so long*: an honest training by the same recipe from the same "
        "start. *Near*: the cosine with his start that nine tenths of the model's weights reach, by rows. *Progress "
        "caught*: the share of all progress in segments whose draw finds the forgery. *Missed by windows*: uncaught, "
        "at 5 draws, if nobody looked how near the start is."
    )
    return Table(f"What a thief saves: {theft['name']}", columns, rows, note)


def _honest(found: list[dict[str, Any]]) -> Table:
    rows = []
    for row in found:
        cells = [f"{row['name']}, {row['optimizer']}, {row['precision']}", row["path"], str(row["reruns"])]
        cells.append(str(row["windows"]))
        cells += [f"{row['median']:.1e}", f"{row['largest']:.2g}", str(row["over"])]
        rows.append([*cells, f"{row['rejected']} of {row['verdicts']}"])
    columns = [
        "Training",
        "Run again with",
        "Trainings",
        "Windows",
        "Error, median",
        "Largest",
        "Over the tolerance",
        "Rejected",
    ]
    note = (
        f"Honest trainings of 100 steps, recorded on one thread with oneDNN: {sum(row['reruns'] for row in found)} "
        "are run again, every window of two segments of five steps. Channels last: without oneDNN, which reorders them "
        "anyway. The very first window may differ three times as much as the others, the next three twice as much. "
        "*Rejected*: of 100 drawings a training, those that would have flagged it; "
        f"{sum(row['rejected'] for row in found)} of {sum(row['verdicts'] for row in found):,} in all."
    )
    return Table("What honest machines differ by", columns, rows, note)


def _homes(found: list[dict[str, Any]], costs: list[dict[str, Any]]) -> Table:
    rows = []
    for row in found:
        cells = ["digits", row["name"], f"{row['steps']:,}", f"{row['rate']:.4f}", f"{100 * row['accuracy']:.1f} %"]
        rows.append([*cells, f"{row['near']:.2f}"])
    larger = [row for row in costs if row["task"] != "digits"]
    rows += [[row["task"], row["name"], "500", "", "", f"{row['near']:.2f}"] for row in larger]
    columns = ["Task", "Network", "Steps", "Largest rate", "Accuracy", "Near"]
    note = (
        "Honest trainings by the miner's usual recipe, without a mark; longer ones are planned at lower rates. *Near*: "
        "the cosine with its start that nine tenths of the weights reach, by rows; under 0.3 a model is flagged. The "
        "trainings on the scenes are those of the table of costs."
    )
    return Table("How near honest trainings stay to their starts", columns, rows, note)


def _costs(found: list[dict[str, Any]]) -> Table:
    rows = []
    for row in found:
        cells = [
            f"{row['task']}, {row['name']}",
            f"{row['numbers']:,}",
            short(row["seconds"]),
            f"{100 * row['overhead']:+.1f} %",
        ]
        cells += [f"{row['steps']:.0f}", f"{100 * row['judging']:.0f} %"]
        cells += [f"{100 * row['most'] / steps:.2g} %" for steps in LONG]
        rows.append([*cells, str(row["states"]), f"{row['bytes'] / 2**20:.1f} MiB"])
    columns = ["Training", "Numbers", "500 steps", "Committing adds", "Steps run again", "Judging / training"]
    columns += [f"of {steps:,} steps" for steps in LONG]
    note = (
        "Processor time of one thread; on digits of 8x8 pixels a step is cheap, so that committing weighs most there. "
        "What it adds is all that a recorded training does between its steps, as a share of them. *Judging* is of one "
        "candidate by one validator at 5 draws. The two columns after it are the most steps that 5 draws ever ask for, "
        "as a share of such a training. States opened and their bytes are of the last repetition."
    )
    return Table("What proving costs", [*columns, "States opened", "Bytes"], rows, note)
