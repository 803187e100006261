"""Accusations: whose mark is found, and all that keeps a validator from convicting anybody."""

from __future__ import annotations

import copy
import hashlib
import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from dlbc.artifact import encrypt_file, sha256_file
from dlbc.chain.events import BlockAppended, ModelAccused, ModelClaimed, ModelKeyShown, TaskSubmitted
from dlbc.errors import ContentUnavailable
from dlbc.ipfs.cid import as_digest
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.journal import Identity, Journal
from dlbc.library import Library
from dlbc.manifest import Data, Manifest, ModelLimits, Shard, TestData, TrainData, Training
from dlbc.ml.attacks import permute_channels
from dlbc.ml.attacks.structural import _reorder
from dlbc.ml.channels import Network
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.watermark import Key, choose_probes, embed, extract, keygen, private_keys, try_mark
from dlbc.ml.watermark.balance import filter_of
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, BlockHeader, MarkKey, ModelCommitment, TaskSpec
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commitment_hash, spec_hash
from dlbc.wire.vote_word import CandidateFlag, TaskFlag
from validator import accusations
from validator.accusations import Answer, answer
from validator.judge import Opened

torch.set_num_threads(1)

OWNER, THIEF, HUB = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "11" * 20
IMPROVER = "0x" + "cc" * 20
EARLIER, BETWEEN, ROUND, KEY = 3, 5, 7, b"k" * 32
LENET: dict[str, Any] = {"name": "lenet", "width": 32}
CID = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"


def network(seed: bytes, architecture: dict[str, Any] = LENET) -> Network:
    model = build(architecture, (1, 8, 8), 10)
    initialise(model, seed)
    return model.eval()


def manifest_of(architecture: dict[str, Any]) -> Manifest:
    sha = hashlib.sha256(b"").digest()
    data = Data(TrainData((Shard(CID, 40_000, sha),), 80), TestData(CID, 3_100, 3_000, sha, 40, sha))
    limits = ModelLimits(100_000, 420_000)
    return Manifest(
        name="toy",
        architecture=architecture,
        input_shape=(1, 8, 8),
        classes=10,
        metric="accuracy",
        training=Training(5),
        model=limits,
        data=data,
    )


