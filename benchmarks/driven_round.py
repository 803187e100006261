"""Whole rounds against the contracts, every transaction sent by us and the clock moved between them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.hub_on_anvil import Actor, Market
from benchmarks.round_calls import (
    MIN_SCORE,
    SAMPLES,
    claim_model,
    commit_model,
    commitment_of,
    finalize,
    reveal_key,
    show_key,
    template,
    votes_of,
)
from dlbc.types import ModelCommitment, Phase, TaskSpec
from dlbc.wire.typed_data import vote_hash
from dlbc.wire.vote_word import CandidateFlag, CandidateVote, pack

SEAL_BLOCKS = 3  # the seed is the hash of a block two ahead, to be known one later


@dataclass(frozen=True)
class Troubles:
    """What goes wrong in a round.

    Attributes:
        withheld: a listed candidate does not show his key.
        invalid: the committee finds a model invalid.
        absent: a validator does not reveal his vote.
    """

    withheld: bool = False
    invalid: bool = False
    absent: bool = False


HARMONY = Troubles()


def make_spec(market: Market, requester: Actor, nonce: int) -> TaskSpec:
    """A task with fee and bond twice what is asked for now."""
    floors = market.hub.floors(template(requester, nonce))
    return template(requester, nonce, 2 * floors.fee, 2 * floors.bond)


def play(
    market: Market,
    requester: Actor,
    miners: Sequence[Actor],
    validators: Sequence[Actor],
    nonce: int,
    troubles: Troubles = HARMONY,
) -> None:
    """One round from submission to the released locks; ends with a block.

    Args:
        validators: all who have a seat; the committee is drawn among them.
        nonce: another one for each round of a market.

    Raises:
        ChainError: it did not end with a block.
    """
    dice = random.Random(nonce)  # noqa: S311  # scores and order, the same in every run
    hub, committee = market.hub, market.committee
    spec = make_spec(market, requester, nonce)
    market.send(requester.address, hub.submit_task(spec))
    market.send(validators[0].address, hub.open_round(0))
    round_id = hub.round_in_slot(0)
    facts = hub.round(round_id)
    market.pass_time(facts.commit_start)
    commitments = [commitment_of(round_id, facts.anchor, spec, miner) for miner in miners]
    for commitment in commitments:
        market.send(commitment.miner, commit_model(hub, commitment))
    market.pass_time(facts.key_from)
    market.send(requester.address, reveal_key(hub, round_id, spec))
    scores = [dice.randrange(MIN_SCORE + 1, SAMPLES) for _ in miners]
    for miner, commitment, score in dice.sample(list(zip(miners, commitments, scores, strict=True)), k=len(miners)):
        market.send(miner.address, claim_model(market, commitment, score, spec, miner))
    _show(market, round_id, commitments, troubles)
    market.send(validators[0].address, committee.draw(round_id), "draw: seal")
    market.pass_blocks(SEAL_BLOCKS)
    market.send(validators[0].address, committee.draw(round_id), "draw: pick")
    _vote(market, round_id, troubles)
    market.send(validators[0].address, finalize(hub, round_id, spec, commitments))
    market.send(validators[0].address, hub.release_locks(round_id, [miner.address for miner in miners]))


def _show(market: Market, round_id: int, commitments: Sequence[ModelCommitment], troubles: Troubles) -> None:
    hub = market.hub
    if hub.phase(round_id).current is Phase.CLAIM:
        market.pass_time(hub.round(round_id).claim_end)
    listed = [candidate.miner for candidate in hub.candidates(round_id)]
    silent = listed[-1] if troubles.withheld else None
    for commitment in commitments:
        if commitment.miner in listed and commitment.miner != silent:
            market.send(commitment.miner, show_key(hub, commitment))
    if silent is not None:
        market.pass_time(hub.round(round_id).show_end)


def _vote(market: Market, round_id: int, troubles: Troubles) -> None:
    committee = market.committee
    candidates = [CandidateVote(candidate.score) for candidate in market.hub.candidates(round_id)]
    if troubles.invalid:
        candidates[0] = CandidateVote(0, CandidateFlag.INVALID)
    votes = votes_of(committee, round_id, pack(candidates))
    for vote in votes:
        market.send(vote.validator, committee.commit_vote(round_id, vote.pos, vote_hash(vote)))
    for vote in votes[: -1 if troubles.absent else None]:
        market.send(vote.validator, committee.reveal_vote(vote))
    if troubles.absent:
        market.pass_time(committee.ballot(round_id).reveal_end)
