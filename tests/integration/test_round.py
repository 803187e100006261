"""Whole rounds on a real chain, real IPFS nodes and real training.

Four miners and three validators run as processes of their own commands. In the first round one miner is killed with -9
after its commit and started again, another claims another score than its model has, one miner and one validator work
with an operator's key, a vote is challenged, and the result is appealed against. In the second round over-claimers fill
the list.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from eth_utils.address import to_checksum_address
from rich.console import Console

from dlbc import keystore
from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Committee, Hub, Token
from dlbc.chain.deployment import load_deployment
from dlbc.funds import UNIT
from dlbc.ipfs.embedded import embedded_node
from dlbc.ml.data import Dataset
from dlbc.types import EpochCause, Outcome, Payment, Phase, Reason, same_address
from dlbc.wire.vote_word import CandidateFlag, unpack
from scripts.demo import proof
from scripts.demo.market import FAST_SCRYPT, Actor, Market
from scripts.demo.story import Story
from tests.integration.crowd import Crowd
from tests.integration.hand import Hand
from tests.integration.liar import BOAST
from tests.integration.playing import (
    APPEAL_SECONDS,
    ROUND_SECONDS,
    profile_with_appeals,
    skip_appeal,
    submit,
    votes,
    wait_until_running,
)

TRAIN_SECONDS = 20
CROWDED_SECONDS = 35  # a slow machine has seen in the first round what a commit costs, and keeps that much back
APPEAL_BOND = 15 * UNIT
NETWORK = {"name": "lenet", "width": 32}
MINE = ("dlbc-miner", "start", "--device", "cpu", "--threads", "1")
MINERS = ("honest", "killed", "liar", "hot-miner")
SEATED = ("validator-1", "validator-2")
SEATS = 5  # three of them are cold-seats'


@dataclass(frozen=True)
class Played:
    """The first round.

    Attributes:
        killed_in: EVM block in which the miner was dead.
        challenged: the position whose vote was challenged.
        crowd: who takes part in the second round.
    """

    market: Market
    story: Story
    chain: Chain
    block: events.BlockAppended
    killed_in: int
    challenged: int
    crowd: Crowd

    def address(self, name: str) -> str:
        return self.market.actors[name].address

    def paid(self, kind: Payment, name: str, round_id: int = 1) -> int:
        return sum(
            paid.amount
            for paid in self.story.of(events.Paid, round_id=round_id)
            if paid.kind is kind and same_address(paid.account, self.address(name))
        )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One round, from `dlbc-request submit` to the model on the requester's disk, through a challenge and an appeal."""
    folder = tmp_path_factory.mktemp("round")
    with Market(folder / "market") as market:
        market.start_chain()
        market.start_meeting_point()
        enrol(market, "requester", ["requester"])
        enrol(market, "validator", ["watcher", *SEATED, "cold-seats", "hot-seats"])
        enrol(market, "miner", [*MINERS, "cold-miner"])
        crowd = Crowd.assemble(market)
        market.deploy(str(profile_with_appeals(folder)))
        chain = Chain([market.rpc_url], load_deployment(next(market.deployments.glob("*.json"))))
        for name in SEATED:
            market.start(name, "dlbc-validator", "start")
        for name in ("honest", "killed"):
            market.start(name, *MINE, "--auto-stake", "50")
        market.start("liar", "python", "-m", "tests.integration.liar")
        hire(market, chain)
        market.start("hot-seats", "dlbc-validator", "start", "--account", market.actors["cold-seats"].address)
        market.start("hot-miner", *MINE, "--account", market.actors["cold-miner"].address)
        watcher = Hand.of(market, chain, "watcher")
        for call in watcher.funding(2 * APPEAL_BOND):
            watcher.send(call)
        with Story(market, chain, Console(quiet=True)) as story:
            wait_until_running(story, (*SEATED, "hot-seats", *MINERS), SEATS, ROUND_SECONDS)
            submit(market, 1, TRAIN_SECONDS)
            story.until(events.ModelCommitted, ROUND_SECONDS, miner=_checksummed(market, "killed"))
            killed_in = kill_and_restart(market, chain)

            votes(story, 3)
            position = challengeable(story, market)
            market.run_once("watcher", "dlbc-validator", "challenge", "1", str(position))
            story.until(events.LeafOpened, APPEAL_SECONDS, round_id=1)
            (task,) = story.of(events.TaskSubmitted)
            watcher.send(watcher.hub.appeal(1, task.spec))
            votes(story, 3 + SEATS)
            skip_appeal(market)

            story.until(events.RoundFinalized, ROUND_SECONDS)
            market.wait_for("requester", 60)
            story.step()
            (block,) = [block for block in story.of(events.BlockAppended) if block.height]
            yield Played(market, story, chain, block, killed_in, position, crowd)