class Scene:
    """An owner whose model was shown in an earlier round, and who accuses the only candidate of this one.

    Attributes:
        key: the owner's private key, which he shows.
        accused: the model that is looked at; the owner's, reordered.
        parent: that it declares.
        seconds: that looking may take.
    """

    def __init__(self, folder: Path) -> None:
        self.files: dict[bytes, Path] = {}
        self.journal = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, ZERO_ADDRESS))
        self.folder, self.logs = folder, 0
        self.seed, self.seconds, self.parent = b"m" * 32, math.inf, ZERO_BYTES32
        (self.key,) = private_keys(b"r" * 32, self.seed, 1)
        self.original = network(self.seed)
        embed(self.original, (keygen(self.seed), self.key))
        self.accused = network(self.seed)
        self.accused.load_state_dict(self.original.state_dict())
        permute_channels(self.accused, b"t" * 32)
        random = np.random.default_rng(1)
        self.probes = choose_probes(random.integers(0, 255, (300, 1, 8, 8), dtype=np.uint8), b"s" * 32)

    def fetch_file(self, cid: str | bytes, target: Path, *, max_bytes: int, timeout: float) -> int:
        path = self.files.get(as_digest(cid))
        if path is None:
            raise ContentUnavailable("it did not arrive")
        target.write_bytes(path.read_bytes())
        return target.stat().st_size

    def add(self, path: Path) -> bytes:
        digest = digest_of_file(path)
        self.files[digest] = path
        return digest

    def event(self, kind: Any, *arguments: Any) -> None:
        self.logs += 1
        with self.journal.transaction():
            self.journal.history.add(kind(5, b"b" * 32, self.logs, *arguments))

    def publish(self, architecture: dict[str, Any] = LENET) -> bytes:
        """The owner's model in its final round; returns its commitment's hash."""
        return self.show(self.original, OWNER, EARLIER, architecture)

    def show(
        self, model: Network, miner: str, round_id: int, architecture: dict[str, Any] = LENET, *, wins: bool = False
    ) -> bytes:
        """A model in its final round; returns its commitment's hash."""
        plain, sealed, manifest = (self.folder / f"{name} {round_id}" for name in ("plain", "sealed", "manifest"))
        save_model(model, plain)
        encrypt_file(plain, sealed, KEY, artifact_context(1, HUB, ArtifactKind.MODEL, round_id, miner))
        manifest.write_bytes(manifest_of(architecture).to_bytes())
        spec = TaskSpec(ZERO_ADDRESS, self.add(manifest), ZERO_BYTES32, 1, 1, 1, 40, 36, 2, 1, 0, 5, 0, 1, 1, round_id)
        commitment = replace(
            commitment_of(miner, round_id),
            spec_hash=spec_hash(spec),
            model_hash=sha256_file(plain),
            artifact=self.add(sealed),
            artifact_bytes=sealed.stat().st_size,
            key_hash=key_hash(KEY),
        )
        digest = commitment_hash(commitment)
        self.event(TaskSubmitted, 1, ZERO_ADDRESS, spec_hash(spec), spec, 0)
        self.event(ModelClaimed, round_id, miner, digest, 1, 9, True, commitment)
        self.event(ModelKeyShown, round_id, miner, digest, KEY)
        if wins:
            zero = ZERO_BYTES32
            header = BlockHeader(
                1, 1, zero, zero, round_id, zero, digest, sha256_file(plain), 9, 40, zero, miner, zero, 0, 1, 1000
            )
            self.event(BlockAppended, 1, zero, header)
        return digest

    def improvement(self, of: Network, miner: str) -> Network:
        """What a miner makes of a model: other weights here and there, and his mark."""
        model = copy.deepcopy(of)
        generator = torch.Generator().manual_seed(int(miner[-4:], 16))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * parameter.std() * torch.randn(parameter.shape, generator=generator))
        embed(model, keygen(miner.encode()[:32]))
        return model.eval()

    def answer(self, earlier: bytes, key: Key | None = None, candidates: tuple[Opened, ...] = ()) -> Answer:
        key = key or self.key
        theft = Opened(replace(commitment_of(THIEF, ROUND), parent=self.parent), 1, self.accused)
        shown = MarkKey(key.index, key.shares, key.secret)
        self.event(ModelAccused, ROUND, OWNER, theft.digest, earlier, EARLIER, shown)
        accusation = accusations.accusation_of(self.journal, ROUND)
        assert accusation is not None
        library = Library(self, self.folder / "cache", 1, HUB)  # type: ignore[arg-type]
        other = Opened(commitment_of(OWNER, ROUND), 2, network(b"h" * 32))
        listed = candidates or (other, theft)
        return answer(
            accusation, listed, self.journal, library, manifest_of(LENET), self.probes, own_seed, lambda: self.seconds
        )


def order_by_chips(model: Network, key: Key) -> None:
    """Reorders channels, group by group, so that weights agree with the key's chips as well as they can."""
    chips = key.chips(model.carrier_size())
    begins = np.cumsum([0, *(model.get_parameter(name).numel() for name in model.carriers)])
    of = {
        name: chips[begin : begin + model.get_parameter(name).numel()].reshape(filter_of(model, name).balance().x.shape)
        for name, begin in zip(model.carriers, begins[:-1], strict=True)
    }
    for _ in range(4):
        for group in model.groups:
            gain = np.zeros((group.size, group.size))
            for name in (writer.weight for writer in group.writers if writer.weight in of):
                x = filter_of(model, name).balance().x
                gain += of[name].reshape(group.size, -1).astype(float) @ x.reshape(group.size, -1).T
            for reader in (reader for reader in group.readers if reader.weight in of):
                x, part = filter_of(model, reader.weight).balance().x, slice(reader.start, reader.start + group.size)
                ours, theirs = (v[:, part].transpose(1, 0, 2).reshape(group.size, -1) for v in (of[reader.weight], x))
                gain += ours.astype(float) @ theirs.T
            with torch.no_grad():
                _reorder(model, group, torch.from_numpy(linear_sum_assignment(-gain)[1]))


