"""What a validator says of the opened models of a round: flags and scores, measured and never taken from a claim.

No chain and no IPFS here: the same inputs give the same vote word on every validator, up to a device's last bits.
What was found out in an earlier epoch of the round is not found out again: `Memory`.

Task and models come from strangers who may have made them slow: a drawn seat that does not vote loses stake. So scores
come first, a model that cannot be scored in time is SKIPPED, and a comparison that does not end accuses nobody.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import BATCH, predict
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import Fingerprint, fingerprint, keygen, start_score, verify
from dlbc.ml.watermark.lineage import Lineage
from dlbc.ml.watermark.mark import PRESENT
from dlbc.types import ZERO_BYTES32, ModelCommitment
from dlbc.wire.typed_data import commitment_hash
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote
from validator.deadline import Unfinished, in_time
from validator.origins import unless_explained, unless_framed
from validator.suspects import Earlier, Subject, suspects

SCORING_SHARE = 0.7  # of the time for judging; the rest is for marks and lineage
PROVING_SHARE = 0.7  # of what is left then, for all proofs together
COMPARISON_SHARE = 0.125  # of what is left then, for one comparison or fingerprint: honest ones take seconds
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

    @cached_property
    def digest(self) -> bytes:
        """The commitment's hash, which names the model."""
        return commitment_hash(self.commitment)

    def itself(self) -> Network | None:
        """The network, as `Earlier.load` gives it."""
        return self.model


@dataclass(frozen=True)
class Mark:
    """What a model shows of its miner's provenance.

    Attributes:
        z: standard deviations of the miner's own watermark.
        fault: in words, or "".
    """

    z: float
    fault: str = ""


@dataclass
class Memory:
    """What was found out of models, by commitment hash: it does not change from epoch to epoch. `judge` adds to it.

    Attributes:
        lineages: by (model, origin); what did not end in time is not here, and is tried again.
    """

    predictions: dict[bytes, NDArray[np.int32]] = field(default_factory=dict)
    marks: dict[bytes, Mark] = field(default_factory=dict)
    lineages: dict[tuple[bytes, bytes], Lineage] = field(default_factory=dict)


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
    draw: bytes,
    seed_of: Callable[[ModelCommitment], bytes],
    device: torch.device | None = None,
    seconds_left: Callable[[], float] = lambda: math.inf,
    memory: Memory | None = None,
    prove: Callable[[Opened], str] | None = None,
) -> list[Finding]:
    """One finding for each candidate, in their order.

    Args:
        probes: training samples that models are aligned on, `choose_probes(train.x, specHash)`.
        earlier: winners that were opened; loaded one at a time, because each may fill the working memory.
        draw: 32 bytes that nobody knew when he committed: fingerprints are taken by them.
        seed_of: the miner's seed m of a commitment (`dlbc.wire.derivation.seed`).
        seconds_left: until the findings must be there.
        memory: of this round's earlier epochs.
        prove: what is wrong with a candidate's proof of training, in words, or ""; None where the task asks for none.
    """
    memory = Memory() if memory is None else memory
    stop_scoring = (1 - SCORING_SHARE) * seconds_left()
    drafts = [_Draft(candidate, memory) for candidate in candidates]
    for draft in drafts:
        draft.score(test, device, lambda: seconds_left() >= stop_scoring)
    scored = [draft for draft in drafts if draft.predictions is not None]
    for draft in scored:
        if seconds_left() > 0:
            draft.check_mark(seed_of(draft.candidate.commitment))
    if prove is not None:
        for waiting, draft in zip(range(len(scored), 0, -1), scored, strict=True):
            draft.check_proof(prove, PROVING_SHARE * seconds_left() / waiting)
    _compare(scored, list(earlier), probes, draw, seed_of, seconds_left, memory)
    return [draft.finding(test) for draft in drafts]


@dataclass
class _Draft:
    """A finding in the making; `predictions` is None where the model was not scored."""

    candidate: Opened
    memory: Memory
    predictions: NDArray[np.int32] | None = None
    flags: CandidateFlag = CandidateFlag.NONE
    reasons: list[str] = field(default_factory=list)
    mark_z: float = 0.0

    def score(self, test: Dataset, device: torch.device | None, in_time: Callable[[], bool]) -> None:
        digest, model = self.candidate.digest, self.candidate.model
        if digest not in self.memory.predictions:
            if model is None:
                return
            parts = []
            for begin in range(0, len(test), SLICE):
                if not in_time():
                    self.reasons.append("it could not be scored in time")
                    return
                parts.append(predict(model, test.x[begin : begin + SLICE], device))
            model.to("cpu")
            self.memory.predictions[digest] = np.concatenate(parts)
        self.predictions = self.memory.predictions[digest]

    def check_mark(self, seed: bytes) -> None:
        digest, model = self.candidate.digest, self.candidate.model
        if digest not in self.memory.marks:
            if model is None:
                return
            has_parent = self.candidate.commitment.parent != ZERO_BYTES32
            self.memory.marks[digest] = _mark(model, seed, own_start=not has_parent)
        mark = self.memory.marks[digest]
        self.mark_z = mark.z
        if mark.fault:
            self._flag(CandidateFlag.MARK, mark.fault)

    def check_proof(self, prove: Callable[[Opened], str], seconds: float) -> None:
        fault = in_time(seconds, lambda: prove(self.candidate))
        if isinstance(fault, Unfinished):
            self.reasons.append(f"running its training again {fault}")
        elif fault:
            self._flag(CandidateFlag.TRAJECTORY, fault)

    def accuse(self, origin: Earlier, found: Lineage) -> None:
        mark = f", its mark at z {found.mark:.1f}" if found.mark else ""
        self._flag(
            CandidateFlag.LINEAGE,
            f"derived from {origin.name} "
            f"(cosine {found.cosine:.2f}, match {found.match:.2f}, core {found.core:.2f}{mark})",
        )

    def finding(self, test: Dataset) -> Finding:
        if self.predictions is None:
            if self.candidate.model is None:
                why = (self.candidate.why,) if self.candidate.why else ()
                vote = CandidateVote(0, self.candidate.flag) if self.candidate.flag else SKIPPED
                return Finding(vote, (), why, 0.0)
            return Finding(SKIPPED, (), tuple(self.reasons), 0.0)
        correct = int((self.predictions == test.y).sum())
        predictions = tuple(int(prediction) for prediction in self.predictions)
        return Finding(CandidateVote(correct, self.flags), predictions, tuple(self.reasons), self.mark_z)

    def _flag(self, flag: CandidateFlag, reason: str) -> None:
        self.flags |= flag
        self.reasons.append(reason)


