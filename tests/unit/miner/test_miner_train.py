"""Training: refuses what is not worth a stake, stops in time, and loses nothing."""

import time
from dataclasses import replace

import pytest
from miner_world import ANCHOR, COMMIT_END, COMMIT_START, ROUND, Crash, World

from dlbc.journal import Duty, DutyState
from dlbc.ml.model_file import load_model
from dlbc.ml.watermark import Verdict, start_score, verify
from dlbc.service import Done, Drop, Wait
from dlbc.types import Phase
from miner import recording, records, train
from miner.options import FAR, SCORE, SEAL, TRAIN, Options
from miner.room import open_room

DUTY = Duty(TRAIN, ROUND, train.subject(ANCHOR))
OPTIONS = Options()


def fast_forward(world: World) -> None:
    """Little time is left, and it passes with every look at the clock."""
    world.chain.time, world.chain.per_look = COMMIT_END - 8.0, 0.02


def test_train__deadline_over__dropped_and_said(world: World) -> None:
    world.opened()
    world.phase(Phase.GUARD, COMMIT_END + 7)
    result = train.train(DUTY, world.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "passed 7 s ago" in result.why
    assert "no stake is locked" in result.why
    assert records.state(world.journal, ROUND)["stage"] == "missed"


def test_train__manifest_is_no_manifest__refused_for_good(world: World) -> None:
    path = world.context.workdir / "x"
    path.write_bytes(b'{"version": 1}')
    world.opened(spec=replace(world.spec, manifest=world.ipfs.add_file(path).digest))
    result = train.train(DUTY, world.context, OPTIONS)
    assert isinstance(result, Drop)
    assert records.refusal(world.journal, ROUND).startswith("hostile task: ")


@pytest.mark.parametrize("field", ["flops", "net_bytes", "data_bytes"])
def test_train__declared_difficulty_is_wrong__refused_with_the_numbers(world: World, field: str) -> None:
    declared = getattr(world.spec, field) * 2
    world.opened(spec=replace(world.spec, **{field: declared}))
    train.train(DUTY, world.context, OPTIONS)
    why = records.refusal(world.journal, ROUND)
    assert why.startswith("mis-declared: ")
    assert str(declared) in why


def test_train__more_parameters_than_wanted__refused(world: World) -> None:
    world.opened()
    train.train(DUTY, world.context, Options(max_parameters=100))
    assert "--max-parameters" in records.refusal(world.journal, ROUND)


def test_train__training_set_is_another_file__refused(world: World) -> None:
    world.opened()
    (shard,) = world.manifest.data.train.shards
    cid_file = next(path for path in world.ipfs.folder.iterdir() if path.stat().st_size == shard.bytes)
    cid_file.write_bytes(bytes(shard.bytes))
    assert isinstance(train.train(DUTY, world.context, OPTIONS), Drop)
    assert "hostile task" in records.refusal(world.journal, ROUND)


def test_train__ipfs_down__waits_and_says_so_once(world: World) -> None:
    world.opened()
    world.ipfs.down = True
    for _ in range(3):
        result = train.train(DUTY, world.context, OPTIONS)
        assert isinstance(result, Wait)
        assert result.until_chain_time < COMMIT_START + 10
    assert sum("trying on until the deadline" in message for message in world.said) == 1
    assert not records.refusal(world.journal, ROUND)


def test_train__ipfs_comes_back__trains(world: World) -> None:
    world.opened()
    world.ipfs.down = True
    train.train(DUTY, world.context, OPTIONS)
    world.ipfs.down = False
    fast_forward(world)
    assert train.train(DUTY, world.context, OPTIONS) == Done()


def test_train__deadline_comes__model_is_saved_in_time_marked_and_of_its_own_start(world: World) -> None:
    world.opened()
    fast_forward(world)
    assert train.train(DUTY, world.context, OPTIONS) == Done()
    trained = records.trained(world.journal, ROUND)
    assert trained is not None
    assert trained.anchor == ANCHOR
    assert trained.accuracy > 0.5
    assert world.chain.time < COMMIT_END
    manifest = world.manifest
    model = load_model(
        trained.path, manifest.architecture, manifest.input_shape, manifest.classes, manifest.model.max_bytes
    )
    secrets = open_room(world.context, ROUND).secrets(world.context)
    assert verify(model, secrets.public_key).z >= 12
    assert start_score(model, secrets.seed) >= 8
    row = world.journal.agenda.find(SEAL, ROUND, train.subject(ANCHOR))
    assert row is not None
    assert any("left to commit" in message for message in world.said)


@pytest.mark.parametrize(("found", "marks"), [([20.0], 1), ([12.0], 1), ([11.0, 13.0], 2), ([1.0] * 9, 4)])
def test_train__mark_after_training__strengthened_only_where_it_is_weak(
    world: World, monkeypatch: pytest.MonkeyPatch, found: list[float], marks: int
) -> None:
    world.opened()
    fast_forward(world)
    embedded = []
    for module in (train, recording):
        monkeypatch.setattr(module, "embed", lambda model, keys: embedded.append(keys))
    monkeypatch.setattr(train, "verify", lambda model, key: Verdict(found.pop(0), True, 0.0))
    train.train(DUTY, world.context, OPTIONS)
    assert len(embedded) == marks


def test_train__every_epoch__told_with_accuracy_and_time_left(world: World) -> None:
    world.opened()
    fast_forward(world)
    train.train(DUTY, world.context, OPTIONS)
    epochs = [message for message in world.said if message.startswith("epoch ")]
    assert epochs
    assert "% on held-out data · " in epochs[0]
    assert epochs[0].endswith("s left")


def test_train__deadline_passes_while_the_machine_sleeps__ends_at_once(world: World) -> None:
    world.opened()
    looks = 0

    def wake_up_late() -> None:
        nonlocal looks
        looks += 1
        if looks == 20:
            world.chain.time = COMMIT_END + 100

    world.chain.on_look = wake_up_late
    assert train.train(DUTY, world.context, OPTIONS) == Done()
    assert looks < 200  # seal and commit then say that it is too late
    assert records.trained(world.journal, ROUND) is not None


def test_train__process_dies__goes_on_from_its_checkpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "MOST_LOST_SECONDS", 0.0)
    world.opened()
    fast_forward(world)
    looks = 0

    def die() -> None:
        nonlocal looks
        looks += 1
        if looks == 12:
            raise Crash

    world.chain.on_look = die
    with pytest.raises(Crash):
        train.train(DUTY, world.context, OPTIONS)
    room = open_room(world.context, ROUND)
    assert room.checkpoint.is_file()
    assert records.trained(world.journal, ROUND) is None
    world.chain.on_look = lambda: None
    resumed = []
    real = train.run_training
    monkeypatch.setattr(
        train, "run_training", lambda *a, **k: resumed.append(k["checkpoint"].is_file()) or real(*a, **k)
    )
    assert train.train(DUTY, world.context, OPTIONS) == Done()
    assert resumed == [True]
    assert not room.checkpoint.exists()


