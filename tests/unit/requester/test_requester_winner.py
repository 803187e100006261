"""The delivered model: the chain's word, the file's hash, and a score of one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from requester_world import ADDRESS, HUB, World

from dlbc import materials
from dlbc.artifact import encrypt_file, sha256_file
from dlbc.chain.events import BlockAppended, ModelClaimed, ModelKeyShown, RoundFinalized, TaskSubmitted, TestKeyRevealed
from dlbc.errors import ContentUnavailable, InvalidArtifact, UsageError
from dlbc.ipfs.cid import as_digest
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.journal import Event
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.task import load_task_file
from dlbc.types import BlockHeader, ModelCommitment, Outcome
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commitment_hash
from requester import lookup, winner
from requester.draft import open_draft
from requester.pack import SEALED, TEST, prepare
from requester.submission import submit
from requester.submission import test_key as derived_key

MINER, MODEL_KEY, ROUND = "0x" + "33" * 20, b"m" * 32, 9


class Shelf:
    """IPFS with what was published."""

    def __init__(self) -> None:
        self.files: dict[bytes, Path] = {}

    def fetch_file(self, cid_or_digest: str | bytes, target: Path, *, max_bytes: int, timeout: float) -> int:
        source = self.files.get(as_digest(cid_or_digest))
        if source is None:
            raise ContentUnavailable("no peer has it")
        return target.write_bytes(source.read_bytes())


class Scene:
    """A finished round of the toy task, as events and files."""

    def __init__(self, world: World, folder: Path) -> None:
        prepared = prepare(load_task_file(folder / "task.yaml"))
        draft = open_draft(world.context.journal, world.context.workdir, prepared.task)
        self.spec = submit(world.context, draft, prepared, confirm=lambda _: True, say=lambda _: None).spec
        self.folder, self.draft, self.world, self.prepared = folder, draft, world, prepared
        self.shelf = Shelf()
        self.shelf.files |= world.ipfs.files
        network = build(prepared.task.architecture, prepared.train.sample_shape, prepared.classes)
        initialise(network, b"s" * 32)
        self.plain, sealed = folder / "model", folder / "model.sealed"
        save_model(network, self.plain)
        encrypt_file(self.plain, sealed, MODEL_KEY, artifact_context(5, HUB, ArtifactKind.MODEL, ROUND, MINER))
        self.shelf.files[digest_of_file(sealed)] = sealed
        self.model_digest = digest_of_file(sealed)
        zero = bytes(32)
        self.commitment = ModelCommitment(
            ROUND, zero, zero, sha256_file(self.plain), self.model_digest, sealed.stat().st_size,
            key_hash(MODEL_KEY), zero, zero, zero, zero, MINER, zero,
        )  # fmt: skip
        self.header = BlockHeader(
            1, 4, zero, zero, ROUND, zero, commitment_hash(self.commitment), sha256_file(self.plain), 11, 40,
            zero, MINER, zero, 0, 1, 1000,
        )  # fmt: skip

    def events(self, outcome: Outcome = Outcome.BLOCK) -> list[Event]:
        at = (5, b"h" * 32, 0)
        found = commitment_hash(self.commitment)
        key = derived_key(self.world.context, self.spec.nonce)
        events: list[Event] = [
            TaskSubmitted(*at, 1, ADDRESS, bytes(32), self.spec, 0),
            RoundFinalized(*at, ROUND, 1, outcome, 0),
        ]
        if outcome is Outcome.BLOCK:
            events += [
                BlockAppended(*at, 3, b"o" * 32, replace(self.header, round_id=8)),
                BlockAppended(*at, 4, b"b" * 32, self.header),
                ModelClaimed(*at, ROUND, MINER, found, 1, 11, True, self.commitment),
                ModelKeyShown(*at, ROUND, MINER, found, MODEL_KEY),
                TestKeyRevealed(*at, ROUND, key),
            ]
        return events

    def winner(self) -> winner.Winner:
        return winner.find_winner(self.world.chain, 1)  # type: ignore[arg-type]

    def deliver(self, found: winner.Winner | None = None) -> winner.Delivered:
        chain: Any = self.world.chain
        output, cache = self.folder / "out", self.folder / "cache"
        return winner.deliver(chain, self.shelf, found or self.winner(), output, cache, timeout=1)


@pytest.fixture
def scene(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(world, folder)
    show(scene, monkeypatch, Outcome.BLOCK)
    return scene


def show(scene: Scene, monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> None:
    shown = scene.events(outcome)

    def events(chain: Any, kind: type[Event], *topics: Any) -> list[Event]:
        return [event for event in shown if type(event) is kind]

    monkeypatch.setattr(lookup, "events", events)


def test_find_winner__task_unknown__usage_error(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "events", lambda *_: [])
    with pytest.raises(UsageError, match="there is no task 1"):
        scene.winner()


@pytest.mark.parametrize("outcome", [Outcome.NO_COMMIT, Outcome.KEY_WITHHELD, Outcome.TASK_FAULT])
def test_find_winner__ended_without_a_block__says_why(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    show(scene, monkeypatch, outcome)
    with pytest.raises(winner.NoModel, match=r"ended without a model: .+"):
        scene.winner()


def test_find_winner__many_blocks__the_one_of_this_round(scene: Scene) -> None:
    found = scene.winner()
    assert (found.height, found.commitment.miner, found.key) == (4, MINER, MODEL_KEY)


def test_deliver__nobody_has_the_model__unavailable_and_no_output(scene: Scene) -> None:
    del scene.shelf.files[scene.model_digest]
    with pytest.raises(ContentUnavailable):
        scene.deliver()
    assert not (scene.folder / "out").exists()


def test_deliver__wrong_model_key__invalid(scene: Scene) -> None:
    with pytest.raises(InvalidArtifact, match="not the one committed to"):
        scene.deliver(replace(scene.winner(), key=b"x" * 32))
    assert not (scene.folder / "out").exists()


def test_deliver__block_names_another_model__invalid(scene: Scene) -> None:
    header = replace(scene.header, model_hash=b"x" * 32)
    with pytest.raises(InvalidArtifact, match="not the block's"):
        scene.deliver(replace(scene.winner(), header=header))


def test_deliver__another_model_lies_there__kept_untouched(scene: Scene) -> None:
    (scene.folder / "out").mkdir()
    (scene.folder / "out" / winner.MODEL).write_bytes(b"mine")
    with pytest.raises(UsageError, match="another model already"):
        scene.deliver()
    assert (scene.folder / "out" / winner.MODEL).read_bytes() == b"mine"


def test_deliver__honest__model_and_card_with_a_score_of_our_own(scene: Scene) -> None:
    got = scene.deliver()
    assert got.model.read_bytes() == scene.plain.read_bytes()
    card = json.loads(got.card.read_text())
    assert card["sha256"] == scene.commitment.model_hash.hex()
    assert card["score"]["on_chain"] == 11
    assert card["score"]["evaluated_here"] == got.evaluated
    assert card["block"]["height"] == 4
    assert got.evaluated is not None
    assert 0 <= got.evaluated <= 40


def test_deliver__score_far_from_the_chains__does_not_agree(scene: Scene) -> None:
    evaluated = scene.deliver().evaluated
    assert evaluated is not None
    for score, agrees in ((evaluated, True), (evaluated + 2, True), (evaluated + 3, False)):
        found = replace(scene.winner(), header=replace(scene.header, score=score))
        assert scene.deliver(found).agrees is agrees


def test_deliver__test_set_gone__model_kept_without_a_score(scene: Scene) -> None:
    sealed = digest_of_file(scene.draft.folder / SEALED)
    del scene.shelf.files[sealed]
    got = scene.deliver()
    assert (got.evaluated, got.agrees) == (None, False)
    assert got.model.is_file()


def test_seed_cache__own_files__nobody_has_to_serve_them(scene: Scene) -> None:
    sealed = scene.draft.folder / SEALED
    del scene.shelf.files[digest_of_file(sealed)]
    winner.seed_cache(scene.folder / "cache", [sealed, scene.draft.folder / "missing"])
    assert scene.deliver().evaluated is not None


def test_open_test__what_was_packed__is_the_requesters_own_file(scene: Scene) -> None:
    manifest = scene.deliver().manifest
    key = derived_key(scene.world.context, scene.spec.nonce)
    sealed = scene.draft.folder / SEALED
    data = materials.open_test(scene.spec, manifest, sealed, key, 5, HUB, scene.folder / "c")
    assert (data.x == scene.prepared.test.x).all()
    assert sha256_file(scene.draft.folder / TEST) == manifest.data.test.sha256
