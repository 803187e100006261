"""Votes: on disk before they leave, judged once, revealed in their own phase and epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from dlbc.chain.contracts import Timing
from dlbc.chain.events import BlockAppended, ClaimEnlisted, CommitteeDrawn, Paid, VoteChallenged
from dlbc.errors import IPFSError, TransactionRefused
from dlbc.journal import Duty, Identity, Journal
from dlbc.journal.history import Cursor
from dlbc.ml.watermark.lineage import Lineage
from dlbc.service import Done, Drop, Retry, Wait
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, BlockHeader, Mode, Outcome, Payment, Phase
from dlbc.wire.merkle import eval_root
from dlbc.wire.typed_data import vote_hash
from dlbc.wire.vote_word import SKIPPED, CandidateVote, TaskFlag, unpack
from validator import ballot, records, vote
from validator.evidence import Materials
from validator.handlers import COMMIT_VOTE, FETCH_MODEL, FETCH_WINNER, JUDGE, OPEN_LEAF, REVEAL_VOTE, handlers
from validator.judge import Finding, Mark, Memory

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
    found = SimpleNamespace(
        journal=journal,
        account=SELF,
        signer=SimpleNamespace(key=b"\x07" * 32),
        transactions=FakeTransactions(),
        chain=SimpleNamespace(now=lambda: 101.0, deployment=SimpleNamespace(chain_id=1, hub=ZERO_ADDRESS)),
        round=SimpleNamespace(
            phase=Phase.VOTE_COMMIT, epoch=0, version=3, inbox_from=1, inbox_to=0, outcome=Outcome.NONE, prove_secs=0
        ),
        committee=SimpleNamespace(
            commit_vote=lambda *arguments: ("commit", *arguments),
            reveal_vote=lambda revealed: ("reveal", revealed),
        ),
        hub=SimpleNamespace(),
        report=lambda event: None,
    )
    timing = Timing(2, 2, 60, 60, 60, vote_commit_secs=30, vote_reveal_secs=20, appeal_secs=40)
    versions = {3: SimpleNamespace(timing=timing)}
    found.hub.round = lambda _: found.round
    found.hub.parameters_of = versions.__getitem__
    return found


def store(context: Any, epoch: int = 0, positions: tuple[int, ...] = (1,)) -> Duty:
    """The votes of a judgement, as `judge_round` stores them."""
    duty = Duty(JUDGE, ROUND, str(epoch), 100, 130, {"positions": list(positions), "epoch": epoch})
    measured(duty, context, (1, 2, 3))
    return duty


def measured(duty: Duty, context: Any, predictions: tuple[int, ...], model: bytes = b"m" * 32) -> None:
    finding = Finding(CandidateVote(7), predictions, (), 20.0)
    memory = Memory({model: np.array(predictions, np.int32)})
    vote._store(duty, context, TaskFlag.NONE, {model: finding}, len(predictions), memory)


def test_handlers__committee_without_us__owes_nothing(context: Any) -> None:
    event = CommitteeDrawn(1, b"h" * 32, 0, ROUND, 0, ZERO_BYTES32, (1, 2), (OTHER, OTHER), 100)
    handlers()[CommitteeDrawn](event, context)
    assert context.journal.duties() == []


def test_handlers__drawn_twice_over__owe_one_judgement_for_all_our_seats(context: Any) -> None:
    """Replaying the event changes nothing, and each of our positions is named."""
    event = CommitteeDrawn(
        1, b"h" * 32, 0, ROUND, 2, ZERO_BYTES32, (1, 2, 3), (SELF.upper().replace("0X", "0x"), OTHER, SELF), 100
    )
    for _ in range(2):
        handlers()[CommitteeDrawn](event, context)
    (row,) = context.journal.duties(kind=JUDGE)
    assert (row.duty.subject, row.duty.due_at, row.duty.deadline) == ("2", 100, 130)
    assert row.duty.payload == {"positions": [0, 2], "epoch": 2}


def test_handlers__something_to_prove__judging_has_as_much_more_time(context: Any) -> None:
    context.round.prove_secs = 25
    event = CommitteeDrawn(1, b"h" * 32, 0, ROUND, 0, ZERO_BYTES32, (1,), (SELF,), 100)
    handlers()[CommitteeDrawn](event, context)
    (row,) = context.journal.duties(kind=JUDGE)
    assert (row.duty.due_at, row.duty.deadline) == (100, 155)


def test_handlers__first_block__has_no_model_to_fetch(context: Any) -> None:
    values = {"version": 1, "height": 0}
    header = BlockHeader(
        **{  # type: ignore[arg-type]
            name: values.get(name, ZERO_ADDRESS if kind == "address" else ZERO_BYTES32 if kind == "bytes32" else 0)
            for name, kind, _ in BlockHeader.abi_fields()
        }
    )
    handlers()[BlockAppended](BlockAppended(1, b"h" * 32, 0, 0, ZERO_BYTES32, header), context)
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
    measured(moved, context, (4,))
    first, second = records.votes(context.journal, ROUND, 0)
    assert (first, second.pos) == (old, 2)


@pytest.fixture
def unserved(context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A round whose test set does not arrive."""
    task = Materials(None, None, None, TaskFlag.DATA_UNAVAILABLE, ("it did not arrive in 3 s",))
    monkeypatch.setattr(vote, "spec_of", lambda *_: SimpleNamespace(score_max=3, modes=Mode.NONE))
    monkeypatch.setattr(vote, "shown_test_key", lambda *_: b"k" * 32)
    monkeypatch.setattr(vote, "materials", lambda *_: task)
    candidate = SimpleNamespace(miner=OTHER, score=9, commitment=b"c" * 32)
    claim = SimpleNamespace(commitment_hash=b"c" * 32, commitment=SimpleNamespace(payload_root=ZERO_BYTES32))
    monkeypatch.setattr(context.journal, "events", lambda *_, **__: [claim], raising=False)
    context.hub.candidates = lambda _: [candidate]
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


