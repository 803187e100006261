"""What the miner remembers of a round: notes in the journal, under one scope a round.

| Note | Holds | Written |
|---|---|---|
| `refused` | why the task was turned down | when manifest or data were looked at |
| `parent` | which earlier model the training begins at | when its file is safe on disk |
| `trained` | where the finished model lies, how good it is | when its file is safe on disk |
| `submission` | the commitment with its salt | before `commitModel` leaves |
| `opening/E` | digest and size of what was opened in epoch E | before `showTrajectory` leaves |
| `claim` | score and signature | before `claimModel` leaves |
| `state` | stage and progress, for people | all the time |
| `result` | pay, slashes, outcome | when the round is final |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlbc.journal import Journal
from dlbc.journal.records import plain, revive
from dlbc.types import ZERO_BYTES32, ModelCommitment
from miner.plan import Costs

MINER = "miner"
ENDED = frozenset({"refused", "missed", "lost", "final"})  # stages after which a round needs nothing more


@dataclass(frozen=True)
class Trained:
    """A finished model.

    Attributes:
        path: the plain model file.
        anchor: what its seed was made of; a commit under another anchor is refused.
        watermark: Merkle root of the private keys that it carries.
        accuracy: share of correct predictions on held-out training data.
        held_out: how many samples those were; 0 where nobody counted.
        scoring_seconds: what opening and scoring the test set will take; 0 where nobody measured.
        trajectory: what its training is proven by; 32 zero bytes where nobody asks.
        parent: commitment hash of the model that it improves; 32 zero bytes where it began at its own start.
    """

    path: Path
    anchor: bytes
    watermark: bytes
    accuracy: float
    epochs: float
    held_out: int = 0
    scoring_seconds: float = 0.0
    trajectory: bytes = ZERO_BYTES32
    parent: bytes = ZERO_BYTES32


@dataclass(frozen=True)
class Claim:
    """What was signed. `why` explains a score that is not the test set's."""

    score: int
    signature: bytes
    why: str = ""


def scope(round_id: int) -> str:
    """The scope of a round's notes."""
    return f"round/{round_id}"


def refuse(journal: Journal, round_id: int, why: str) -> None:
    """Remembers that nothing about this round will change the miner's mind."""
    journal.note_set(scope(round_id), "refused", why)
    note_state(journal, round_id, stage="refused", why=why)


def refusal(journal: Journal, round_id: int) -> str:
    """Why the round was refused; "" if it was not."""
    return str(journal.note_get(scope(round_id), "refused", ""))


def save_parent(journal: Journal, round_id: int, digest: bytes) -> None:
    """Notes which model the training begins at, 32 zero bytes for its own start; it stays so when it is resumed."""
    journal.note_set(scope(round_id), "parent", digest.hex())


def parent(journal: Journal, round_id: int) -> bytes | None:
    """The commitment hash of the model that the training begins at; None where that was not decided yet."""
    value = journal.note_get(scope(round_id), "parent")
    return None if value is None else bytes.fromhex(value)


def save_trained(journal: Journal, round_id: int, trained: Trained) -> None:
    """Notes a finished model; its file must be on disk."""
    value = {
        "path": str(trained.path),
        "anchor": trained.anchor.hex(),
        "watermark": trained.watermark.hex(),
        "accuracy": trained.accuracy,
        "epochs": trained.epochs,
        "held_out": trained.held_out,
        "scoring_seconds": trained.scoring_seconds,
        "trajectory": trained.trajectory.hex(),
        "parent": trained.parent.hex(),
    }
    journal.note_set(scope(round_id), "trained", value)


def trained(journal: Journal, round_id: int) -> Trained | None:
    """The finished model, if its file is still there."""
    value = journal.note_get(scope(round_id), "trained")
    if value is None or not Path(value["path"]).is_file():
        return None
    return Trained(
        Path(value["path"]),
        bytes.fromhex(value["anchor"]),
        bytes.fromhex(value["watermark"]),
        value["accuracy"],
        value["epochs"],
        value.get("held_out", 0),
        value.get("scoring_seconds", 0.0),
        bytes.fromhex(value.get("trajectory", ZERO_BYTES32.hex())),
        bytes.fromhex(value.get("parent", ZERO_BYTES32.hex())),
    )


def save_submission(journal: Journal, commitment: ModelCommitment) -> None:
    """Puts the commitment and its salt on disk."""
    journal.note_set(scope(commitment.round_id), "submission", plain(commitment))


def submission(journal: Journal, round_id: int) -> ModelCommitment | None:
    """What was, or is about to be, committed."""
    value = journal.note_get(scope(round_id), "submission")
    return None if value is None else revive(ModelCommitment, value)


def forget_work(journal: Journal, round_id: int) -> None:
    """Forgets model and commitment of a round whose anchor changed before they were committed."""
    for key in ("trained", "submission"):
        journal.note_delete(scope(round_id), key)


def save_opening(journal: Journal, round_id: int, epoch: int, digest: bytes, size: int) -> None:
    """Notes where the opened states of an epoch lie; they must be on IPFS."""
    journal.note_set(scope(round_id), f"opening/{epoch}", {"digest": digest.hex(), "bytes": size})


def opening(journal: Journal, round_id: int, epoch: int) -> tuple[bytes, int] | None:
    """Digest and size of what was opened, if it was."""
    value = journal.note_get(scope(round_id), f"opening/{epoch}")
    return None if value is None else (bytes.fromhex(value["digest"]), value["bytes"])


def save_claim(journal: Journal, round_id: int, claim: Claim) -> None:
    """Puts the signed score on disk."""
    value = {"score": claim.score, "signature": claim.signature.hex(), "why": claim.why}
    journal.note_set(scope(round_id), "claim", value)


def claim(journal: Journal, round_id: int) -> Claim | None:
    """What was, or is about to be, claimed."""
    value = journal.note_get(scope(round_id), "claim")
    return None if value is None else Claim(value["score"], bytes.fromhex(value["signature"]), value["why"])


def note_state(journal: Journal, round_id: int, **facts: Any) -> None:
    """Adds to what `dlbc-miner status` shows of a round; None removes a fact."""
    with journal.transaction():
        known = {**journal.note_get(scope(round_id), "state", {}), **facts}
        journal.note_set(scope(round_id), "state", {name: value for name, value in known.items() if value is not None})
        rounds = journal.note_get(MINER, "rounds", [])
        if round_id not in rounds:
            journal.note_set(MINER, "rounds", [*rounds, round_id])


def state(journal: Journal, round_id: int) -> dict[str, Any]:
    """What `note_state` gathered."""
    return dict(journal.note_get(scope(round_id), "state", {}))


def rounds(journal: Journal) -> list[int]:
    """Every round that the miner had to do with, oldest first."""
    return sorted(journal.note_get(MINER, "rounds", []))


def save_result(journal: Journal, round_id: int, result: dict[str, Any]) -> None:
    """Notes how a round ended."""
    journal.note_set(scope(round_id), "result", result)


def result(journal: Journal, round_id: int) -> dict[str, Any] | None:
    """How the round ended, if it is known."""
    found = journal.note_get(scope(round_id), "result")
    return None if found is None else dict(found)


def costs(journal: Journal) -> Costs:
    """What finishing took on this machine."""
    return Costs.from_json(journal.note_get(MINER, "costs"))


def save_costs(journal: Journal, found: Costs) -> None:
    """Remembers it for the next plan."""
    journal.note_set(MINER, "costs", found.to_json())
