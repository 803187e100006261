"""A challenged leaf is shown while that helps, proven from what was stored, and never guessed."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_vote import ROUND, SELF, FakeTransactions

from dlbc.journal import Duty, Identity, Journal
from dlbc.service import Done, Drop, Retry
from dlbc.types import ZERO_ADDRESS, Phase, Vote
from dlbc.wire.merkle import eval_leaf, eval_root, verify
from validator import openings, records
from validator.handlers import OPEN_LEAF
from validator.judge import Memory
from validator.openings import Openings

SALT = b"s" * 32
DUTY = Duty(OPEN_LEAF, ROUND, "1/2")
PREDICTIONS: list[list[int]] = [[4, 5, 6], [], [7, 8, 9]]


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A validator whose vote at position 2 of epoch 1 is challenged: the leaf of candidate 2, sample 1."""
    journal = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, SELF))
    memory = Memory({b"a" * 32: np.array(PREDICTIONS[0], np.int32), b"c" * 32: np.array(PREDICTIONS[2], np.int32)})
    records.save_memory(journal, ROUND, memory)
    records.save_leaves(journal, ROUND, 1, [b"a" * 32, b"", b"c" * 32], 3)
    vote = Vote(ROUND, 1, 2, SELF, 0, eval_root(SALT, PREDICTIONS), SALT)
    records.save_votes(journal, ROUND, 1, [vote])
    monkeypatch.setattr(openings, "spec_of", lambda *_: "spec")
    state = SimpleNamespace(phase=Phase.APPEAL, epoch=1, unopened=0b100, asked=SimpleNamespace(candidate=2, sample=1))
    return SimpleNamespace(
        state=state,
        journal=journal,
        transactions=FakeTransactions(),
        hub=SimpleNamespace(round=lambda _: state),
        committee=SimpleNamespace(
            votes=lambda _: state,
            challenged_leaf=lambda *_: state.asked,
            open_leaf=lambda *arguments: arguments,
        ),
    )


def test_open_leaf__challenged__proves_the_leaf_that_is_asked_for(context: Any) -> None:
    assert isinstance(Openings().open_leaf(DUTY, context), Retry)
    ((name, (vote, spec, leaf, proof)),) = context.transactions.sent
    assert (name, spec) == (f"leaf/{ROUND}/1/2/2/1", "spec")
    assert (leaf.candidate, leaf.sample, leaf.prediction) == (2, 1, 8)
    assert verify(vote.eval_root, eval_leaf(SALT, 2, 1, 8), 4, 6, proof)


def test_open_leaf__program_was_restarted__proves_the_same(context: Any) -> None:
    Openings().open_leaf(DUTY, context)
    Openings().open_leaf(DUTY, context)
    first, second = context.transactions.sent
    assert first == second


def test_open_leaf__contract_has_it__done(context: Any) -> None:
    context.state.unopened = 0b011
    assert Openings().open_leaf(DUTY, context) == Done()
    assert context.transactions.sent == []


@pytest.mark.parametrize(("phase", "epoch"), [(Phase.TALLY, 1), (Phase.FINAL, 1), (Phase.SEAL, 2), (Phase.APPEAL, 2)])
def test_open_leaf__too_late__drops_it(context: Any, phase: Phase, epoch: int) -> None:
    """An appeal ends the epoch, and all its challenges with it."""
    context.state.phase, context.state.epoch = phase, epoch
    assert isinstance(Openings().open_leaf(DUTY, context), Drop)


def test_open_leaf__reorganisation_asks_for_another_leaf__sends_that_one_too(context: Any) -> None:
    opening = Openings()
    opening.open_leaf(DUTY, context)
    context.state.asked = SimpleNamespace(candidate=0, sample=0)
    opening.open_leaf(DUTY, context)
    names = [name for name, _ in context.transactions.sent]
    assert names == [f"leaf/{ROUND}/1/2/2/1", f"leaf/{ROUND}/1/2/0/0"]
    assert context.transactions.sent[1][1][2].prediction == 4


def test_open_leaf__predictions_are_gone__says_so(context: Any) -> None:
    records.forget(context.journal, ROUND)
    with pytest.raises(LookupError, match="not in this journal"):
        Openings().open_leaf(DUTY, context)


def test_open_leaf__proof_takes_long__does_not_hold_up_the_loop(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six million leaves are hashed for minutes; votes of other rounds go out meanwhile."""
    prove = openings.eval_opening

    def slow(*arguments: Any) -> Any:
        time.sleep(0.8)
        return prove(*arguments)

    monkeypatch.setattr(openings, "eval_opening", slow)
    opening = Openings()
    began = time.monotonic()
    assert isinstance(opening.open_leaf(DUTY, context), Retry)
    assert time.monotonic() - began < 0.75
    assert context.transactions.sent == []
    time.sleep(0.5)
    opening.open_leaf(DUTY, context)
    assert len(context.transactions.sent) == 1
