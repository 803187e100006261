"""Cells and rows to test with."""

from __future__ import annotations

from lab.cells import Cell
from lab.table import VERSION, Row


def cell(attack: str = "nothing", budget: int = 0) -> Cell:
    return Cell("digits", "lenet", 0, attack, budget)


def row(attack: str = "ftal", **changes: object) -> Row:
    """A row as a theft might leave it that nothing stopped."""
    values: dict[str, object] = {
        "version": VERSION,
        "task": "digits",
        "architecture": "lenet",
        "seed": 0,
        "attack": attack,
        "budget": 3,
        "epochs": 3,
        "before": 96.0,
        "after": 95.5,
        "kept": 99.5,
        "z_public": 1.25,
        "z_private": None,
        "uchida_published": 31,
        "uchida_aligned": 30,
        "cosine": 0.25,
        "match": 0.1,
        "core": 0.3,
        "share": 0.555,
        "flagged": False,
        "claimable": False,
        "seconds": 0.5,
    }
    return Row(**{**values, **changes})  # type: ignore[arg-type]
