"""The thresholds keep the distance to honest networks that they promise, in what the calibration wrote down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlbc.ml.models import NAMES
from dlbc.ml.watermark.thresholds import OF_ARCHITECTURE, USUAL

CALIBRATED = json.loads((Path(__file__).parents[3] / "docs" / "calibration.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("network", CALIBRATED)
def test_thresholds__calibrated_network__far_above_independent_pairs(network: str) -> None:
    measured = CALIBRATED[network]
    limit = OF_ARCHITECTURE.get(measured["architecture"]["name"], USUAL)
    for found, threshold in (("cosine", limit.cosine), ("match", limit.match), ("core", limit.core)):
        independent = measured["independent"][found]
        assert threshold >= independent["mean"] + 5 * independent["sd"]
        assert threshold >= independent["most"] + 0.1


@pytest.mark.parametrize("network", CALIBRATED)
def test_thresholds__calibrated_network__thefts_that_keep_accuracy_flagged(network: str) -> None:
    """But for those that leave nothing of the weights: the design says so, and a trajectory answers them."""
    measured = CALIBRATED[network]
    useful = measured["accuracy"]["mean"] - 2
    missed = {
        name for name, theft in measured["thefts"].items() if not theft["flagged"] and theft["accuracy"] >= useful
    }
    assert missed <= {"merge", "retrain", "distil"}


def test_thresholds__every_architecture__calibrated() -> None:
    assert {measured["architecture"]["name"] for measured in CALIBRATED.values()} == set(NAMES)
