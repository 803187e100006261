"""From a task file to what is published: look at the data, measure, write files, encrypt the test set.

`prepare` refuses all that a chain or a miner would refuse later, before anything is paid. `pack` writes:

    train.safetensors   public
    test.safetensors    secret until the key is shown; for scoring the winner here
    test.sealed         the encrypted test set, public
    manifest.json       public
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlbc.artifact import cipher_size, encrypt_file, sha256_file
from dlbc.errors import InvalidTask
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.manifest import (
    MAX_INPUT_VALUES,
    MAX_TEST_SAMPLES,
    Data,
    Manifest,
    ModelLimits,
    Shard,
    TestData,
    TrainData,
    Training,
)
from dlbc.materials import samples_root
from dlbc.ml.data import Dataset, validate_split, write_canonical
from dlbc.ml.data_source import read_source
from dlbc.ml.measure import Measurement, measure
from dlbc.ml.tensor_file import TensorSpec, file_bytes
from dlbc.task import TaskFile, default_tolerance, min_score

MODEL_SLACK_BYTES = 65_536  # above the measured file: another writer's header may be longer

TRAIN, TEST, SEALED, MANIFEST = "train.safetensors", "test.safetensors", "test.sealed", "manifest.json"


@dataclass(frozen=True)
class Prepared:
    """A task whose data and architecture were looked at; nothing is written yet.

    Attributes:
        classes: number of labels.
        measured: parameters, flops of one sample's forward pass, bytes of a model file.
        train_bytes, test_bytes: size of the public training file and of the encrypted test set.
        score_max: test samples, all distinct.
        min_score: correct samples that reach `task.minimum`.
        tol, tie_tol: samples.
        warnings: sentences for the requester; nothing that stops him.
    """

    task: TaskFile
    train: Dataset
    test: Dataset
    classes: int
    measured: Measurement
    train_bytes: int
    test_bytes: int
    score_max: int
    min_score: int
    tol: int
    tie_tol: int
    warnings: tuple[str, ...]

    @property
    def data_bytes(self) -> int:
        """As `Manifest.data_bytes`."""
        return self.train_bytes + self.test_bytes


@dataclass(frozen=True)
class Packed:
    """What lies in the task's folder, ready to be published.

    Attributes:
        digest: of the manifest's CID, for `TaskSpec.manifest`.
        public: the three files that must be served, manifest last.
    """

    manifest: Manifest
    digest: bytes
    public: tuple[Path, ...]
    test: Path


def prepare(task: TaskFile) -> Prepared:
    """Reads the data and checks all that can be checked without a chain.

    Raises:
        InvalidTask: naming the field or file and what to change.
    """
    train = read_source(task.train, "train")
    test = read_source(task.test, "test")
    if np.unique(train.y).size < 2:
        raise InvalidTask(task.train.name, f"every label is {train.y[0]}; at least two classes are needed")
    classes = validate_split(train, test)
    if int(np.prod(train.sample_shape)) > MAX_INPUT_VALUES:
        raise InvalidTask(task.train.name, f"samples of shape {train.sample_shape} are too large")
    measured = measure(task.architecture, train.sample_shape, classes)
    if measured.flops < 1:
        raise InvalidTask("architecture", "has nothing to compute")
    samples = len(test)
    if samples > MAX_TEST_SAMPLES:
        raise InvalidTask(task.test.name, f"{samples:,} samples, at most {MAX_TEST_SAMPLES:,} can be scored in time")
    tol, tie_tol = _tolerances(task, samples)
    least = min_score(task.minimum, samples)
    return Prepared(
        task=task,
        train=train,
        test=test,
        classes=classes,
        measured=measured,
        train_bytes=_canonical_bytes(train),
        test_bytes=cipher_size(_canonical_bytes(test)),
        score_max=samples,
        min_score=least,
        tol=tol,
        tie_tol=tie_tol,
        warnings=_warnings(test, least, tol),
    )


def pack(prepared: Prepared, folder: Path, key: bytes, context: bytes) -> Packed:
    """Writes the files into `folder` (made if missing, mode 0700), the manifest last.

    Doing it again makes another ciphertext, so another manifest: its salt is random.

    Args:
        key: the 32-byte test key.
        context: `artifact_context` of the test set.

    Raises:
        OSError: the disk.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    train, test, sealed = folder / TRAIN, folder / TEST, folder / SEALED
    test.touch(mode=0o600)
    write_canonical(prepared.train, train)
    write_canonical(prepared.test, test)
    test.chmod(0o600)
    encrypt_file(test, sealed, key, context)
    task = prepared.task
    manifest = Manifest(
        name=task.name,
        architecture=task.architecture,
        input_shape=prepared.train.sample_shape,
        classes=prepared.classes,
        metric=task.metric,
        training=Training(task.train_secs),
        proof=task.proof,
        model=ModelLimits(prepared.measured.parameters, prepared.measured.model_bytes + MODEL_SLACK_BYTES),
        data=Data(
            TrainData((Shard(_cid(train), train.stat().st_size, sha256_file(train)),), samples=len(prepared.train)),
            TestData(
                cid=_cid(sealed),
                bytes=sealed.stat().st_size,
                plain_bytes=test.stat().st_size,
                sha256=sha256_file(test),
                samples=len(prepared.test),
                samples_root=samples_root(prepared.test),
            ),
        ),
    )
    encoded = manifest.to_bytes()
    Manifest.from_bytes(encoded)  # what we would not read ourselves nobody else will
    (folder / MANIFEST).write_bytes(encoded)
    return packed(folder)


def packed(folder: Path) -> Packed:
    """What `pack` wrote into `folder` earlier.

    Raises:
        FileNotFoundError: it never finished.
        InvalidArtifact: the manifest was damaged since.
    """
    path = folder / MANIFEST
    manifest = Manifest.from_bytes(path.read_bytes())
    return Packed(manifest, digest_of_file(path), (folder / TRAIN, folder / SEALED, path), folder / TEST)


def _tolerances(task: TaskFile, samples: int) -> tuple[int, int]:
    least = default_tolerance(samples)
    most = max(2, samples // 10)
    tol = least if task.tolerance is None else task.tolerance
    if not least <= tol <= most:
        raise InvalidTask("tolerance", f"{tol}: {least} to {most} are accepted with {samples} test samples")
    tie_tol = tol // 2 if task.tie_tolerance is None else task.tie_tolerance
    if tie_tol > tol // 2:
        raise InvalidTask("tie_tolerance", f"{tie_tol}: at most half of the tolerance, {tol // 2}")
    return tol, tie_tol


def _warnings(test: Dataset, least: int, tol: int) -> tuple[str, ...]:
    samples = len(test)
    common = int(np.bincount(test.y).max())
    found = []
    if least <= common:
        found.append(
            f"always guessing the most frequent label gets {common} of {samples} right and "
            f"reaches the minimum of {least}: any miner gets the fee for that"
        )
    if tol * 50 > samples:
        found.append(
            f"the test set is small: scores may differ by {tol} of {samples} samples between devices, "
            f"{100 * tol / samples:.1f} %"
        )
    return tuple(found)


def _canonical_bytes(dataset: Dataset) -> int:
    width = "U8" if dataset.x.dtype == np.uint8 else "F32"
    return file_bytes({"x": TensorSpec(width, dataset.x.shape), "y": TensorSpec("I64", dataset.y.shape)})


def _cid(path: Path) -> str:
    return digest_to_cid(digest_of_file(path))