def enrol(market: Market, role: str, names: list[str]) -> None:
    """Makes keys without a process for each."""
    password = (market.folder / "password").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLBC_SCRYPT_N", FAST_SCRYPT)
        for name in names:
            made = keystore.create(market.folder / name, name, password)
            market.actors[name] = Actor(name, role, made.address, market.folder / name)


def hire(market: Market, chain: Chain) -> None:
    """Two accounts whose keys stay in a drawer: others' keys mine and validate for them."""
    miner, owner = (Hand.of(market, chain, name) for name in ("cold-miner", "cold-seats"))
    for call in miner.funding(0, 30 * UNIT):
        miner.send(call)
    market.run_once("cold-miner", "dlbc-miner", "operator", "set", market.actors["hot-miner"].address)
    market.run_once("cold-seats", "dlbc-validator", "join")
    for call in (*owner.funding(0, 100 * UNIT), *[Committee(chain).join_seat()] * 2):
        owner.send(call)
    market.run_once("cold-seats", "dlbc-validator", "operator", "set", market.actors["hot-seats"].address)


def kill_and_restart(market: Market, chain: Chain) -> int:
    victim = market.actors["killed"]
    assert victim.process is not None
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait()
    killed_in = chain.head().number
    market.start("killed", *MINE, "--auto-stake", "50")
    return killed_in


def challengeable(story: Story, market: Market) -> int:
    """A position that is served by an operator, if one was drawn: he must be able to answer too."""
    owners = story.of(events.CommitteeDrawn)[-1].owners
    cold = market.actors["cold-seats"].address
    return next((position for position, owner in enumerate(owners) if same_address(owner, cold)), 0)


def _checksummed(market: Market, name: str) -> str:
    return str(to_checksum_address(market.actors[name].address))


def test_round__ends__with_a_linked_block(played: Played) -> None:
    """The header's hash, computed here, is the contract's head, and the winner is paid."""
    (final,) = played.story.of(events.RoundFinalized, round_id=1)
    assert final.outcome is Outcome.BLOCK
    assert Hub(played.chain).at(final.block_number).head() == played.block.head
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
    """Nobody echoes: every vote on the liar's model is the same number, in both epochs, and another than it claims."""
    listed = played.story.listed(played.block.header.round_id)
    places = {claim.miner: place for place, claim in enumerate(listed)}
    liar = next(claim for claim in listed if same_address(claim.miner, played.address("liar")))
    votes = played.story.of(events.VoteRevealed, round_id=1)
    assert len(votes) == 3 + SEATS
    (measured,) = {unpack(vote.word)[0][places[liar.miner]].score for vote in votes}
    assert abs(liar.score - measured) == BOAST
    for claim in listed:
        if claim is not liar:
            assert {unpack(vote.word)[0][places[claim.miner]].score for vote in votes} == {claim.score}


def test_validators__honest_models__raise_no_flag(played: Played) -> None:
    """Three networks trained on the same data in the same round are not taken for copies of one another."""
    for vote in played.story.of(events.VoteRevealed, round_id=1):
        candidates, task_flags = unpack(vote.word)
        assert not task_flags
        assert {candidate.flags for candidate in candidates} == {CandidateFlag.NONE}


def test_requester__after_the_block__has_the_model(played: Played) -> None:
    """The downloaded file scores on the test set what the block says."""
    folder = played.market.folder / "requester" / "task-1"
    with np.load(folder / "test.npz", allow_pickle=False) as data:
        test = Dataset(data["x"], data["y"])
    found = proof.model_is_good(folder / "model", folder / "task.yaml", test, played.block, tolerance=0)
    assert found.correct == played.block.header.score


def test_programs__in_one_market__share_no_repository(played: Played) -> None:
    """A node that never held the manifest gets it over the network."""
    assert proof.content_travels(Path(played.market.folder), played.market.peer, played.story, 1).startswith("Qm")


def test_operators__miner_and_validator__worked_for_accounts_whose_keys_did_nothing(played: Played) -> None:
    """The account commits, claims, votes and is paid; its operator only gets the tips for chores."""
    cold, seats = played.address("cold-miner"), played.address("cold-seats")
    (claim,) = [c for c in played.story.of(events.ModelClaimed, round_id=1) if same_address(c.miner, cold)]
    assert claim.listed
    votes = [vote for vote in played.story.of(events.VoteRevealed, round_id=1) if same_address(vote.validator, seats)]
    assert len([vote for vote in votes if vote.epoch == 1]) == 3, "one for each seat"
    assert played.paid(Payment.VALIDATOR, "cold-seats") > 0
    assert played.paid(Payment.VALIDATOR, "hot-seats") == played.paid(Payment.WINNER, "hot-miner") == 0


