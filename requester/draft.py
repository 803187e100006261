"""What the journal remembers of a task from the first `submit` to its end, so that the same command goes on.

A draft is found again by its fingerprint: the task's content and data, without fee and bond, which may be
corrected until the task is on the chain. The nonce is on disk before it is used, the spec before a
transaction leaves.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from dlbc.artifact import sha256_file
from dlbc.journal import Journal
from dlbc.journal.records import plain, revive
from dlbc.task import TaskFile
from dlbc.types import TaskSpec

INDEX = "drafts"  # scope of the list: fingerprint → generation in use


@dataclass(frozen=True)
class Draft:
    """One task of this account, submitted or not.

    Attributes:
        id: fingerprint and generation; names the folder and the notes.
        nonce: of the task; the test key is derived from it.
        folder: where its files lie.
        spec: as last built, None before the data was packed.
        uploaded: whether the public files were in IPFS once.
    """

    id: str
    nonce: int
    folder: Path
    spec: TaskSpec | None
    uploaded: bool

    @property
    def scope(self) -> str:
        """Of its notes in the journal."""
        return f"task/{self.id}"


def fingerprint(task: TaskFile) -> str:
    """16 bytes in hex over all that makes the task another task, the data files' content included."""
    content = {
        "name": task.name,
        "architecture": dict(task.architecture),
        "metric": task.metric,
        "minimum": str(task.minimum),
        "seconds": task.train_secs,
        "tolerance": task.tolerance,
        "tie_tolerance": task.tie_tolerance,
        "train": sha256_file(task.train).hex(),
        "test": sha256_file(task.test).hex(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def open_draft(journal: Journal, workdir: Path, task: TaskFile, *, another: bool = False) -> Draft:
    """The draft of `task`, begun if there is none.

    Args:
        another: begin a new one although the last was submitted.
    """
    mark = fingerprint(task)
    with journal.transaction():
        generation = int(journal.note_get(INDEX, mark, 0))
        if another and journal.note_get(f"task/{_id(mark, generation)}", "spec") is not None:
            generation += 1
        journal.note_set(INDEX, mark, generation)
        name = _id(mark, generation)
        if journal.note_get(f"task/{name}", "nonce") is None:
            journal.note_set(f"task/{name}", "nonce", hex(secrets.randbits(256)))
            journal.note_set(f"task/{name}", "name", task.name)
    return load_draft(journal, workdir, name)


def load_draft(journal: Journal, workdir: Path, name: str) -> Draft:
    """A draft by its id. Raises KeyError where there is none."""
    notes = journal.notes(f"task/{name}")
    return Draft(
        id=name,
        nonce=int(notes["nonce"], 16),
        folder=workdir / "tasks" / name,
        spec=revive(TaskSpec, notes["spec"]) if "spec" in notes else None,
        uploaded=bool(notes.get("uploaded", False)),
    )


def drafts(journal: Journal, workdir: Path) -> list[Draft]:
    """All of them."""
    found = []
    for mark, last in journal.notes(INDEX).items():
        found += [load_draft(journal, workdir, _id(mark, number)) for number in range(int(last) + 1)]
    return found


def keep_spec(journal: Journal, draft: Draft, spec: TaskSpec) -> None:
    """Remembers the spec; on disk when this returns."""
    journal.note_set(draft.scope, "spec", plain(spec))


def keep_uploaded(journal: Journal, draft: Draft) -> None:
    """Remembers that the public files are in IPFS."""
    journal.note_set(draft.scope, "uploaded", True)


def keep_output(journal: Journal, draft: Draft, output: Path) -> None:
    """Remembers where the model is wanted."""
    journal.note_set(draft.scope, "output", str(output))


def output_of(journal: Journal, draft: Draft) -> Path | None:
    """Where the model is wanted, None if nowhere yet."""
    noted = journal.note_get(draft.scope, "output")
    return Path(noted) if noted else None


def name_of(journal: Journal, draft: Draft) -> str:
    """The task's name, as its file had it."""
    return str(journal.note_get(draft.scope, "name", "task"))


def _id(mark: str, generation: int) -> str:
    return mark if generation == 0 else f"{mark}-{generation}"
