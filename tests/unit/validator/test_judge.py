"""What a validator says of opened models: measured scores, flags with reasons, and nothing taken from a claim."""

from __future__ import annotations

import copy
import gc
import hashlib
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.watermark import NEAR, beyond_parent, choose_probes, embed, keygen, lineage, nearness
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, ModelCommitment
from dlbc.wire.vote_word import CandidateFlag
from validator import judge as judging
from validator import origins
from validator.judge import Finding, Memory, Opened, judge
from validator.suspects import FEW, Earlier

torch.set_num_threads(1)

DRAW = b"d" * 32
ALICE, BOB, CAROL, DAVE = ("0x" + byte * 20 for byte in ("aa", "bb", "cc", "dd"))


def seed_of(commitment: ModelCommitment) -> bytes:
    """The seed depends on the miner alone here: one round, one anchor."""
    return hashlib.sha256(commitment.miner.lower().encode()).digest()


def commitment(miner: str, parent: bytes = ZERO_BYTES32) -> ModelCommitment:
    made = ModelCommitment(
        1, *([ZERO_BYTES32] * 4), 1, *([ZERO_BYTES32] * 5), miner=miner or ZERO_ADDRESS, salt=ZERO_BYTES32
    )
    return replace(made, parent=parent)


def before(name: str, model: Network, opened_in: int = 0, miner: str = BOB) -> Earlier:
    """A model that was opened before the round; its digest is made of its name."""
    return Earlier(name, hashlib.sha256(name.encode()).digest(), seed_of(commitment(miner)), lambda: model, opened_in)


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


def judged(
    test_set: Dataset,
    *candidates: Opened,
    earlier: tuple[Earlier, ...] = (),
    prove: Callable[[Opened], str] | None = None,
) -> list[Finding]:
    probes = choose_probes(test_set.x, b"s" * 32)
    return judge(candidates, test_set, probes=probes, earlier=earlier, draw=DRAW, seed_of=seed_of, prove=prove)


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
    earlier = (before("block 7, the model of Bob", original),)
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


def stolen_from(original: Network) -> Network:
    """Alice's mark on another's network."""
    stolen = copy.deepcopy(original)
    embed(stolen, keygen(seed_of(commitment(ALICE))))
    return stolen


@pytest.mark.parametrize(("opened_in", "accused"), [(49, True), (50, False), (51, False)])
def test_judge__winner_opened_after_this_commit__is_not_its_origin(
    test_set: Dataset, opened_in: int, accused: bool
) -> None:
    """A round of another slot opens models while this one still takes commits: who committed before cannot have
    taken them, whatever others do until the last commit.
    """
    original = network(BOB)
    candidate = Opened(commitment(ALICE), 1, stolen_from(original), committed_in=50)
    (finding,) = judged(test_set, candidate, earlier=(before("block 7", original, opened_in),))
    assert (CandidateFlag.LINEAGE in finding.vote.flags) is accused


def hurried(
    test_set: Dataset, seconds_left: Callable[[], float], *candidates: Opened, earlier: Any = ()
) -> list[Finding]:
    probes = choose_probes(test_set.x, b"s" * 32)
    return judge(
        candidates, test_set, probes=probes, earlier=earlier, draw=DRAW, seed_of=seed_of, seconds_left=seconds_left
    )


