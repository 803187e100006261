"""Rows in words: was each thief caught, did it cost him accuracy or epochs, or did he get away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.table import Row

LOSS = 2.0  # points of accuracy from which a theft is not worth it
EMBEDDING_EPOCHS = 1  # at most, of which each shall cost the thief 30
REMOVAL_EPOCHS = 30


class Answer(StrEnum):
    """What stops a thief."""

    FLAGGED = "flagged"
    CLAIMED = "claimed"
    ACCURACY = "loses accuracy"
    EPOCHS = "30 epochs or more"
    NOTHING = "gets away"


@dataclass(frozen=True)
class Line:
    """One attack on one architecture, over its seeds.

    Attributes:
        rows: how many.
        answers: of each, how often.
        z: the largest z of an owner's key, the least over the rows.
        share: of lineage's threshold, the least over the rows.
        uchida: wrong bits after alignment, the most over the rows; None where there was no message.
    """

    task: str
    architecture: str
    attack: str
    epochs: int
    rows: int
    kept: float
    lost: float
    z: float
    share: float
    uchida_published: int | None
    uchida: int | None
    answers: dict[Answer, int]


def answer(row: Row) -> Answer:
    """The first thing that stops the thief."""
    if row.flagged:
        return Answer.FLAGGED
    if row.claimable:
        return Answer.CLAIMED
    if row.lost > LOSS:
        return Answer.ACCURACY
    if row.epochs >= REMOVAL_EPOCHS * EMBEDDING_EPOCHS:
        return Answer.EPOCHS
    return Answer.NOTHING


def summarise(rows: Iterable[Row]) -> list[Line]:
    """One line for each task, architecture, attack and number of epochs, in the order of the rows."""
    groups: dict[tuple[str, str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.task, row.architecture, row.attack, row.epochs), []).append(row)
    return [_line(*key, found) for key, found in groups.items()]


def _line(task: str, architecture: str, attack: str, epochs: int, rows: Sequence[Row]) -> Line:
    answers = [answer(row) for row in rows]
    return Line(
        task=task,
        architecture=architecture,
        attack=attack,
        epochs=epochs,
        rows=len(rows),
        kept=sum(row.kept for row in rows) / len(rows),
        lost=sum(row.lost for row in rows) / len(rows),
        z=min(row.z for row in rows),
        share=min(row.share for row in rows),
        uchida_published=_most(row.uchida_published for row in rows),
        uchida=_most(row.uchida_aligned for row in rows),
        answers={found: answers.count(found) for found in Answer if found in answers},
    )


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
