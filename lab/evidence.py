"""What still speaks for the owner once a thief was at his model, measured as validators measure it."""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.ml.attacks import attack
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import extract, lineage, uchida
from dlbc.ml.watermark.mark import PRESENT
from dlbc.ml.watermark.thresholds import thresholds
from lab.owner import Keys

DISGUISE = "permute+rotate"  # costs a thief nothing, so every thief does it


@dataclass(frozen=True)
class Evidence:
    """What is found.

    Attributes:
        accuracy: on the test set, 0 … 1.
        z_public: of the owner's public key, after alignment; None where no seed is known.
        z_private: the largest of his private keys, one of which wins a dispute from 8 on; None where there are none.
        uchida_published: wrong bits of 64 as its authors read them, before the thief disguises the model.
        uchida_aligned: wrong bits after disguise and alignment.
        cosine: of lineage, aligned.
        match: of lineage.
        core: of lineage: the cosine of the parts most alike.
        related: one of the three reaches the threshold of validators, who then flag LINEAGE.
        share: the largest of cosine, match and core, each as a part of its threshold; related from 1 on.
    """

    accuracy: float
    z_public: float | None
    z_private: float | None
    uchida_published: int | None
    uchida_aligned: int | None
    cosine: float
    match: float
    core: float
    related: bool
    share: float

    @property
    def claimable(self) -> bool:
        """Whether the owner can prove his right in a dispute."""
        return self.z_private is not None and self.z_private >= PRESENT


def examine(
    subject: Network, original: Network, keys: Keys | None, test: Dataset, probes: Array, disguise: bytes
) -> Evidence:
    """Disguises what a thief made of `original` and looks for traces of the owner.

    Args:
        keys: the owner's; None where nobody knows them.
        disguise: seed of the last reordering and rotation; 32 bytes.

    Raises:
        ValueError: the networks are of different architectures.
        InvalidArtifact: one of them holds NaN or infinity.
    """
    hidden = attack(DISGUISE, subject, test, 0, disguise)
    found, limit = lineage(hidden, original, probes), thresholds(original)
    message = None if keys is None else keys.uchida
    private = [] if keys is None else [extract(hidden, key, original, probes) for key in keys.private]
    return Evidence(
        accuracy=score(hidden, test).correct / len(test),
        z_public=None if keys is None else extract(hidden, keys.public, original, probes),
        z_private=max(private, default=None),
        uchida_published=None if message is None else uchida.wrong_bits(subject, message),
        uchida_aligned=None if message is None else uchida.wrong_bits(hidden, message, original, probes),
        cosine=found.cosine,
        match=found.match,
        core=found.core,
        related=found.related,
        share=max(found.cosine / limit.cosine, found.match / limit.match, found.core / limit.core),
    )