def test_judge__scoring_takes_too_long__votes_on_what_was_scored(
    test_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models may be made slow on purpose; a seat that does not vote is slashed. The best claims come first."""
    clock = iter([100.0, 99.0, 10.0])  # the whole, before the first model, before the second
    monkeypatch.setattr(judging, "_compare", lambda *_: None)
    first, second = hurried(
        test_set,
        lambda: next(clock, 10.0),
        Opened(commitment(ALICE), 1, network(ALICE)),
        Opened(commitment(BOB), 2, network(BOB)),
    )
    assert first.vote.score == score(network(ALICE), test_set).correct
    assert second.vote.skipped
    assert second.predictions == ()
    assert second.reasons == ("it could not be scored in time",)


def test_judge__comparison_never_ends__accuses_nobody_and_the_next_is_made(
    test_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights can be chosen so that aligning takes hours; the thief beside them is found all the same."""
    original, trap, end = network(BOB), network(ALICE), threading.Event()
    lineage = origins.lineage

    def slow(subject: Network, reference: Network, probes: Any) -> Any:
        if reference is trap:
            end.wait(20)
        return lineage(subject, reference, probes)

    monkeypatch.setattr(origins, "lineage", slow)
    left = [1000.0]

    def loads(model: Network, seconds: float) -> Callable[[], Network]:
        def load() -> Network:
            left[0] = seconds
            return model

        return load

    earlier = (
        replace(before("the trap", trap), load=loads(trap, 4.0)),
        replace(before("block 7", original), load=loads(original, 1000.0)),
    )
    thief = Opened(commitment(ALICE), 1, stolen_from(original))
    try:
        (finding,) = hurried(test_set, lambda: left[0], thief, earlier=earlier)
    finally:
        end.set()
    assert any("the comparison with the trap did not end" in reason for reason in finding.reasons)
    assert finding.vote.flags & CandidateFlag.LINEAGE
    assert "block 7" in finding.reasons[-1]


def test_judge__comparison_fails__the_vote_is_cast_without_it(
    test_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One model's odd numbers must not cost the seat its vote on the others."""

    def fail(*_: Any) -> Any:
        raise ValueError("cost matrix is infeasible")

    monkeypatch.setattr(origins, "lineage", fail)
    findings = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE)), Opened(commitment(BOB), 2, network(BOB)))
    assert [finding.vote.flags for finding in findings] == [CandidateFlag.NONE] * 2
    assert "infeasible" in findings[1].reasons[0]


@pytest.mark.parametrize("count", [3, FEW + 1])
def test_judge__many_earlier_models__holds_one_at_a_time(test_set: Dataset, count: int) -> None:
    """Sixty-four networks of 800 MB do not fit into a validator's memory."""
    alive: list[weakref.ref[Network]] = []

    def load() -> Network:
        gc.collect()
        assert not any(one() is not None for one in alive), "loaded while another is held"
        model = network(BOB)
        alive.append(weakref.ref(model))
        return model

    winners = tuple(replace(before(f"block {number}", network(BOB)), load=load) for number in range(count))
    judged(test_set, Opened(commitment(ALICE), 1, network(ALICE)), earlier=winners)
    assert len(alive) >= count


