"""What the actors of a round send, with contents that stand for models, keys and evaluations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from benchmarks.hub_on_anvil import UNIT, Actor, Market
from dlbc.chain.contracts import Call, Committee, Hub
from dlbc.errors import ChainError
from dlbc.types import ZERO_BYTES32, ModelClaim, ModelCommitment, Outcome, TaskSpec, Vote
from dlbc.wire.derivation import key_hash
from dlbc.wire.typed_data import Domain, commit_digest, commitment_hash, sign_claim, spec_hash

SAMPLES = 360
MIN_SCORE = 324


def digest(what: str, *numbers: object) -> bytes:
    """32 bytes that stand for a hash, a key or a salt."""
    return hashlib.sha256(repr((what, *numbers)).encode()).digest()


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
        min_score=MIN_SCORE,
        tol=4,
        tie_tol=2,
        modes=0,
        train_secs=60,
        prove_secs=0,
        fee=fee,
        bond=bond,
        nonce=nonce,
    )


def reveal_key(hub: Hub, round_id: int, spec: TaskSpec) -> Call:
    """The test key of a task made by `template`."""
    return hub.reveal_key(round_id, spec, digest("test key", spec.nonce))


def commitment_of(round_id: int, anchor: bytes, spec: TaskSpec, miner: Actor) -> ModelCommitment:
    """A miner's model in a round."""
    return ModelCommitment(
        round_id=round_id,
        anchor=anchor,
        spec_hash=spec_hash(spec),
        model_hash=digest("model", round_id, miner.address),
        artifact=digest("ciphertext", round_id, miner.address),
        artifact_bytes=312_100,
        key_hash=key_hash(_model_key(round_id, miner.address)),
        watermark=digest("watermark", round_id, miner.address),
        trajectory=ZERO_BYTES32,
        parent=ZERO_BYTES32,
        payload_root=ZERO_BYTES32,
        miner=miner.address,
        salt=digest("salt", round_id, miner.address),
    )


def commit_model(hub: Hub, commitment: ModelCommitment) -> Call:
    """What its miner sends before the deadline."""
    return hub.commit_model(
        commitment.round_id,
        commitment.miner,
        commit_digest(commitment),
        commitment.artifact,
        commitment.artifact_bytes,
        commitment.anchor,
        commitment.spec_hash,
    )


def claim_model(market: Market, commitment: ModelCommitment, score: int, spec: TaskSpec, miner: Actor) -> Call:
    """His claim, signed."""
    domain = Domain(market.chain.deployment.chain_id, market.hub.address)
    signature = sign_claim(domain, ModelClaim(commitment, score), miner.key)
    return market.hub.claim_model(commitment, score, spec, signature)


def show_key(hub: Hub, commitment: ModelCommitment) -> Call:
    """The key of a model made by `commitment_of`."""
    return hub.show_key(commitment, _model_key(commitment.round_id, commitment.miner))


def votes_of(committee: Committee, round_id: int, word: int) -> list[Vote]:
    """The same word from every member of a committee, by position."""
    return [
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


def finalize(hub: Hub, round_id: int, spec: TaskSpec, commitments: Sequence[ModelCommitment]) -> Call:
    """The call that ends a round with a block.

    Args:
        commitments: the winner's among them.

    Raises:
        ChainError: it would end otherwise.
    """
    preview = hub.preview(round_id, spec)
    if preview.outcome is not Outcome.BLOCK:
        raise ChainError(f"round {round_id} would end with {preview.outcome!r}")
    winner = next(found for found in commitments if commitment_hash(found) == preview.commitment_hash)
    return hub.finalize(round_id, spec, winner)


def _model_key(round_id: int, miner: str) -> bytes:
    return digest("model key", round_id, miner)
