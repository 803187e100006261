"""Somebody's own model and task: a task.yaml, data files, or one of the laboratory's tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlbc.errors import InvalidArtifact, UsageError
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset, validate_split
from dlbc.ml.data_source import read_source
from dlbc.ml.measure import measure
from dlbc.ml.model_file import load_model
from dlbc.ml.tensor_file import MAX_HEADER_BYTES
from dlbc.task import load_task_file
from lab import tasks
from lab.networks import Architecture, architecture
from lab.tasks import TASKS, Task

DATA_SUFFIXES = (".npz", ".safetensors")


@dataclass(frozen=True)
class Subject:
    """What a model file is read and attacked with."""

    task: Task
    architecture: Architecture

    def load(self, path: Path) -> Network:
        """The model in a file that may come from a stranger.

        Raises:
            UsageError: there is no such file.
            InvalidTask: the architecture is not allowed on this data.
            InvalidArtifact: the file is damaged, or of another architecture.
        """
        shape = (self.task.train.sample_shape, self.task.classes)
        size = measure(self.architecture, *shape).model_bytes
        if not path.is_file():
            raise UsageError(f"{path}: no such model file")
        try:
            return load_model(path, self.architecture, *shape, max_bytes=size + MAX_HEADER_BYTES)
        except InvalidArtifact as error:
            named = ",".join(
                f"{key}={value}" if key != "name" else str(value) for key, value in self.architecture.items()
            )
            raise InvalidArtifact(
                f"{error}; it was read as {named} for samples {shape[0]}, {shape[1]} classes"
            ) from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error


def open_subject(task: str, network: str | None) -> Subject:
    """What --task and --architecture name.

    Args:
        task: one of `TASKS`, a task.yaml, or a data file with x_train, y_train, x_test and y_test.
        network: as `lab.networks.architecture` reads it; None takes the task.yaml's.

    Raises:
        UsageError: there is no such task, or no architecture is named.
        InvalidTask: the task.yaml or its data break a rule.
    """
    if task in TASKS:
        return Subject(tasks.load(task), _named(network, task))
    path = Path(task).expanduser()
    if not path.is_file():
        raise UsageError(f"--task {task[:200]!r}: neither one of {', '.join(TASKS)} nor a task.yaml or data file")
    if path.suffix in DATA_SUFFIXES:
        return Subject(_task(path.stem, path, path), _named(network, task))
    written = load_task_file(path)
    chosen = written.architecture if network is None else architecture(network)
    return Subject(_task(written.name, written.train, written.test), chosen)


def _named(network: str | None, task: str) -> Architecture:
    if network is None:
        raise UsageError(
            f"--task {task} does not say of which architecture the model is; give --architecture lenet, or "
            "resnet,depth=8,width=16 and the like"
        )
    return architecture(network)


def _task(name: str, train: Path, test: Path) -> Task:
    # Copies, for torch warns of arrays that it may not write to.
    first, second = (
        Dataset(found.x.copy(), found.y.copy()) for found in (read_source(train, "train"), read_source(test, "test"))
    )
    return Task(name, first, second, validate_split(first, second))
