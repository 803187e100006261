"""What a validator says of the opened models of a round: flags and scores, measured and never taken from a claim.

No chain and no IPFS here: the same inputs give the same vote word on every validator, up to a device's last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import keygen, lineage, start_score, verify
from dlbc.ml.watermark.mark import PRESENT
from dlbc.types import ModelCommitment
from dlbc.wire.vote_word import CandidateFlag, CandidateVote


@dataclass(frozen=True)
class Opened:
    """A candidate as far as it could be opened.

    Attributes:
        commitment: what its miner committed to.
        sequence: of the commit, from 1.
        model: the network, or None where `flag` says why there is none.
        flag: UNAVAILABLE, INVALID or NONE.
        why: in words, for the operator's log.
    """

    commitment: ModelCommitment
    sequence: int
    model: Network | None
    flag: CandidateFlag = CandidateFlag.NONE
    why: str = ""


@dataclass(frozen=True)
class Earlier:
    """A model that was open for everybody to take before this round's commits: its name in words, and its network."""

    name: str
    model: Network


@dataclass(frozen=True)
class Finding:
    """What was found out about one candidate.

    Attributes:
        vote: score and flags, as they go into the word.
        predictions: int32 class by test sample, empty where nothing could be evaluated.
        reasons: in words, one for each flag.
        mark_z: standard deviations of the miner's own watermark.
    """

    vote: CandidateVote
    predictions: tuple[int, ...]
    reasons: tuple[str, ...]
    mark_z: float


def judge(
    candidates: Sequence[Opened],
    test: Dataset,
    *,
    probes: Array,
    earlier: Sequence[Earlier],
    seed_of: Callable[[ModelCommitment], bytes],
    device: torch.device | None = None,
) -> list[Finding]:
    """One finding for each candidate, in their order.

    Args:
        probes: training samples that models are aligned on, `choose_probes(train.x, specHash)`.
        earlier: models of the same architecture that a thief could have started from.
        seed_of: the miner's seed m of a commitment (`dlbc.wire.derivation.seed`).
    """
    findings = []
    for candidate in candidates:
        if candidate.model is None:
            why = (candidate.why,) if candidate.why else ()
            findings.append(Finding(CandidateVote(0, candidate.flag), (), why, 0.0))
            continue
        flags, reasons, mark_z = _provenance(candidate, candidates, probes, earlier, seed_of(candidate.commitment))
        evaluation = score(candidate.model, test, device)
        findings.append(
            Finding(
                CandidateVote(evaluation.correct, flags),
                tuple(int(prediction) for prediction in evaluation.predictions),
                reasons,
                mark_z,
            )
        )
    return findings


def _provenance(
    candidate: Opened,
    candidates: Sequence[Opened],
    probes: Array,
    earlier: Sequence[Earlier],
    seed: bytes,
) -> tuple[CandidateFlag, tuple[str, ...], float]:
    model = candidate.model
    assert model is not None  # noqa: S101  # for the type checker: the caller has looked
    flags, reasons = CandidateFlag.NONE, []

    mark = verify(model, keygen(seed))
    if not mark.present:
        flags |= CandidateFlag.MARK
        reasons.append(f"its miner's watermark is absent (z {mark.z:.1f}, {PRESENT:.0f} needed)")
    elif (start := start_score(model, seed)) < PRESENT:
        flags |= CandidateFlag.MARK
        reasons.append(f"training did not begin at its miner's own start (score {start:.1f}, {PRESENT:.0f} needed)")

    # In one round only the earlier commit can be the original: nobody saw the other's model before both were fixed.
    rivals = [
        Earlier(f"the earlier commit of {other.commitment.miner}", other.model)
        for other in candidates
        if other.model is not None and other.sequence < candidate.sequence
    ]
    for origin in (*earlier, *rivals):
        found = lineage(model, origin.model, probes)
        if found.related:
            flags |= CandidateFlag.LINEAGE
            reasons.append(f"derived from {origin.name} (cosine {found.cosine:.2f}, match {found.match:.2f})")
            break  # one origin suffices, and each comparison costs
    return flags, tuple(reasons), mark.z
