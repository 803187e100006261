"""One theft of somebody's own model: the attack, the file it leaves, and the evidence before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlbc.errors import UsageError
from dlbc.ml import prg
from dlbc.ml.attacks import attack, chosen, epochs_spent
from dlbc.ml.model_file import save_model
from lab.evidence import Evidence, examine
from lab.owner import keys_of
from lab.subject import Subject
from lab.tasks import digest


@dataclass(frozen=True)
class Theft:
    """What was done, and what is left.

    Attributes:
        epochs: that the thief spent.
        before: evidence in the model as it was; after: in what the thief made of it.
    """

    method: str
    output: str
    epochs: int
    before: Evidence
    after: Evidence


def steal(
    subject: Subject,
    path: Path,
    method: str,
    output: Path,
    *,
    against: Path | None,
    epochs: int,
    keys: tuple[bytes, bytes | None] | None,
    thief: int,
) -> Theft:
    """Attacks the model in a file and writes the result to another.

    Args:
        against: the owner's original; None for the attacked model itself.
        epochs: for each attack that trains.
        keys: the owner's seed m and, where it is known, his secret r.
        thief: number that all of the thief's choices follow from.

    Raises:
        InvalidTask: no such attack.
        UsageError: a file is missing, or the output cannot be written.
        InvalidArtifact: a model is damaged, or of another architecture.
    """
    spent = epochs_spent(method, epochs)
    if output.resolve() in {path.resolve(), *([] if against is None else [against.resolve()])}:
        raise UsageError(f"--output {output} is the model itself; name another file")
    model = subject.load(path)
    original = model if against is None else subject.load(against)
    known = None if keys is None else keys_of(original, *keys)
    task, seed = subject.task, digest(f"thief {thief}")
    stolen = attack(method, model, task.train, epochs, seed)
    before, after = (
        examine(found, original, known, task.test, task.probes, prg.derive(seed, "disguise"))
        for found in (model, stolen)
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        save_model(stolen, output)
    except OSError as error:
        raise UsageError(f"--output {output}: cannot be written ({error.strerror or error})") from error
    return Theft("+".join(chosen(method)), str(output), spent, before, after)
