"""A whole round on a real chain, real IPFS nodes and real training, with a killed miner and a miner that lies.

Three miners and three validators run as processes of their own commands. One miner is killed with -9 after its commit
and started again; another claims another score than its model has.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Hub, Token
from dlbc.chain.deployment import load_deployment
from dlbc.ml.data import Dataset
from dlbc.types import Outcome, same_address
from dlbc.wire.vote_word import CandidateFlag, unpack
from scripts.demo import proof
from scripts.demo.__main__ import VALIDATORS, make_task, wait_for_seats
from scripts.demo.market import Market
from scripts.demo.story import Story
from tests.integration.liar import BOAST

TRAIN_SECONDS = 20
ROUND_SECONDS = 300.0


@dataclass(frozen=True)
class Played:
    market: Market
    story: Story
    chain: Chain
    block: events.BlockAppended
    killed_in: int  # EVM block in which the miner was dead

    def address(self, name: str) -> str:
        return self.market.actors[name].address


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One round, from `dlbc-request submit` to the model on the requester's disk."""
    with Market(tmp_path_factory.mktemp("round") / "market") as market:
        market.start_chain()
        market.start_meeting_point()
        miners = [("honest", "miner"), ("killed", "miner"), ("liar", "miner")]
        market.add_actors([("requester", "requester"), *miners, *((name, "validator") for name in VALIDATORS)])
        market.deploy()
        chain = Chain([market.rpc_url], load_deployment(next(market.deployments.glob("*.json"))))
        for name in VALIDATORS:
            market.start(name, "dlbc-validator", "start")
        mine = ("dlbc-miner", "start", "--device", "cpu", "--threads", "1", "--auto-stake", "50")
        for name in ("honest", "killed"):
            market.start(name, *mine)
        market.start("liar", "python", "-m", "tests.integration.liar")
        with Story(market, chain, Console(quiet=True)) as story:
            wait_for_seats(story)
            folder = market.folder / "requester" / "task"
            make_task(folder, 1, TRAIN_SECONDS, architecture="{name: lenet, width: 32}", minimum="0.01")
            command = ("dlbc-request", "submit", str(folder / "task.yaml"), "--yes", "-o", str(folder / "model"))
            market.start("requester", *command)
            story.until(events.ModelCommitted, ROUND_SECONDS, miner=_checksummed(story, market, "killed"))

            victim = market.actors["killed"]
            assert victim.process is not None
            victim.process.send_signal(signal.SIGKILL)
            victim.process.wait()
            killed_in = chain.head().number
            market.start("killed", *mine)

            story.until(events.RoundFinalized, ROUND_SECONDS)
            market.wait_for("requester", 60)
            story.step()
            (block,) = [block for block in story.of(events.BlockAppended) if block.height]
            yield Played(market, story, chain, block, killed_in)


def _checksummed(story: Story, market: Market, name: str) -> str:
    from eth_utils.address import to_checksum_address

    return to_checksum_address(market.actors[name].address)


def test_round__ends__with_a_linked_block(played: Played) -> None:
    """The header's hash, computed here, is the contract's head, and the winner is paid."""
    (final,) = played.story.of(events.RoundFinalized)
    assert final.outcome is Outcome.BLOCK
    assert Hub(played.chain).head() == played.block.head
    winner = played.block.header.miner
    kinds = {paid.kind.name for paid in played.story.of(events.Paid) if same_address(paid.account, winner)}
    assert {"WINNER", "EMISSION"} <= kinds


def test_miner__killed_between_commit_and_claim__finishes_after_its_restart(played: Played) -> None:
    """The new process claims what the dead one committed to, and shows its key."""
    killed = played.address("killed")
    claims = [claim for claim in played.story.of(events.ModelClaimed) if same_address(claim.miner, killed)]
    assert len(claims) == 1
    assert claims[0].block_number >= played.killed_in
    commits = [commit for commit in played.story.of(events.ModelCommitted) if same_address(commit.miner, killed)]
    assert len(commits) == 1
    assert any(same_address(shown.miner, killed) for shown in played.story.of(events.ModelKeyShown))


def test_validators__claim_is_wrong__vote_what_they_measured(played: Played) -> None:
    """Nobody echoes: every vote on the liar's model is the same number, and another than it claims."""
    listed = played.story.listed(played.block.header.round_id)
    places = {claim.miner: place for place, claim in enumerate(listed)}
    liar = next(claim for claim in listed if same_address(claim.miner, played.address("liar")))
    votes = played.story.of(events.VoteRevealed)
    assert len(votes) == 3
    (measured,) = {unpack(vote.word)[0][places[liar.miner]].score for vote in votes}
    assert abs(liar.score - measured) == BOAST
    for claim in listed:
        if claim is not liar:
            assert {unpack(vote.word)[0][places[claim.miner]].score for vote in votes} == {claim.score}


def test_validators__honest_models__raise_no_flag(played: Played) -> None:
    """Three networks trained on the same data in the same round are not taken for copies of one another."""
    for vote in played.story.of(events.VoteRevealed):
        candidates, task_flags = unpack(vote.word)
        assert not task_flags
        assert {candidate.flags for candidate in candidates} == {CandidateFlag.NONE}


def test_requester__after_the_block__has_the_model(played: Played) -> None:
    """The downloaded file scores on the test set what the block says."""
    folder = played.market.folder / "requester" / "task"
    with np.load(folder / "test.npz", allow_pickle=False) as data:
        test = Dataset(data["x"], data["y"])
    found = proof.model_is_good(folder / "model", folder / "task.yaml", test, played.block, tolerance=0)
    assert found.correct == played.block.header.score


def test_programs__in_one_market__share_no_repository(played: Played) -> None:
    """A node that never held the manifest gets it over the network."""
    assert proof.content_travels(Path(played.market.folder), played.market.peer, played.story, 1).startswith("Qm")


def test_money__after_the_round__adds_up(played: Played) -> None:
    """The hub holds exactly what its accounts own: nothing is stuck in the round."""
    hub = Hub(played.chain)
    accounts = [hub.account(actor.address) for actor in played.market.actors.values()]
    owned = sum(account.credit + account.stake for account in accounts)
    assert Token(played.chain).balance_of(hub.address) == owned
