"""Six accounts that commit to untrained networks, claim every point there is, and so fill the list of a round."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from dlbc.artifact import encrypt_file, sha256_file
from dlbc.chain.client import Chain
from dlbc.chain.events import RoundOpened
from dlbc.ipfs.client import IPFS
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.types import ZERO_BYTES32, ModelClaim, ModelCommitment, TaskSpec
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import Domain, commit_digest, sign_claim
from dlbc.wire.vote_word import MAX_CANDIDATES
from scripts.demo.market import Actor, Market
from tests.integration.hand import Hand, all_send

MODEL_KEY = b"c" * 32


class Crowd:
    """The accounts, and what each committed to."""

    def __init__(self, keys: Sequence[LocalAccount], actors: Sequence[Actor]) -> None:
        self.keys, self.actors = keys, actors
        self.hands: list[Hand] = []
        self.commitments: dict[str, ModelCommitment] = {}

    @classmethod
    def assemble(cls, market: Market) -> Crowd:
        """Makes the accounts, among the market's actors, so that they are funded with all others."""
        keys: list[LocalAccount] = [Account.create() for _ in range(MAX_CANDIDATES)]
        actors = [
            Actor(f"crowd-{number}", "miner", str(key.address), market.folder / f"crowd-{number}")
            for number, key in enumerate(keys)
        ]
        market.actors.update({actor.name: actor for actor in actors})
        return cls(keys, actors)

    def enter(self, chain: Chain, stake: int) -> None:
        """Gives each the stake of one commit."""
        self.hands = [Hand(chain, key) for key in self.keys]
        for calls in zip(*(hand.funding(0, stake) for hand in self.hands), strict=True):
            all_send(list(zip(self.hands, calls, strict=True)))

    def commit(self, chain: Chain, folder: Path, ipfs: IPFS, opened: RoundOpened, network: dict[str, object]) -> None:
        """One network for all: it only has to be what was committed to."""
        deployment = chain.deployment
        plain = folder / "crowd.safetensors"
        model = build(network, (1, 8, 8), 10)
        initialise(model, hashlib.sha256(b"crowd").digest())
        save_model(model, plain)
        calls = []
        for hand in self.hands:
            sealed = folder / f"{hand.address}.sealed"
            context = artifact_context(
                deployment.chain_id, deployment.hub, ArtifactKind.MODEL, opened.round_id, hand.address
            )
            encrypt_file(plain, sealed, MODEL_KEY, context)
            added = ipfs.add_file(sealed)
            commitment = ModelCommitment(
                round_id=opened.round_id,
                anchor=opened.anchor,
                spec_hash=opened.spec_hash,
                model_hash=sha256_file(plain),
                artifact=added.digest,
                artifact_bytes=added.size,
                key_hash=key_hash(MODEL_KEY),
                watermark=ZERO_BYTES32,
                trajectory=ZERO_BYTES32,
                parent=ZERO_BYTES32,
                payload_root=ZERO_BYTES32,
                miner=hand.address,
                salt=ZERO_BYTES32,
            )
            self.commitments[hand.address] = commitment
            digest = commit_digest(commitment)
            calls.append(
                hand.hub.commit_model(
                    opened.round_id, hand.address, digest, added.digest, added.size, opened.anchor, opened.spec_hash
                )
            )
        all_send(list(zip(self.hands, calls, strict=True)))

    def claim(self, chain: Chain, spec: TaskSpec) -> None:
        """All points, by each."""
        domain = Domain(chain.deployment.chain_id, chain.deployment.hub)
        calls = []
        for hand in self.hands:
            claim = ModelClaim(self.commitments[hand.address], spec.score_max)
            signature = sign_claim(domain, claim, bytes(hand.key.key))
            calls.append(hand.hub.claim_model(claim.commitment, claim.score, spec, signature))
        all_send(list(zip(self.hands, calls, strict=True)))

    def show(self) -> None:
        """Their keys: a key that is not shown would cost them less, and the judges less work."""
        calls = [hand.hub.show_key(self.commitments[hand.address], MODEL_KEY) for hand in self.hands]
        all_send(list(zip(self.hands, calls, strict=True)))
