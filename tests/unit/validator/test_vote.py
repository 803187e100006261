"""Votes: on disk before they leave, judged once, revealed in their own phase and epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from dlbc.chain.contracts import Ballot, PhaseNow
from dlbc.chain.events import BlockAppended, CommitteeDrawn
from dlbc.errors import IPFSError, TransactionRefused
from dlbc.journal import Duty, Identity, Journal
from dlbc.service import Done, Drop, Retry, Wait
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, BlockHeader, Phase
from dlbc.wire.typed_data import vote_hash
from dlbc.wire.vote_word import CandidateVote, TaskFlag, unpack
from validator import records, vote
from validator.evidence import Materials
from validator.handlers import COMMIT_VOTE, FETCH_WINNER, JUDGE, REVEAL_VOTE, Windows, handlers
from validator.judge import Finding

SELF, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20
ROUND = 4


@dataclass
class FakeTransactions:
    sent: list[tuple[str, Any]] = field(default_factory=list)
    refuse: bool = False

    def send(self, name: str, call: Any) -> Any:
        if self.refuse:
            raise TransactionRefused("too late", "WrongPhase")
        self.sent.append((name, call))
        return SimpleNamespace(confirmed=True)


@pytest.fixture
def context() -> Any:
    journal = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, SELF))
    ballot = Ballot(0, 3, 0, 0, 100, 130, 150, 9, ZERO_BYTES32, False)
    found = SimpleNamespace(
        journal=journal,
        account=SELF,
        signer=SimpleNamespace(key=b"\x07" * 32),
        transactions=FakeTransactions(),
        chain=SimpleNamespace(now=lambda: 101.0, deployment=SimpleNamespace(chain_id=1, hub=ZERO_ADDRESS)),
        phase=PhaseNow(Phase.VOTE_COMMIT, 130),
        ballot=ballot,
        committee=SimpleNamespace(
            commit_vote=lambda *arguments: ("commit", *arguments),
            reveal_vote=lambda revealed: ("reveal", revealed),
        ),
        hub=SimpleNamespace(),
        report=lambda event: None,
    )
    found.hub.phase = lambda _: found.phase
    found.committee.ballot = lambda _: found.ballot
    return found


def store(context: Any, epoch: int = 0, positions: tuple[int, ...] = (1,)) -> Duty:
    """The votes of a judgement, as `judge_round` stores them."""
    duty = Duty(JUDGE, ROUND, str(epoch), 100, 130, {"positions": list(positions), "epoch": epoch})
    findings = [Finding(CandidateVote(7), (1, 2, 3), (), 20.0)]
    vote._store(duty, context, TaskFlag.NONE, findings)
    return duty


def test_handlers__committee_without_us__owes_nothing(context: Any) -> None:
    event = CommitteeDrawn(1, b"h" * 32, 0, ROUND, 0, ZERO_BYTES32, (1, 2), (OTHER, OTHER), 100)
    handlers(Windows(30))[CommitteeDrawn](event, context)
    assert context.journal.duties() == []


def test_handlers__drawn_twice_over__owe_one_judgement_for_all_our_seats(context: Any) -> None:
    """Replaying the event changes nothing, and each of our positions is named."""
    event = CommitteeDrawn(
        1, b"h" * 32, 0, ROUND, 2, ZERO_BYTES32, (1, 2, 3), (SELF.upper().replace("0X", "0x"), OTHER, SELF), 100
    )
    for _ in range(2):
        handlers(Windows(30))[CommitteeDrawn](event, context)
    (row,) = context.journal.duties(kind=JUDGE)
    assert (row.duty.subject, row.duty.due_at, row.duty.deadline) == ("2", 100, 130)
    assert row.duty.payload == {"positions": [0, 2], "epoch": 2}


def test_handlers__first_block__has_no_model_to_fetch(context: Any) -> None:
    values = {"version": 1, "height": 0}
    header = BlockHeader(
        **{  # type: ignore[arg-type]
            name: values.get(name, ZERO_ADDRESS if kind == "address" else ZERO_BYTES32 if kind == "bytes32" else 0)
            for name, kind, _ in BlockHeader.abi_fields()
        }
    )
    handlers(Windows(30))[BlockAppended](BlockAppended(1, b"h" * 32, 0, 0, ZERO_BYTES32, header), context)
    assert context.journal.duties(kind=FETCH_WINNER) == []


def test_judge_round__votes_are_on_disk__does_not_judge_again(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash the stored vote counts: another run might differ in a borderline sample."""
    duty = store(context)
    monkeypatch.setattr(vote, "materials", lambda *_: pytest.fail("judged twice"))
    assert vote.judge_round(duty, context, torch.device("cpu")) == Done()
    assert {row.duty.kind for row in context.journal.duties()} == {COMMIT_VOTE, REVEAL_VOTE}


