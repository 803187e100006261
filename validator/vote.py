"""Duties `judge`, `commit-vote`, `reveal-vote` and `settle`: from opened models to a counted vote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dlbc.chain.events import ModelClaimed, Paid, Slashed
from dlbc.journal import Duty
from dlbc.ml.watermark import choose_probes
from dlbc.service import Done, Drop, Retry, Wait
from dlbc.types import Outcome, Phase, Vote, same_address
from dlbc.wire import derivation, typed_data
from dlbc.wire.merkle import eval_root
from dlbc.wire.vote_word import CandidateVote, TaskFlag, pack
from validator import records
from validator.earlier import Library, last_commit_block, winners
from validator.evidence import Budget, Source, materials, open_candidates, shown_test_key, spec_of
from validator.fetch import cache_of
from validator.handlers import COMMIT_VOTE, REVEAL_VOTE
from validator.judge import Finding, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlbc.chain.contracts.views import Candidate
    from dlbc.ml.data import Dataset
    from dlbc.service import Context
    from dlbc.service import Outcome as Result
    from dlbc.types import ModelCommitment, TaskSpec
    from validator.evidence import Materials

TASK_FILES = 3  # manifest, training data, test set
FETCH_SHARE = 0.5  # of the voting window for files that are not here yet; the rest is for scoring and sending
WAITING = {Phase.SEAL, Phase.DRAW, Phase.PROVE}


def judge_round(duty: Duty, context: Context, device: torch.device) -> Result:
    """Opens, checks and scores every listed model, and stores the votes."""
    round_id, epoch = duty.round_id, int(duty.payload["epoch"])
    if records.votes(context.journal, round_id, epoch):
        _owe_votes(duty, context)
        return Done()
    spec, key = spec_of(context.journal, round_id), shown_test_key(context.journal, round_id)
    candidates = context.hub.candidates(round_id)
    known = {event.commitment_hash for event in context.journal.events(ModelClaimed, round_id=round_id)}
    if spec is None or key is None or not known.issuperset(candidate.commitment for candidate in candidates):
        return Retry(1, "events of this round are not confirmed yet")

    chain = context.chain.deployment
    source = Source(context.ipfs, cache_of(context), chain.chain_id, chain.hub)
    budget = Budget(FETCH_SHARE * (duty.deadline - context.chain.now()), TASK_FILES + len(candidates))
    context.report({"event": "judging", "round": round_id, "candidates": len(candidates)})
    task = materials(source, spec, key, budget)
    if task.manifest is None or task.train is None or task.test is None:
        findings = [Finding(CandidateVote(0), (), (), 0.0) for _ in candidates]
    else:
        findings = _judge(context, source, spec, task, task.train, task.test, candidates, round_id, budget, device)
    _store(duty, context, task.flags, findings)
    _tell(context, round_id, task, candidates, findings)
    _owe_votes(duty, context)
    return Done()


def _judge(  # what is judged, with what, and how
    context: Context,
    source: Source,
    spec: TaskSpec,
    task: Materials,
    train: Dataset,
    test: Dataset,
    candidates: Sequence[Candidate],
    round_id: int,
    budget: Budget,
    device: torch.device,
) -> list[Finding]:
    assert task.manifest is not None  # noqa: S101  # for the type checker: the caller has looked
    hashes = [candidate.commitment for candidate in candidates]
    opened = open_candidates(source, context.journal, round_id, hashes, task.manifest, budget)
    library = Library(source.ipfs, source.cache, source.chain_id, source.hub)
    before = last_commit_block(context.journal, round_id)
    earlier = []
    for winner in winners(context.journal, before_block=before):
        model = library.load(winner, task.manifest) if budget.left() > 0 else None
        if model is not None:
            earlier.append(model)
    spec_hash = typed_data.spec_hash(spec)

    def seed_of(commitment: ModelCommitment) -> bytes:
        return derivation.seed(source.chain_id, source.hub, spec_hash, round_id, commitment.miner, commitment.anchor)

    return judge(
        opened,
        test,
        probes=choose_probes(train.x, spec_hash),
        earlier=earlier,
        seed_of=seed_of,
        device=device,
    )


def _store(duty: Duty, context: Context, flags: TaskFlag, findings: Sequence[Finding]) -> None:
    chain, epoch = context.chain.deployment, int(duty.payload["epoch"])
    word = pack([finding.vote for finding in findings], flags)
    votes = []
    for position in duty.payload["positions"]:
        salt = derivation.derive(
            bytes(context.account.key), chain.chain_id, chain.hub, duty.round_id,
            derivation.vote_salt(epoch, position),
        )  # fmt: skip
        root = eval_root(salt, [finding.predictions for finding in findings])
        votes.append(Vote(duty.round_id, epoch, position, context.address, word, root, salt))
    records.save_votes(context.journal, duty.round_id, epoch, votes)


def _owe_votes(duty: Duty, context: Context) -> None:
    for position in duty.payload["positions"]:
        subject = f"{duty.payload['epoch']}/{position}"
        context.journal.owe(Duty(COMMIT_VOTE, duty.round_id, subject, deadline=duty.deadline))
        context.journal.owe(Duty(REVEAL_VOTE, duty.round_id, subject))


def commit_vote(duty: Duty, context: Context) -> Result:
    """Commits the stored vote of one position."""
    vote = _vote(duty, context)
    call = context.committee.commit_vote(vote.round_id, vote.pos, typed_data.vote_hash(vote))
    sent = context.transactions.send(f"vote/{duty.round_id}/{duty.subject}", call)
    return Done() if sent.confirmed else Retry(1, "the vote is on its way")


def reveal_vote(duty: Duty, context: Context) -> Result:
    """Opens the stored vote once the committing is over."""
    vote = _vote(duty, context)
    now = context.hub.phase(duty.round_id)
    ballot = context.committee.ballot(duty.round_id)
    name = f"reveal/{duty.round_id}/{duty.subject}"
    if now.current is Phase.VOTE_COMMIT and ballot.epoch == vote.epoch:
        # It may end early, when the last vote is committed.
        return Wait(min(now.ends_at, int(context.chain.now()) + 1), "votes are still committed")
    if now.current is Phase.VOTE_REVEAL and ballot.epoch == vote.epoch:
        sent = context.transactions.send(name, context.committee.reveal_vote(vote))
        if not sent.confirmed:
            return Retry(1, "the opening is on its way")
        context.report({"event": "voted", "round": duty.round_id})
        return Done()
    stored = context.journal.outbox.find(name)
    if stored is not None or now.current in WAITING:
        return Done()
    return Drop(f"the vote was not opened in time: the round is in phase {now.current.name}")


def settle(duty: Duty, context: Context) -> Result:
    """Notes what the round brought."""
    outcome = context.hub.round(duty.round_id).outcome
    own = context.address
    paid = sum(
        event.amount
        for event in context.journal.events(Paid, round_id=duty.round_id)
        if same_address(event.account, own)
    )
    lost = sum(
        event.amount
        for event in context.journal.events(Slashed, round_id=duty.round_id)
        if same_address(event.account, own)
    )
    result = {"outcome": Outcome(outcome).name, "paid": str(paid), "slashed": str(lost)}
    records.save_result(context.journal, duty.round_id, result)
    context.report({"event": "final", "round": duty.round_id, **result})
    return Done()


def _vote(duty: Duty, context: Context) -> Vote:
    epoch, position = (int(part) for part in duty.subject.split("/"))
    return next(vote for vote in records.votes(context.journal, duty.round_id, epoch) if vote.pos == position)


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
            "measured": finding.vote.score,
            "flags": finding.vote.flags.name or "NONE",
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