def test_validator__vote_is_challenged__opens_the_leaf_and_gets_the_bond(played: Played) -> None:
    """The program answers by itself, with a prediction that lies below the vote's root."""
    (challenged,) = played.story.of(events.VoteChallenged)
    (opened,) = played.story.of(events.LeafOpened)
    assert (opened.epoch, opened.pos) == (0, challenged.pos) == (0, played.challenged)
    assert 0 <= opened.leaf.prediction < 10
    bonds = [paid for paid in played.story.of(events.Paid, round_id=1) if paid.kind is Payment.CHALLENGE_BOND]
    assert [(paid.account, paid.amount) for paid in bonds] == [(opened.validator, APPEAL_BOND // 3)]


def test_appeal__larger_committee_agrees__bond_goes_to_those_who_judged_again(played: Played) -> None:
    """All five seats judge; nobody is slashed for the first judgement."""
    first, second = played.story.of(events.CommitteeDrawn, round_id=1)
    assert (len(first.owners), len(second.owners)) == (3, SEATS)
    (ended,) = played.story.of(events.EpochEnded, round_id=1)
    assert (ended.epoch, ended.cause) == (0, EpochCause.APPEAL)
    bonds = [paid for paid in played.story.of(events.Paid, round_id=1) if paid.kind is Payment.APPEAL_BOND]
    assert {paid.account for paid in bonds} == set(second.owners)
    assert sum(paid.amount for paid in bonds) == APPEAL_BOND // SEATS * SEATS
    assert played.story.of(events.Slashed, round_id=1) == []


@pytest.fixture(scope="module")
def crowded(played: Played) -> events.BlockAppended:
    """A second round, whose list six over-claimers fill before anybody else has a place."""
    market, chain, story = played.market, played.chain, played.story
    crowd = played.crowd
    crowd.enter(chain, 10 * UNIT)
    submit(market, 2, CROWDED_SECONDS)
    opened = story.until(events.RoundOpened, ROUND_SECONDS, round_id=2)
    (task,) = story.of(events.TaskSubmitted, task_id=opened.task_id)
    with embedded_node(market.folder / "crowd-ipfs", peers=[market.peer]) as node:
        while chain.head().timestamp < opened.commit_start:
            time.sleep(0.2)
        crowd.commit(chain, market.folder, node, opened, NETWORK)
        story.until(events.TestKeyRevealed, ROUND_SECONDS, round_id=2)
        crowd.claim(chain, task.spec)
        while Hub(chain).phase(2).current < Phase.SHOW:
            time.sleep(0.2)
        crowd.show()
        votes(story, 3 + SEATS + 3)
        skip_appeal(market)
        votes(story, 3 + SEATS + 3 + 3)
        skip_appeal(market)
        story.until(events.RoundFinalized, ROUND_SECONDS, round_id=2)
    market.wait_for("requester", 60)
    story.step()
    return next(block for block in story.of(events.BlockAppended) if block.header.round_id == 2)  # type: ignore[no-any-return]


def test_excluded__over_claimers_filled_the_list__honest_miners_enter_and_win(
    played: Played, crowded: events.BlockAppended
) -> None:
    """Nobody who trained was listed; the lies are found, cost a whole stake each, and the places become free."""
    story = played.story
    strangers = {actor.address.lower() for actor in played.crowd.actors}
    listed = {claim.miner.lower() for claim in story.of(events.ModelClaimed, round_id=2) if claim.listed}
    assert strangers <= listed
    (ended,) = story.of(events.EpochEnded, round_id=2)
    assert ended.cause is EpochCause.EXCLUDED
    assert {gone.miner.lower() for gone in story.of(events.CandidateRemoved, round_id=2)} == strangers
    slashed = [slash for slash in story.of(events.Slashed, round_id=2) if slash.reason is Reason.OVERCLAIMED]
    assert {slash.account.lower(): slash.amount for slash in slashed} == dict.fromkeys(strangers, 10 * UNIT)
    entered = {event.miner.lower() for event in story.of(events.ClaimEnlisted, round_id=2)}
    claimed = {claim.miner.lower() for claim in story.of(events.ModelClaimed, round_id=2)}
    assert entered == claimed - strangers, "on a slow machine not every miner commits in time"
    # the liar trained too, and claims less than it has where there is no more to claim: then it may win
    assert crowded.header.miner.lower() in entered


def test_excluded__validators_of_both_epochs__are_paid(played: Played, crowded: events.BlockAppended) -> None:
    """Half of their share goes to those who found out the lies."""
    paid = [p for p in played.story.of(events.Paid, round_id=2) if p.kind is Payment.VALIDATOR]
    assert len(paid) == 6
    assert crowded.header.round_id == 2


def test_money__after_all_rounds__adds_up(played: Played, crowded: events.BlockAppended) -> None:
    """The hub holds exactly what its accounts own: nothing is stuck in a round."""
    hub = Hub(played.chain)
    accounts = [hub.account(actor.address) for actor in played.market.actors.values()]
    owned = sum(account.credit + account.stake for account in accounts)
    assert Token(played.chain).balance_of(hub.address) == owned
    assert hub.head() == crowded.head
