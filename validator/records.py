"""What a validator remembers of a round: notes in the journal, under one scope a round.

| Note | Holds | Written |
|---|---|---|
| `votes/<epoch>` | word, evaluation root and salt of each position | before `commitVote` leaves |
| `findings` | scores, flags and reasons, for people | with the vote |
| `result` | outcome, pay, slashes | when the round is final |
"""

from __future__ import annotations

from typing import Any

from dlbc.journal import Journal
from dlbc.journal.records import plain, revive
from dlbc.types import Vote

VALIDATOR = "validator"


def scope(round_id: int) -> str:
    """The scope of a round's notes."""
    return f"round/{round_id}"


def save_votes(journal: Journal, round_id: int, epoch: int, votes: list[Vote]) -> None:
    """Puts the votes and their salts on disk: without them a committed vote can never be opened."""
    journal.note_set(scope(round_id), f"votes/{epoch}", [plain(vote) for vote in votes])


def votes(journal: Journal, round_id: int, epoch: int) -> list[Vote]:
    """The votes of that epoch, by position; empty before the models were judged."""
    return [revive(Vote, value) for value in journal.note_get(scope(round_id), f"votes/{epoch}", [])]


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
