"""Each event becomes its duty once, however often it is seen; and the market owes one training at a time."""

from dataclasses import replace
from pathlib import Path

import pytest
from miner_world import ANCHOR, COMMIT_END, COMMIT_START, MINER, RIVAL, ROUND, UNIT, World

from dlbc.chain.contracts import Account
from dlbc.chain.events import CandidateRemoved, ClaimEnlisted, EpochEnded, ModelClaimed, ModelCommitted
from dlbc.journal import Duty, DutyState
from dlbc.types import EpochCause, ModelCommitment, Outcome, Phase
from dlbc.wire.typed_data import commitment_hash
from miner import records
from miner.handlers import (
    HANDLERS,
    on_candidate_removed,
    on_claim_enlisted,
    on_epoch_ended,
    on_model_claimed,
    on_model_committed,
    on_round_finalized,
    on_round_opened,
    on_test_key_revealed,
)
from miner.market import Market
from miner.options import ENLIST, MONEY, RECOVER, SCORE, SETTLE, SHOW, TRAIN, Options
from miner.program import ACTIONS
from miner.train import subject


def duties(world: World) -> list[str]:
    return [str(row.duty) for row in world.journal.duties(DutyState.OWED)]


def commitment(**changes: object) -> ModelCommitment:
    fields: dict[str, object] = {
        "round_id": ROUND,
        "anchor": ANCHOR,
        "spec_hash": b"s" * 32,
        "model_hash": b"m" * 32,
        "artifact": b"a" * 32,
        "artifact_bytes": 100,
        "key_hash": b"k" * 32,
        "watermark": bytes(32),
        "trajectory": bytes(32),
        "parent": bytes(32),
        "payload_root": bytes(32),
        "miner": MINER.address,
        "salt": b"z" * 32,
    }
    return ModelCommitment(**{**fields, **changes})  # type: ignore[arg-type]


def committed(world: World) -> ModelCommitted:
    world.opened()
    records.save_submission(world.journal, commitment())
    return world.committed(commitment())


def test_handlers__event_of_another_miner__owe_nothing(world: World) -> None:
    world.opened()
    theirs = commitment(miner=RIVAL)
    event = ModelCommitted(5, b"b" * 32, 77, ROUND, RIVAL, 1, b"c" * 32, b"a" * 32, 100)
    on_model_committed(event, world.context)
    claimed = ModelClaimed(5, b"b" * 32, 78, ROUND, RIVAL, commitment_hash(theirs), 1, 20, True, theirs)
    on_model_claimed(claimed, world.context)
    on_test_key_revealed(world.key_revealed(), world.context)
    on_round_finalized(world.finalized(Outcome.BLOCK), world.context)
    assert duties(world) == []


def test_on_model_committed__commitment_in_the_journal__owes_no_recovery(world: World) -> None:
    on_model_committed(committed(world), world.context)
    assert duties(world) == []
    assert records.state(world.journal, ROUND)["stage"] == "committed"


def test_on_model_committed__journal_is_new__owes_its_recovery_once(world: World) -> None:
    event = committed(world)
    world.journal.note_delete(records.scope(ROUND), "submission")
    for _ in range(2):
        on_model_committed(event, world.context)
    assert duties(world) == [f"{RECOVER}/{ROUND}"]


def test_on_model_committed__journal_knows_another_commitment__owes_recovery(world: World) -> None:
    event = committed(world)
    records.save_submission(world.journal, commitment(salt=b"y" * 32))
    on_model_committed(event, world.context)
    assert duties(world) == [f"{RECOVER}/{ROUND}"]


def test_on_test_key_revealed__committed__owes_the_score_once(world: World) -> None:
    committed(world)
    event = world.key_revealed()
    for _ in range(2):
        on_test_key_revealed(event, world.context)
    assert duties(world) == [f"{SCORE}/{ROUND}"]


def test_on_model_claimed__own__owes_the_key_once(world: World) -> None:
    committed(world)
    event = world.claimed(commitment(), 20)
    for _ in range(2):
        on_model_claimed(event, world.context)
    assert duties(world) == [f"{SHOW}/{ROUND}"]


def ended(world: World, cause: EpochCause, epoch: int = 0) -> EpochEnded:
    event = world.event(EpochEnded, ROUND, epoch, cause)
    assert isinstance(event, EpochEnded)
    return event


@pytest.mark.parametrize("cause", [EpochCause.NO_QUORUM, EpochCause.APPEAL])
def test_on_epoch_ended__list_stays__owes_nothing(world: World, cause: EpochCause) -> None:
    committed(world)
    world.claimed(commitment(), 20, listed=False)
    on_epoch_ended(ended(world, cause), world.context)
    assert duties(world) == []


