"""Duty `judge`: from opened models to votes on disk."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from dlbc.chain.events import CommitteeDrawn, ModelClaimed
from dlbc.errors import IPFSError
from dlbc.inbox_batch import carried_root
from dlbc.journal import Duty
from dlbc.library import Library, winners
from dlbc.ml.watermark import choose_probes
from dlbc.service import Done, Drop, Retry
from dlbc.types import Mode, Vote
from dlbc.wire import derivation, typed_data
from dlbc.wire.merkle import eval_root
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, TaskFlag, pack
from validator import accusations, payload, records
from validator.evidence import (
    NOT_SHOWN,
    Budget,
    Source,
    commit_blocks,
    materials,
    open_candidates,
    shown_test_key,
    spec_of,
)
from validator.fetch import cache_of
from validator.handlers import COMMIT_VOTE, REVEAL_VOTE
from validator.judge import Finding, Memory, judge
from validator.proofs import Proofs
from validator.suspects import Earlier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlbc.chain.contracts.views import Candidate
    from dlbc.chain.events import ModelAccused
    from dlbc.library import ShownModel
    from dlbc.manifest import Manifest
    from dlbc.ml.channels import Network
    from dlbc.ml.data import Dataset
    from dlbc.service import Context
    from dlbc.service import Outcome as Result
    from dlbc.types import ModelCommitment, TaskSpec
    from validator.evidence import Materials

TASK_FILES = 3  # manifest, training data, test set
FETCH_SHARE = 0.5  # of the voting window for files that are not here yet; the rest is for scoring and sending
SENDING_SHARE = 0.15  # of the voting window, for a committed vote to be mined
LEAF_SECONDS = 4e-5  # for one leaf of `evalRoot`
LOOK_SECONDS = 1.0  # for each file of an earlier winner
ACCUSED_FILES = 4  # manifest and model of the accuser, and of a parent that the accused declares
ACCUSED_SHARE = 0.125  # of the time for judging is kept for the mark, or lineage checks could use all of it
OWN_FAULT = "our own IPFS node is connected to no peer"


def judge_round(duty: Duty, context: Context, device: torch.device) -> Result:
    """Opens, checks and scores every listed model, and stores the votes."""
    round_id, epoch = duty.round_id, int(duty.payload["epoch"])
    stored = {vote.pos for vote in records.votes(context.journal, round_id, epoch)}
    if stored.issuperset(duty.payload["positions"]):
        _owe_votes(duty, context)
        return Done()
    found = context.hub.round(round_id)
    if found.epoch > epoch:
        return Drop(f"epoch {epoch} is over, {found.epoch} runs")
    spec, key = spec_of(context.journal, round_id), shown_test_key(context.journal, round_id)
    # As they are in this epoch: others may have been removed, and places have changed.
    candidates = context.hub.candidates(round_id)
    known = {
        event.commitment_hash: event.commitment for event in context.journal.events(ModelClaimed, round_id=round_id)
    }
    if spec is None or key is None or not known.keys() >= {candidate.commitment for candidate in candidates}:
        return Retry(1, "events of this round are not confirmed yet")
    proving = bool(spec.modes & Mode.TRAJECTORY)
    if proving and _read_until(context) < duty.due_at:
        return Retry(1, "what candidates proved before the votes began is not confirmed yet")

    chain = context.chain.deployment
    source = Source(context.ipfs, cache_of(context), chain.chain_id, chain.hub)
    accusation = accusations.accusation_of(context.journal, round_id)
    files = TASK_FILES + (2 if proving else 1) * len(candidates) + (ACCUSED_FILES if accusation else 0)
    budget = Budget(FETCH_SHARE * (duty.deadline - context.chain.now()), files)
    context.report({"event": "judging", "round": round_id, "candidates": len(candidates)})
    task = materials(source, spec, key, budget)
    if TaskFlag.DATA_UNAVAILABLE in task.flags and not _may_blame(duty, context, task.reasons[-1]):
        task = replace(task, flags=task.flags & ~TaskFlag.DATA_UNAVAILABLE, reasons=(*task.reasons[:-1], OWN_FAULT))
    memory, convicted = records.memory(context.journal, round_id), TaskFlag.NONE
    if task.manifest is None or task.train is None or task.test is None:
        # Nothing was measured: a score of 0 would pull honest medians down where others do get the data.
        findings = [Finding(SKIPPED, (), (), 0.0) for _ in candidates]
    else:
        samples = len(task.test)
        findings, convicted = _judge(
            duty, context, source, spec, task, task.train, task.test, candidates, budget, device,
            lambda: _seconds_to_judge(duty, context, samples, len(candidates)), memory, accusation,
        )  # fmt: skip
    hashes = [candidate.commitment for candidate in candidates]
    carried = carried_root(context.journal, found)
    if carried is None:
        context.log.warning("items of the inbox are not known here: no payload is judged", round=round_id)
    flags = task.flags | convicted | payload.faults([known[digest] for digest in hashes], carried)
    _store(duty, context, flags, dict(zip(hashes, findings, strict=True)), spec.score_max, memory)
    _tell(context, round_id, task, candidates, findings)
    _owe_votes(duty, context)
    return Done()


def _judge(  # what is judged, with what, and how
    duty: Duty,
    context: Context,
    source: Source,
    spec: TaskSpec,
    task: Materials,
    train: Dataset,
    test: Dataset,
    candidates: Sequence[Candidate],
    budget: Budget,
    device: torch.device,
    seconds_left: Callable[[], float],
    memory: Memory,
    accusation: ModelAccused | None,
) -> tuple[list[Finding], TaskFlag]:
    """Findings on the candidates, and the flag against the accused."""
    assert task.manifest is not None  # noqa: S101  # for the type checker: the caller has looked
    round_id, epoch = duty.round_id, int(duty.payload["epoch"])
    draw = context.journal.events(CommitteeDrawn, round_id=round_id, epoch=epoch)[-1].seed
    hashes = [candidate.commitment for candidate in candidates]
    opened = open_candidates(source, context.journal, round_id, hashes, task.manifest, budget)
    missing = [one.why for one in opened if one.flag is CandidateFlag.UNAVAILABLE and one.why != NOT_SHOWN]
    if missing and not _may_blame(duty, context, missing[0]):
        opened = [replace(one, flag=CandidateFlag.NONE, why=OWN_FAULT) if one.why in missing else one for one in opened]
    library = Library(source.ipfs, source.cache, source.chain_id, source.hub)
    spec_hash = typed_data.spec_hash(spec)

    def seed_of(commitment: ModelCommitment) -> bytes:
        # of any round: the hub compared hash and round with its own
        of = commitment
        return derivation.seed(source.chain_id, source.hub, of.spec_hash, of.round_id, of.miner, of.anchor)

    proofs = Proofs(
        source, context.journal, round_id, epoch, draw, train, budget, seed_of,
        lambda what: _may_blame(duty, context, what), device,
    )  # fmt: skip
    probes = choose_probes(train.x, spec_hash)
    kept = ACCUSED_SHARE * seconds_left() if accusation else 0.0

    def judging_left() -> float:
        return seconds_left() - kept

    findings = judge(
        opened,
        test,
        probes=probes,
        earlier=_earlier(context, library, task.manifest, round_id, seed_of, budget, judging_left),
        draw=draw,
        seed_of=seed_of,
        device=device,
        seconds_left=judging_left,
        memory=memory,
        prove=proofs.fault if spec.modes & Mode.TRAJECTORY else None,
    )
    if accusation is None:
        return findings, TaskFlag.NONE
    accusers = replace(library, timeout=budget.next())
    found = accusations.answer(
        accusation, opened, context.journal, accusers, task.manifest, probes, seed_of, seconds_left
    )
    context.log.info("accusation_judged", round=round_id, accuser=accusation.accuser, found=found.why)
    return findings, found.flag


def _earlier(
    context: Context,
    library: Library,
    manifest: Manifest,
    round_id: int,
    seed_of: Callable[[ModelCommitment], bytes],
    budget: Budget,
    seconds_left: Callable[[], float],
) -> Iterator[Earlier]:
    """The latest winners that a commit of the round could have been made from."""

    def load(model: ShownModel) -> Network | None:
        # When the time for fetching is over, what lies here already still counts.
        return replace(library, timeout=min(LOOK_SECONDS, max(0.05, budget.left()))).load(model, manifest)

    last = max(commit_blocks(context.journal, round_id).values(), default=0)
    for winner in winners(context.journal, before_block=last):
        if seconds_left() <= 0:
            return
        model = winner.model
        name = f"block {winner.height}, the model of {model.commitment.miner}"
        seed, parent = seed_of(model.commitment), model.commitment.parent
        yield Earlier(name, model.digest, seed, partial(load, model), model.opened_in, parent)


def _read_until(context: Context) -> int:
    """Timestamp of the last block whose events are in the journal."""
    cursor = context.journal.history.cursor()
    block = context.chain.header(cursor.number) if cursor is not None else None
    return block.timestamp if block is not None else 0


def _may_blame(duty: Duty, context: Context, what: str) -> bool:
    """Whether what cannot be had is somebody else's fault. Where our own node reaches nobody, it is ours.

    Raises:
        IPFSError: it is ours, and there is time to try again.
    """
    try:
        if context.ipfs.peers():
            return True
    except IPFSError as error:
        what = f"{what}; {error}"
    if duty.deadline - context.chain.now() > 2 * SENDING_SHARE * (duty.deadline - duty.due_at):
        raise IPFSError(f"{OWN_FAULT} ({what}): nothing is held against anybody for that; check --ipfs-peers")
    return False


def _seconds_to_judge(duty: Duty, context: Context, samples: int, candidates: int) -> float:
    """Until the vote must be on disk: then leaves are hashed for each position, and it has to be mined."""
    leaves = samples * candidates * len(duty.payload["positions"])
    reserve = SENDING_SHARE * (duty.deadline - duty.due_at) + LEAF_SECONDS * leaves
    return duty.deadline - reserve - context.chain.now()


def _store(
    duty: Duty,
    context: Context,
    flags: TaskFlag,
    findings: Mapping[bytes, Finding],
    samples: int,
    memory: Memory,
) -> None:
    """Puts votes, and all that a challenge may ask of them, on disk.

    Args:
        findings: by commitment hash, in the order of the list.
        samples: of the test set, as the spec states it: so many leaves has each candidate that was scored.
    """
    chain, journal, epoch = context.chain.deployment, context.journal, int(duty.payload["epoch"])
    word = pack([finding.vote for finding in findings.values()], flags)
    predictions = [finding.predictions[:samples] for finding in findings.values()]
    # A reorganisation may have drawn us for other positions before: those votes may be on their way, so they stay.
    votes = records.votes(journal, duty.round_id, epoch)
    stored = {vote.pos for vote in votes}
    for position in duty.payload["positions"]:
        if position in stored:
            continue
        salt = derivation.derive(
            bytes(context.signer.key), chain.chain_id, chain.hub, duty.round_id,
            derivation.vote_salt(epoch, position),
        )  # fmt: skip
        root = eval_root(salt, predictions)
        votes.append(Vote(duty.round_id, epoch, position, context.account, word, root, salt))
    evaluated = [digest if finding.predictions else b"" for digest, finding in findings.items()]
    with journal.transaction():
        records.save_memory(journal, duty.round_id, memory)
        records.save_leaves(journal, duty.round_id, epoch, evaluated, samples)
        records.save_votes(journal, duty.round_id, epoch, votes)


def _owe_votes(duty: Duty, context: Context) -> None:
    for position in duty.payload["positions"]:
        subject = f"{duty.payload['epoch']}/{position}"
        context.journal.owe(Duty(COMMIT_VOTE, duty.round_id, subject, deadline=duty.deadline))
        context.journal.owe(Duty(REVEAL_VOTE, duty.round_id, subject))


def _tell(
    context: Context,
    round_id: int,
    task: Materials,
    candidates: Sequence[Candidate],
    findings: Sequence[Finding],
) -> None:
    seen = [
        {
            "miner": candidate.miner,
            "claimed": candidate.score,
            "measured": 0 if finding.vote.skipped else finding.vote.score,
            "flags": "SKIPPED" if finding.vote.skipped else finding.vote.flags.name or "NONE",
            "reasons": list(finding.reasons),
            "mark": round(finding.mark_z, 1),
        }
        for candidate, finding in zip(candidates, findings, strict=True)
    ]
    facts = {"task_flags": task.flags.name or "NONE", "task_reasons": list(task.reasons), "candidates": seen}
    records.save_findings(context.journal, round_id, facts)
    for one in seen:
        context.log.info("candidate_judged", round=round_id, **one)
    context.report({"event": "judged", "level": "debug", "round": round_id, **facts})
