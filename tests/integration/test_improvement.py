"""Two miners improve one winner on a real chain, and say so: nobody is accused, and its miner shares the fee."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.console import Console

from dlbc.chain import events
from dlbc.types import ZERO_BYTES32, Outcome, Payment, same_address
from dlbc.wire.vote_word import CandidateFlag, unpack
from scripts.demo.story import Story
from tests.integration.playing import ROUND_SECONDS, VALIDATORS, opened, submit, wait_until_running

TRAIN_SECONDS = 10
MINERS = ("first", "second")
MINE = ("dlbc-miner", "start", "--device", "cpu", "--threads", "1", "--auto-stake", "50", "--improve")


@pytest.fixture(scope="module")
def improved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two rounds of the same miners: in the second one there is something to improve."""
    folder = tmp_path_factory.mktemp("improvement")
    with opened(folder, [(name, "miner") for name in MINERS]) as (market, chain):
        for name in MINERS:
            market.start(name, *MINE)
        with Story(market, chain, Console(quiet=True)) as story:
            wait_until_running(story, (*VALIDATORS, *MINERS), len(VALIDATORS), ROUND_SECONDS)
            for number in (1, 2):
                submit(market, number, TRAIN_SECONDS)
                story.until(events.RoundFinalized, ROUND_SECONDS, round_id=number)
                market.wait_for("requester", 60)
            story.step()
            yield story


def test_miners__in_the_second_round__declare_the_first_ones_winner(improved: Story) -> None:
    (block,) = [block for block in improved.of(events.BlockAppended) if block.header.round_id == 1]
    for number, parent in ((1, ZERO_BYTES32), (2, block.header.commitment)):
        claims = improved.of(events.ModelClaimed, round_id=number)
        assert [claim.commitment.parent for claim in claims] == [parent] * len(MINERS)


def test_validators__of_two_that_improve_one_model__accuse_neither(improved: Story) -> None:
    votes = improved.of(events.VoteRevealed, round_id=2)
    assert len(votes) == len(VALIDATORS)
    for vote in votes:
        assert [one.flags for one in unpack(vote.word)[0][: len(MINERS)]] == [CandidateFlag.NONE] * len(MINERS)


def test_winner__improved_another_model__shares_with_its_miner(improved: Story) -> None:
    (final,) = improved.of(events.RoundFinalized, round_id=2)
    assert final.outcome is Outcome.BLOCK
    (block,) = [block for block in improved.of(events.BlockAppended) if block.header.round_id == 1]
    (paid,) = [event for event in improved.of(events.Paid, round_id=2) if event.kind is Payment.PARENT]
    assert same_address(paid.account, block.header.miner)
    assert paid.amount > 0