def test_on_epoch_ended__never_claimed__owes_nothing(world: World) -> None:
    committed(world)
    on_epoch_ended(ended(world, EpochCause.EXCLUDED), world.context)
    assert duties(world) == []


def test_on_epoch_ended__places_are_free__owes_to_enlist_in_each_such_epoch(world: World) -> None:
    committed(world)
    world.claimed(commitment(), 20, listed=False)
    for epoch in (0, 0, 1):
        on_epoch_ended(ended(world, EpochCause.EXCLUDED, epoch), world.context)
    assert duties(world) == [f"{ENLIST}/{ROUND}/1", f"{ENLIST}/{ROUND}/2"]


def test_on_claim_enlisted__own__owes_the_key_although_it_was_owed_before(world: World) -> None:
    committed(world)
    on_model_claimed(world.claimed(commitment(), 20, listed=False), world.context)
    own = commitment_hash(commitment())
    for miner, block in ((RIVAL, 6), (MINER.address, 7), (MINER.address, 7)):
        event = world.event(ClaimEnlisted, ROUND, miner, own, 20, block=block)
        assert isinstance(event, ClaimEnlisted)
        on_claim_enlisted(event, world.context)
    assert duties(world) == [f"{SHOW}/{ROUND}", f"{SHOW}/{ROUND}/7"]


def test_on_candidate_removed__own_alone__said_in_the_status(world: World) -> None:
    committed(world)
    for miner, stage in ((RIVAL, None), (MINER.address, "disqualified")):
        event = world.event(CandidateRemoved, ROUND, miner, commitment_hash(commitment()))
        assert isinstance(event, CandidateRemoved)
        on_candidate_removed(event, world.context)
        assert records.state(world.journal, ROUND).get("stage") == stage


def test_on_round_finalized__committed__owes_the_settlement_once(world: World) -> None:
    committed(world)
    event = world.finalized(Outcome.BLOCK)
    for _ in range(2):
        on_round_finalized(event, world.context)
    assert duties(world) == [f"{SETTLE}/{ROUND}"]


def test_on_round_opened__never_chosen__owes_nothing(world: World) -> None:
    on_round_opened(world.opened(), world.context)
    assert duties(world) == []


def test_on_round_opened__chosen_under_another_anchor__owes_new_training_and_forgets_the_old(
    world: World, tmp_path: Path
) -> None:
    records.note_state(world.journal, ROUND, stage="trained", anchor="ee" * 32)
    model = tmp_path / "model"
    model.touch()
    records.save_trained(world.journal, ROUND, records.Trained(model, b"\xee" * 32, bytes(32), 0.9, 1.0))
    event = world.opened()
    for _ in range(2):
        on_round_opened(event, world.context)
    assert duties(world) == [f"{TRAIN}/{ROUND}/{subject(ANCHOR)}"]
    assert records.trained(world.journal, ROUND) is None


def test_on_round_opened__same_anchor_seen_again__keeps_the_work(world: World, tmp_path: Path) -> None:
    records.note_state(world.journal, ROUND, stage="trained", anchor=ANCHOR.hex())
    model = tmp_path / "model"
    model.touch()
    records.save_trained(world.journal, ROUND, records.Trained(model, ANCHOR, bytes(32), 0.9, 1.0))
    on_round_opened(world.opened(), world.context)
    assert records.trained(world.journal, ROUND) is not None
    assert duties(world) == []


def test_handlers__every_duty__has_an_action() -> None:
    assert len(HANDLERS) == 9
    assert {TRAIN, RECOVER, SCORE, SHOW, ENLIST, SETTLE, MONEY} <= set(ACTIONS)


# The market


def test_look__nothing_live__owes_nothing(world: World) -> None:
    Market(Options()).look(world.context)
    assert duties(world) == []


def test_look__two_rounds__takes_the_better_paid_once_and_explains(world: World) -> None:
    world.opened()
    world.opened(ROUND + 1, spec=replace(world.spec, fee=300 * UNIT, nonce=78))
    market = Market(Options())
    for _ in range(3):
        market.look(world.context)
    assert duties(world) == [f"{TRAIN}/{ROUND + 1}/{subject(ANCHOR)}"]
    (message,) = [message for message in world.said if message.startswith("takes")]
    assert "locks 50 DLBC of stake" in message


def test_look__no_stake__owes_nothing_and_gives_the_command_once(world: World) -> None:
    world.opened()
    world.hub.money = Account(0, 0, 0, 0, 0)
    market = Market(Options())
    for second in range(5):
        world.chain.time = COMMIT_START + second
        market.look(world.context)
    assert duties(world) == []
    assert sum("dlbc-miner stake 50" in message for message in world.said) == 1


