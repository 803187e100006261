"""What a validator remembers of a round: notes in the journal, under one scope a round.

| Note | Holds | Written |
|---|---|---|
| `votes/<epoch>` | word, evaluation root and salt of each position | before `commitVote` leaves |
| `leaves/<epoch>` | which models' predictions lie below the evaluation roots | with the votes |
| `predictions/<commitment>` | classes by test sample, while a leaf may be asked for | with the votes |
| `provenance` | marks and comparisons, for another epoch | with the votes |
| `findings` | scores, flags and reasons, for people | with the vote |
| `result` | outcome, pay, slashes | when the round is final |
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlbc.journal import Journal
from dlbc.journal.records import plain, revive
from dlbc.ml.watermark.lineage import Lineage
from dlbc.types import Vote
from validator.judge import Mark, Memory

VALIDATOR = "validator"
PREDICTIONS = "predictions/"
PROVENANCE = "provenance"


def scope(round_id: int) -> str:
    """The scope of a round's notes."""
    return f"round/{round_id}"


def save_votes(journal: Journal, round_id: int, epoch: int, votes: list[Vote]) -> None:
    """Puts the votes and their salts on disk: without them a committed vote can never be opened."""
    journal.note_set(scope(round_id), f"votes/{epoch}", [plain(vote) for vote in votes])


def votes(journal: Journal, round_id: int, epoch: int) -> list[Vote]:
    """The votes of that epoch, by position; empty before the models were judged."""
    return [revive(Vote, value) for value in journal.note_get(scope(round_id), f"votes/{epoch}", [])]


def save_leaves(journal: Journal, round_id: int, epoch: int, evaluated: Sequence[bytes], samples: int) -> None:
    """Notes what the evaluation roots of that epoch's votes were computed from.

    Args:
        evaluated: commitment hashes by position in the list, empty for a candidate that has no leaves.
        samples: leaves of each.
    """
    noted = {"evaluated": [digest.hex() for digest in evaluated], "samples": samples}
    journal.note_set(scope(round_id), f"leaves/{epoch}", noted)


def leaves(journal: Journal, round_id: int, epoch: int) -> list[list[int]] | None:
    """Predictions by position, as `eval_root` took them; None where they are not here any more."""
    noted = journal.note_get(scope(round_id), f"leaves/{epoch}")
    if noted is None:
        return None
    found = []
    for name in noted["evaluated"]:
        predictions = _predictions(journal, round_id, name) if name else np.empty(0, np.int32)
        if predictions is None:
            return None
        found.append(predictions[: noted["samples"]].tolist())
    return found


def save_memory(journal: Journal, round_id: int, memory: Memory) -> None:
    """Keeps what was found out of the round's models."""
    known = journal.notes(scope(round_id))
    for digest, predictions in memory.predictions.items():
        name = PREDICTIONS + digest.hex()
        if name not in known:  # what votes were computed from is never written over
            journal.note_set(scope(round_id), name, zlib.compress(predictions.astype("<i4").tobytes()))
    noted = {
        "marks": [[digest.hex(), mark.z, mark.fault] for digest, mark in memory.marks.items()],
        "lineages": [[of.hex(), origin.hex(), *astuple(found)] for (of, origin), found in memory.lineages.items()],
    }
    journal.note_set(scope(round_id), PROVENANCE, noted)


def memory(journal: Journal, round_id: int) -> Memory:
    """What earlier epochs found out."""
    found = Memory()
    for name in journal.notes(scope(round_id)):
        if name.startswith(PREDICTIONS):
            digest = name.removeprefix(PREDICTIONS)
            predictions = _predictions(journal, round_id, digest)
            if predictions is not None:
                found.predictions[bytes.fromhex(digest)] = predictions
    noted = journal.note_get(scope(round_id), PROVENANCE, {"marks": [], "lineages": []})
    for digest, z, fault in noted["marks"]:
        found.marks[bytes.fromhex(digest)] = Mark(z, fault)
    for of, origin, *lineage in noted["lineages"]:
        found.lineages[bytes.fromhex(of), bytes.fromhex(origin)] = Lineage(*lineage)
    return found


def forget(journal: Journal, round_id: int) -> None:
    """Drops what only a live round can ask for."""
    for name in journal.notes(scope(round_id)):
        if name.startswith((PREDICTIONS, PROVENANCE)):
            journal.note_delete(scope(round_id), name)


def _predictions(journal: Journal, round_id: int, digest: str) -> NDArray[np.int32] | None:
    stored = journal.note_get(scope(round_id), PREDICTIONS + digest)
    return None if stored is None else np.frombuffer(zlib.decompress(stored), "<i4").astype(np.int32)


def save_findings(journal: Journal, round_id: int, findings: dict[str, Any]) -> None:
    """Notes what was found, for `dlbc-validator status`."""
    journal.note_set(scope(round_id), "findings", findings)
    rounds = journal.note_get(VALIDATOR, "rounds", [])
    if round_id not in rounds:
        journal.note_set(VALIDATOR, "rounds", [*rounds, round_id])


def save_result(journal: Journal, round_id: int, result: dict[str, Any]) -> None:
    """Notes how a round ended."""
    journal.note_set(scope(round_id), "result", result)


def history(journal: Journal) -> list[dict[str, Any]]:
    """Every round that was judged, oldest first, with findings and result."""
    return [
        {
            "round": round_id,
            **journal.note_get(scope(round_id), "findings", {}),
            **journal.note_get(scope(round_id), "result", {}),
        }
        for round_id in sorted(journal.note_get(VALIDATOR, "rounds", []))
    ]
