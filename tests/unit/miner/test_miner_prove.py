"""Proving a training: recorded from the first step, opened after the draw, once, and without the journal's help."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest
import torch
from miner_world import ANCHOR, CHAIN_ID, COMMIT_END, HUB, KEY, MINER, ROUND, World

from dlbc.artifact import decrypt_file
from dlbc.chain.events import CommitteeDrawn, ModelKeyShown
from dlbc.errors import TransactionRefused
from dlbc.ipfs.cid import digest_to_cid
from dlbc.journal import Duty, TransactionState
from dlbc.materials import fetch_train
from dlbc.ml.model_file import load_model
from dlbc.ml.trajectory import Claim, verify
from dlbc.service import Done, Drop, Wait
from dlbc.types import ZERO_BYTES32, Mode
from dlbc.wire.derivation import ArtifactKind, artifact_context
from dlbc.wire.typed_data import commitment_hash
from miner import prove, records, train
from miner.handlers import on_committee_drawn
from miner.options import PROVE, SEAL, SHOW_TRAJECTORY, TRAIN, Options
from miner.recover import recover
from miner.room import open_room
from miner.submit import seal

OPTIONS = Options()
SEED = b"\x0d" * 7 + bytes(25)
VOTE_START = COMMIT_END + 60
DUTY = Duty(PROVE, ROUND, "0", deadline=VOTE_START, payload={"seed": SEED.hex()})
SHOW = Duty(SHOW_TRAJECTORY, ROUND, "0", deadline=VOTE_START)


def asks_for_trajectories(world: World) -> World:
    """The same task with `proof: trajectory`."""
    world.manifest = replace(world.manifest, proof="trajectory")
    path = world.context.workdir / "manifest"
    path.write_bytes(world.manifest.to_bytes())
    digest = world.ipfs.add_file(path).digest
    world.spec = replace(world.spec, manifest=digest, modes=Mode.TRAJECTORY, prove_secs=30)
    return world


def drawn(world: World, epoch: int = 0) -> CommitteeDrawn:
    event = world.event(CommitteeDrawn, ROUND, epoch, SEED, (1,), ("0x" + "77" * 20,), VOTE_START)
    assert isinstance(event, CommitteeDrawn)
    return event


@pytest.fixture
def recorded(world: World) -> World:
    """Trained, sealed and committed."""
    asks_for_trajectories(world).opened()
    world.chain.time, world.chain.per_look = COMMIT_END - 10.0, 0.01
    assert train.train(Duty(TRAIN, ROUND, train.subject(ANCHOR)), world.context, OPTIONS) == Done()
    assert seal(Duty(SEAL, ROUND, train.subject(ANCHOR)), world.context, OPTIONS) == Done()
    world.committed(submission(world))
    world.chain.time, world.chain.per_look = COMMIT_END + 40.0, 0.0
    return world


def submission(world: World) -> Any:
    found = records.submission(world.journal, ROUND)
    assert found is not None
    return found


def verdict(world: World) -> Any:
    """What a validator finds who has nothing but what was uploaded."""
    opened = records.opening(world.journal, ROUND, 0)
    assert opened is not None
    room, commitment = open_room(world.context, ROUND), submission(world)
    sealed, plain = room.folder / "seen.enc", room.folder / "seen.safetensors"
    world.ipfs.fetch_file(digest_to_cid(opened[0]), sealed, max_bytes=opened[1], timeout=1)
    bound_to = artifact_context(CHAIN_ID, HUB, ArtifactKind.TRAJECTORY, ROUND, MINER.address)
    secrets, task = room.secrets(world.context), world.manifest
    decrypt_file(sealed, plain, secrets.model_key, bound_to, max_plain_bytes=1 << 30)
    model = load_model(room.model, task.architecture, task.input_shape, task.classes, task.model.max_bytes)
    data = fetch_train(world.ipfs, task, room.cache, 1)  # type: ignore[arg-type]
    return verify(plain, Claim(commitment.trajectory, secrets.seed, model), data, draw=SEED)


def test_on_committee_drawn__task_without_proof__owes_nothing(world: World) -> None:
    world.opened()
    world.event(ModelKeyShown, ROUND, MINER.address, b"c" * 32, KEY)
    on_committee_drawn(drawn(world), world.context)
    assert world.journal.agenda.find(PROVE, ROUND, "0") is None


def test_on_committee_drawn__own_key_was_not_shown__owes_nothing(world: World) -> None:
    asks_for_trajectories(world).opened()
    on_committee_drawn(drawn(world), world.context)
    assert world.journal.agenda.find(PROVE, ROUND, "0") is None


def test_on_committee_drawn__own_key_was_shown__owes_a_proof_before_the_votes(world: World) -> None:
    asks_for_trajectories(world).opened()
    world.event(ModelKeyShown, ROUND, MINER.address, b"c" * 32, KEY)
    for _ in range(2):
        on_committee_drawn(drawn(world, epoch=1), world.context)
    row = world.journal.agenda.find(PROVE, ROUND, "1")
    assert row is not None
    assert (row.duty.deadline, row.duty.payload) == (VOTE_START, {"seed": SEED.hex()})


def test_train__task_without_proof__commits_to_no_trajectory(world: World) -> None:
    world.opened()
    world.chain.time, world.chain.per_look = COMMIT_END - 8.0, 0.02
    train.train(Duty(TRAIN, ROUND, train.subject(ANCHOR)), world.context, OPTIONS)
    trained = records.trained(world.journal, ROUND)
    assert trained is not None
    assert trained.trajectory == ZERO_BYTES32


def test_prove__what_was_recorded__passes_a_validator(recorded: World) -> None:
    assert submission(recorded).trajectory != ZERO_BYTES32
    assert prove.prove(DUTY, recorded.context, OPTIONS) == Done()
    found = verdict(recorded)
    assert found.words.startswith("largest error")
    assert not found.flagged


def test_prove__a_second_time__uploads_nothing_again(recorded: World) -> None:
    prove.prove(DUTY, recorded.context, OPTIONS)
    added = list(recorded.ipfs.added)
    assert prove.prove(DUTY, recorded.context, OPTIONS) == Done()
    assert recorded.ipfs.added == added


def test_prove__ipfs_is_down__waits_and_then_proves(recorded: World) -> None:
    recorded.ipfs.down = True
    shutil.rmtree(open_room(recorded.context, ROUND).cache)
    assert isinstance(prove.prove(DUTY, recorded.context, OPTIONS), Wait)
    recorded.ipfs.down = False
    assert prove.prove(DUTY, recorded.context, OPTIONS) == Done()


def test_prove__recording_is_gone__dropped_with_what_it_costs(recorded: World) -> None:
    shutil.rmtree(open_room(recorded.context, ROUND).recording)
    result = prove.prove(DUTY, recorded.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "will not be paid" in result.why


def test_prove__too_late__dropped(recorded: World) -> None:
    recorded.chain.time = VOTE_START + 1.0
    result = prove.prove(DUTY, recorded.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "over" in result.why


def test_show_trajectory__opened__is_sent_and_waited_for(recorded: World) -> None:
    prove.prove(DUTY, recorded.context, OPTIONS)
    assert isinstance(prove.show_trajectory(SHOW, recorded.context, OPTIONS), Wait)
    recorded.transactions.state = TransactionState.CONFIRMED
    assert prove.show_trajectory(SHOW, recorded.context, OPTIONS) == Done()
    opened = records.opening(recorded.journal, ROUND, 0)
    assert opened is not None
    sent = recorded.transactions.sent[f"trajectory/{ROUND}/0"]
    assert sent == ("show_trajectory", (ROUND, MINER.address, *opened))


def test_show_trajectory__votes_have_begun__dropped_with_what_it_costs(recorded: World) -> None:
    prove.prove(DUTY, recorded.context, OPTIONS)
    recorded.transactions.refuse["trajectory"] = TransactionRefused("the round is in phase VoteCommit", "WrongPhase")
    result = prove.show_trajectory(SHOW, recorded.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "will not be paid" in result.why


def test_recover__journal_lost__rebuilds_what_was_recorded(recorded: World) -> None:
    known = submission(recorded)
    records.forget_work(recorded.journal, ROUND)
    assert recover(Duty("recover", ROUND), recorded.context, OPTIONS) == Done()
    assert commitment_hash(submission(recorded)) == commitment_hash(known)


torch.set_num_threads(1)