def _mark(model: Network, seed: bytes, *, own_start: bool) -> Mark:
    """Whether the model is marked by its miner, and began at his start. Who declares a parent begins there instead."""
    mark = verify(model, keygen(seed))
    fault = ""
    if not mark.present:
        fault = f"its miner's watermark is absent (z {mark.z:.1f}, {PRESENT:.0f} needed)"
    elif own_start and (start := start_score(model, seed)) < PRESENT:
        fault = f"training did not begin at its miner's own start (score {start:.1f}, {PRESENT:.0f} needed)"
    return Mark(mark.z, fault)


def _compare(  # what is compared, with what, and how
    drafts: Sequence[_Draft],
    earlier: Sequence[Earlier],
    probes: Array,
    draw: bytes,
    seed_of: Callable[[ModelCommitment], bytes],
    seconds_left: Callable[[], float],
    memory: Memory,
) -> None:
    """Flags what is derived from a model that its miner could have had, as far as the time allows."""
    strikes: Counter[bytes] = Counter()

    def timely(origin: Earlier) -> Earlier:
        return replace(origin, load=lambda: origin.load() if seconds_left() > 0 else None)

    earlier = [timely(origin) for origin in earlier]
    # Only winners: a thief could declare what he was not paid for, and so launder it.
    parents = {origin.digest: origin for origin in earlier}

    def compare(draft: _Draft, origin: Earlier, load: Callable[[], Network | None]) -> None:
        subject = draft.candidate
        if draft.flags & CandidateFlag.LINEAGE:
            return  # one origin suffices, and each comparison costs
        if origin.digest == subject.commitment.parent:
            return  # what is declared is no theft: the parent's miner gets his share
        pair = (subject.digest, origin.digest)
        if pair not in memory.lineages:
            if subject.model is None or max(strikes[digest] for digest in pair) >= MOST_STRIKES:
                return
            found = _lineage(subject, subject.model, origin, load)
            if found is None:
                return
            if isinstance(found, Unfinished):
                strikes.update(pair)
                draft.reasons.append(f"the comparison with {origin.name} {found}")
                return
            memory.lineages[pair] = found
        if memory.lineages[pair].related:
            draft.accuse(origin, memory.lineages[pair])

    def _lineage(
        subject: Opened, model: Network, origin: Earlier, load: Callable[[], Network | None]
    ) -> Lineage | Unfinished | None:
        reference, seed = load(), seed_of(subject.commitment)
        if reference is None:
            return None
        improved, parent = parents.get(origin.parent), parents.get(subject.commitment.parent)
        base = improved.load if improved else lambda: None
        found = in_time(
            COMPARISON_SHARE * seconds_left(),
            lambda: unless_framed(model, seed, reference, origin.seed, base, probes),
        )
        if parent is None or isinstance(found, Unfinished) or not found.related:
            return found
        declared = parent.load()
        if declared is None:
            return found  # whoever improves a model serves it: what nobody can have explains nothing
        return in_time(
            COMPARISON_SHARE * seconds_left(),
            lambda: unless_explained(found, model, reference, origin.seed, declared, probes),
        )

    def print_of(model: Network) -> Fingerprint | None:
        found = in_time(COMPARISON_SHARE * seconds_left(), lambda: fingerprint(model, probes, draw))
        return None if isinstance(found, Unfinished) else found

    # In one round only the earlier commit can be the original: nobody saw the other's model before both were fixed.
    for other in drafts:
        rival = other.candidate
        name = f"the earlier commit of {rival.commitment.miner}"
        seed, parent = seed_of(rival.commitment), rival.commitment.parent
        origin = Earlier(name, rival.digest, seed, rival.itself, parent=parent)
        for draft in drafts:
            if rival.sequence < draft.candidate.sequence:
                compare(draft, origin, origin.load)
    subjects = [
        Subject(
            draft.candidate.model,
            draft.candidate.committed_in,
            {origin for subject, origin in memory.lineages if subject == draft.candidate.digest},
        )
        for draft in drafts
    ]
    for origin, places in suspects(subjects, earlier, print_of):
        load = cache(origin.load)
        for place in places:
            compare(drafts[place], origin, load)