def test_judge_round__inbox_is_not_known_here__votes_and_blames_no_payload(unserved: Any) -> None:
    """What a block carries is little against a seat that is absent."""
    unserved.ipfs, warned = SimpleNamespace(peers=lambda: ["a peer"]), []
    unserved.log.warning = lambda words, **_: warned.append(words)
    unserved.round.inbox_to = 1
    (claim,) = unserved.journal.events()
    claim.commitment.payload_root = b"p" * 32
    assert vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")) == Done()
    assert word(unserved)[1] == TaskFlag.DATA_UNAVAILABLE
    assert len(warned) == 1


def test_judge_round__another_payload_than_the_batch__flagged(unserved: Any) -> None:
    unserved.ipfs = SimpleNamespace(peers=lambda: ["a peer"])
    (claim,) = unserved.journal.events()
    claim.commitment.payload_root = b"p" * 32
    assert vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")) == Done()
    assert word(unserved)[1] == TaskFlag.DATA_UNAVAILABLE | TaskFlag.PAYLOAD_BAD_0


@pytest.mark.parametrize(("timestamp", "judged"), [(99, False), (100, True)])
def test_judge_round__proofs_may_not_be_confirmed_yet__waits_for_the_block_in_which_votes_begin(
    unserved: Any, monkeypatch: pytest.MonkeyPatch, timestamp: int, judged: bool
) -> None:
    """Who is judged before his announcement is read would be flagged for a proof that he gave."""
    unserved.ipfs = SimpleNamespace(peers=lambda: ["a peer"])
    monkeypatch.setattr(vote, "spec_of", lambda *_: SimpleNamespace(score_max=3, modes=Mode.TRAJECTORY))
    unserved.journal.history.advance(Cursor(7, b"h" * 32))
    unserved.chain.header = {7: SimpleNamespace(timestamp=timestamp)}.__getitem__
    assert isinstance(vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")), Done if judged else Retry)


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
    assert ballot.commit_vote(Duty(COMMIT_VOTE, ROUND, "0/1"), context) == Done()
    assert context.transactions.sent == [(f"vote/{ROUND}/0/1", ("commit", ROUND, 1, vote_hash(stored)))]


def test_reveal_vote__others_still_commit__waits(context: Any) -> None:
    """Opened early, a vote could be copied."""
    store(context)
    assert isinstance(ballot.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context), Wait)
    assert context.transactions.sent == []


