"""What a round is made of, fetched and opened: manifest, training data, test set, models.

Requester, miner, validator and the tests' thief open the same bytes with the same checks, so that what one of
them refuses, all refuse. Every function takes a cache folder, names files there by their content, and checks
them again before it uses them: a cache may be stale, cut short or shared. Errors say whose fault it is:
IPFSError, it cannot be had (ContentUnavailable: yet); InvalidArtifact and ContentInvalid, it is not what was
announced, now and for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dlbc.artifact import decrypt_file, sha256_file
from dlbc.errors import InvalidArtifact, InvalidTask, IPFSError
from dlbc.ipfs.cid import cid_to_digest, digest_to_cid
from dlbc.ipfs.unixfs import FileHasher
from dlbc.manifest import MAX_MANIFEST_BYTES, Manifest, modes_of
from dlbc.ml.data import Dataset, read_canonical
from dlbc.ml.measure import Measurement, measure
from dlbc.types import ModelCommitment, TaskSpec
from dlbc.wire import merkle
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash

DECLARED_TOLERANCE = 10  # percent by which flops, netBytes and dataBytes may differ from what is measured


class Fetcher(Protocol):
    """The one thing that is needed of `dlbc.ipfs.client.IPFS`."""

    def fetch_file(self, cid_or_digest: str | bytes, target: Path, *, max_bytes: int, timeout: float) -> int: ...


@dataclass(frozen=True)
class Declared:
    """What a spec and its manifest say, held against what is measured.

    Attributes:
        measured: None where the architecture itself is not allowed.
        problems: one sentence each; empty when all is as declared.
    """

    measured: Measurement | None
    problems: tuple[str, ...]


def fetch_manifest(ipfs: Fetcher, spec: TaskSpec, cache: Path, timeout: float) -> Manifest:
    """The manifest that `spec` names.

    Args:
        timeout: seconds.

    Raises:
        IPFSError: it cannot be had.
        InvalidArtifact: it is not a manifest (`Manifest.from_bytes`).
    """
    path = _fetch(ipfs, digest_to_cid(spec.manifest), cache, MAX_MANIFEST_BYTES, timeout)
    return Manifest.from_bytes(path.read_bytes())


def check_declared(spec: TaskSpec, manifest: Manifest) -> Declared:
    """Whether the difficulty that the queue ranked is the task's. Opens no file.

    Flops and sizes may be off by `DECLARED_TOLERANCE` percent, because counters differ between versions of
    torch; numbers that both files state must agree exactly.
    """
    try:
        measured = measure(manifest.architecture, manifest.input_shape, manifest.classes)
    except InvalidTask as error:
        return Declared(None, (str(error),))
    problems = [
        f"{name} is declared as {declared}, measured are {found}"
        for name, declared, found in (
            ("flops", spec.flops, measured.flops),
            ("netBytes", spec.net_bytes, measured.model_bytes),
            ("dataBytes", spec.data_bytes, manifest.data_bytes),
        )
        if abs(declared - found) * 100 > DECLARED_TOLERANCE * found
    ]
    problems += [
        f"{name} is {left}, but {other} is {right}"
        for name, left, other, right in (
            ("scoreMax", spec.score_max, "the manifest's number of test samples", manifest.data.test.samples),
            ("trainSecs", spec.train_secs, "the manifest's training time", manifest.training.seconds),
            ("modes", spec.modes, "the mode of the manifest's proof", modes_of(manifest.proof)),
            ("model.parameters", manifest.model.parameters, "the architecture's count", measured.parameters),
        )
        if left != right
    ]
    if manifest.model.max_bytes < measured.model_bytes:
        problems.append(f"model.max_bytes is {manifest.model.max_bytes}, a model file has {measured.model_bytes} bytes")
    return Declared(measured, tuple(problems))


def fetch_train(ipfs: Fetcher, manifest: Manifest, cache: Path, timeout: float) -> Dataset:
    """The training set, checked: CID, size, sha-256, sample shape, labels, number of samples.

    Raises:
        IPFSError: it cannot be had.
        InvalidArtifact: it is not what the manifest says.
    """
    (shard,) = manifest.data.train.shards
    path = _fetch(ipfs, shard.cid, cache, shard.bytes, timeout)
    _check_size(path, shard.bytes, "training set")
    _check_sha256(path, shard.sha256, "training set")
    return _read(path, manifest, manifest.data.train.samples, "training set")


def fetch_test_ciphertext(ipfs: Fetcher, manifest: Manifest, cache: Path, timeout: float) -> Path:
    """The encrypted test set, of the announced size. It can be fetched, and should be, long before its key is
    shown.

    Raises:
        IPFSError: it cannot be had.
        InvalidArtifact: it has another size.
    """
    test = manifest.data.test
    path = _fetch(ipfs, test.cid, cache, test.bytes, timeout)
    _check_size(path, test.bytes, "encrypted test set")
    return path


def open_test(  # what is opened, with what, for which deployment
    spec: TaskSpec, manifest: Manifest, ciphertext: Path, key: bytes, chain_id: int, hub: str, cache: Path
) -> Dataset:
    """The test set, decrypted with the shown key and checked against the manifest and `spec.score_max`.

    Raises:
        InvalidArtifact: another key, damaged, or not what was announced; the message says which. This is what
            a committee flags as DATA_INVALID.
    """
    test = manifest.data.test
    _check_key(key, spec.key_hash, "test")
    context = artifact_context(chain_id, hub, ArtifactKind.TEST_SET, spec.nonce, spec.requester)
    path = _folder(cache) / plain_test_name(manifest)
    decrypt_file(ciphertext, path, key, context, max_plain_bytes=test.plain_bytes, expected_sha256=test.sha256)
    _check_size(path, test.plain_bytes, "test set")
    return check_test(spec, manifest, _read(path, manifest, test.samples, "test set"))


def plain_test_name(manifest: Manifest) -> str:
    """The plain test set's name in a cache."""
    return f"{manifest.data.test.sha256.hex()}.test.safetensors"


