"""Whether the test set can be opened and scored while claiming lasts.

Who commits and does not claim is slashed, and a requester who makes that happen to everybody gets fee and bond back. So
the device is measured before the first epoch and again before the commit, and a task that takes too long gets neither.
"""

from __future__ import annotations

import time

import torch

from dlbc.manifest import Manifest
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import BATCH, predict

SLICE = 16 * BATCH  # samples between two looks at the clock; whole batches, so that scores are the validators'
SHARE_TO_TRAIN = 0.4  # of the claim phase that may be needed when a round is taken ...
SHARE_TO_COMMIT = 0.6  # ... and when stake is to be locked: what else runs on the machine has changed meanwhile
LEAF_SECONDS = 4e-5  # hashing one sample of the test set
PLAIN_BYTES_PER_SECOND = 2e7  # decrypting, hashing and checking, on a slow machine


class OutOfTime(Exception):
    """The claim has to leave before everything is counted.

    Attributes:
        correct: counted so far: the committee will not find fewer.
    """

    def __init__(self, message: str, correct: int = 0) -> None:
        super().__init__(message)
        self.correct = correct


def scoring_seconds(model: Network, data: Dataset, manifest: Manifest, device: torch.device) -> float:
    """Seconds to open and score the test set, from one batch of training data."""
    sample = data.x[:BATCH]
    predict(model, sample, device)  # the first batch of a process is far slower
    began = time.monotonic()
    predict(model, sample, device)
    per_sample = (time.monotonic() - began) / max(1, len(sample))
    test = manifest.data.test
    return test.samples * (LEAF_SECONDS + per_sample) + test.plain_bytes / PLAIN_BYTES_PER_SECOND


def too_slow(seconds: float, claim_secs: int, share: float, samples: int) -> str:
    """Why the test set cannot be scored in time, "" if it can."""
    allowed = share * claim_secs
    if seconds <= allowed:
        return ""
    return (
        f"opening and scoring {samples:,} test samples takes about {seconds:.0f} s on this device, claiming lasts "
        f"{claim_secs} s and leaves {allowed:.0f} s for it: a commit could not be claimed, and would be slashed"
    )


def count_correct(model: Network, data: Dataset, device: torch.device, until: float) -> int:
    """Correct predictions, by the validators' exact scorer.

    Args:
        until: on the local monotonic clock.

    Raises:
        OutOfTime: it is over.
    """
    correct = 0
    for begin in range(0, len(data), SLICE):
        if time.monotonic() >= until:
            scored = f"only {begin:,} of {len(data):,} test samples were scored when the time was over"
            raise OutOfTime(scored, correct)
        piece = slice(begin, begin + SLICE)
        correct += int((predict(model, data.x[piece], device) == data.y[piece]).sum())
    return correct
