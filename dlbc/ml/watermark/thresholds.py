"""From where on two aligned networks count as related, for each architecture.

Set by `python -m benchmarks.calibration`, whose output is docs/calibration.json: at least five standard deviations
above the mean of independent networks, and 0.1 above the largest of them. Two who improve one parent grow alike for as
long as they train (0.81 at eight times its training): `beyond_parent` is near a copy's 1 (docs/decisions/0023).
"""

from __future__ import annotations

from dataclasses import dataclass

from dlbc.ml.channels import Network


@dataclass(frozen=True)
class Thresholds:
    """Attributes:
    cosine: of the most alike large tensor.
    match: share of channels that keep their partner.
    core: of the most alike part of a large tensor.
    beyond_parent: of the most alike large tensor, without what a declared parent explains.
    """

    cosine: float
    match: float
    core: float
    beyond_parent: float = 0.90


USUAL = Thresholds(cosine=0.45, match=0.50, core=0.65)
# A stream that is rotated to fit aligns better by chance (0.37 at width 32 and depth 1), and matches by chance hardly.
OF_ARCHITECTURE = {"transformer": Thresholds(cosine=0.50, match=0.15, core=0.70)}


def thresholds(model: Network) -> Thresholds:
    """Those of a network's architecture."""
    return OF_ARCHITECTURE.get(model.name, USUAL)
