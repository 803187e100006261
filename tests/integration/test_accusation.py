"""An ownership dispute on a real chain: a thief resubmits a winner's model, and its owner has him convicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from dlbc.chain import events
from dlbc.funds import UNIT
from dlbc.types import EpochCause, Outcome, Payment, Reason, same_address
from dlbc.wire.vote_word import TaskFlag, stolen, unpack
from scripts.demo.market import Market
from scripts.demo.story import Story
from tests.integration.playing import (
    ROUND_SECONDS,
    VALIDATORS,
    opened,
    profile_with_appeals,
    skip_appeal,
    submit,
    votes,
    wait_until_running,
)

TRAIN_SECONDS = 20
BOND, LOCK = 15 * UNIT, 10 * UNIT


@dataclass(frozen=True)
class Disputed:
    """The second round.

    Attributes:
        printed: by the owner's command.
    """

    market: Market
    story: Story
    printed: str

    def is_(self, name: str, address: str) -> bool:
        return same_address(self.market.actors[name].address, address)

    def paid(self, kind: Payment, name: str) -> int:
        paid = self.story.of(events.Paid, round_id=2)
        return sum(event.amount for event in paid if event.kind is kind and self.is_(name, event.account))


@pytest.fixture(scope="module")
def disputed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disputed]:
    """The owner wins round 1; the thief takes part in round 2, where he is accused while the owner's program runs."""
    folder = tmp_path_factory.mktemp("accusation")
    others = [("owner", "miner"), ("thief", "thief")]
    with opened(folder, others, str(profile_with_appeals(folder))) as (market, chain):
        market.start("owner", "dlbc-miner", "start", "--device", "cpu", "--threads", "1", "--auto-stake", "50")
        with Story(market, chain, Console(quiet=True)) as story:
            wait_until_running(story, (*VALIDATORS, "owner"), len(VALIDATORS), ROUND_SECONDS)
            submit(market, 1, TRAIN_SECONDS)
            votes(story, len(VALIDATORS))
            skip_appeal(market)
            story.until(events.RoundFinalized, ROUND_SECONDS, round_id=1)
            market.wait_for("requester", 60)

            market.start("thief", "python", "-m", "scripts.thief", "--auto-stake", "50")
            wait_until_running(story, ("thief",), len(VALIDATORS), ROUND_SECONDS)
            submit(market, 2, TRAIN_SECONDS)
            votes(story, 2 * len(VALIDATORS))
            thief = market.actors["thief"].address
            printed = market.run_once("owner", "dlbc-miner", "accuse", "2", thief, "--yes", "--json")
            votes(story, 3 * len(VALIDATORS))
            skip_appeal(market)
            story.until(events.RoundFinalized, ROUND_SECONDS, round_id=2)
            market.wait_for("requester", 60)
            story.step()
            yield Disputed(market, story, printed)


def test_owner__accuses__shows_one_key_of_his_winning_model(disputed: Disputed) -> None:
    (accused,) = disputed.story.of(events.ModelAccused)
    (first,) = [block for block in disputed.story.of(events.BlockAppended) if block.header.round_id == 1]
    assert disputed.is_("owner", accused.accuser)
    assert disputed.is_("owner", first.header.miner)
    assert (accused.earlier_round, accused.earlier) == (1, first.header.commitment)
    assert (accused.key.index, accused.key.shares) == (0, 1)
    (ended,) = disputed.story.of(events.EpochEnded, round_id=2)
    assert ended.cause is EpochCause.ACCUSATION


def test_validators__after_the_accusation__all_find_the_mark_in_the_thiefs_model_alone(disputed: Disputed) -> None:
    (accused,) = disputed.story.of(events.ModelAccused)
    places = {claim.commitment_hash: place for place, claim in enumerate(disputed.story.listed(2))}
    flag = stolen(places[accused.accused])
    assert len(places) == 2
    cast = disputed.story.of(events.VoteRevealed, round_id=2)
    assert [unpack(vote.word)[1] for vote in cast if vote.epoch == 0] == [TaskFlag.NONE] * len(VALIDATORS)
    assert [unpack(vote.word)[1] for vote in cast if vote.epoch == 1] == [flag] * len(VALIDATORS)


def test_thief__convicted__loses_his_whole_lock(disputed: Disputed) -> None:
    (slashed,) = disputed.story.of(events.Slashed, round_id=2)
    assert disputed.is_("thief", slashed.account)
    assert (slashed.reason, slashed.amount) == (Reason.STOLEN, LOCK)


def test_owner__was_right__gets_the_bond_a_tenth_and_the_round(disputed: Disputed) -> None:
    assert disputed.paid(Payment.ACCUSATION_BOND, "owner") == BOND
    assert disputed.paid(Payment.FINDER, "owner") == LOCK // 10
    (final,) = disputed.story.of(events.RoundFinalized, round_id=2)
    assert final.outcome is Outcome.BLOCK
    assert disputed.paid(Payment.WINNER, "owner") > 0
    assert disputed.paid(Payment.WINNER, "thief") == disputed.paid(Payment.SECOND, "thief") == 0