def own_seed(commitment: ModelCommitment) -> bytes:
    return commitment.miner.encode()[:32]


def commitment_of(miner: str, round_id: int) -> ModelCommitment:
    return ModelCommitment(round_id, *([ZERO_BYTES32] * 4), 1, *([ZERO_BYTES32] * 5), miner=miner, salt=ZERO_BYTES32)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_answer__owners_model_reordered__convicts_at_the_accuseds_position(scene: Scene) -> None:
    found = scene.answer(scene.publish())
    assert found.flag == TaskFlag.STOLEN_1
    assert "the accuser's mark is in the model" in found.why


def test_answer__honest_model__convicts_nobody(scene: Scene) -> None:
    scene.accused = network(b"o" * 32)
    embed(scene.accused, keygen(b"o" * 32))
    found = scene.answer(scene.publish())
    assert found.flag == TaskFlag.NONE
    assert "mark is not in the model" in found.why


def test_answer__accuser_committed_to_the_accuseds_public_key__convicts_nobody(scene: Scene) -> None:
    """Seeds are known as soon as a round is open: he can train from the accused's start, and name that key his own."""
    public = keygen(b"o" * 32)
    scene.original = network(b"o" * 32)
    scene.accused = network(b"o" * 32)
    embed(scene.accused, public)
    found = scene.answer(scene.publish(), Key(public.secret))
    assert found.flag == TaskFlag.NONE
    assert "mark is not in the model" in found.why


@pytest.fixture
def grandchild(scene: Scene) -> Network:
    """The owner's model, improved by somebody who declared it and won, and improved once more: that is accused."""
    between = scene.improvement(scene.original, IMPROVER)
    scene.accused = scene.improvement(between, THIEF)
    return between


def test_answer__mark_came_with_the_declared_parent__convicts_nobody(scene: Scene, grandchild: Network) -> None:
    """Else an owner could have everybody's stake who improves what was made of his model."""
    scene.parent = scene.show(grandchild, IMPROVER, BETWEEN, wins=True)
    found = scene.answer(scene.publish())
    assert found.flag == TaskFlag.NONE
    assert "came with the parent that the accused declares (z " in found.why


def test_answer__declared_parent_did_not_win__convicts(scene: Scene, grandchild: Network) -> None:
    """A thief could declare his own copy, which was shown and not paid."""
    scene.parent = scene.show(grandchild, IMPROVER, BETWEEN)
    assert scene.answer(scene.publish()).flag == TaskFlag.STOLEN_1


def test_answer__declared_parent_has_not_the_mark__convicts(scene: Scene) -> None:
    stranger = network(b"o" * 32)
    embed(stranger, keygen(b"o" * 32))
    scene.parent = scene.show(stranger, IMPROVER, BETWEEN, wins=True)
    assert scene.answer(scene.publish()).flag == TaskFlag.STOLEN_1


def test_answer__declared_parent_is_of_another_architecture__convicts(scene: Scene) -> None:
    """Nothing is made of such a model: a thief would name one so that nobody can compare."""
    wider = {"name": "lenet", "width": 33}
    scene.parent = scene.show(network(b"o" * 32, wider), IMPROVER, BETWEEN, wider, wins=True)
    assert scene.answer(scene.publish()).flag == TaskFlag.STOLEN_1


def test_answer__nobody_serves_the_declared_parent__convicts_nobody(scene: Scene, grandchild: Network) -> None:
    digest, before = scene.publish(), dict(scene.files)
    scene.parent = scene.show(grandchild, IMPROVER, BETWEEN, wins=True)
    scene.files = before
    found = scene.answer(digest)
    assert found.flag == TaskFlag.NONE
    assert "did not arrive" in found.why


