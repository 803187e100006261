"""A task that asks for trajectories, on a real chain: who trained is paid, who only says so is flagged and is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from dlbc.chain import events
from dlbc.types import Mode, Outcome, Payment, same_address
from dlbc.wire.vote_word import CandidateFlag, unpack
from scripts.demo.__main__ import make_task
from scripts.demo.market import Market
from scripts.demo.story import Story
from tests.integration.playing import ROUND_SECONDS, VALIDATORS, opened, wait_until_running

TRAIN_SECONDS = 25
PROVE_SECONDS = 25
MINERS = ("honest", "slow")
MINE = ("dlbc-miner", "start", "--device", "cpu", "--threads", "1", "--auto-stake", "50")


@dataclass(frozen=True)
class Proven:
    """The round."""

    market: Market
    story: Story

    def address(self, name: str) -> str:
        return self.market.actors[name].address

    def paid(self, name: str) -> set[Payment]:
        paid = self.story.of(events.Paid, round_id=1)
        return {event.kind for event in paid if same_address(event.account, self.address(name))} - {Payment.TIP}


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    folder = tmp_path_factory.mktemp("proof")
    with opened(folder, [(name, "miner") for name in (*MINERS, "forger")]) as (market, chain):
        for name in MINERS:
            market.start(name, *MINE)
        market.start("forger", "python", "-m", "tests.integration.forger")
        with Story(market, chain, Console(quiet=True)) as story:
            wait_until_running(story, (*VALIDATORS, *MINERS, "forger"), len(VALIDATORS), ROUND_SECONDS)
            task = folder / "task"
            make_task(task, 1, TRAIN_SECONDS, architecture="{name: lenet, width: 32}", minimum="0.01")
            with (task / "task.yaml").open("a", encoding="utf-8") as file:
                file.write(f"proof: trajectory\nprove_seconds: {PROVE_SECONDS}\n")
            market.start("requester", "dlbc-request", "submit", str(task / "task.yaml"), "--yes", "-o", str(task / "m"))
            story.until(events.RoundFinalized, ROUND_SECONDS)
            market.wait_for("requester", 60)
            story.step()
            yield Proven(market, story)


def test_task__asks_for_trajectories__says_so_on_chain(proven: Proven) -> None:
    (task,) = proven.story.of(events.TaskSubmitted)
    assert (task.spec.modes, task.spec.prove_secs) == (Mode.TRAJECTORY, PROVE_SECONDS)


def test_miners__after_the_draw__open_what_it_asks_for(proven: Proven) -> None:
    """All of them do, the forger too: what he opened is what he committed to."""
    (drawn,) = proven.story.of(events.CommitteeDrawn)
    shown = proven.story.of(events.TrajectoryShown)
    assert {event.miner.lower() for event in shown} == {proven.address(name).lower() for name in (*MINERS, "forger")}
    assert all(event.block_number > drawn.block_number for event in shown)


def test_validators__training_run_again__flag_the_forger_alone(proven: Proven) -> None:
    places = {claim.miner.lower(): place for place, claim in enumerate(proven.story.listed(1))}
    votes = proven.story.of(events.VoteRevealed, round_id=1)
    assert len(votes) == len(VALIDATORS)
    for vote in votes:
        flags = {name: unpack(vote.word)[0][places[proven.address(name).lower()]].flags for name in (*MINERS, "forger")}
        assert flags.pop("forger") == CandidateFlag.TRAJECTORY
        assert set(flags.values()) == {CandidateFlag.NONE}


def test_round__ends__with_the_honest_paid_and_the_forger_not(proven: Proven) -> None:
    (final,) = proven.story.of(events.RoundFinalized)
    assert final.outcome is Outcome.BLOCK
    assert proven.paid("forger") == set()
    assert Payment.WINNER in proven.paid("honest") | proven.paid("slow")
    assert proven.paid("honest")
    assert proven.paid("slow")
