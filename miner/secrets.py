"""The miner's seed and secrets of one round, all computed: a lost disk takes none of them."""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.ml.channels import Network
from dlbc.ml.watermark import Key, keygen, private_key_count, private_keys
from dlbc.wire import derivation, merkle


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
        return merkle.root([key.leaf for key in self.private_keys(model)])


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
