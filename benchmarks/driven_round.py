"""Whole rounds against the contracts, every transaction sent by us and the clock moved between them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.hub_on_anvil import UNIT, Actor, Market
from dlbc.errors import ChainError
from dlbc.types import ZERO_BYTES32, ModelClaim, ModelCommitment, Outcome, Phase, TaskSpec, Vote
from dlbc.wire.derivation import key_hash
from dlbc.wire.typed_data import Domain, commit_digest, sign_claim, spec_hash, vote_hash
from dlbc.wire.vote_word import CandidateFlag, CandidateVote, pack

SAMPLES = 360
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


def template(requester: Actor, nonce: int, fee: int = UNIT, bond: int = UNIT) -> TaskSpec:
    """A task like that of examples/digits."""
    return TaskSpec(
        requester=requester.address,
        manifest=digest("manifest", nonce),
        key_hash=key_hash(digest("test key", nonce)),
        flops=1_900_000,
        net_bytes=312_000,
        data_bytes=130_000,
        score_max=SAMPLES,
        min_score=324,
        tol=4,
        tie_tol=2,
        modes=0,
        train_secs=60,
        prove_secs=0,
        fee=fee,
        bond=bond,
        nonce=nonce,
    )


def make_spec(market: Market, requester: Actor, nonce: int) -> TaskSpec:
    """The same, with fee and bond twice what is asked for now."""
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
    commitments = [_commit(market, round_id, facts.anchor, spec, miner) for miner in miners]
    market.pass_time(facts.key_from)
    market.send(requester.address, hub.reveal_key(round_id, spec, digest("test key", nonce)))
    scores = [dice.randrange(325, SAMPLES) for _ in miners]
    domain = Domain(market.chain.deployment.chain_id, hub.address)
    for miner, commitment, score in dice.sample(list(zip(miners, commitments, scores, strict=True)), k=len(miners)):
        signature = sign_claim(domain, ModelClaim(commitment, score), miner.key)
        market.send(miner.address, hub.claim_model(commitment, score, spec, signature))
    _show(market, round_id, miners, commitments, troubles)
    market.send(validators[0].address, committee.draw(round_id), "draw: seal")
    market.pass_blocks(SEAL_BLOCKS)
    market.send(validators[0].address, committee.draw(round_id), "draw: pick")
    _vote(market, round_id, troubles)
    preview = hub.preview(round_id, spec)
    if preview.outcome is not Outcome.BLOCK:
        raise ChainError(f"round {round_id} would end with {preview.outcome!r}")
    winner = next(c for c in commitments if hub.hash_commitment(c) == preview.commitment_hash)
    market.send(validators[0].address, hub.finalize(round_id, spec, winner))
    market.send(validators[0].address, hub.release_locks(round_id, [miner.address for miner in miners]))


def digest(what: str, *numbers: object) -> bytes:
    """32 bytes that stand for a hash, a key or a salt."""
    return hashlib.sha256(repr((what, *numbers)).encode()).digest()


def model_key(round_id: int, miner: str) -> bytes:
    """The key of a miner's model."""
    return digest("model key", round_id, miner)


def _commit(market: Market, round_id: int, anchor: bytes, spec: TaskSpec, miner: Actor) -> ModelCommitment:
    commitment = ModelCommitment(
        round_id=round_id,
        anchor=anchor,
        spec_hash=spec_hash(spec),
        model_hash=digest("model", round_id, miner.address),
        artifact=digest("ciphertext", round_id, miner.address),
        artifact_bytes=312_100,
        key_hash=key_hash(model_key(round_id, miner.address)),
        watermark=digest("watermark", round_id, miner.address),
        trajectory=ZERO_BYTES32,
        parent=ZERO_BYTES32,
        payload_root=ZERO_BYTES32,
        miner=miner.address,
        salt=digest("salt", round_id, miner.address),
    )
    call = market.hub.commit_model(
        round_id,
        miner.address,
        commit_digest(commitment),
        commitment.artifact,
        commitment.artifact_bytes,
        anchor,
        commitment.spec_hash,
    )
    market.send(miner.address, call)
    return commitment


def _show(
    market: Market,
    round_id: int,
    miners: Sequence[Actor],
    commitments: Sequence[ModelCommitment],
    troubles: Troubles,
) -> None:
    hub = market.hub
    if hub.phase(round_id).current is Phase.CLAIM:
        market.pass_time(hub.round(round_id).claim_end)
    listed = [candidate.miner for candidate in hub.candidates(round_id)]
    silent = listed[-1] if troubles.withheld else None
    for miner, commitment in zip(miners, commitments, strict=True):
        if miner.address in listed and miner.address != silent:
            market.send(miner.address, hub.show_key(commitment, model_key(round_id, miner.address)))
    if silent is not None:
        market.pass_time(hub.round(round_id).show_end)


def _vote(market: Market, round_id: int, troubles: Troubles) -> None:
    committee = market.committee
    candidates = [CandidateVote(candidate.score) for candidate in market.hub.candidates(round_id)]
    if troubles.invalid:
        candidates[0] = CandidateVote(0, CandidateFlag.INVALID)
    word = pack(candidates)
    votes = [
        Vote(
            round_id=round_id,
            epoch=0,
            pos=position,
            validator=member.owner,
            word=word,
            eval_root=digest("evaluations", round_id, position),
            salt=digest("vote", round_id, position),
        )
        for position, member in enumerate(committee.members(round_id))
    ]
    for vote in votes:
        market.send(vote.validator, committee.commit_vote(round_id, vote.pos, vote_hash(vote)))
    for vote in votes[: -1 if troubles.absent else None]:
        market.send(vote.validator, committee.reveal_vote(vote))
    if troubles.absent:
        market.pass_time(committee.ballot(round_id).reveal_end)
