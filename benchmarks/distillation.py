"""Whether a student is told from a stranger by what he answers, and what a thief who distils saves nevertheless.

Weights of a student say nothing about his teacher; `lab/answers.py` compares answers on the training samples. Imports
what `embedding.py` imports.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any
from unittest.mock import patch

from benchmarks.embedding import CLASSES, digits
from benchmarks.tables import Section, Table
from dlbc.ml.attacks import attack, extraction
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.device import configure_threads
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.training import train
from lab.answers import Answers, answers, likeness
from lab.networks import HONEST_EPOCHS, NETWORKS, Architecture
from lab.tasks import digest

MINERS = 10  # honest ones of each network
STOLEN = 3  # of whose models students are made
NAMES = ("lenet", "resnet", "unet", "transformer")
DEVIATIONS = 5.0
LOSS = 2.0  # points of accuracy that a thief may lose


@dataclass(frozen=True)
class Thief:
    """One way to make a student.

    Attributes:
        attack: of `dlbc.ml.attacks`; "" where nothing is stolen.
        share: his epochs as a part of an honest training's; None for 20 epochs, after which divergence gets away.
        soft: the teacher's part of the loss, where he is distilled.
    """

    name: str
    attack: str
    share: float | None = 1.0
    soft: float = extraction.SOFT


THIEVES = (
    Thief("distil", "distil", 0.25),
    Thief("distil", "distil", 0.5),
    Thief("distil", "distil"),
    Thief("distil, a third of the loss", "distil", soft=0.3),
    Thief("distil, a tenth of the loss", "distil", soft=0.1),
    Thief("train on the teacher's labels", "retrain"),
    Thief("diverge", "diverge", None),
    Thief("none: honest, but shorter", "", 0.5),
)


def measure() -> dict[str, Any]:
    """Trains strangers and students, and compares them all."""
    configure_threads(1)
    return {"networks": [_network(name, NETWORKS[name]) for name in NAMES]}


def _network(name: str, architecture: Architecture) -> dict[str, Any]:
    data, test = digits()
    epochs = HONEST_EPOCHS["digits"][name]
    honest = [_honest(architecture, data, epochs, number) for number in range(MINERS)]
    known = [answers(model, data) for model in honest]
    pairs = [likeness(known[a], known[b], _others(known, a, b)) for a, b in itertools.combinations(range(MINERS), 2)]
    rows = []
    for thief in THIEVES:
        spent = 20 if thief.share is None else max(1, round(thief.share * epochs))
        students = [
            _student(thief, model, data, spent, number)
            if thief.attack
            else _honest(architecture, data, spent, -number - 1)
            for number, model in enumerate(honest[:STOLEN])
        ]
        # without another stranger, so that the pools are of one size
        alike = [
            likeness(answers(student, data), known[number], _others(known, number, MINERS - 1))
            for number, student in enumerate(students)
        ]
        accuracy = mean(score(student, test).correct / len(test) for student in students)
        rows.append({"name": thief.name, "epochs": spent, "accuracy": accuracy, "alike": alike})
    own = mean(score(model, test).correct / len(test) for model in honest)
    return {"name": name, "epochs": epochs, "accuracy": own, "pairs": pairs, "rows": rows}


def _honest(architecture: Architecture, data: Dataset, epochs: int, number: int) -> Network:
    model = build(architecture, data.sample_shape, CLASSES)
    initialise(model, digest(f"stranger {number}"))
    train(model, data, seed=digest(f"stranger {number}"), epochs=epochs)
    return model


def _student(thief: Thief, teacher: Network, data: Dataset, epochs: int, number: int) -> Network:
    with patch.object(extraction, "SOFT", thief.soft):
        return attack(thief.attack, teacher, data, epochs, digest(f"student {number}"))


def _others(known: list[Answers], *left_out: int) -> list[Answers]:
    return [found for number, found in enumerate(known) if number not in left_out]


def section(measured: dict[str, Any]) -> Section:
    """One table of strangers, one of students."""
    found = measured["networks"]
    return Section("Distillation", TEXT.format(miners=MINERS), (_strangers(found), _students(found)))


def _limit(network: dict[str, Any]) -> float:
    pairs: list[float] = network["pairs"]
    return mean(pairs) + DEVIATIONS * stdev(pairs)


def _strangers(found: list[dict[str, Any]]) -> Table:
    rows = []
    for network in found:
        pairs = network["pairs"]
        cells = [network["name"], str(network["epochs"]), f"{100 * network['accuracy']:.1f} %", str(len(pairs))]
        rows.append(
            [*cells, f"{mean(pairs):.3f}", f"{stdev(pairs):.3f}", f"{max(pairs):.2f}", f"{_limit(network):.2f}"]
        )
    columns = ["Network", "Epochs", "Accuracy", "Pairs", "Mean", "Deviation", "Most", "Told from"]
    return Table("How alike honest models answer", columns, rows)


def _students(found: list[dict[str, Any]]) -> Table:
    rows = []
    for network in found:
        for row in network["rows"]:
            lost = 100 * (network["accuracy"] - row["accuracy"])
            over = sum(one >= _limit(network) for one in row["alike"])
            saved = max(0.0, 1 - row["epochs"] / network["epochs"]) if lost <= LOSS else 0.0
            cells = [network["name"], row["name"], str(row["epochs"]), f"{-lost:+.1f}"]
            cells += [f"{min(row['alike']):.2f} to {max(row['alike']):.2f}", f"{over} of {len(row['alike'])}"]
            rows.append([*cells, f"{100 * saved:.0f} %", f"{100 * saved * (1 - over / len(row['alike'])):.0f} %"])
    columns = ["Network", "Student", "Epochs", "Points", "Likeness", "Told", "Saves", "Saves untold"]
    note = (
        f"Of {STOLEN} teachers each. *Points* of accuracy beside honest models; *saves* counts the epochs of an honest "
        f"training that the student did not need, and nothing where he lost more than {LOSS:.0f} points. The last one "
        "stole nothing: who saves no more than he does gained nothing by what he stole."
    )
    return Table("What students are told by", columns, rows, note)


TEXT = """\
Scikit-learn's digits, {miners} honest miners of each network and students of some of them, all with starts of their
own. *Likeness* is the partial correlation of two models' answers on the training samples, given those of eight other
honest models (`lab/answers.py`). A student is *told* where it is five standard deviations above the mean of honest
pairs of his network. Laboratory evidence: validators do not use it, and decision 0024 says why.
"""
