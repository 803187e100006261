"""The test key: never before the commits are closed, never forgotten, and only for one's own tasks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from requester_world import ADDRESS, World

from dlbc.chain.events import RoundFinalized, RoundOpened, TaskSubmitted
from dlbc.errors import TransactionRefused
from dlbc.journal import Duty
from dlbc.service import Done, Drop, Retry, Wait
from dlbc.types import Outcome, Phase, TaskSpec
from dlbc.wire.derivation import key_hash
from requester import duties
from requester.submission import test_key as derived_key

POSITION = (5, b"h" * 32, 0)
DUTY = Duty(duties.REVEAL, 9, due_at=100, deadline=130, payload={"task_id": 1})


def spec(world: World, requester: str = ADDRESS, **changes: Any) -> TaskSpec:
    values: dict[str, Any] = {
        "requester": requester,
        "manifest": bytes(32),
        "key_hash": key_hash(derived_key(world.context, 7)),
        "flops": 1,
        "net_bytes": 1,
        "data_bytes": 1,
        "score_max": 40,
        "min_score": 36,
        "tol": 2,
        "tie_tol": 1,
        "modes": 0,
        "train_secs": 5,
        "prove_secs": 0,
        "fee": 1,
        "bond": 1,
        "nonce": 7,
    }
    return TaskSpec(**(values | changes))


@pytest.fixture
def opened(world: World) -> World:
    """My task 1 has round 9; task 2 is a stranger's."""
    history = world.context.journal.history
    with world.context.journal.transaction():
        history.add(TaskSubmitted(1, b"h" * 32, 0, 1, ADDRESS, bytes(32), spec(world), 0))
        stranger = "0x" + "77" * 20
        history.add(TaskSubmitted(1, b"h" * 32, 1, 2, stranger, bytes(32), spec(world, stranger), 0))
    world.chain.rounds[9] = SimpleNamespace(key_at=0, phase=Phase.TRAIN, key_from=100, key_until=130, commits=1)
    return world


def round_opened(task_id: int) -> RoundOpened:
    return RoundOpened(*POSITION, 9, task_id, bytes(32), 0, b"a" * 32, 10, 12, 90)


def test_on_round_opened__strangers_task__nothing_owed(opened: World) -> None:
    duties.on_round_opened(round_opened(2), opened.context)
    assert opened.context.journal.duties() == []


def test_on_round_opened__twice__one_duty_from_the_end_of_commits(opened: World) -> None:
    duties.on_round_opened(round_opened(1), opened.context)
    duties.on_round_opened(round_opened(1), opened.context)
    (row,) = opened.context.journal.duties()
    assert (row.duty.kind, row.duty.due_at, row.duty.deadline) == (duties.REVEAL, 90, duties.FAR)
    assert derived_key(opened.context, 7).hex() not in str(row.duty.payload)


def test_on_round_opened__node_lags_behind_its_own_logs__the_key_is_owed(opened: World) -> None:
    """A refused handler loses its event for ever, and with it the bond."""
    opened.chain.rounds.clear()
    duties.on_round_opened(round_opened(1), opened.context)
    assert [row.duty.kind for row in opened.context.journal.duties()] == [duties.REVEAL]


@pytest.mark.parametrize("phase", [Phase.SETTLE, Phase.TRAIN, Phase.GUARD])
def test_reveal_key__commits_may_still_come__waits_and_sends_nothing(opened: World, phase: Phase) -> None:
    opened.chain.rounds[9].phase = phase
    opened.chain.time = 99.0
    result = duties.reveal_key(DUTY, opened.context)
    assert isinstance(result, Wait)
    assert result.until_chain_time == 100
    assert opened.chain.sent == []


def test_reveal_key__clock_ran_ahead_of_the_blocks__waits_a_little(opened: World) -> None:
    opened.chain.rounds[9].phase = Phase.GUARD
    opened.chain.time = 100.4
    result = duties.reveal_key(DUTY, opened.context)
    assert isinstance(result, Wait)
    assert 100.4 < result.until_chain_time < 102


def test_reveal_key__in_its_window__the_derived_key_is_sent_once_mined_done(opened: World) -> None:
    opened.chain.rounds[9].phase = Phase.KEY
    assert isinstance(duties.reveal_key(DUTY, opened.context), Retry)
    assert opened.chain.sent == ["reveal/9"]
    assert ("reveal", (9, derived_key(opened.context, 7))) in opened.chain.calls.values()
    opened.chain.rounds[9].key_at = 101
    assert isinstance(duties.reveal_key(DUTY, opened.context), Done)
    assert opened.reports[-1]["event"] == "test_key_shown"


def test_reveal_key__refused_for_now__tried_again(opened: World) -> None:
    opened.chain.rounds[9].phase = Phase.KEY
    opened.chain.refuse["reveal"] = TransactionRefused("wrong phase", "WrongPhase", (3,))
    assert duties.reveal_key(DUTY, opened.context) == Retry(1, "wrong phase")


@pytest.mark.parametrize(("commits", "why"), [(0, "nobody committed"), (2, "the bond is lost")])
def test_reveal_key__window_over__dropped_with_the_reason(opened: World, commits: int, why: str) -> None:
    opened.chain.rounds[9].phase = Phase.TALLY
    opened.chain.rounds[9].commits = commits
    result = duties.reveal_key(DUTY, opened.context)
    assert isinstance(result, Drop)
    assert why in result.why
    assert opened.chain.sent == []


def test_reveal_key__another_key_than_committed__never_shown(opened: World) -> None:
    with opened.context.journal.transaction():
        other = spec(opened, key_hash=b"x" * 32)
        opened.context.journal.history.add(TaskSubmitted(2, b"i" * 32, 0, 1, ADDRESS, bytes(32), other, 0))
    opened.chain.rounds[9].phase = Phase.KEY
    assert isinstance(duties.reveal_key(DUTY, opened.context), Drop)
    assert opened.chain.sent == []


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in {Outcome.NONE, Outcome.BLOCK}])
def test_on_round_finalized__without_a_block__reported_with_advice(opened: World, outcome: Outcome) -> None:
    duties.on_round_finalized(RoundFinalized(*POSITION, 9, 1, outcome, 0), opened.context)
    assert opened.context.journal.duties() == []
    (report,) = opened.reports
    assert report["event"] == "task_failed"
    assert report["why"]
    assert report["advice"]


def test_on_round_finalized__block__the_model_is_owed_to_me_alone(opened: World) -> None:
    for task_id in (1, 2):
        event = RoundFinalized(*POSITION, 8 + task_id, task_id, Outcome.BLOCK, 0)
        duties.on_round_finalized(event, opened.context)
    (row,) = opened.context.journal.duties()
    assert (row.duty.kind, row.duty.round_id) == (duties.DELIVER, 9)