def test_reveal_vote__draw_was_lost_in_a_reorganisation__waits_for_it(context: Any) -> None:
    """The same committee may be drawn again, and its duties are not owed twice."""
    store(context)
    context.round.phase = Phase.SEAL
    assert isinstance(ballot.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context), Wait)


def test_reveal_vote__in_its_phase__sends_the_stored_vote(context: Any) -> None:
    store(context)
    context.round.phase = Phase.VOTE_REVEAL
    assert ballot.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context) == Done()
    (stored,) = records.votes(context.journal, ROUND, 0)
    assert context.transactions.sent == [(f"reveal/{ROUND}/0/1", ("reveal", stored))]


@pytest.mark.parametrize(("phase", "epoch"), [(Phase.VOTE_REVEAL, 1), (Phase.ENLIST, 1), (Phase.APPEAL, 0)])
def test_reveal_vote__its_epoch_is_over__gives_up_the_old_vote(context: Any, phase: Phase, epoch: int) -> None:
    store(context)
    context.round.phase, context.round.epoch = phase, epoch
    assert isinstance(ballot.reveal_vote(Duty(REVEAL_VOTE, ROUND, "0/1"), context), Drop)
    assert context.transactions.sent == []


def test_judge_round__its_epoch_is_over__drops_it(context: Any) -> None:
    """The list has changed since: a vote on it would name other candidates."""
    context.round.epoch = 1
    assert isinstance(vote.judge_round(JUDGEMENT, context, torch.device("cpu")), Drop)


