"""Status: the chain's word, in words and in JSON."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from requester_world import ADDRESS, FakeChain
from rich.console import Console

from dlbc.chain.contracts import AppealCase, Round
from dlbc.chain.events import BlockAppended, Paid, RoundFinalized
from dlbc.journal import Event
from dlbc.task import UNIT
from dlbc.types import BlockHeader, Outcome, Payment, Phase, TaskSpec, TaskStatus
from requester import lookup
from requester.display import Display, one_line
from requester.status import Report, report

ZERO, MINER = bytes(32), "0x" + "33" * 20
SPEC = TaskSpec(ADDRESS, ZERO, ZERO, 1, 1, 1, 40, 36, 2, 1, 0, 5, 0, 100 * UNIT, 28 * UNIT, 7)
TRAIN = Round(
    task_id=1,
    spec_hash=ZERO,
    anchor=ZERO,
    slot=0,
    epoch=0,
    outcome=Outcome.NONE,
    phase=Phase.TRAIN,
    phase_ends_at=1065,
    opened_at=990,
    commit_start=992,
    commit_end=1065,
    key_from=1067,
    key_until=1097,
    key_at=0,
    claim_end=0,
    show_end=0,
    commits=2,
    claims=0,
    listed=0,
    shown=0,
    appeals=0,
    tips=1,
    version=1,
    excluded=0,
    best_excluded=0,
    inbox_from=1,
    inbox_to=0,
    compensation=0,
    advanced=0,
    prove_secs=0,
)
FINAL = replace(TRAIN, phase=Phase.FINAL, phase_ends_at=0, outcome=Outcome.BLOCK, key_at=1068)
Shown = Callable[..., Report]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    def make(status: TaskStatus, round_: Round | None, *ends: Event, appeals: tuple[AppealCase, ...] = ()) -> Report:
        class Hub(FakeChain):
            def task(self, task_id: int) -> Any:
                keys = {1: (status, 50), 2: (TaskStatus.QUEUED, 60), 3: (TaskStatus.CANCELLED, 70)}
                found, key = keys[task_id]
                return SimpleNamespace(
                    status=found, key=key << 64 | ~task_id & (1 << 64) - 1, round_id=9 if round_ and task_id == 1 else 0
                )

            def queue_keys(self) -> tuple[int, ...]:
                return tuple(key << 64 | ~task_id & (1 << 64) - 1 for task_id, key in ((1, 50), (2, 60), (3, 70)))

            def appeals_of(self, round_id: int) -> list[AppealCase]:
                return list(appeals)

            def preview(self, round_id: int, spec: TaskSpec) -> Any:
                return SimpleNamespace(outcome=Outcome.BELOW_THRESHOLD)

            def queue_length(self) -> int:
                return 2

        def events(chain: Any, kind: type[Event], *topics: Any) -> list[Event]:
            return [event for event in ends if type(event) is kind]

        monkeypatch.setattr(lookup, "events", events)
        chain: Any = Hub(time=1000.0, rounds={9: round_})
        return report(chain, chain, 1, SPEC)

    return make


def ends(outcome: Outcome) -> list[Event]:
    at = (5, b"h" * 32, 0)
    header = BlockHeader(1, 4, ZERO, ZERO, 9, ZERO, ZERO, ZERO, 38, 40, ZERO, MINER, ZERO, 0, 1, 1000)
    return [
        RoundFinalized(*at, 9, 1, outcome, 0),
        *([BlockAppended(*at, 4, ZERO, header)] if outcome is Outcome.BLOCK else []),
        Paid(*at, 9, ADDRESS, Payment.BOND, 28 * UNIT),
        Paid(*at, 9, MINER, Payment.WINNER, 80 * UNIT),
    ]


def test_report__queued__place_behind_larger_keys_but_not_behind_cancelled_ones(shown: Shown) -> None:
    found = shown(TaskStatus.QUEUED, None)
    assert (found.position, found.waiting, found.over) == (2, 2, False)
    assert one_line(found) == "task 1: waiting in the queue, place 2 of 2"


def test_report__training__counts_down_on_the_chains_clock(shown: Shown) -> None:
    found = shown(TaskStatus.OPEN, TRAIN)
    assert found.phase_left == 65
    assert one_line(found) == "task 1: round 9, miners train, 1:05 left (2 commits)"
    assert "0:55 left" in one_line(found, elapsed=10)
    assert found.as_json()["round"]["phase_left_seconds"] == 65


def test_report__phase_that_only_a_transaction_ends__no_clock(shown: Shown) -> None:
    found = shown(TaskStatus.OPEN, replace(TRAIN, phase=Phase.TALLY, phase_ends_at=0))
    assert found.phase_left is None
    assert "left" not in one_line(found)


def test_report__second_epoch_after_an_appeal__counted(shown: Shown) -> None:
    again = replace(TRAIN, phase=Phase.VOTE_COMMIT, epoch=1, appeals=1)
    found = shown(TaskStatus.OPEN, again)
    assert "epoch 2 of 3, 1 dispute)" in one_line(found)
    assert (found.as_json()["round"]["epoch"], found.as_json()["round"]["appeals"]) == (1, 1)


def test_report__result_may_be_appealed__what_it_would_be_and_the_command(shown: Shown) -> None:
    found = shown(TaskStatus.OPEN, replace(TRAIN, phase=Phase.APPEAL))
    assert one_line(found).endswith(": no model reaches the minimum; `dlbc-request appeal 1`")
    assert found.as_json()["expected"] == "below_threshold"
    assert shown(TaskStatus.OPEN, TRAIN).expected is Outcome.NONE


def test_report__appealed_before__only_what_it_would_be(shown: Shown) -> None:
    appealed = AppealCase(MINER, UNIT, ZERO, Outcome.NO_MODEL)
    found = shown(TaskStatus.OPEN, replace(TRAIN, phase=Phase.APPEAL, epoch=1, appeals=1), appeals=(appealed,))
    assert one_line(found).endswith(": no model reaches the minimum")


def test_report__somebody_was_accused__may_still_be_appealed(shown: Shown) -> None:
    found = shown(TaskStatus.OPEN, replace(TRAIN, phase=Phase.APPEAL, epoch=1, appeals=1))
    assert one_line(found).endswith("`dlbc-request appeal 1`")


def test_report__tips_of_the_requesters_own_program__among_what_came_back(shown: Shown) -> None:
    tip = Paid(5, b"h" * 32, 0, 9, ADDRESS, Payment.TIP, UNIT)
    found = shown(TaskStatus.DONE, FINAL, *ends(Outcome.BLOCK), tip)
    assert found.back == {"bond": 28 * UNIT, "tip": UNIT}


def test_report__block__score_and_only_the_requesters_money(shown: Shown) -> None:
    found = shown(TaskStatus.DONE, FINAL, *ends(Outcome.BLOCK))
    assert found.over
    assert (found.winner, found.winner_score, found.height) == (MINER, 38, 4)
    assert found.back == {"bond": 28 * UNIT}
    assert "38 of 40 test samples right (minimum 36), block 4" in one_line(found)
    assert found.as_json()["money"] == {
        "fee": str(100 * UNIT),
        "bond": str(100 * UNIT * 28 // 100),
        "back": {"bond": str(28 * UNIT)},
    }


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in {Outcome.NONE, Outcome.BLOCK}])
def test_one_line__failed__says_what_and_what_to_do(shown: Shown, outcome: Outcome) -> None:
    found = shown(TaskStatus.FAILED, replace(FINAL, outcome=outcome), *ends(outcome))
    assert found.as_json()["outcome"] == outcome.name.lower()
    assert found.as_json()["winner"] is None
    assert len(one_line(found).split(". ")) >= 2


def test_display__not_a_terminal__a_line_at_each_change_only(shown: Shown) -> None:
    out = io.StringIO()
    with Display(Console(file=out, width=200)).running() as news:
        for left in (65, 60):
            news([shown(TaskStatus.OPEN, replace(TRAIN, phase_ends_at=1000 + left))], [])
        for phase in (Phase.SEAL, Phase.DRAW):
            news([shown(TaskStatus.OPEN, replace(TRAIN, phase=phase, phase_ends_at=0))], ["reveal_key/9: slow"])
    assert out.getvalue().splitlines() == [
        "task 1: round 9, miners train, 1:05 left (2 commits)",
        "task 1: round 9, a committee is drawn (2 commits)",
        "  reveal_key/9: slow",
    ]


def test_display__terminal__shows_the_newest_report(shown: Shown) -> None:
    out = io.StringIO()
    with Display(Console(file=out, width=200, force_terminal=True)).running() as news:
        news([shown(TaskStatus.OPEN, TRAIN)], ["[bold]not markup[/]"])
    assert "miners train, 1:0" in out.getvalue()
    assert "[bold]not markup[/]" in out.getvalue()
