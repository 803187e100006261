"""The manifest: what a task is, as a stranger's file that everybody else has to read.

The format is stated in docs/protocol.md, "Manifest". `Manifest.from_bytes` believes nothing: every number is
bounded, sizes must agree with one another, and bytes that are not the canonical encoding are refused, so that
one manifest has one CID. Whether architecture and data *are* what the manifest says needs torch and the
files: see `dlbc.materials`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from dlbc.artifact import cipher_size
from dlbc.errors import InvalidArtifact
from dlbc.json_node import JSONNode
from dlbc.types import Mode
from dlbc.wire import canonical

Digest: TypeAlias = bytes  # 32 bytes; an alias because two classes below have a field called `bytes`

MAX_MANIFEST_BYTES = 65_536
MAX_DATA_BYTES = 4 << 30  # of one file: data is read into memory, by everyone
MAX_SAMPLES = 10_000_000
# Each is hashed several times by every miner and validator while a phase runs out: half a minute for a million.
MAX_TEST_SAMPLES = 1_000_000
MAX_MODEL_BYTES = 1 << 30
MAX_PARAMETERS = 200_000_000
MAX_CLASSES = 100_000
MAX_DIMENSIONS = 3
MAX_DIMENSION = 1 << 20
MAX_INPUT_VALUES = 1 << 22  # of one sample: 16 MiB as float32
MAX_TRAIN_SECS = 30 * 86_400
METRICS = ("accuracy",)
PROOFS = ("none", "trajectory")  # what miners prove of their training

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MAX_ARGUMENTS = 16
_MAX_ARGUMENT = 1 << 20
_LABEL_BYTES = 8  # int64
_MAX_VALUE_BYTES = 8  # no tensor type is wider
_FILE_SLACK_BYTES = 65_536  # safetensors header


@dataclass(frozen=True)
class Shard:
    """One plain file of training data: where it lies, its size in bytes and the sha-256 of its content."""

    cid: str
    bytes: int
    sha256: Digest


@dataclass(frozen=True)
class TrainData:
    """The training set; today exactly one shard."""

    shards: tuple[Shard, ...]
    samples: int


@dataclass(frozen=True)
class TestData:
    """Encrypted test set: `cid`, `bytes` are the ciphertext's, `plain_bytes`, `sha256` the plain file's."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    cid: str
    bytes: int
    plain_bytes: int
    sha256: Digest
    samples: int
    samples_root: Digest


@dataclass(frozen=True)
class Data:
    """Where training and test data lie."""

    train: TrainData
    test: TestData


@dataclass(frozen=True)
class Training:
    """How long miners train, in seconds of chain time."""

    seconds: int


@dataclass(frozen=True)
class Init:
    """How networks start; `own`: from each miner's own seed."""

    mode: str = "own"


@dataclass(frozen=True)
class ModelLimits:
    """Number of parameters, and the largest plain model file in bytes that anybody fetches."""

    parameters: int
    max_bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a task is. Field names are those of the JSON file."""

    name: str
    architecture: Mapping[str, int | str]  # "name" and its arguments
    input_shape: tuple[int, ...]
    classes: int
    metric: str
    training: Training
    model: ModelLimits
    data: Data
    init: Init = Init()
    proof: str = "none"
    version: int = 1

    @property
    def data_bytes(self) -> int:
        """What everyone fetches: shards and encrypted test set; `TaskSpec.dataBytes` says the same."""
        return sum(shard.bytes for shard in self.data.train.shards) + self.data.test.bytes

    @property
    def max_model_ciphertext_bytes(self) -> int:
        """The largest announced artifact worth fetching."""
        return cipher_size(self.model.max_bytes)

    def to_bytes(self) -> bytes:
        """The canonical JSON encoding; its CID digest is `TaskSpec.manifest`."""
        train, test = self.data.train, self.data.test
        return canonical.dumps(
            {
                "version": self.version,
                "name": self.name,
                "architecture": dict(self.architecture),
                "input_shape": list(self.input_shape),
                "classes": self.classes,
                "metric": self.metric,
                "training": {"seconds": self.training.seconds},
                "init": {"mode": self.init.mode},
                "proof": self.proof,
                "model": {"parameters": self.model.parameters, "max_bytes": self.model.max_bytes},
                "data": {
                    "train": {
                        "shards": [{"cid": s.cid, "bytes": s.bytes, "sha256": s.sha256.hex()} for s in train.shards],
                        "samples": train.samples,
                    },
                    "test": {
                        "cid": test.cid,
                        "bytes": test.bytes,
                        "plain_bytes": test.plain_bytes,
                        "sha256": test.sha256.hex(),
                        "samples": test.samples,
                        "samples_root": test.samples_root.hex(),
                    },
                },
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Reads a manifest from a stranger.

        Raises:
            InvalidArtifact: it is not canonical JSON, a field is missing, unknown, of another type or out of
                bounds, or two of its numbers cannot both be true. The message names the field.
        """
        if len(data) > MAX_MANIFEST_BYTES:
            raise InvalidArtifact(f"manifest: {len(data)} bytes, at most {MAX_MANIFEST_BYTES} are allowed")
        top = JSONNode(canonical.loads(data, max_bytes=MAX_MANIFEST_BYTES), "manifest")
        fields = top.fields(
            "version", "name", "architecture", "input_shape", "classes", "metric", "training", "init",
            "proof", "model", "data",
        )  # fmt: skip
        version = fields["version"].integer(1, 1)
        shape = tuple(node.integer(1, MAX_DIMENSION) for node in fields["input_shape"].items(1, MAX_DIMENSIONS))
        if math.prod(shape) > MAX_INPUT_VALUES:
            fields["input_shape"].fail(f"{math.prod(shape)} values a sample, at most {MAX_INPUT_VALUES} are allowed")
        model = fields["model"].fields("parameters", "max_bytes")
        manifest = cls(
            version=version,
            name=fields["name"].text(_NAME),
            architecture=_architecture(fields["architecture"]),
            input_shape=shape,
            classes=fields["classes"].integer(2, MAX_CLASSES),
            metric=fields["metric"].one_of(*METRICS),
            training=Training(fields["training"].fields("seconds")["seconds"].integer(1, MAX_TRAIN_SECS)),
            init=Init(fields["init"].fields("mode")["mode"].one_of("own")),
            proof=fields["proof"].one_of(*PROOFS),
            model=ModelLimits(
                model["parameters"].integer(1, MAX_PARAMETERS), model["max_bytes"].integer(1, MAX_MODEL_BYTES)
            ),
            data=_data(fields["data"], math.prod(shape)),
        )
        parameters, size = manifest.model.parameters, manifest.model.max_bytes
        if not parameters <= size <= _MAX_VALUE_BYTES * parameters + (1 << 20):
            fields["model"].fail(f"max_bytes {size} does not fit {parameters} parameters")
        return manifest


