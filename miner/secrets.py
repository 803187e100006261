"""The miner's seed and secrets of one round, all computed: a lost disk takes none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbc.ml.channels import Network
from dlbc.ml.watermark import Key, keygen, private_key_count, private_keys
from dlbc.ml.watermark.keys import MAX_PRIVATE_KEYS
from dlbc.wire import derivation, merkle

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.types import ModelCommitment


@dataclass(frozen=True)
class Secrets:
    """Attributes:
    seed: m, public once the round is open: network start, data order, public watermark key.
    model_key: encrypts the model; shown when the model is listed.
    salt: of the commitment.
    """

    seed: bytes
    model_key: bytes
    salt: bytes
    watermark_secret: bytes

    @property
    def public_key(self) -> Key:
        """The watermark key that every validator looks for."""
        return keygen(self.seed)

    def private_keys(self, model: Network) -> tuple[Key, ...]:
        """As many keys of a later dispute as the network can carry."""
        carriers = model.carrier_size()
        return private_keys(self.watermark_secret, self.seed, private_key_count(carriers))

    def watermark_root(self, model: Network) -> bytes:
        """`ModelCommitment.watermark`: Merkle root of the private keys, zero where there are none."""
        return _root(self.private_keys(model))

    def committed_keys(self, root: bytes) -> tuple[Key, ...]:
        """The private keys that a commitment's `watermark` holds, told from it alone: the network that says how many
        there are may be gone. None where the root is zero, or of another key file's.
        """
        for count in range(1, MAX_PRIVATE_KEYS + 1):
            keys = private_keys(self.watermark_secret, self.seed, count)
            if _root(keys) == root:
                return keys
        return ()


def secrets(
    private_key: bytes, chain_id: int, hub: str, *, round_id: int, spec_hash: bytes, miner: str, anchor: bytes
) -> Secrets:
    """All secrets of `miner` in a round."""

    def derive(purpose: str) -> bytes:
        return derivation.derive(private_key, chain_id, hub, round_id, purpose)

    return Secrets(
        seed=derivation.seed(chain_id, hub, spec_hash, round_id, miner, anchor),
        model_key=derive(derivation.MODEL_KEY),
        salt=derive(derivation.COMMIT_SALT),
        watermark_secret=derive(derivation.WATERMARK),
    )


def secrets_of(context: Context, commitment: ModelCommitment) -> Secrets:
    """Those of a submission of one's own, however long ago: its commitment names all that they depend on."""
    deployment = context.chain.deployment
    return secrets(
        bytes(context.signer.key),
        deployment.chain_id,
        deployment.hub,
        round_id=commitment.round_id,
        spec_hash=commitment.spec_hash,
        miner=commitment.miner,
        anchor=commitment.anchor,
    )


def _root(keys: tuple[Key, ...]) -> bytes:
    return merkle.root([key.leaf for key in keys])
