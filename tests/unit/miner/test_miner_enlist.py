"""Entering the list in a later epoch: sent while there is a place to take, given up with a reason."""

import pytest
from miner_world import COMMIT_END, MINER, ROUND, World

from dlbc.chain.contracts import Candidate, ExcludedClaim
from dlbc.errors import TransactionRefused
from dlbc.journal import Duty, TransactionState
from dlbc.service import Done, Drop, Wait
from dlbc.types import Phase
from miner.enlist import enlist
from miner.options import ENLIST, Options

DUTY, OPTIONS, OWN = Duty(ENLIST, ROUND, "1"), Options(), b"c" * 32


@pytest.fixture
def excluded(world: World) -> World:
    world.opened()
    world.hub.excluded = ExcludedClaim(OWN, 17)
    world.phase(Phase.ENLIST, COMMIT_END + 100, epoch=1)
    return world


@pytest.mark.parametrize("phase", [Phase.SHOW, Phase.VOTE_COMMIT, Phase.FINAL])
def test_enlist__list_is_closed__dropped(excluded: World, phase: Phase) -> None:
    excluded.phase(phase, COMMIT_END + 200)
    assert isinstance(enlist(DUTY, excluded.context, OPTIONS), Drop)
    assert not excluded.transactions.sent


def test_enlist__disqualified_itself__dropped(excluded: World) -> None:
    excluded.hub.excluded = ExcludedClaim(bytes(32), 0)
    result = enlist(DUTY, excluded.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "disqualified" in result.why


@pytest.mark.parametrize("error", ["NotListed", "NotExcluded", "WrongPhase"])
def test_enlist__no_place_left__dropped_with_the_reason(excluded: World, error: str) -> None:
    excluded.transactions.refuse["enlist"] = TransactionRefused("six better claims", error)
    result = enlist(DUTY, excluded.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "six better claims" in result.why


def test_enlist__refused_for_want_of_gas__raised_for_another_try(excluded: World) -> None:
    excluded.transactions.refuse["enlist"] = TransactionRefused("no ether for gas")
    with pytest.raises(TransactionRefused):
        enlist(DUTY, excluded.context, OPTIONS)


def test_enlist__place_is_free__sent_once_an_epoch_and_said_once(excluded: World) -> None:
    for _ in range(2):
        assert isinstance(enlist(DUTY, excluded.context, OPTIONS), Wait)
    assert excluded.transactions.sent == {f"enlist/{ROUND}/1": ("enlist", (ROUND, MINER.address))}
    assert sum("may enter the list" in message for message in excluded.said) == 1


def test_enlist__on_the_list__done(excluded: World) -> None:
    excluded.hub.listed = [Candidate(MINER.address, 17, 1, False, OWN)]
    assert enlist(DUTY, excluded.context, OPTIONS) == Done()
    assert not excluded.transactions.sent


def test_enlist__mined_and_replaced_by_a_better_claim__dropped(excluded: World) -> None:
    excluded.transactions.state = TransactionState.CONFIRMED
    result = enlist(DUTY, excluded.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "better claims" in result.why