def test_train__model_is_on_disk_already__not_trained_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.opened()
    fast_forward(world)
    train.train(DUTY, world.context, OPTIONS)
    monkeypatch.setattr(train, "run_training", lambda *a, **k: pytest.fail("trained twice"))
    assert train.train(DUTY, world.context, OPTIONS) == Done()
    assert len(world.journal.duties(DutyState.OWED, SEAL)) == 1


def test_train__program_stops__keeps_the_checkpoint(world: World) -> None:
    world.opened()
    looks = 0

    def stop() -> None:
        nonlocal looks
        looks += 1
        if looks == 30:
            world.context.stopping.set()

    world.chain.on_look = stop
    result = train.train(DUTY, world.context, OPTIONS)
    assert isinstance(result, Wait)
    assert "goes on from its checkpoint" in result.why
    assert open_room(world.context, ROUND).checkpoint.is_file()
    assert records.trained(world.journal, ROUND) is None


def test_train__a_claim_is_due_elsewhere__gives_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "LOOK_SECONDS", 0.0)
    world.opened()
    world.journal.owe(Duty(SCORE, ROUND - 1, deadline=FAR))
    result = train.train(DUTY, world.context, OPTIONS)
    assert isinstance(result, Wait)
    assert f"score/{ROUND - 1} goes first" in result.why


def test_train__anchor_changed_in_settle__stops_before_wasting_the_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "LOOK_SECONDS", 0.0)
    world.opened()
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], anchor=b"\xbb" * 32)
    result = train.train(DUTY, world.context, OPTIONS)
    assert isinstance(result, Wait)
    assert "anchor changed" in result.why
    assert records.trained(world.journal, ROUND) is None


def test_train__duty_of_another_anchor__dropped(world: World) -> None:
    world.opened()
    assert isinstance(train.train(Duty(TRAIN, ROUND, "0" * 16), world.context, OPTIONS), Drop)


def test_train__test_ciphertext__fetched_meanwhile(world: World) -> None:
    world.opened()
    fast_forward(world)
    train.train(DUTY, world.context, OPTIONS)
    ciphertext = open_room(world.context, ROUND).cache / world.manifest.data.test.cid
    give_up_at = time.monotonic() + 10
    while not ciphertext.is_file() and time.monotonic() < give_up_at:
        time.sleep(0.01)  # another thread fetches it
    assert ciphertext.is_file()