def test_look__auto_stake__owes_the_missing_stake_and_never_more_than_allowed(world: World) -> None:
    world.opened()
    world.hub.money = Account(0, 20 * UNIT, 0, 0, 0)
    market = Market(Options(auto_stake=40 * UNIT))
    market.look(world.context)
    row = world.journal.agenda.find(MONEY, ROUND)
    assert row is not None
    assert row.duty.payload == {"kind": "stake", "value": str(30 * UNIT)}
    world.journal.agenda.settle(row, DutyState.DONE)
    for train in world.journal.duties(DutyState.OWED, TRAIN):
        world.journal.agenda.settle(train, DutyState.DONE)
    world.opened(ROUND + 1, spec=replace(world.spec, nonce=78))
    market.look(world.context)  # 10 of 40 are left, 30 are missing
    assert world.journal.agenda.find(MONEY, ROUND + 1) is None


def test_look__round_of_another_version__its_own_stake_is_needed(world: World) -> None:
    world.opened()
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], version=3)
    Market(Options()).look(world.context)
    assert duties(world) == []
    assert any("a commit locks 150 DLBC" in message for message in world.said)


def test_look__refused_before__not_taken_again(world: World) -> None:
    world.opened()
    records.refuse(world.journal, ROUND, "mis-declared: flops")
    Market(Options()).look(world.context)
    assert duties(world) == []


def test_look__deadline_near__not_taken(world: World) -> None:
    world.opened()
    world.chain.time = COMMIT_END - 10
    Market(Options()).look(world.context)
    assert duties(world) == []


def test_look__stake_promised_to_a_round_in_progress__not_promised_twice(world: World) -> None:
    world.opened()
    world.hub.money = Account(0, 60 * UNIT, 0, 0, 0)
    market = Market(Options())
    market.look(world.context)
    records.note_state(world.journal, ROUND, stage="waiting")  # its data cannot be had: the device is free
    world.opened(ROUND + 1, spec=replace(world.spec, nonce=78))
    market.look(world.context)
    assert len(duties(world)) == 1


def test_look__data_of_the_first_round_cannot_be_had__takes_another(world: World) -> None:
    world.opened()
    market = Market(Options())
    market.look(world.context)
    records.note_state(world.journal, ROUND, stage="waiting")
    world.opened(ROUND + 1, spec=replace(world.spec, nonce=78))
    market.look(world.context)
    assert len(duties(world)) == 2


def test_look__anchor_on_the_chain_differs_from_the_events__waits(world: World) -> None:
    world.opened()
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], anchor=b"\xbb" * 32)
    Market(Options()).look(world.context)
    assert duties(world) == []


@pytest.mark.parametrize("phase", [Phase.GUARD, Phase.KEY, Phase.CLAIM, Phase.TALLY, Phase.FINAL])
def test_look__round_past_training__not_taken(world: World, phase: Phase) -> None:
    world.opened()
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], phase=phase)
    Market(Options()).look(world.context)
    assert duties(world) == []


def test_look__training_done_before__not_owed_again(world: World) -> None:
    world.opened()
    duty = Duty(TRAIN, ROUND, subject(ANCHOR))
    world.journal.owe(duty)
    (row,) = world.journal.duties(DutyState.OWED)
    world.journal.agenda.settle(row, DutyState.DONE)
    Market(Options()).look(world.context)
    assert duties(world) == []


def test_look__once_and_a_round_in_progress__takes_no_other(world: World) -> None:
    world.opened()
    market = Market(Options(once=True))
    market.look(world.context)
    records.note_state(world.journal, ROUND, stage="waiting")
    world.opened(ROUND + 1, spec=replace(world.spec, nonce=78))
    market.look(world.context)
    assert len(duties(world)) == 1
    assert not world.context.stopping.is_set()


@pytest.mark.parametrize("stage", ["final", "missed", "refused", "lost"])
def test_look__once_and_the_round_has_ended__stops(world: World, stage: str) -> None:
    world.opened()
    market = Market(Options(once=True))
    for _ in range(2):
        market.look(world.context)
    records.note_state(world.journal, ROUND, stage="committed")
    for row in world.journal.duties(DutyState.OWED):
        world.journal.agenda.settle(row, DutyState.DONE)
    market.look(world.context)
    assert not world.context.stopping.is_set()
    records.note_state(world.journal, ROUND, stage=stage)
    market.look(world.context)
    assert world.context.stopping.is_set()


def test_look__once_with_an_old_round_in_the_journal__takes_one_more(world: World) -> None:
    records.note_state(world.journal, ROUND - 1, stage="final")
    world.opened()
    Market(Options(once=True)).look(world.context)
    assert len(duties(world)) == 1
    assert not world.context.stopping.is_set()
