"""The three contracts: typed getters, and builders of the calls that `Transactions.send` takes."""

from dlbc.chain.contracts.binding import Call
from dlbc.chain.contracts.committee import Committee
from dlbc.chain.contracts.hub import Hub
from dlbc.chain.contracts.token import Token
from dlbc.chain.contracts.views import (
    Account,
    Ballot,
    Candidate,
    Commit,
    Economy,
    Floors,
    Limits,
    Member,
    PhaseNow,
    Preview,
    Rank,
    Round,
    Seat,
    Task,
    Timing,
    Verdict,
    Verdicts,
)

__all__ = [
    "Account",
    "Ballot",
    "Call",
    "Candidate",
    "Commit",
    "Committee",
    "Economy",
    "Floors",
    "Hub",
    "Limits",
    "Member",
    "PhaseNow",
    "Preview",
    "Rank",
    "Round",
    "Seat",
    "Task",
    "Timing",
    "Token",
    "Verdict",
    "Verdicts",
]
