"""From where on two aligned networks count as related, for each architecture.

Set by `python -m benchmarks.calibration`, whose output is docs/calibration.json: ten standard deviations above
the mean of independent networks, in steps of 0.05, and never below what other data may bring by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.ml.channels import Network


@dataclass(frozen=True)
class Thresholds:
    """Attributes:
    cosine: of the most alike large tensor.
    match: share of channels that keep their partner.
    """

    cosine: float
    match: float


USUAL = Thresholds(cosine=0.45, match=0.50)
OF_ARCHITECTURE: dict[str, Thresholds] = {}


def thresholds(model: Network) -> Thresholds:
    """Those of a network's architecture."""
    return OF_ARCHITECTURE.get(model.name, USUAL)
