"""Openings of trainings: what is held against a miner, and what is our own fault and not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from dlbc.artifact import encrypt_file
from dlbc.chain.events import ModelKeyShown, TrajectoryShown
from dlbc.errors import ContentUnavailable, IPFSError
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.journal import Identity, Journal
from dlbc.ml.models import build
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, ModelCommitment
from dlbc.wire.derivation import ArtifactKind, artifact_context
from validator import proofs
from validator.evidence import Budget, Source
from validator.judge import Opened
from validator.proofs import Proofs

HUB, MINER, KEY, ROUND = "0x" + "11" * 20, "0x" + "aa" * 20, b"k" * 32, 4
COMMITMENT = ModelCommitment(ROUND, *([ZERO_BYTES32] * 4), 1, *([ZERO_BYTES32] * 5), miner=MINER, salt=ZERO_BYTES32)
CANDIDATE = Opened(COMMITMENT, 1, build({"name": "mlp", "hidden": 64, "layers": 2}, (16,), 4))


class FakeIPFS:
    """One file, or a reason why there is none."""

    def __init__(self) -> None:
        self.content = b""
        self.error: IPFSError | None = None

    def fetch_file(self, cid: str, target: Path, *, max_bytes: int, timeout: float) -> int:
        if self.error is not None:
            raise self.error
        target.write_bytes(self.content)
        return len(self.content)


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """A round whose committee was drawn; the candidate's key is shown."""
    journal, ipfs = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, ZERO_ADDRESS)), FakeIPFS()
    found = SimpleNamespace(journal=journal, ipfs=ipfs, peers=True, logs=0)

    def event(kind: Any, *arguments: Any) -> None:
        found.logs += 1
        with journal.transaction():
            journal.history.add(kind(5, b"b" * 32, found.logs, *arguments))

    def show(data: bytes, epoch: int = 0, announced: int | None = None, key: bytes = KEY) -> None:
        """The miner seals and announces `data`."""
        plain, sealed = tmp_path / "plain", tmp_path / "sealed"
        plain.write_bytes(data)
        encrypt_file(plain, sealed, key, artifact_context(1, HUB, ArtifactKind.TRAJECTORY, ROUND, MINER))
        ipfs.content = sealed.read_bytes()
        size = len(ipfs.content) if announced is None else announced
        event(TrajectoryShown, ROUND, MINER, CANDIDATE.digest, epoch, digest_of_file(sealed), size)

    event(ModelKeyShown, ROUND, MINER, CANDIDATE.digest, KEY)
    found.show = show
    found.proofs = Proofs(
        Source(ipfs, tmp_path, 1, HUB),  # type: ignore[arg-type]
        journal,
        ROUND,
        0,
        b"s" * 32,
        None,  # type: ignore[arg-type]
        Budget(10, 1),
        lambda commitment: b"m" * 32,
        lambda what: found.peers,
        torch.device("cpu"),
    )
    found.folder = tmp_path
    return found


def test_fault__nothing_was_opened__held_against_him(scene: Any) -> None:
    assert "opened nothing" in scene.proofs.fault(CANDIDATE)


def test_fault__opened_in_another_epoch__held_against_him(scene: Any) -> None:
    """Another seed asked for other states."""
    scene.show(b"", epoch=1)
    assert "opened nothing" in scene.proofs.fault(CANDIDATE)


def test_fault__announced_larger_than_any_opening__is_not_even_fetched(scene: Any) -> None:
    scene.show(b"", announced=1 << 60)
    scene.ipfs.error = IPFSError("fetched")
    assert "bytes announced" in scene.proofs.fault(CANDIDATE)


def test_fault__nobody_serves_it__held_against_him(scene: Any) -> None:
    scene.show(b"x")
    scene.ipfs.error = ContentUnavailable("it did not arrive in 3 s")
    assert "did not arrive" in scene.proofs.fault(CANDIDATE)


def test_fault__own_node_reaches_nobody__says_nothing(scene: Any) -> None:
    scene.show(b"x")
    scene.ipfs.error, scene.peers = ContentUnavailable("it did not arrive in 3 s"), False
    assert scene.proofs.fault(CANDIDATE) == ""


def test_fault__own_node_fails__raises(scene: Any) -> None:
    scene.show(b"x")
    scene.ipfs.error = IPFSError("the node is down")
    with pytest.raises(IPFSError):
        scene.proofs.fault(CANDIDATE)


def test_fault__sealed_with_another_key__held_against_him(scene: Any) -> None:
    scene.show(b"x", key=b"z" * 32)
    assert scene.proofs.fault(CANDIDATE).startswith("what its miner opened of his training")


def test_fault__garbage__held_against_him_and_cleaned_up(scene: Any) -> None:
    scene.show(b"garbage")
    assert "cannot be used" in scene.proofs.fault(CANDIDATE)
    assert not list(scene.folder.glob("*.opening.safetensors"))


@pytest.mark.parametrize(("flagged", "words"), [(False, ""), (True, "its training: the words")])
def test_fault__run_again__says_what_came_out(
    scene: Any, monkeypatch: pytest.MonkeyPatch, flagged: bool, words: str
) -> None:
    """The last announcement counts."""
    scene.show(b"first")
    scene.show(b"second")
    seen = []

    def verdict(path: Path, claim: Any, data: Any, **_: Any) -> Any:
        seen.append(path.read_bytes())
        return SimpleNamespace(flagged=flagged, words="the words")

    monkeypatch.setattr(proofs, "verify", verdict)
    assert scene.proofs.fault(CANDIDATE) == words
    assert seen == [b"second"]
