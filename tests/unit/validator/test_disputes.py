"""A challenge costs a bond: what cannot succeed is refused in words before anything is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dlbc import funds
from dlbc.errors import UsageError
from dlbc.types import Phase
from validator import disputes

SELF, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20
BOND = 5


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Round 7 in phase Appeal: another's opened vote at 0, an unopened one at 1, one's own at 2."""
    sent: list[Any] = []
    deposited: list[int] = []
    monkeypatch.setattr(funds, "deposit", lambda context, amount, say: deposited.append(amount))
    state = SimpleNamespace(phase=Phase.APPEAL, epoch=1, version=4)
    members = [SimpleNamespace(owner=owner, revealed=revealed) for owner, revealed in
               ((OTHER, True), (OTHER, False), (SELF, True))]  # fmt: skip
    versions = {4: SimpleNamespace(economy=SimpleNamespace(challenge_bond=BOND))}
    context = SimpleNamespace(
        account=SELF,
        hub=SimpleNamespace(
            round=lambda _: state,
            parameters_of=versions.__getitem__,
            account=lambda _: SimpleNamespace(credit=2),
            challenge_vote=lambda *arguments: ("challenge", *arguments),
        ),
        committee=SimpleNamespace(members=lambda _: members),
        transactions=SimpleNamespace(send_and_wait=lambda *arguments: sent.append(arguments[:2])),
    )
    return SimpleNamespace(context=context, state=state, sent=sent, deposited=deposited)


@pytest.mark.parametrize(
    ("phase", "position", "words"),
    [
        (Phase.VOTE_REVEAL, 0, "in phase vote reveal"),
        (Phase.TALLY, 0, "in phase tally"),
        (Phase.APPEAL, 1, "nobody opened a vote at position 1"),
        (Phase.APPEAL, 3, "has 3 positions"),
        (Phase.APPEAL, 2, "your own"),
    ],
)
def test_challenge__cannot_succeed__locks_nothing(world: Any, phase: Phase, position: int, words: str) -> None:
    world.state.phase = phase
    with pytest.raises(UsageError, match=words):
        disputes.challenge(world.context, 7, position, print)
    assert (world.sent, world.deposited) == ([], [])


def test_challenge__opened_vote_of_another__deposits_what_is_missing_of_the_rounds_bond(world: Any) -> None:
    said: list[str] = []
    disputes.challenge(world.context, 7, 0, said.append)
    assert world.deposited == [BOND - 2]
    assert world.sent == [("challenge/7/1/0", ("challenge", 7, 0))]
    assert OTHER in said[-1]