def test_judge_round__reorganisation_drew_other_positions__votes_there_too(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the new position has no vote and is absent. The old one stays: its hash may be on its way."""
    store(context, positions=(1,))
    (old,) = records.votes(context.journal, ROUND, 0)
    monkeypatch.setattr(vote, "spec_of", lambda *_: None)
    context.hub.candidates = lambda _: []
    moved = Duty(JUDGE, ROUND, "0", 100, 130, {"positions": [2], "epoch": 0})
    assert isinstance(vote.judge_round(moved, context, torch.device("cpu")), Retry), "it goes on to judge"
    vote._store(moved, context, TaskFlag.NONE, [Finding(CandidateVote(9), (4,), (), 20.0)])
    first, second = records.votes(context.journal, ROUND, 0)
    assert (first, second.pos) == (old, 2)


@pytest.fixture
def unserved(context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A round whose test set does not arrive."""
    task = Materials(None, None, None, TaskFlag.DATA_UNAVAILABLE, ("it did not arrive in 3 s",))
    monkeypatch.setattr(vote, "spec_of", lambda *_: object())
    monkeypatch.setattr(vote, "shown_test_key", lambda *_: b"k" * 32)
    monkeypatch.setattr(vote, "materials", lambda *_: task)
    candidate = SimpleNamespace(miner=OTHER, score=9, commitment=b"c" * 32)
    monkeypatch.setattr(
        context.journal, "events", lambda *_, **__: [SimpleNamespace(commitment_hash=b"c" * 32)], raising=False
    )
    context.hub.candidates = lambda _: [candidate]
    context.hub.round = lambda _: None
    context.workdir, context.log = Path("unused"), SimpleNamespace(info=lambda *_, **__: None)
    return context


JUDGEMENT = Duty(JUDGE, ROUND, "0", 100, 130, {"positions": [1], "epoch": 0})


def word(context: Any) -> tuple[list[CandidateVote], TaskFlag]:
    (stored,) = records.votes(context.journal, ROUND, 0)
    return unpack(stored.word)


def test_judge_round__data_cannot_be_had__flags_the_task_and_scores_nobody(unserved: Any) -> None:
    """A score of 0 would pull the medians down where the others do get the data."""
    unserved.ipfs = SimpleNamespace(peers=lambda: ["a peer"])
    assert vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")) == Done()
    votes, flags = word(unserved)
    assert flags == TaskFlag.DATA_UNAVAILABLE
    assert votes[0].skipped


def test_judge_round__own_node_has_no_peers__tries_again_and_at_last_blames_nobody(unserved: Any) -> None:
    """A cable that was pulled out here is no fault of the requester's."""
    unserved.ipfs = SimpleNamespace(peers=list)
    with pytest.raises(IPFSError, match="no peer"):
        vote.judge_round(JUDGEMENT, unserved, torch.device("cpu"))
    assert records.votes(unserved.journal, ROUND, 0) == []
    unserved.chain.now = lambda: 125.0
    assert vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")) == Done()
    votes, flags = word(unserved)
    assert flags == TaskFlag.NONE
    assert votes[0].skipped


def test_store__same_judgement_twice__gives_the_same_salt(context: Any) -> None:
    """The salt is derived: a journal that is lost after the commit can be made again."""
    store(context)
    (first,) = records.votes(context.journal, ROUND, 0)
    store(context)
    assert records.votes(context.journal, ROUND, 0) == [first]


def test_store__two_seats__cast_votes_that_nobody_can_link(context: Any) -> None:
    """Two positions of one owner differ in salt and root, so one opened vote does not open the other."""
    store(context, positions=(0, 2))
    left, right = records.votes(context.journal, ROUND, 0)
    assert left.word == right.word
    assert left.salt != right.salt
    assert left.eval_root != right.eval_root


def test_commit_vote__stored_vote__sends_its_hash(context: Any) -> None:
    store(context)
    (stored,) = records.votes(context.journal, ROUND, 0)
    assert vote.commit_vote(Duty(COMMIT_VOTE, ROUND, "0/1"), context) == Done()
    assert context.transactions.sent == [(f"vote/{ROUND}/0/1", ("commit", ROUND, 1, vote_hash(stored)))]


def test_reveal_vote__others_still_commit__waits(context: Any) -> None:
    """Opened early, a vote could be copied."""
    store(context)
    assert isinstance(vote.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context), Wait)
    assert context.transactions.sent == []


def test_reveal_vote__in_its_phase__sends_the_stored_vote(context: Any) -> None:
    store(context)
    context.phase = PhaseNow(Phase.VOTE_REVEAL, 150)
    assert vote.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context) == Done()
    (stored,) = records.votes(context.journal, ROUND, 0)
    assert context.transactions.sent == [(f"reveal/{ROUND}/0/1", ("reveal", stored))]


def test_reveal_vote__another_epoch_began__gives_up_the_old_vote(context: Any) -> None:
    store(context)
    context.phase = PhaseNow(Phase.VOTE_REVEAL, 150)
    context.ballot = Ballot(1, 3, 0, 0, 100, 130, 150, 9, ZERO_BYTES32, False)
    assert isinstance(vote.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context), Drop)
    assert context.transactions.sent == []
