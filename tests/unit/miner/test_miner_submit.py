"""From a trained model to a mined commit, whatever dies in between."""

from dataclasses import replace
from pathlib import Path

import pytest
from miner_world import ANCHOR, COMMIT_END, COMMIT_START, MINER, RIVAL, ROUND, UNIT, Crash, World

from dlbc.artifact import decrypt_file, sha256_file
from dlbc.chain.contracts import Account, Commit
from dlbc.chain.events import ItemPosted
from dlbc.errors import ContentUnavailable, TransactionRefused
from dlbc.journal import Duty
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.service import Done, Drop, Wait
from dlbc.types import Phase
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.inbox import batch_root
from dlbc.wire.typed_data import commit_digest
from miner import records
from miner.options import COMMIT, SEAL, Options
from miner.room import open_room
from miner.submit import commit, seal
from miner.train import subject

SEAL_DUTY = Duty(SEAL, ROUND, subject(ANCHOR))
COMMIT_DUTY = Duty(COMMIT, ROUND, subject(ANCHOR))
NAME = f"commit/{ROUND}/{subject(ANCHOR)}"
OPTIONS = Options()


@pytest.fixture
def trained(world: World) -> World:
    world.opened()
    room = open_room(world.context, ROUND)
    manifest = world.manifest
    model = build(manifest.architecture, manifest.input_shape, manifest.classes)
    initialise(model, b"s" * 32)
    save_model(model, room.model)
    records.save_trained(world.journal, ROUND, records.Trained(room.model, ANCHOR, bytes(32), 0.9, 7.0))
    return world


def refused(error: str) -> TransactionRefused:
    return TransactionRefused(f"refused: {error}", error)


def test_seal__model_file_gone__dropped(trained: World) -> None:
    open_room(trained.context, ROUND).model.unlink()
    result = seal(SEAL_DUTY, trained.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "is gone" in result.why


def test_seal__model_cannot_reach_the_minimum__locks_no_stake(trained: World) -> None:
    room = open_room(trained.context, ROUND)
    bad = records.Trained(room.model, ANCHOR, bytes(32), 0.1, 0.0, held_out=70)
    records.save_trained(trained.journal, ROUND, bad)
    result = seal(SEAL_DUTY, trained.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "10.0 % on held-out data, the task's minimum is 60.0 %" in result.why
    assert records.submission(trained.journal, ROUND) is None


def test_seal__ipfs_down__raises_and_nothing_is_owed(trained: World) -> None:
    trained.ipfs.down = True
    with pytest.raises(ContentUnavailable):
        seal(SEAL_DUTY, trained.context, OPTIONS)
    assert records.submission(trained.journal, ROUND) is None
    assert trained.journal.agenda.find(COMMIT, ROUND, subject(ANCHOR)) is None


def test_seal__duty_of_another_anchor__dropped(trained: World) -> None:
    assert isinstance(seal(Duty(SEAL, ROUND, "0" * 16), trained.context, OPTIONS), Drop)


def test_seal__trained_model__commitment_opens_with_the_derived_key(trained: World, tmp_path: Path) -> None:
    assert seal(SEAL_DUTY, trained.context, OPTIONS) == Done()
    found = records.submission(trained.journal, ROUND)
    room = open_room(trained.context, ROUND)
    secrets, deployment = room.secrets(trained.context), trained.chain.deployment
    assert found is not None
    assert (found.salt, found.key_hash) == (secrets.salt, key_hash(secrets.model_key))
    assert (found.anchor, found.miner) == (ANCHOR, MINER.address)
    bound_to = artifact_context(deployment.chain_id, deployment.hub, ArtifactKind.MODEL, ROUND, MINER.address)
    decrypt_file(
        trained.ipfs.folder / found.artifact.hex(),
        tmp_path / "opened",
        secrets.model_key,
        bound_to,
        max_plain_bytes=10**6,
        expected_sha256=found.model_hash,
    )
    assert sha256_file(tmp_path / "opened") == sha256_file(room.model)


def test_seal__twice__same_commitment(trained: World) -> None:
    seal(SEAL_DUTY, trained.context, OPTIONS)
    first = records.submission(trained.journal, ROUND)
    assert seal(SEAL_DUTY, trained.context, OPTIONS) == Done()
    assert records.submission(trained.journal, ROUND) == first


def test_seal__node_lost_the_upload_in_a_crash__uploaded_again(trained: World) -> None:
    seal(SEAL_DUTY, trained.context, OPTIONS)
    first = records.submission(trained.journal, ROUND)
    assert first is not None
    (trained.ipfs.folder / first.artifact.hex()).unlink()
    seal(SEAL_DUTY, trained.context, OPTIONS)
    assert trained.ipfs.has(first.artifact)
    assert records.submission(trained.journal, ROUND) == first


def test_seal__measured_time__remembered_for_the_next_plan(trained: World) -> None:
    before = records.costs(trained.journal)
    seal(SEAL_DUTY, trained.context, OPTIONS)
    assert records.costs(trained.journal) != before


ITEMS = [bytes([index]) * 32 for index in range(1, 6)]


def fill_inbox(world: World, first: int, last: int) -> None:
    """Five items, of which the round's batch is `first` to `last`."""
    for index, item in enumerate(ITEMS, 1):
        world.event(ItemPosted, index, RIVAL, item, bytes(32))
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], inbox_from=first, inbox_to=last)


