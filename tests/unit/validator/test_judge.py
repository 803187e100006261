"""What a validator says of opened models: measured scores, flags with reasons, and nothing taken from a claim."""

from __future__ import annotations

import copy
import hashlib

import numpy as np
import pytest
import torch

from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.watermark import choose_probes, embed, keygen
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, ModelCommitment
from dlbc.wire.vote_word import CandidateFlag
from validator.judge import Earlier, Finding, Opened, judge

torch.set_num_threads(1)

ALICE, BOB = "0x" + "aa" * 20, "0x" + "bb" * 20


def seed_of(commitment: ModelCommitment) -> bytes:
    """The seed depends on the miner alone here: one round, one anchor."""
    return hashlib.sha256(commitment.miner.lower().encode()).digest()


def commitment(miner: str) -> ModelCommitment:
    return ModelCommitment(
        1, *([ZERO_BYTES32] * 4), 1, *([ZERO_BYTES32] * 5), miner=miner or ZERO_ADDRESS, salt=ZERO_BYTES32
    )


def network(miner: str, *, start: str | None = None, mark: bool = True) -> Network:
    """A network from its miner's start (or `start`'s) that carries his mark. Untrained: provenance needs no skill."""
    model = build({"name": "lenet", "width": 32}, (1, 8, 8), 10)
    initialise(model, seed_of(commitment(start or miner)))
    if mark:
        embed(model, keygen(seed_of(commitment(miner))))
    return model.eval()


@pytest.fixture(scope="module")
def test_set() -> Dataset:
    random = np.random.default_rng(1)
    return Dataset(random.integers(0, 255, (64, 1, 8, 8), dtype=np.uint8), random.integers(0, 10, 64))


def judged(test_set: Dataset, *candidates: Opened, earlier: tuple[Earlier, ...] = ()) -> list[Finding]:
    probes = choose_probes(test_set.x, b"s" * 32)
    return judge(candidates, test_set, probes=probes, earlier=earlier, seed_of=seed_of)


def test_judge__mark_is_absent__flags_the_mark(test_set: Dataset) -> None:
    """A model without its miner's watermark is not his."""
    (finding,) = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE, mark=False)))
    assert finding.vote.flags == CandidateFlag.MARK
    assert "watermark is absent" in finding.reasons[0]


def test_judge__start_is_another_miners__flags_the_mark(test_set: Dataset) -> None:
    """His mark on a network that did not begin at his start."""
    (finding,) = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE, start=BOB)))
    assert finding.vote.flags == CandidateFlag.MARK
    assert "own start" in finding.reasons[0]


def test_judge__permuted_earlier_winner__flags_lineage(test_set: Dataset) -> None:
    """A winner's network in another order, marked by the thief, is recognised; the reason names the block."""
    original = network(BOB)
    stolen = copy.deepcopy(original)
    permute_channels(stolen, b"t" * 32)
    embed(stolen, keygen(seed_of(commitment(ALICE))))
    earlier = (Earlier("block 7, the model of Bob", original),)
    (finding,) = judged(test_set, Opened(commitment(ALICE), 1, stolen), earlier=earlier)
    assert CandidateFlag.LINEAGE in finding.vote.flags
    assert any("block 7" in reason for reason in finding.reasons)


def test_judge__copy_within_the_round__flags_only_the_later_commit(test_set: Dataset) -> None:
    """Of two equal models the earlier commit is the original, wherever it stands in the list."""
    original = network(BOB)
    first, second = judged(
        test_set,
        Opened(commitment(ALICE), 2, copy.deepcopy(original)),
        Opened(commitment(BOB), 1, original),
    )
    assert CandidateFlag.LINEAGE in first.vote.flags
    assert not second.vote.flags


def test_judge__independent_models__raise_no_flag(test_set: Dataset) -> None:
    """Two miners, two starts, one architecture."""
    findings = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE)), Opened(commitment(BOB), 2, network(BOB)))
    assert [finding.vote.flags for finding in findings] == [CandidateFlag.NONE] * 2


def test_judge__model_could_not_be_opened__votes_the_flag_alone(test_set: Dataset) -> None:
    """No score, no predictions, and the reason goes to the operator."""
    closed = Opened(commitment(ALICE), 1, None, CandidateFlag.INVALID, "sha-256 differs")
    (finding,) = judged(test_set, closed)
    assert (finding.vote.score, finding.vote.flags) == (0, CandidateFlag.INVALID)
    assert finding.predictions == ()
    assert finding.reasons == ("sha-256 differs",)


def test_judge__flagged_or_not__scores_what_the_model_does(test_set: Dataset) -> None:
    """The score is counted on the test set; a flag does not change it."""
    model = network(ALICE, mark=False)
    (finding,) = judged(test_set, Opened(commitment(ALICE), 1, model))
    expected = score(model, test_set)
    assert finding.vote.score == expected.correct
    assert list(finding.predictions) == list(expected.predictions)
