"""What a miner sees: money, rounds in progress, what the past brought and why."""

import json
from dataclasses import replace

import pytest
from miner_world import COMMIT_START, MINER, RIVAL, ROUND, UNIT, World

from dlbc.chain.contracts import Account
from dlbc.chain.events import Paid, RoundFinalized, Slashed
from dlbc.types import Outcome, Payment, Phase, Reason
from miner import records, words
from miner.options import Options
from miner.status import gather, render, stake_words


@pytest.fixture
def busy(world: World) -> World:
    """One round in training, one that was lost."""
    world.context.token.balance_of = lambda owner: 7 * UNIT  # type: ignore[method-assign]
    world.hub.money = Account(3 * UNIT, 100 * UNIT, 50 * UNIT, 10 * UNIT, 1_700_000_000)
    world.opened(ROUND)
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], phase_ends_at=COMMIT_START + 14)
    records.note_state(world.journal, ROUND, stage="training", epoch=12, accuracy=0.974)
    records.note_state(world.journal, ROUND - 1, stage="final")
    world.event(RoundFinalized, ROUND - 1, 2, Outcome.NO_CLAIM, 0)
    world.event(Slashed, ROUND - 1, MINER.address, Reason.UNOPENED, 50 * UNIT)
    return world


def test_gather__round_in_training__phase_progress_and_time_left(busy: World) -> None:
    (found,) = gather(busy.context, 10)["in_progress"]
    assert (found["round_id"], found["phase"], found["epoch"], found["seconds_left"]) == (ROUND, "train", 12, 14)


def test_gather__ended_round__income_and_reason(busy: World) -> None:
    (found,) = gather(busy.context, 10)["history"]
    assert found["income"] == str(-50 * UNIT)
    assert found["slashed"] == [{"reason": "UNOPENED", "amount": str(50 * UNIT)}]


def test_gather__many_rounds__only_the_newest(busy: World) -> None:
    for round_id in range(1, 6):
        records.note_state(busy.journal, round_id, stage="final")
        busy.event(RoundFinalized, round_id, 2, Outcome.BLOCK, 0)
    assert [found["round_id"] for found in gather(busy.context, 2)["history"]] == [ROUND - 1, 5]


def test_gather__anything__fits_json(busy: World) -> None:
    assert json.loads(json.dumps(gather(busy.context, 10)))["stake"] == str(100 * UNIT)


def test_gather__pay_came_after_the_round_was_told__counted(busy: World) -> None:
    busy.event(Paid, ROUND - 1, MINER.address, Payment.COMPENSATION, 60 * UNIT)
    (found,) = gather(busy.context, 10)["history"]
    assert found["income"] == str(10 * UNIT)


def test_render__all_of_it__says_what_a_human_wants(busy: World) -> None:
    shown = render(gather(busy.context, 10))
    assert "stake 100 DLBC, of it 50 DLBC locked and 10 DLBC unbonding until 2023-11-14" in shown
    assert "epoch 12 · 97.4 % on held-out data" in shown
    assert "14 s" in shown
    assert "-50 DLBC" in shown
    assert "the commit was never claimed" in shown


def test_gather__tips_of_other_rounds__counted_for_the_key_alone(busy: World) -> None:
    for round_id, account in ((ROUND - 1, MINER.address), (ROUND - 5, MINER.address), (ROUND - 5, RIVAL)):
        busy.event(Paid, round_id, account, Payment.TIP, UNIT)
    assert gather(busy.context, 10)["tips"] == str(2 * UNIT)
    assert "so far: 2 DLBC" in render(gather(busy.context, 10))


def test_gather__key_of_an_operator__its_own_credit_beside_the_accounts(busy: World) -> None:
    found = gather(busy.context, 10, signer=RIVAL)
    assert (found["address"], found["operator"], found["tips"]) == (MINER.address, RIVAL, "0")
    assert f"its operator {RIVAL} has" in render(found)


def test_render__later_epoch_that_can_be_appealed__number_and_command(busy: World) -> None:
    busy.hub.rounds[ROUND] = replace(busy.hub.rounds[ROUND], phase=Phase.APPEAL, epoch=1)
    shown = " ".join(render(gather(busy.context, 10)).split())
    assert "dlbc-miner appeal 9" in shown
    assert "epoch 2 of 3" in shown


def test_render__nothing_yet__says_so(world: World) -> None:
    world.context.token.balance_of = lambda owner: 0  # type: ignore[method-assign]
    assert "no rounds yet" in render(gather(world.context, 10))


def test_stake_words__too_little__both_commands(world: World) -> None:
    world.hub.money = Account(0, 20 * UNIT, 0, 0, 0)
    message = stake_words(world.context, Options())
    assert "dlbc-miner stake 30" in message
    assert "--auto-stake 30" in message


def test_stake_words__enough__what_is_at_risk(world: World) -> None:
    message = stake_words(world.context, Options())
    assert "each commit locks 50 DLBC" in message
    assert "Too little" not in message


def test_words__every_outcome_reason_payment_and_phase__has_some() -> None:
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.REASONS) == set(Reason)
    assert set(words.PAYMENTS) == set(Payment)
    assert set(words.STAGES) == set(Phase) - {Phase.NONE}


@pytest.mark.parametrize(
    ("left", "shown"), [(-3, "0 s"), (14.4, "14 s"), (185, "3 min 5 s"), (7440, "2 h 4 min"), (59.6, "1 min 0 s")]
)
def test_seconds__span__shortest_useful(left: float, shown: str) -> None:
    assert words.seconds(left) == shown