def plain_model_name(commitment: ModelCommitment) -> str:
    """A plain model's name in a cache."""
    return f"{commitment.model_hash.hex()}.model.safetensors"


def check_test(spec: TaskSpec, manifest: Manifest, dataset: Dataset) -> Dataset:
    """`dataset` if it is the manifest's test set, sample by sample, and has `spec.score_max` distinct
    samples.

    Raises:
        InvalidArtifact: it is not.
    """
    root = samples_root(dataset)
    if root != manifest.data.test.samples_root:
        raise InvalidArtifact(
            f"test set: its samples have the Merkle root {root.hex()[:16]}…, the manifest says "
            f"{manifest.data.test.samples_root.hex()[:16]}…"
        )
    distinct = len({hashlib.sha256(row.tobytes()).digest() for row in dataset.x})  # a copy of all would not fit
    if distinct != spec.score_max:
        raise InvalidArtifact(f"test set: {distinct} distinct samples, scoreMax is {spec.score_max}")
    return dataset


def samples_root(dataset: Dataset) -> bytes:
    """Merkle root over the samples in file order (docs/protocol.md, "Manifest")."""
    return merkle.root(sample_leaves(dataset))


def sample_leaves(dataset: Dataset) -> Iterable[bytes]:
    """A leaf's data: the sample's raw bytes, then its label as int64 little-endian."""
    return (
        row.tobytes() + int(label).to_bytes(8, "little", signed=True)
        for row, label in zip(dataset.x, dataset.y, strict=True)
    )


def fetch_model_ciphertext(
    ipfs: Fetcher,
    artifact: ModelCommitment | tuple[bytes, int],
    manifest: Manifest,
    cache: Path,
    timeout: float,
) -> Path:
    """A miner's encrypted model, of the announced size.

    Args:
        artifact: his commitment, or (digest, bytes) as the event ModelCommitted announces them.
        timeout: seconds.

    Raises:
        IPFSError: it cannot be had.
        InvalidArtifact: announced larger than the task's models can be (nothing is fetched then), or of
            another size than announced.
    """
    digest, size = (artifact.artifact, artifact.artifact_bytes) if isinstance(artifact, ModelCommitment) else artifact
    most = manifest.max_model_ciphertext_bytes
    if not 0 < size <= most:
        raise InvalidArtifact(f"encrypted model: {size} bytes announced, this task's have at most {most}")
    path = _fetch(ipfs, digest_to_cid(digest), cache, size, timeout)
    _check_size(path, size, "encrypted model")
    return path


def open_model(  # as open_test
    commitment: ModelCommitment,
    manifest: Manifest,
    ciphertext: Path,
    key: bytes,
    chain_id: int,
    hub: str,
    cache: Path,
) -> Path:
    """The plain model file that `commitment` commits to. Its tensors are not looked at: `dlbc.ml.model_file`
    does.

    Raises:
        InvalidArtifact: another key, damaged, or another model than was committed.
    """
    _check_key(key, commitment.key_hash, "model")
    context = artifact_context(chain_id, hub, ArtifactKind.MODEL, commitment.round_id, commitment.miner)
    path = _folder(cache) / plain_model_name(commitment)
    decrypt_file(
        ciphertext,
        path,
        key,
        context,
        max_plain_bytes=manifest.model.max_bytes,
        expected_sha256=commitment.model_hash,
    )
    return path


def _fetch(ipfs: Fetcher, cid: str, cache: Path, max_bytes: int, timeout: float) -> Path:
    path = _folder(cache) / cid
    if not _is_content(path, cid, max_bytes):
        ipfs.fetch_file(cid, path, max_bytes=max_bytes, timeout=timeout)
    return path


def _is_content(path: Path, cid: str, max_bytes: int) -> bool:
    if not path.is_file() or path.stat().st_size > max_bytes:
        return False
    hasher = FileHasher()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)
    return hasher.digest() == cid_to_digest(cid)


def _folder(cache: Path) -> Path:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IPFSError(f"cannot make the folder {cache}: {error.strerror or error}") from error
    return cache


def _read(path: Path, manifest: Manifest, samples: int, what: str) -> Dataset:
    dataset = read_canonical(
        path,
        max_bytes=path.stat().st_size,
        sample_shape=manifest.input_shape,
        classes=manifest.classes,
        max_samples=samples,
    )
    if len(dataset) != samples:
        raise InvalidArtifact(f"{what}: {len(dataset)} samples, the manifest says {samples}")
    return dataset


def _check_size(path: Path, size: int, what: str) -> None:
    found = path.stat().st_size
    if found != size:
        raise InvalidArtifact(f"{what}: {found} bytes, {size} were announced")


def _check_sha256(path: Path, sha256: bytes, what: str) -> None:
    found = sha256_file(path)
    if found != sha256:
        raise InvalidArtifact(f"{what}: sha-256 {found.hex()[:16]}…, announced {sha256.hex()[:16]}…")


def _check_key(key: bytes, expected: bytes, what: str) -> None:
    if key_hash(key) != expected:
        raise InvalidArtifact(f"the {what} key shown is not the one committed to")
