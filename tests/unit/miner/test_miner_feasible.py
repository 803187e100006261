"""No stake goes into a commit that cannot be claimed in time."""

import time
from dataclasses import replace

import pytest
import torch
from miner_world import ANCHOR, COMMIT_END, ROUND, World, dataset

from dlbc.chain.provider import ChainUnavailable
from dlbc.errors import ChainError
from dlbc.journal import Duty
from dlbc.ml.evaluate import BATCH, score
from dlbc.ml.models import build, initialise
from dlbc.service import Done, Drop, Wait
from miner import feasible, records, train
from miner.feasible import OutOfTime, count_correct, scoring_seconds, too_slow
from miner.options import SEAL, TRAIN, Options
from miner.program import REFUSED_PAUSE, patient
from miner.room import open_room
from miner.submit import seal

CPU = torch.device("cpu")
DUTY = Duty(TRAIN, ROUND, train.subject(ANCHOR))


def network(world: World):  # type: ignore[no-untyped-def]
    model = build(world.manifest.architecture, world.manifest.input_shape, world.manifest.classes)
    initialise(model, b"s" * 32)
    return model


def test_train__test_set_cannot_be_scored_while_claiming_lasts__refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.opened()
    monkeypatch.setattr(feasible, "LEAF_SECONDS", 1.0)  # 20 samples, 30 s of claiming, 12 s of them allowed
    assert isinstance(train.train(DUTY, world.context, Options()), Drop)
    assert "20 test samples takes about" in records.refusal(world.journal, ROUND)


def test_train__claim_phase_is_long_enough__taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.opened()
    world.hub.claim_secs = 3600
    world.chain.time, world.chain.per_look = COMMIT_END - 8.0, 0.02
    monkeypatch.setattr(feasible, "LEAF_SECONDS", 1.0)
    assert train.train(DUTY, world.context, Options()) == Done()


def test_train__more_data_than_wanted__refused_before_they_are_fetched(world: World) -> None:
    world.opened()
    train.train(DUTY, world.context, Options(max_data_bytes=1000))
    assert "--max-data" in records.refusal(world.journal, ROUND)
    (shard,) = world.manifest.data.train.shards
    assert not (open_room(world.context, ROUND).cache / shard.cid).exists()


def test_seal__machine_became_too_slow_meanwhile__locks_no_stake(world: World) -> None:
    world.opened()
    room = open_room(world.context, ROUND)
    room.model.write_bytes(b"x")
    trained = records.Trained(room.model, ANCHOR, bytes(32), 0.9, 1.0, scoring_seconds=19.0)
    records.save_trained(world.journal, ROUND, trained)
    result = seal(Duty(SEAL, ROUND, train.subject(ANCHOR)), world.context, Options())
    assert isinstance(result, Drop)
    assert "would be slashed" in result.why
    assert records.submission(world.journal, ROUND) is None


@pytest.mark.parametrize(("seconds", "fits"), [(11.9, True), (12.1, False), (1e9, False)])
def test_too_slow__share_of_the_claim_phase__decides(seconds: float, fits: bool) -> None:
    assert (too_slow(seconds, 30, 0.4, 10) == "") is fits


def test_scoring_seconds__ten_times_the_samples__ten_times_as_long(world: World) -> None:
    data, model = dataset(1, 200), network(world)
    test = replace(world.manifest.data.test, samples=10**6)
    large = replace(world.manifest, data=replace(world.manifest.data, test=test))
    assert scoring_seconds(model, data, large, CPU) > 100 * scoring_seconds(model, data, world.manifest, CPU)


def test_count_correct__many_slices__same_as_the_validators(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasible, "SLICE", BATCH)
    data, model = dataset(3, 1000), network(world)
    assert count_correct(model, data, CPU, time.monotonic() + 60) == score(model, data).correct


def test_count_correct__time_is_over__says_how_far_it_came(world: World) -> None:
    with pytest.raises(OutOfTime, match="only 0 of 1,000"):
        count_correct(network(world), dataset(3, 1000), CPU, time.monotonic() - 1)


@pytest.mark.parametrize("error", [ChainError("rate limit")])
def test_patient__node_refuses__tried_again_soon_and_said_once(world: World, error: ChainError) -> None:
    def fail(duty: Duty, context: object) -> Done:
        raise error

    action = patient(fail)
    for _ in range(3):
        result = action(DUTY, world.context)
        assert isinstance(result, Wait)
        assert result.until_chain_time <= world.chain.time + REFUSED_PAUSE
    assert sum("rate limit" in message for message in world.said) == 1


def test_patient__node_is_away__left_to_the_loop(world: World) -> None:
    def fail(duty: Duty, context: object) -> Done:
        raise ChainUnavailable("gone")

    with pytest.raises(ChainUnavailable):
        patient(fail)(DUTY, world.context)
