"""An honest miner's model with every mark in it: ours, and Uchida's beside it to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.ml.channels import Network
from dlbc.ml.models import build, initialise
from dlbc.ml.training import train
from dlbc.ml.watermark import Key, embed, keygen, private_key_count, private_keys, uchida
from lab.networks import Architecture
from lab.tasks import Task, digest

UCHIDA_EPOCHS = 3  # in which the paper embeds


@dataclass(frozen=True)
class Keys:
    """What an owner can show.

    Attributes:
        public: recomputed by everybody from his seed.
        private: shown one at a time, in disputes; as many as the network carries.
        uchida: None where no layer can carry its message.
    """

    public: Key
    private: tuple[Key, ...]
    uchida: uchida.UchidaKey | None


@dataclass(frozen=True)
class Owner:
    """An honest miner: his model and his keys."""

    model: Network
    keys: Keys


def keys_of(model: Network, seed: bytes, secret: bytes | None) -> Keys:
    """The keys that belong to a seed.

    Args:
        seed: m of the submission, 32 bytes.
        secret: r of the miner, 32 bytes; None for whoever only knows the seed.
    """
    private = () if secret is None else private_keys(secret, seed, private_key_count(model.carrier_size()))
    try:
        message = uchida.keygen(model, seed)
    except ValueError:  # no layer is wide enough
        message = None
    return Keys(keygen(seed), private, message)


def seed_of(number: int) -> bytes:
    """m of the laboratory's owner with that number."""
    return digest(f"owner {number}")


def secret_of(number: int) -> bytes:
    """r of the laboratory's owner with that number."""
    return digest(f"secret {number}")


def blank(architecture: Architecture, task: Task, number: int) -> Owner:
    """The owner before his training: the keys, and the start."""
    model = build(architecture, task.train.sample_shape, task.classes)
    initialise(model, seed_of(number))
    return Owner(model, keys_of(model, seed_of(number), secret_of(number)))


def train_owner(architecture: Architecture, task: Task, number: int, epochs: int) -> Owner:
    """Trains as `dlbc-miner` does, in `epochs`; three more, before the last phase, embed Uchida's bits."""
    owner = blank(architecture, task, number)

    def mark(network: Network) -> None:
        if owner.keys.uchida is not None:
            uchida.embed(network, task.train, owner.keys.uchida, UCHIDA_EPOCHS, digest(f"uchida {number}"))
        embed(network, (owner.keys.public, *owner.keys.private))

    train(owner.model, task.train, seed=seed_of(number), epochs=epochs, mark=mark)
    return owner