def test_judge__thief_among_many_earlier_models__is_found_by_few_comparisons(
    test_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aligning with each of them would take a validator longer than he has."""
    compared: list[Network] = []
    lineage = origins.lineage

    def counted(subject: Network, reference: Network, probes: Any) -> Any:
        compared.append(reference)
        return lineage(subject, reference, probes)

    monkeypatch.setattr(origins, "lineage", counted)
    winners = [before(f"block {number}", network(f"0x{number + 1:040x}")) for number in range(40)]
    original = winners[30].load()
    assert original is not None
    thief, honest = (
        Opened(commitment(ALICE), 1, stolen_from(original)),
        Opened(commitment(BOB), 2, network(BOB)),
    )
    findings = judged(test_set, thief, honest, earlier=tuple(winners))
    assert "derived from block 30" in findings[0].reasons[-1]
    assert not findings[1].vote.flags & CandidateFlag.LINEAGE
    assert compared[1] is original, "the likeliest comes first, after the other candidate"
    assert len(compared) < 20


def test_judge__time_is_over__asks_for_no_earlier_model(test_set: Dataset) -> None:
    """Each may take a second that the vote needs."""
    original = network(BOB)
    winner = replace(before("block 7", original), load=lambda: pytest.fail("asked for"))
    clock = iter([100.0, 99.0, 98.0])  # the whole, before the model is scored, before its mark is looked for
    (finding,) = hurried(
        test_set, lambda: next(clock, 0.0), Opened(commitment(ALICE), 1, stolen_from(original)), earlier=(winner,)
    )
    assert not finding.vote.skipped


def test_judge__many_earlier_models_are_gone__asks_for_each_once(test_set: Dataset) -> None:
    """Asking for what nobody serves takes a second each."""
    asked: list[str] = []

    def gone(name: str) -> Earlier:
        return replace(before(name, network(BOB)), load=lambda: asked.append(name))

    winners = tuple(gone(f"block {number}") for number in range(FEW + 4))
    candidates = (Opened(commitment(ALICE), 1, network(ALICE)), Opened(commitment(BOB), 2, network(BOB)))
    judged(test_set, *candidates, earlier=winners)
    assert sorted(asked) == sorted(winner.name for winner in winners)


def test_judge__neither_model_nor_fault__is_skipped(test_set: Dataset) -> None:
    """Where our own node is cut off there is nothing to say: no score, no flag."""
    (finding,) = judged(test_set, Opened(commitment(ALICE), 1, None, CandidateFlag.NONE, "our own node is cut off"))
    assert finding.vote.skipped
    assert finding.reasons == ("our own node is cut off",)


def test_judge__origin_is_declared_as_parent__accuses_nobody_for_that_pair(test_set: Dataset) -> None:
    """Its miner shares the fee, and training may begin at it."""
    original = network(BOB)
    parent = before("block 7", original)
    declared = Opened(commitment(ALICE, parent.digest), 1, stolen_from(original))
    (finding,) = judged(test_set, declared, earlier=(parent,))
    assert not finding.vote.flags


def improved(parent: Network, miner: str) -> Network:
    """What a miner makes of a model that he declares: other weights here and there, and his mark."""
    model = copy.deepcopy(parent)
    generator = torch.Generator().manual_seed(int(miner[-4:], 16))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * parameter.std() * torch.randn(parameter.shape, generator=generator))
    embed(model, keygen(seed_of(commitment(miner))))
    return model.eval()


@pytest.mark.parametrize("declared", [True, False])
def test_judge__two_improve_one_model__are_not_accused_of_each_other(test_set: Dataset, declared: bool) -> None:
    """Both are alike because of the parent, and say so; who does not say so is accused."""
    original = network(BOB)
    parent = before("block 7", original)
    digest = parent.digest if declared else ZERO_BYTES32
    first = Opened(commitment(ALICE, parent.digest), 1, improved(original, ALICE))
    second = Opened(commitment(CAROL, digest), 2, improved(original, CAROL))
    findings = judged(test_set, first, second, earlier=(parent,))
    assert not findings[0].vote.flags
    assert (CandidateFlag.LINEAGE in findings[1].vote.flags) is not declared


def test_judge__copy_that_declares_the_same_parent__is_still_a_copy(test_set: Dataset) -> None:
    original = network(BOB)
    parent = before("block 7", original)
    improvement = improved(original, ALICE)
    stolen = stolen_from(improvement)
    first = Opened(commitment(ALICE, parent.digest), 1, improvement)
    second = Opened(commitment(CAROL, parent.digest), 2, stolen)
    findings = judged(test_set, first, second, earlier=(parent,))
    assert CandidateFlag.LINEAGE not in findings[0].vote.flags
    assert CandidateFlag.LINEAGE in findings[1].vote.flags


def test_judge__improvement_worked_on_under_its_own_parent__is_told_by_its_mark(test_set: Dataset) -> None:
    """Too little of the likeness is left, but nobody else's improvement carries that mark."""
    original = network(BOB)
    parent = before("block 7", original)
    improvement = improved(original, ALICE)
    first = Opened(commitment(ALICE, parent.digest), 1, improvement)
    second = Opened(commitment(CAROL, parent.digest), 2, improved(stolen_from(improvement), CAROL))
    findings = judged(test_set, first, second, earlier=(parent,))
    assert not findings[0].vote.flags
    assert findings[1].vote.flags == CandidateFlag.LINEAGE
    assert "its mark at z" in findings[1].reasons[0]


@pytest.mark.parametrize("earlier_round", [True, False])
def test_judge__rival_who_began_at_ones_own_start__is_no_original(test_set: Dataset, earlier_round: bool) -> None:
    """Starts are known once the round is open: a rival could have begun at one's own and committed first."""
    honest = network(ALICE)
    framer = network(BOB, start=ALICE, mark=False)
    permute_channels(framer, b"f" * 32)
    embed(framer, keygen(seed_of(commitment(BOB))))
    subject = Opened(commitment(ALICE), 2, honest)
    if earlier_round:
        (finding,) = judged(test_set, subject, earlier=(before("block 7", framer),))
    else:
        stranger = before("block 7", network(CAROL))
        rival = Opened(commitment(BOB, stranger.digest), 1, framer)
        finding = judged(test_set, rival, subject, earlier=(stranger,))[1]
    assert not finding.vote.flags


@pytest.mark.parametrize("earlier_round", [True, False])
def test_judge__rival_who_took_ones_own_start_out_again__is_no_original(test_set: Dataset, earlier_round: bool) -> None:
    """What is left of his model is what training does from one's own start: everybody can repeat that."""
    learned = network(CAROL, mark=False)
    honest, framer = network(ALICE, mark=False), copy.deepcopy(learned)
    with torch.no_grad():
        for parameter, change in zip(honest.parameters(), learned.parameters(), strict=True):
            parameter.add_(0.7 * change)
    permute_channels(framer, b"f" * 32)
    for model, miner in ((honest, ALICE), (framer, BOB)):
        embed(model, keygen(seed_of(commitment(miner))))
    probes = choose_probes(test_set.x, b"s" * 32)
    assert lineage(honest, framer, probes).related
    assert not lineage(network(ALICE, mark=False), framer, probes).related
    subject = Opened(commitment(ALICE), 2, honest)
    if earlier_round:
        (finding,) = judged(test_set, subject, earlier=(before("block 7", framer),))
    else:
        stranger = before("block 7", network(DAVE))
        finding = judged(test_set, Opened(commitment(BOB, stranger.digest), 1, framer), subject, earlier=(stranger,))[1]
    assert not finding.vote.flags


def test_judge__copy_blended_with_ones_own_start__is_still_a_copy(test_set: Dataset) -> None:
    """He comes as near to where he begins as some honest trainings do, but not as near as the winner to its own."""
    original, start = network(BOB), network(ALICE, mark=False)
    blended = copy.deepcopy(original)
    with torch.no_grad():
        for parameter, own in zip(blended.parameters(), start.parameters(), strict=True):
            parameter.add_(0.6 * own)
    assert nearness(blended, start) > NEAR
    thief = Opened(commitment(ALICE), 1, stolen_from(blended))
    (finding,) = judged(test_set, thief, earlier=(before("block 7", original),))
    assert CandidateFlag.LINEAGE in finding.vote.flags


@pytest.mark.parametrize("known", [True, False])
def test_judge__copy_of_an_improvement_of_ones_own_start__is_no_more_ones_own(test_set: Dataset, known: bool) -> None:
    """A thief who made the winner that somebody improved, from where he begins in another round, cannot point there."""
    base = before("block 7", network(BOB, start=ALICE))
    first = base.load()
    assert first is not None
    improvement = improved(first, CAROL)
    better = replace(before("block 8", improvement, miner=CAROL), parent=base.digest if known else ZERO_BYTES32)
    thief = Opened(commitment(ALICE), 1, stolen_from(improvement))
    (finding,) = judged(test_set, thief, earlier=(base, better))
    assert any("block 8" in reason for reason in finding.reasons) is known


def test_judge__copy_worked_on_that_declares_a_stranger__is_flagged(test_set: Dataset) -> None:
    """A parent that is like neither of them explains nothing, however little of the likeness is left."""
    original, stranger = before("block 7", network(BOB, mark=False)), before("block 8", network(CAROL))
    loaded, other = original.load(), stranger.load()
    assert loaded is not None
    assert other is not None
    worked_on = stolen_from(loaded)
    with torch.no_grad():
        for parameter in worked_on.parameters():
            parameter.add_(0.5 * parameter.std() * torch.randn(parameter.shape, generator=torch.Generator()))
    probes = choose_probes(test_set.x, b"s" * 32)
    assert not beyond_parent(worked_on, loaded, other, probes, keygen(b"another key of 32 bytes in length")).related
    thief = Opened(commitment(ALICE, stranger.digest), 1, worked_on)
    (finding,) = judged(test_set, thief, earlier=(original, stranger))
    assert CandidateFlag.LINEAGE in finding.vote.flags


@pytest.mark.parametrize("parent_of", ["a stranger", "no winner", "one that nobody serves"])
def test_judge__copy_that_declares_a_parent_it_has_not__is_flagged(test_set: Dataset, parent_of: str) -> None:
    original = before("block 7", network(BOB))
    stranger = before("block 8", network(CAROL))
    winners = {
        "a stranger": (original, stranger),
        "no winner": (original,),
        "one that nobody serves": (original, replace(stranger, load=lambda: None)),
    }[parent_of]
    loaded = original.load()
    assert loaded is not None
    thief = Opened(commitment(ALICE, stranger.digest), 1, stolen_from(loaded))
    (finding,) = judged(test_set, thief, earlier=winners)
    assert CandidateFlag.LINEAGE in finding.vote.flags


def test_judge__grandchild_of_a_winner__is_explained_by_its_parent(test_set: Dataset) -> None:
    """Its parent paid for the grandparent; a chain of improvements must stay possible."""
    oldest = network(BOB)
    parent = improved(oldest, ALICE)
    winners = (before("block 7", oldest), before("block 8", parent, miner=ALICE))
    child = Opened(commitment(BOB, winners[1].digest), 1, improved(parent, BOB))
    (finding,) = judged(test_set, child, earlier=winners)
    assert not finding.vote.flags


def test_judge__second_epoch__measures_only_what_is_new(test_set: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same findings in other places, though neither model nor origin is looked at again."""
    original = network(BOB)
    thief, honest = Opened(commitment(ALICE), 2, stolen_from(original)), Opened(commitment(BOB), 3, network(BOB))
    earlier = (before("block 7", original),)
    probes, memory = choose_probes(test_set.x, b"s" * 32), Memory()

    def judged_again(candidates: list[Opened], origins: tuple[Earlier, ...]) -> list[Finding]:
        return judge(candidates, test_set, probes=probes, earlier=origins, draw=DRAW, seed_of=seed_of, memory=memory)

    first = judged_again([thief, honest], earlier)
    for name in ("predict", "verify", "unless_framed"):
        monkeypatch.setattr(judging, name, lambda *_: pytest.fail("looked again"))
    unloaded = replace(earlier[0], load=lambda: pytest.fail("loaded again"))
    second = judged_again([replace(honest, model=None), replace(thief, model=None)], (unloaded,))
    assert second == first[::-1]
    assert CandidateFlag.LINEAGE in second[1].vote.flags


def test_judge__earlier_model_cannot_be_had__convicts_nobody(test_set: Dataset) -> None:
    gone = Earlier("block 7", b"7" * 32, b"m" * 32, lambda: None)
    (finding,) = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE)), earlier=(gone,))
    assert not finding.vote.flags


def test_judge__proof_of_training_fails__flagged_with_the_reason(test_set: Dataset) -> None:
    (found,) = judged(
        test_set, Opened(commitment(ALICE), 1, network(ALICE)), prove=lambda candidate: "its training: the words"
    )
    assert found.vote.flags == CandidateFlag.TRAJECTORY
    assert found.reasons == ("its training: the words",)


def test_judge__proof_holds__no_flag(test_set: Dataset) -> None:
    (found,) = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE)), prove=lambda candidate: "")
    assert found.vote.flags == CandidateFlag.NONE


def test_judge__own_machine_fails_at_the_proof__accuses_nobody(test_set: Dataset) -> None:
    def fail(candidate: Opened) -> str:
        raise MemoryError("the device has too little")

    (found,) = judged(test_set, Opened(commitment(ALICE), 1, network(ALICE)), prove=fail)
    assert found.vote.flags == CandidateFlag.NONE
    assert "MemoryError" in found.reasons[0]