def sealed_root(world: World, options: Options = OPTIONS) -> bytes:
    seal(SEAL_DUTY, world.context, options)
    found = records.submission(world.journal, ROUND)
    assert found is not None
    return found.payload_root


def test_seal__inbox_has_a_batch__carries_exactly_it(trained: World) -> None:
    fill_inbox(trained, 2, 4)
    assert sealed_root(trained) == batch_root(ITEMS[1:4])


def test_seal__nothing_in_the_inbox__carries_nothing(trained: World) -> None:
    assert sealed_root(trained) == bytes(32)


def test_seal__no_payload__carries_nothing(trained: World) -> None:
    fill_inbox(trained, 2, 4)
    assert sealed_root(trained, Options(payload=False)) == bytes(32)


def test_seal__an_item_is_not_known_here__carries_nothing_and_says_so(trained: World) -> None:
    fill_inbox(trained, 2, 6)
    assert sealed_root(trained) == bytes(32)
    assert any("items of the inbox are not known" in message for message in trained.said)


@pytest.fixture
def sealed(trained: World) -> World:
    seal(SEAL_DUTY, trained.context, OPTIONS)
    return trained


def test_commit__salt_and_commitment__on_disk_before_it_is_sent(sealed: World) -> None:
    def look(name: str) -> None:
        assert records.submission(sealed.journal, ROUND) is not None

    sealed.transactions.on_send = look
    commit(COMMIT_DUTY, sealed.context, OPTIONS)
    assert NAME in sealed.transactions.sent


def test_commit__process_dies_before_sending__the_same_commitment_is_sent(sealed: World) -> None:
    expected = records.submission(sealed.journal, ROUND)
    assert expected is not None

    def die(name: str) -> None:
        raise Crash

    sealed.transactions.on_send = die
    with pytest.raises(Crash):
        commit(COMMIT_DUTY, sealed.context, OPTIONS)
    sealed.transactions.on_send = lambda name: None
    assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Wait)
    kind, arguments = sealed.transactions.sent[NAME]
    assert kind == "commit_model"
    assert arguments == (
        ROUND,
        MINER.address,
        commit_digest(expected),
        expected.artifact,
        expected.artifact_bytes,
        ANCHOR,
        expected.spec_hash,
    )


def test_commit__mined_before_a_crash__done_without_sending(sealed: World) -> None:
    sealed.hub.commits[ROUND] = Commit(1, False, True)
    assert commit(COMMIT_DUTY, sealed.context, OPTIONS) == Done()
    assert not sealed.transactions.sent
    assert any("50 DLBC of stake are locked" in message for message in sealed.said)


def test_commit__deadline_over__dropped_and_not_sent(sealed: World) -> None:
    sealed.phase(Phase.GUARD, COMMIT_END)
    result = commit(COMMIT_DUTY, sealed.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "no stake is locked" in result.why
    assert not sealed.transactions.sent


def test_commit__model_is_ready_while_the_round_settles__waits_for_the_first_commit(sealed: World) -> None:
    """A short training on a fast machine: nothing is late, and the model is not lost."""
    sealed.phase(Phase.SETTLE, COMMIT_START - 1)
    result = commit(COMMIT_DUTY, sealed.context, OPTIONS)
    assert isinstance(result, Wait)
    assert result.until_chain_time == COMMIT_START
    assert not sealed.transactions.sent


def test_commit__last_block_is_older_than_the_clock__tried_again(sealed: World) -> None:
    sealed.phase(Phase.SETTLE, COMMIT_START)
    sealed.transactions.refuse["commit"] = refused("WrongPhase")
    assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Wait)
    assert records.state(sealed.journal, ROUND)["stage"] != "missed"


def test_commit__contract_says_the_phase_is_over__dropped(sealed: World) -> None:
    sealed.transactions.refuse["commit"] = refused("WrongPhase")
    assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Drop)
    assert records.state(sealed.journal, ROUND)["stage"] == "missed"


def test_commit__stake_too_small__says_the_command_once_and_tries_on(sealed: World) -> None:
    sealed.hub.money = Account(0, 20 * UNIT, 0, 0, 0)
    sealed.transactions.refuse["commit"] = refused("InsufficientStake")
    for _ in range(3):
        assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Wait)
    assert sum("dlbc-miner stake 30" in message for message in sealed.said) == 1
    del sealed.transactions.refuse["commit"]
    commit(COMMIT_DUTY, sealed.context, OPTIONS)
    assert NAME in sealed.transactions.sent


def test_commit__paused__tried_on_until_the_deadline_and_said_once(sealed: World) -> None:
    sealed.transactions.refuse["commit"] = refused("Paused")
    for _ in range(2):
        assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Wait)
    assert sum("trying on until the deadline" in message for message in sealed.said) == 1


@pytest.mark.parametrize("error", ["AnchorMismatch", "SpecMismatch"])
def test_commit__reorganised_meanwhile__waits_for_the_events(sealed: World, error: str) -> None:
    sealed.transactions.refuse["commit"] = refused(error)
    assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Wait)


def test_commit__commitment_of_another_anchor__dropped(sealed: World) -> None:
    found = records.submission(sealed.journal, ROUND)
    assert found is not None
    records.save_submission(sealed.journal, replace(found, anchor=b"\xbb" * 32))
    assert isinstance(commit(COMMIT_DUTY, sealed.context, OPTIONS), Drop)
    assert not sealed.transactions.sent