def modes_of(proof: str) -> Mode:
    """`TaskSpec.modes` of a task that asks for this proof."""
    return Mode.TRAJECTORY if proof == "trajectory" else Mode.NONE


def _architecture(node: JSONNode) -> dict[str, int | str]:
    if not isinstance(node.value, dict) or len(node.value) > _MAX_ARGUMENTS or "name" not in node.value:
        raise InvalidArtifact(
            f"{node.where}: expected an object with a name and at most {_MAX_ARGUMENTS - 1} arguments"
        )
    found: dict[str, int | str] = {}
    for key, value in node.value.items():
        JSONNode(key, f"{node.where} argument").text(_WORD)
        argument = JSONNode(value, f"{node.where}.{key}")
        found[key] = argument.text(_WORD) if isinstance(value, str) else argument.integer(0, _MAX_ARGUMENT)
    if not isinstance(found["name"], str):
        raise InvalidArtifact(f"{node.where}.name: expected text")
    return found


def _data(node: JSONNode, values: int) -> Data:
    parts = node.fields("train", "test")
    train = parts["train"].fields("shards", "samples")
    (shard_node,) = train["shards"].items(1, 1)
    shard = shard_node.fields("cid", "bytes", "sha256")
    test = parts["test"].fields("cid", "bytes", "plain_bytes", "sha256", "samples", "samples_root")
    data = Data(
        TrainData(
            (
                Shard(
                    shard["cid"].cid(),
                    _size_of_samples(shard["bytes"], train["samples"], values),
                    shard["sha256"].digest(),
                ),
            ),
            train["samples"].integer(1, MAX_SAMPLES),
        ),
        TestData(
            cid=test["cid"].cid(),
            bytes=test["bytes"].integer(1, cipher_size(MAX_DATA_BYTES)),
            plain_bytes=_size_of_samples(test["plain_bytes"], test["samples"], values, MAX_TEST_SAMPLES),
            sha256=test["sha256"].digest(),
            samples=test["samples"].integer(1, MAX_TEST_SAMPLES),
            samples_root=test["samples_root"].digest(),
        ),
    )
    expected = cipher_size(data.test.plain_bytes)
    if data.test.bytes != expected:
        test["bytes"].fail(f"{data.test.bytes}, but {data.test.plain_bytes} plain bytes make {expected} encrypted")
    return data


def _size_of_samples(size: JSONNode, samples: JSONNode, values: int, most_samples: int = MAX_SAMPLES) -> int:
    """A size that so many samples can have: nobody allocates for samples that a file cannot hold."""
    count = samples.integer(1, most_samples)
    found = size.integer(1, MAX_DATA_BYTES)
    least = count * (values + _LABEL_BYTES)
    most = count * (values * _MAX_VALUE_BYTES + _LABEL_BYTES) + _FILE_SLACK_BYTES
    if not least <= found <= most:
        size.fail(f"{found} bytes cannot hold {count} samples of {values} values")
    return found
