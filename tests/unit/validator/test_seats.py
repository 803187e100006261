"""Seats: a draw that is under way is waited for, any other refusal is said at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dlbc.errors import TransactionRefused
from validator import seats


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A context whose transactions are refused as often as `refusals` says; sleeping takes no time."""
    state = SimpleNamespace(refusals=[], said=[], slept=0)

    def send_and_wait(name: str, call: Any, timeout: float) -> str:
        if state.refusals:
            raise TransactionRefused("refused", state.refusals.pop(0))
        return "sent"

    def sleep(_: float) -> None:
        state.slept += 1

    monkeypatch.setattr(seats, "time", SimpleNamespace(sleep=sleep))
    state.context = SimpleNamespace(
        transactions=SimpleNamespace(send_and_wait=send_and_wait),
        committee=SimpleNamespace(leave_seat=lambda _: "call", seat=lambda _: SimpleNamespace(serving=0)),
    )
    return state


def test_leave__not_the_owner__is_refused_at_once(world: SimpleNamespace) -> None:
    world.refusals = ["NotSeatOwner"]
    with pytest.raises(TransactionRefused):
        seats.leave(world.context, 3, world.said.append)
    assert world.slept == 0


def test_leave__draw_never_ends__gives_up_with_the_reason(world: SimpleNamespace) -> None:
    world.refusals = ["WrongPhase"] * 100
    with pytest.raises(TransactionRefused):
        seats.leave(world.context, 3, world.said.append)
    assert world.slept == seats.DRAW_TRIES - 1


def test_leave__committee_is_being_drawn__waits_and_says_so_once(world: SimpleNamespace) -> None:
    world.refusals = ["WrongPhase", "WrongPhase"]
    seats.leave(world.context, 3, world.said.append)
    assert world.slept == 2
    assert [line for line in world.said if "drawn" in line] == world.said[:1]
    assert "its stake is free" in world.said[-1]
