"""Manifests come from strangers: reading one ends in InvalidArtifact or in bounded values."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dlbc.artifact import cipher_size
from dlbc.errors import InvalidArtifact
from dlbc.manifest import MAX_MANIFEST_BYTES, MAX_TEST_SAMPLES, Manifest
from dlbc.wire import canonical

CID = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
GOOD: dict[str, Any] = {
    "version": 1,
    "name": "handwritten-digits",
    "architecture": {"name": "resnet", "depth": 8, "width": 16},
    "input_shape": [1, 8, 8],
    "classes": 10,
    "metric": "accuracy",
    "training": {"seconds": 40},
    "init": {"mode": "own"},
    "proof": "none",
    "model": {"parameters": 77706, "max_bytes": 400000},
    "data": {
        "train": {"shards": [{"cid": CID, "bytes": 103608, "sha256": "ab" * 32}], "samples": 1437},
        "test": {
            "cid": CID,
            "bytes": 26156,
            "plain_bytes": 26056,
            "sha256": "cd" * 32,
            "samples": 360,
            "samples_root": "ef" * 32,
        },
    },
}
NOTHING = object()


def changed(path: str, value: Any) -> bytes:
    document = copy.deepcopy(GOOD)
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part]
    if value is NOTHING:
        del place[last]
    else:
        place[last] = value
    return canonical.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("version", True),
        ("name", ""),
        ("name", "../up"),
        ("name", "a\u202eb"),
        ("name", 5),
        ("unknown", 1),
        ("metric", NOTHING),
        ("metric", "loss"),
        ("metric", ["accuracy"]),
        ("architecture", "resnet"),
        ("architecture.name", 8),
        ("architecture.name", "__import__"),
        ("architecture.depth", -1),
        ("architecture.depth", 2**40),
        ("architecture.depth", [8]),
        ("architecture", {"name": "x", **{f"a{i}": 1 for i in range(20)}}),
        ("input_shape", []),
        ("input_shape", [1, 8, 8, 8]),
        ("input_shape", [0]),
        ("input_shape", [1 << 20, 1 << 20]),
        ("input_shape", [1, "8", 8]),
        ("classes", 1),
        ("classes", 10**9),
        ("training.seconds", 0),
        ("training.seconds", 2**32),
        ("training", {"seconds": 40, "epochs": 1}),
        ("init.mode", "public"),
        ("proof", "distance"),
        ("model.parameters", 0),
        ("model.parameters", 2**40),
        ("model.max_bytes", 2**40),
        ("model.max_bytes", 77705),
        ("model.max_bytes", 77706 * 8 + (1 << 20) + 1),
        ("data.train.shards", []),
        ("data.train.shards", [GOOD["data"]["train"]["shards"][0]] * 2),
        ("data.train.shards.0.cid", "Qm" + "1" * 44),
        ("data.train.shards.0.cid", CID[:-1] + "0"),
        ("data.train.shards.0.cid", CID + "/../x"),
        ("data.train.shards.0.sha256", "AB" * 32),
        ("data.train.shards.0.sha256", "ab" * 31),
        ("data.train.shards.0.bytes", 1000),
        ("data.train.shards.0.bytes", 2**52),
        ("data.train.samples", 0),
        ("data.train.samples", 10**9),
        ("data.test.bytes", 26157),
        ("data.test.plain_bytes", 26055),
        ("data.test.samples", 361 * 100),
        ("data.test.samples_root", NOTHING),
    ],
)
def test_from_bytes__one_field_wrong__refused_and_named(path: str, value: Any) -> None:
    with pytest.raises(InvalidArtifact) as caught:
        Manifest.from_bytes(changed(path, value))
    assert "manifest" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("samples", "allowed"), [(MAX_TEST_SAMPLES, True), (MAX_TEST_SAMPLES + 1, False)])
def test_from_bytes__very_many_test_samples__refused(samples: int, allowed: bool) -> None:
    """Nobody could open and score them while the claim phase runs, and whoever committed would be slashed."""
    manifest = copy.deepcopy(GOOD)
    plain = samples * (64 + 8)
    manifest["data"]["test"] |= {"samples": samples, "plain_bytes": plain, "bytes": cipher_size(plain)}
    if allowed:
        assert Manifest.from_bytes(canonical.dumps(manifest)).data.test.samples == samples
    else:
        with pytest.raises(InvalidArtifact, match=r"test\.samples"):
            Manifest.from_bytes(canonical.dumps(manifest))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"version":1', b"[" * 60_000, b" " * (MAX_MANIFEST_BYTES + 1)],
)
def test_from_bytes__not_a_manifest__refused(data: bytes) -> None:
    with pytest.raises(InvalidArtifact):
        Manifest.from_bytes(data)


def test_from_bytes__readable_but_not_canonical__refused() -> None:
    with pytest.raises(InvalidArtifact, match="canonical"):
        Manifest.from_bytes(json.dumps(GOOD).encode())


def test_to_bytes__what_was_read__gives_the_same_bytes() -> None:
    data = canonical.dumps(GOOD)
    manifest = Manifest.from_bytes(data)
    assert manifest.to_bytes() == data
    assert manifest.input_shape == (1, 8, 8)
    assert manifest.data.train.shards[0].sha256 == bytes.fromhex("ab" * 32)
    assert manifest.data_bytes == 103608 + 26156
