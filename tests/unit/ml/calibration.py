"""Honest miners and a thief on the 8x8 digits that ship with scikit-learn, for the tests of this folder."""

from __future__ import annotations

from benchmarks.embedding import digest, digits
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.models import build, initialise
from dlbc.ml.training import Settings, train
from dlbc.ml.watermark import Key, embed, keygen, private_key_count, private_keys

__all__ = ["digest", "digits", "mine", "tuned"]


def mine(
    architecture: dict[str, object], name: str, data: Dataset, epochs: int
) -> tuple[Network, Key, tuple[Key, ...]]:
    """What an honest miner called `name` submits."""
    seed = digest(name)
    model = build(architecture, data.sample_shape, 10)
    initialise(model, seed)
    public = keygen(seed)
    private = private_keys(digest(f"{name}'s secret"), seed, private_key_count(model.carrier_size()))
    train(model, data, seed=seed, epochs=epochs, mark=lambda m: embed(m, (public, *private)))
    return model, public, private


def tuned(model: Network, data: Dataset, epochs: int, rate: float) -> None:
    train(model, data, seed=digest("thief"), epochs=epochs, settings=Settings(rate=rate, weight_decay=0.02, pull=0.0))
