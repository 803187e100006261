"""What a validator says of the opened models of a round: flags and scores, measured and never taken from a claim.

No chain and no IPFS here: the same inputs give the same vote word on every validator, up to a device's last bits.

Task and models come from strangers who may have made them slow: a drawn seat that does not vote loses stake. So scores
come first, a model that cannot be scored in time is SKIPPED, and a comparison that does not end accuses nobody.
"""

from __future__ import annotations

import math
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import BATCH, predict
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import keygen, lineage, start_score, verify
from dlbc.ml.watermark.lineage import Lineage
from dlbc.ml.watermark.mark import PRESENT
from dlbc.types import ModelCommitment
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote

SCORING_SHARE = 0.7  # of the time for judging; the rest is for marks and lineage
COMPARISON_SHARE = 0.125  # of what is left then, for one comparison: honest ones take seconds
MOST_STRIKES = 3  # a model whose comparisons did not end so often is compared no more: each holds a core
SLICE = 16 * BATCH  # samples between two looks at the clock; whole batches, so that scores are the miner's


@dataclass(frozen=True)
class Opened:
    """A candidate as far as it could be opened.

    Attributes:
        commitment: what its miner committed to.
        sequence: of the commit, from 1.
        model: the network, or None where there is none.
        flag: UNAVAILABLE, INVALID or NONE; without a model NONE means that nothing can be said: SKIPPED.
        why: in words, for the operator's log.
        committed_in: EVM block of the commit; what was opened in it or later cannot be its origin.
    """

    commitment: ModelCommitment
    sequence: int
    model: Network | None
    flag: CandidateFlag = CandidateFlag.NONE
    why: str = ""
    committed_in: int = 1


@dataclass(frozen=True)
class Earlier:
    """A model that a thief could have started from.

    Attributes:
        name: in words.
        opened_in: EVM block in which its key was shown.
    """

    name: str
    model: Network
    opened_in: int = 0


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
    earlier: Iterable[Earlier],
    seed_of: Callable[[ModelCommitment], bytes],
    device: torch.device | None = None,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> list[Finding]:
    """One finding for each candidate, in their order.

    Args:
        probes: training samples that models are aligned on, `choose_probes(train.x, specHash)`.
        earlier: opened models of the same architecture; taken one at a time, because each may fill the memory.
        seed_of: the miner's seed m of a commitment (`dlbc.wire.derivation.seed`).
        seconds_left: until the findings must be there.
    """
    stop_scoring = (1 - SCORING_SHARE) * seconds_left()
    drafts = [_Draft(candidate) for candidate in candidates]
    for draft in drafts:
        draft.score(test, device, lambda: seconds_left() >= stop_scoring)
    scored = [draft for draft in drafts if draft.predictions is not None]
    for draft in scored:
        if seconds_left() > 0:
            draft.check_mark(seed_of(draft.candidate.commitment))
    _compare(scored, earlier, probes, seconds_left)
    return [draft.finding(test) for draft in drafts]


@dataclass
class _Draft:
    """A finding in the making; `predictions` is None where the model was not scored."""

    candidate: Opened
    predictions: NDArray[np.int32] | None = None
    flags: CandidateFlag = CandidateFlag.NONE
    reasons: list[str] = field(default_factory=list)
    mark_z: float = 0.0

    def score(self, test: Dataset, device: torch.device | None, in_time: Callable[[], bool]) -> None:
        model, parts = self.candidate.model, []
        if model is None:
            return
        for begin in range(0, len(test), SLICE):
            if not in_time():
                self.reasons.append("it could not be scored in time")
                return
            parts.append(predict(model, test.x[begin : begin + SLICE], device))
        model.to("cpu")
        self.predictions = np.concatenate(parts)

    def check_mark(self, seed: bytes) -> None:
        model = self.candidate.model
        assert model is not None  # noqa: S101  # for the type checker: it was scored
        mark = verify(model, keygen(seed))
        self.mark_z = mark.z
        if not mark.present:
            self._flag(CandidateFlag.MARK, f"its miner's watermark is absent (z {mark.z:.1f}, {PRESENT:.0f} needed)")
        elif (start := start_score(model, seed)) < PRESENT:
            self._flag(
                CandidateFlag.MARK,
                f"training did not begin at its miner's own start (score {start:.1f}, {PRESENT:.0f} needed)",
            )

    def accuse(self, origin: Earlier, found: Lineage) -> None:
        self._flag(
            CandidateFlag.LINEAGE,
            f"derived from {origin.name} (cosine {found.cosine:.2f}, match {found.match:.2f})",
        )

    def finding(self, test: Dataset) -> Finding:
        if self.candidate.model is None:
            why = (self.candidate.why,) if self.candidate.why else ()
            vote = CandidateVote(0, self.candidate.flag) if self.candidate.flag else SKIPPED
            return Finding(vote, (), why, 0.0)
        if self.predictions is None:
            return Finding(SKIPPED, (), tuple(self.reasons), 0.0)
        correct = int((self.predictions == test.y).sum())
        predictions = tuple(int(prediction) for prediction in self.predictions)
        return Finding(CandidateVote(correct, self.flags), predictions, tuple(self.reasons), self.mark_z)

    def _flag(self, flag: CandidateFlag, reason: str) -> None:
        self.flags |= flag
        self.reasons.append(reason)


def _compare(
    drafts: Sequence[_Draft], earlier: Iterable[Earlier], probes: Array, seconds_left: Callable[[], float]
) -> None:
    """Flags what is derived from a model that its miner could have had, as far as the time allows."""
    strikes: Counter[int] = Counter()

    def compare(draft: _Draft, origin: Earlier) -> None:
        subject = draft.candidate.model
        if draft.flags & CandidateFlag.LINEAGE or subject is None:
            return  # one origin suffices, and each comparison costs
        if max(strikes[id(subject)], strikes[id(origin.model)]) >= MOST_STRIKES:
            return
        found = _in_time(COMPARISON_SHARE * seconds_left(), lambda: lineage(subject, origin.model, probes))
        if isinstance(found, str):
            strikes.update((id(subject), id(origin.model)))
            draft.reasons.append(f"the comparison with {origin.name} {found}")
        elif found.related:
            draft.accuse(origin, found)

    # In one round only the earlier commit can be the original: nobody saw the other's model before both were fixed.
    for other in drafts:
        if other.candidate.model is not None:
            rival = Earlier(f"the earlier commit of {other.candidate.commitment.miner}", other.candidate.model)
            for draft in drafts:
                if other.candidate.sequence < draft.candidate.sequence:
                    compare(draft, rival)
    for origin in earlier:
        for draft in drafts:
            if origin.opened_in < draft.candidate.committed_in:
                compare(draft, origin)


def _in_time(seconds: float, work: Callable[[], Lineage]) -> Lineage | str:
    """What `work` finds, or in words why it found nothing. A stranger's numbers must not cost the vote.

    Work that goes on is left to itself: numpy and scipy cannot be interrupted.
    """
    answer: queue.SimpleQueue[Lineage | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put(work())
        except Exception as error:  # reported by the caller
            answer.put(error)

    if seconds <= 0:
        return "was left out for want of time"
    threading.Thread(target=run, name="lineage", daemon=True).start()
    try:
        found = answer.get(timeout=None if math.isinf(seconds) else seconds)
    except queue.Empty:
        return f"did not end in {seconds:.0f} s"
    return f"failed ({type(found).__name__}: {found})" if isinstance(found, Exception) else found