def test_answer__accuser_trained_from_the_accuseds_start__convicts_nobody(scene: Scene) -> None:
    """Everybody knows it once the round is open; its channels can be put in the order that fits his chips best."""
    seed = own_seed(commitment_of(THIEF, ROUND))
    scene.accused, scene.original = network(seed), network(seed)
    embed(scene.accused, keygen(seed))
    (scene.key,) = private_keys(b"r" * 32, b"m" * 32, 1)
    order_by_chips(scene.original, scene.key)
    embed(scene.original, keygen(b"m" * 32))
    assert extract(scene.accused, scene.key, scene.original, scene.probes) > 12
    found = scene.answer(scene.publish())
    assert found.flag == TaskFlag.NONE
    assert "came with the accused's own start (z " in found.why


def test_answer__accusers_channels_hold_nothing_but_his_mark__convicts_nobody(scene: Scene) -> None:
    """Then strangers are brought into the order that fits it, for there is nothing else to go by."""
    scene.accused = network(b"o" * 32)
    embed(scene.accused, keygen(b"o" * 32))
    with torch.no_grad():
        for name in scene.original.carriers:
            scene.original.get_parameter(name).fill_(0.01)
    embed(scene.original, scene.key)
    z = extract(scene.accused, scene.key, scene.original, scene.probes)
    if z < 8:  # by the other sign
        embed(scene.original, scene.key, gamma=-0.3)
    assert extract(scene.accused, scene.key, scene.original, scene.probes) > 8
    assert scene.answer(scene.publish()).flag == TaskFlag.NONE
    trial = try_mark(scene.accused, scene.key, scene.original, scene.probes, {})
    assert "the two models are not related" in trial.why_not


def test_answer__earlier_model_of_another_architecture__convicts_nobody(scene: Scene) -> None:
    found = scene.answer(scene.publish({"name": "lenet", "width": 33}))
    assert found.flag == TaskFlag.NONE
    assert "another architecture" in found.why


def test_answer__nobody_serves_the_earlier_model__convicts_nobody(scene: Scene) -> None:
    digest = scene.publish()
    scene.files.clear()
    found = scene.answer(digest)
    assert found.flag == TaskFlag.NONE
    assert "did not arrive" in found.why


def test_answer__earlier_model_was_never_shown__convicts_nobody(scene: Scene) -> None:
    found = scene.answer(b"e" * 32)
    assert found.flag == TaskFlag.NONE
    assert "not known here" in found.why


def test_answer__key_of_another_number_of_shares__convicts_nobody(scene: Scene) -> None:
    """Its mark is in the model: it is the number alone that is wrong."""
    key = Key(scene.key.secret, 1, 2, private=True)
    embed(scene.accused, key)
    found = scene.answer(scene.publish(), key)
    assert found.flag == TaskFlag.NONE
    assert "one of 2, networks like the accused carry 1" in found.why


def test_answer__accused_is_off_the_list__convicts_nobody(scene: Scene) -> None:
    other = Opened(commitment_of(OWNER, ROUND), 2, scene.accused)
    assert scene.answer(scene.publish(), candidates=(other,)) == Answer(
        TaskFlag.NONE, "nobody is convicted: the accused is off the list"
    )


def test_answer__accused_model_cannot_be_opened__convicts_nobody(scene: Scene) -> None:
    closed = Opened(commitment_of(THIEF, ROUND), 1, None, CandidateFlag.UNAVAILABLE, "it did not arrive")
    found = scene.answer(scene.publish(), candidates=(closed,))
    assert found.flag == TaskFlag.NONE
    assert "cannot be opened: it did not arrive" in found.why


def test_answer__comparison_fails__convicts_nobody(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("not a number")

    monkeypatch.setattr(accusations, "try_mark", fail)
    found = scene.answer(scene.publish())
    assert found.flag == TaskFlag.NONE
    assert "not a number" in found.why


def test_answer__comparison_does_not_end__convicts_nobody(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(accusations, "try_mark", lambda *_: over.wait())
    scene.seconds = 0.05
    found = scene.answer(scene.publish())
    over.set()
    assert found.flag == TaskFlag.NONE
    assert "did not end" in found.why


def test_accusation_of__nobody_was_accused__none(scene: Scene) -> None:
    assert accusations.accusation_of(scene.journal, ROUND) is None