def test_judge_round__payload_is_no_batch__flags_its_position_alone(
    unserved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unserved.ipfs = SimpleNamespace(peers=lambda: ["a peer"])
    monkeypatch.setattr(vote.payload, "faults", lambda commitments, expected: TaskFlag.PAYLOAD_BAD_0)
    assert vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")) == Done()
    assert word(unserved)[1] == TaskFlag.DATA_UNAVAILABLE | TaskFlag.PAYLOAD_BAD_0


def test_judge_round__accused_is_convicted__flagged_beside_the_scores(
    unserved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unserved.ipfs = SimpleNamespace(peers=lambda: ["a peer"])
    data: Any = [0, 0, 0]
    task = Materials(SimpleNamespace(), data, data, TaskFlag.NONE, ())  # type: ignore[arg-type]
    monkeypatch.setattr(vote, "materials", lambda *_: task)
    monkeypatch.setattr(vote, "_judge", lambda *_: ([Finding(CandidateVote(2), (), (), 20.0)], TaskFlag.STOLEN_0))
    assert vote.judge_round(JUDGEMENT, unserved, torch.device("cpu")) == Done()
    votes, flags = word(unserved)
    assert (votes[0].score, flags) == (2, TaskFlag.STOLEN_0)


def test_store__another_epoch__keeps_the_leaves_of_both(context: Any) -> None:
    """Places on the list change between epochs; a challenge may still ask for what lies below each vote."""
    store(context)
    later = Duty(JUDGE, ROUND, "1", 200, 230, {"positions": [0], "epoch": 1})
    skipped = Finding(SKIPPED, (), (), 0.0)
    known = records.memory(context.journal, ROUND)
    known.predictions[b"n" * 32] = np.array([5, 6, 7], np.int32)
    again = Finding(CandidateVote(7), (1, 2, 3), (), 20.0)
    other = Finding(CandidateVote(2), (5, 6, 7), (), 20.0)
    vote._store(later, context, TaskFlag.NONE, {b"s" * 32: skipped, b"n" * 32: other, b"m" * 32: again}, 3, known)
    for epoch, expected in ((0, [[1, 2, 3]]), (1, [[], [5, 6, 7], [1, 2, 3]])):
        (stored,) = records.votes(context.journal, ROUND, epoch)
        found = records.leaves(context.journal, ROUND, epoch)
        assert found == expected
        assert eval_root(stored.salt, expected) == stored.eval_root


def test_store__measured_differently_the_second_time__the_first_stays(context: Any) -> None:
    """A root is on chain: its leaves must stay what they were."""
    store(context)
    measured(Duty(JUDGE, ROUND, "1", 200, 230, {"positions": [1], "epoch": 1}), context, (9, 9, 9))
    assert records.leaves(context.journal, ROUND, 0) == [[1, 2, 3]]


def test_store__test_set_is_longer_than_declared__has_leaves_for_the_declared_ones(context: Any) -> None:
    """The contract knows no other number, and would ask for a leaf by it."""
    duty = Duty(JUDGE, ROUND, "0", 100, 130, {"positions": [1], "epoch": 0})
    memory = Memory({b"m" * 32: np.array([1, 2, 3], np.int32)})
    vote._store(
        duty, context, TaskFlag.MISDECLARED, {b"m" * 32: Finding(CandidateVote(3), (1, 2, 3), (), 9.0)}, 2, memory
    )
    (stored,) = records.votes(context.journal, ROUND, 0)
    assert stored.eval_root == eval_root(stored.salt, [[1, 2]])
    assert records.leaves(context.journal, ROUND, 0) == [[1, 2]]


def test_records__memory_written_and_read__is_the_same(context: Any) -> None:
    memory = Memory(
        {b"m" * 32: np.array([1, 2], np.int32)},
        {b"m" * 32: Mark(17.5), b"n" * 32: Mark(1.25, "absent")},
        {(b"n" * 32, b"m" * 32): Lineage(0.75, 0.5, True, 9.5), (b"n" * 32, b"o" * 32): Lineage(0.25, 0.0, False)},
    )
    records.save_memory(context.journal, ROUND, memory)
    found = records.memory(context.journal, ROUND)
    assert (found.marks, found.lineages) == (memory.marks, memory.lineages)
    assert {digest: list(values) for digest, values in found.predictions.items()} == {b"m" * 32: [1, 2]}


def test_settle__round_is_final__forgets_predictions_and_counts_tips_apart(context: Any) -> None:
    """Votes stay for the record; what only a challenge could ask for does not fill the disk."""
    store(context)
    context.round.outcome = Outcome.BLOCK
    context.signer.address = OTHER  # an operator, who gets the tips
    for number, (account, kind) in enumerate(
        [(SELF, Payment.VALIDATOR), (OTHER, Payment.TIP), (OTHER, Payment.VALIDATOR)]
    ):
        with context.journal.transaction():
            context.journal.history.add(Paid(9, b"h" * 32, number, ROUND, account, kind, 10**number))
    assert ballot.settle(Duty("settle", ROUND), context) == Done()
    notes = context.journal.notes(records.scope(ROUND))
    assert notes["result"] == {"outcome": "BLOCK", "paid": "1", "tips": "10", "slashed": "0"}
    assert not any(name.startswith(("predictions", "provenance")) for name in notes)
    assert len(records.votes(context.journal, ROUND, 0)) == 1


def drawn(context: Any, epoch: int, owners: tuple[str, ...], block: int) -> None:
    with context.journal.transaction():
        context.journal.history.add(
            CommitteeDrawn(block, b"h" * 32, block, ROUND, epoch, ZERO_BYTES32, (1, 2, 3), owners, 100 * (epoch + 1))
        )


def test_handlers__own_vote_is_challenged__owes_the_leaf_of_the_epoch_that_was_drawn_last(context: Any) -> None:
    """The deadline is the phase's latest end by the round's own parameters."""
    drawn(context, 0, (OTHER, OTHER, OTHER), 1)
    drawn(context, 1, (OTHER, SELF, OTHER), 3)
    drawn(context, 2, (SELF, OTHER, OTHER), 9)  # after the challenge, which is read again
    for position in (0, 1):
        handlers()[VoteChallenged](VoteChallenged(5, b"h" * 32, 5, ROUND, OTHER, position), context)
    (row,) = context.journal.duties(kind=OPEN_LEAF)
    assert (row.duty.subject, row.duty.deadline) == ("1/1", 200 + 30 + 20 + 40)


def test_handlers__excluded_claim_enters__its_model_is_fetched(context: Any) -> None:
    handlers()[ClaimEnlisted](ClaimEnlisted(5, b"h" * 32, 5, ROUND, OTHER, b"e" * 32, 9), context)
    (row,) = context.journal.duties(kind=FETCH_MODEL)
    assert row.duty.subject == (b"e" * 32).hex()
