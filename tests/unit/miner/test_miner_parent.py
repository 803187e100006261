"""Improving an earlier winner: begun at its weights, declared in the commitment, and only where that is wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from miner_world import ANCHOR, CHAIN_ID, COMMIT_END, HUB, RIVAL, ROUND, World

from dlbc.artifact import encrypt_file, sha256_file
from dlbc.chain.events import BlockAppended, ModelClaimed, ModelKeyShown
from dlbc.journal import Duty
from dlbc.manifest import ModelLimits
from dlbc.ml.channels import Network
from dlbc.ml.measure import measure
from dlbc.ml.model_file import load_model, save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.watermark import start_score, verify
from dlbc.service import Done
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, BlockHeader, Mode, ModelCommitment
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commitment_hash, spec_hash
from miner import parent, records, train
from miner.options import SEAL, Options
from miner.parent import begin_at
from miner.recover import recover
from miner.room import open_room
from miner.submit import seal

EARLIER = ROUND - 1
KEY = b"k" * 32
IMPROVE = Options(improve=True)
DUTY = Duty(train.TRAIN, ROUND, train.subject(ANCHOR))


class Won:
    """A rival won the earlier round; his model is open, and this round's task asks for the same network."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.model = build(world.manifest.architecture, (16,), 4)
        initialise(self.model, b"r" * 32)
        world.chain.time = 50.0
        world.opened(EARLIER, spec=replace(world.spec, nonce=EARLIER))
        self.digest = self.wins(EARLIER, world.spec, self.model)
        world.opened()
        self.room = open_room(world.context, ROUND)

    def wins(self, round_id: int, spec: Any, model: Network) -> bytes:
        """A block for a model; the commitment's hash."""
        plain, sealed, zero = self.folder / "plain", self.folder / "sealed", ZERO_BYTES32
        save_model(model, plain)
        encrypt_file(plain, sealed, KEY, artifact_context(CHAIN_ID, HUB, ArtifactKind.MODEL, round_id, RIVAL))
        added = self.world.ipfs.add_file(sealed)
        of_spec = spec_hash(replace(spec, nonce=round_id))
        commitment = ModelCommitment(
            round_id, ANCHOR, of_spec, sha256_file(plain), added.digest, sealed.stat().st_size, key_hash(KEY),
            zero, zero, zero, zero, miner=RIVAL, salt=zero,
        )  # fmt: skip
        digest = commitment_hash(commitment)
        self.world.event(ModelClaimed, round_id, RIVAL, digest, 1, 15, True, commitment)
        self.world.event(ModelKeyShown, round_id, RIVAL, digest, KEY)
        values: dict[str, Any] = {"round_id": round_id, "commitment": digest}
        empty = {"address": ZERO_ADDRESS, "bytes32": ZERO_BYTES32}
        fields = BlockHeader.abi_fields()
        header = BlockHeader(**{name: values.get(name, empty.get(kind, 0)) for name, kind, _ in fields})
        self.world.event(BlockAppended, round_id, ZERO_BYTES32, header)
        return digest

    def begin(self, options: Options = IMPROVE) -> tuple[bytes, Network | None]:
        return begin_at(self.world.context, self.room, self.world.manifest, options)


@pytest.fixture
def won(world: World, tmp_path: Path) -> Won:
    return Won(world, tmp_path)


def same(left: Network, right: Network) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left.state_dict().values(), right.state_dict().values(), strict=True))


def test_begin_at__nobody_has_won_yet__begins_at_the_own_start(world: World) -> None:
    world.opened()
    found = begin_at(world.context, open_room(world.context, ROUND), world.manifest, IMPROVE)
    assert found == (ZERO_BYTES32, None)


def test_begin_at__not_wanted__begins_at_the_own_start(won: Won) -> None:
    assert won.begin(Options()) == (ZERO_BYTES32, None)


def test_begin_at__trajectories_are_proven__begins_at_the_own_start(won: Won) -> None:
    """A trajectory has to begin where the chain says."""
    room = replace(won.room, spec=replace(won.room.spec, modes=Mode.TRAJECTORY))
    assert begin_at(won.world.context, room, won.world.manifest, IMPROVE) == (ZERO_BYTES32, None)


def test_begin_at__winner_cannot_be_had__begins_at_the_own_start(won: Won) -> None:
    won.world.ipfs.down = True
    assert won.begin() == (ZERO_BYTES32, None)


def test_begin_at__looking_takes_a_tenth_of_the_time__trains_from_the_own_start(
    won: Won, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Winners that nobody serves must not cost the round."""
    clock = iter([0.0, 0.1 * won.room.spec.train_secs])
    monkeypatch.setattr(parent.time, "monotonic", lambda: next(clock))
    assert won.begin() == (ZERO_BYTES32, None)


def test_begin_at__latest_winner_is_another_network__takes_the_one_before(won: Won) -> None:
    wide = {"name": "mlp", "hidden": 128, "layers": 2}
    measured = measure(wide, (16,), 4)
    limits = ModelLimits(measured.parameters, measured.model_bytes)
    path = won.folder / "wide-manifest"
    path.write_bytes(replace(won.world.manifest, architecture=wide, model=limits).to_bytes())
    spec = replace(won.world.spec, manifest=won.world.ipfs.add_file(path).digest)
    won.world.opened(EARLIER - 1, spec=replace(spec, nonce=EARLIER - 1))
    other = build(wide, (16,), 4)
    initialise(other, b"o" * 32)
    won.wins(EARLIER - 1, spec, other)
    digest, model = won.begin()
    assert digest == won.digest
    assert model is not None
    assert same(model, won.model)


def test_begin_at__asked_again__stays_with_what_was_begun(won: Won) -> None:
    """A training that was interrupted must not go on from another start than its checkpoint."""
    first = won.begin()[0]
    later = build(won.world.manifest.architecture, (16,), 4)
    initialise(later, b"l" * 32)
    won.world.opened(EARLIER - 1, spec=replace(won.world.spec, nonce=EARLIER - 1))
    won.wins(EARLIER - 1, won.world.spec, later)
    assert won.begin(Options())[0] == first


def test_begin_at__its_file_is_lost__begins_anew_and_forgets_the_checkpoint(won: Won) -> None:
    won.begin()
    won.room.parent.unlink()
    won.room.checkpoint.write_bytes(b"x")
    assert won.begin() == (ZERO_BYTES32, None)
    assert not won.room.checkpoint.exists()
    assert won.begin() == (ZERO_BYTES32, None)


def test_train__improving__begins_at_the_winner_and_declares_it(won: Won) -> None:
    world = won.world
    world.chain.time, world.chain.per_look = COMMIT_END - 8.0, 0.02
    assert train.train(DUTY, world.context, IMPROVE) == Done()
    assert any("improving the model of block" in message for message in world.said)
    network = world.manifest.architecture
    model = load_model(won.room.model, network, (16,), 4, world.manifest.model.max_bytes)
    secrets = won.room.secrets(world.context)
    assert verify(model, secrets.public_key).present
    assert start_score(model, b"r" * 32) >= 8, "it did not begin at the winner"
    assert start_score(model, secrets.seed) < 8
    assert seal(Duty(SEAL, ROUND, train.subject(ANCHOR)), world.context, IMPROVE) == Done()
    commitment = records.submission(world.journal, ROUND)
    assert commitment is not None
    assert commitment.parent == won.digest

    # and a lost journal finds out what was declared
    world.committed(commitment)
    world.journal.note_set(records.scope(ROUND), "submission", None)
    assert recover(Duty("recover", ROUND), world.context, IMPROVE) == Done()
    assert records.submission(world.journal, ROUND) == commitment
