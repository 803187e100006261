"""After the commit: score, claim and show, in time or with the reason; never an unopened commit if it can be helped."""

from dataclasses import replace

import pytest
from miner_world import ANCHOR, COMMIT_END, MINER, ROUND, Crash, World, dataset

from dlbc.chain.contracts import Candidate, Commit
from dlbc.chain.events import ModelKeyShown
from dlbc.errors import TransactionRefused
from dlbc.journal import Duty
from dlbc.ml import training
from dlbc.ml.evaluate import score as count_correct
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.service import Done, Drop, Wait
from dlbc.types import ModelClaim, ModelCommitment, Phase
from dlbc.wire.typed_data import Domain, commitment_hash, recover_claim
from miner import claim as claiming
from miner import records
from miner.claim import claim, score, show
from miner.feasible import OutOfTime
from miner.options import CLAIM, SCORE, SEAL, SHOW, Options
from miner.room import open_room
from miner.submit import seal
from miner.train import subject

SCORE_DUTY, CLAIM_DUTY, SHOW_DUTY = Duty(SCORE, ROUND), Duty(CLAIM, ROUND), Duty(SHOW, ROUND)
OPTIONS = Options()


@pytest.fixture
def committed(world: World) -> World:
    """A model of full accuracy is committed, and the test key is shown."""
    world.opened()
    room, manifest = open_room(world.context, ROUND), world.manifest
    model = build(manifest.architecture, manifest.input_shape, manifest.classes)
    initialise(model, b"s" * 32)
    training.train(model, dataset(1, 200), seed=b"s" * 32, epochs=4)
    save_model(model, room.model)
    records.save_trained(world.journal, ROUND, records.Trained(room.model, ANCHOR, bytes(32), 0.95, 4.0, held_out=200))
    seal(Duty(SEAL, ROUND, subject(ANCHOR)), world.context, OPTIONS)
    world.committed(submission(world))
    world.key_revealed()
    return world


def submission(world: World) -> ModelCommitment:
    found = records.submission(world.journal, ROUND)
    assert found is not None
    return found


def saved(world: World) -> records.Claim:
    found = records.claim(world.journal, ROUND)
    assert found is not None
    return found


def break_test_set(world: World) -> None:
    path = world.ipfs.folder / submission_test_digest(world)
    path.write_bytes(bytes(world.manifest.data.test.bytes))


def submission_test_digest(world: World) -> str:
    from dlbc.ipfs.cid import cid_to_digest

    return cid_to_digest(world.manifest.data.test.cid).hex()


def test_score__no_commit_on_the_chain__dropped(committed: World) -> None:
    committed.hub.commits.clear()
    assert isinstance(score(SCORE_DUTY, committed.context, OPTIONS), Drop)
    assert records.claim(committed.journal, ROUND) is None


def test_score__claim_phase_over__dropped_with_what_it_costs(committed: World) -> None:
    committed.phase(Phase.SHOW, COMMIT_END + 60)
    result = score(SCORE_DUTY, committed.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "will be slashed" in result.why


def test_score__key_not_shown_yet__waits(committed: World) -> None:
    committed.phase(Phase.KEY, COMMIT_END + 6)
    assert isinstance(score(SCORE_DUTY, committed.context, OPTIONS), Wait)


def test_score__ipfs_down_and_time_left__waits(committed: World) -> None:
    committed.ipfs.down = True
    assert isinstance(score(SCORE_DUTY, committed.context, OPTIONS), Wait)
    assert records.claim(committed.journal, ROUND) is None
    assert sum("trying on while there is time to claim" in message for message in committed.said) == 1


def test_score__ipfs_down_until_the_end__claims_the_least_listed_score(committed: World) -> None:
    committed.ipfs.down = True
    committed.chain.time = COMMIT_END + 36
    assert score(SCORE_DUTY, committed.context, OPTIONS) == Done()
    assert saved(committed).score == committed.spec.min_score
    assert "cannot be had" in saved(committed).why


def test_score__test_set_is_garbage_and_the_model_good__claims_the_least_listed_score(committed: World) -> None:
    break_test_set(committed)
    score(SCORE_DUTY, committed.context, OPTIONS)
    assert saved(committed).score == committed.spec.min_score
    assert "not what the task says" in saved(committed).why


def test_score__test_set_is_garbage_and_the_model_bad__claims_nothing(committed: World) -> None:
    break_test_set(committed)
    room = open_room(committed.context, ROUND)
    records.save_trained(committed.journal, ROUND, records.Trained(room.model, ANCHOR, bytes(32), 0.3, 4.0))
    score(SCORE_DUTY, committed.context, OPTIONS)
    assert saved(committed).score == 0


def test_score__time_runs_out_while_counting__claims_instead_of_coming_too_late(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*arguments: object) -> int:
        raise OutOfTime("only 4,096 of 1,000,000 test samples were scored", 3)

    monkeypatch.setattr(claiming, "count_correct", too_late)
    assert score(SCORE_DUTY, committed.context, OPTIONS) == Done()
    assert saved(committed).score == committed.spec.min_score
    assert "too large for this device" in saved(committed).why


def test_score__time_runs_out_with_enough_counted__claims_what_was_counted(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*arguments: object) -> int:
        raise OutOfTime("only 17 of 20 test samples were scored", 15)

    monkeypatch.setattr(claiming, "count_correct", too_late)
    score(SCORE_DUTY, committed.context, OPTIONS)
    assert saved(committed).score == 15


@pytest.mark.parametrize("held_out", [0, 30])
def test_score__no_test_set_and_little_known_of_the_model__claims_nothing_rather_than_too_much(
    committed: World, held_out: int
) -> None:
    break_test_set(committed)
    room = open_room(committed.context, ROUND)
    guess = records.Trained(room.model, ANCHOR, bytes(32), 0.62, 4.0, held_out=held_out)
    records.save_trained(committed.journal, ROUND, guess)
    score(SCORE_DUTY, committed.context, OPTIONS)
    assert saved(committed).score == 0


def test_score__below_the_minimum__claims_all_the_same_and_says_why(committed: World) -> None:
    room, manifest = open_room(committed.context, ROUND), committed.manifest
    model = build(manifest.architecture, manifest.input_shape, manifest.classes)
    initialise(model, b"t" * 32)
    expected = count_correct(model, committed.test).correct
    assert expected < committed.spec.min_score
    save_model(model, room.model)
    assert score(SCORE_DUTY, committed.context, OPTIONS) == Done()
    assert saved(committed).score == expected
    assert any("below the task's minimum of 12" in message for message in committed.said)
    assert committed.journal.agenda.find(CLAIM, ROUND) is not None


def test_score__test_set_opened__counts_and_signs_as_the_contract_checks(committed: World) -> None:
    assert score(SCORE_DUTY, committed.context, OPTIONS) == Done()
    found, deployment = saved(committed), committed.chain.deployment
    assert found.score >= 18
    domain = Domain(deployment.chain_id, deployment.hub)
    signer = recover_claim(domain, ModelClaim(submission(committed), found.score), found.signature)
    assert signer == MINER.address


def test_score__twice__the_same_signature(committed: World) -> None:
    score(SCORE_DUTY, committed.context, OPTIONS)
    first = saved(committed)
    assert score(SCORE_DUTY, committed.context, OPTIONS) == Done()
    assert saved(committed) == first


def test_score__plain_model_lost__decrypted_again_from_ipfs(committed: World) -> None:
    room = open_room(committed.context, ROUND)
    room.model.unlink()
    room.ciphertext.unlink()
    assert score(SCORE_DUTY, committed.context, OPTIONS) == Done()
    assert saved(committed).score >= 18


def test_score__commitment_not_recovered_yet__waits(committed: World) -> None:
    committed.journal.note_delete(records.scope(ROUND), "submission")
    assert isinstance(score(SCORE_DUTY, committed.context, OPTIONS), Wait)


@pytest.fixture
def scored(committed: World) -> World:
    score(SCORE_DUTY, committed.context, OPTIONS)
    return committed


def test_claim__dies_before_sending__sends_the_same_claim(scored: World) -> None:
    expected = saved(scored)

    def die(name: str) -> None:
        raise Crash

    scored.transactions.on_send = die
    with pytest.raises(Crash):
        claim(CLAIM_DUTY, scored.context, OPTIONS)
    scored.transactions.on_send = lambda name: None
    assert isinstance(claim(CLAIM_DUTY, scored.context, OPTIONS), Wait)
    kind, arguments = scored.transactions.sent[f"claim/{ROUND}"]
    assert kind == "claim_model"
    assert arguments == (submission(scored), expected.score, scored.spec, expected.signature, 0)


def test_claim__declares_a_parent__names_the_round_in_which_its_key_was_shown(scored: World) -> None:
    parent = b"\x77" * 32
    scored.event(ModelKeyShown, 4, MINER.address, parent, b"k" * 32)
    records.save_submission(scored.journal, replace(submission(scored), parent=parent))
    claim(CLAIM_DUTY, scored.context, OPTIONS)
    _, arguments = scored.transactions.sent[f"claim/{ROUND}"]
    assert arguments[-1] == 4


def test_claim__opened_on_the_chain__done_without_sending(scored: World) -> None:
    scored.hub.commits[ROUND] = Commit(1, True, True)
    assert claim(CLAIM_DUTY, scored.context, OPTIONS) == Done()
    assert not scored.transactions.sent


def test_claim__phase_over__dropped_with_what_it_costs(scored: World) -> None:
    scored.transactions.refuse["claim"] = TransactionRefused("too late", "WrongPhase")
    result = claim(CLAIM_DUTY, scored.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "will be slashed" in result.why


def test_claim__refused_for_another_reason__raised_for_another_try(scored: World) -> None:
    scored.transactions.refuse["claim"] = TransactionRefused("no ether for gas")
    with pytest.raises(TransactionRefused):
        claim(CLAIM_DUTY, scored.context, OPTIONS)


def test_show__claiming_goes_on__waits(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    assert isinstance(show(SHOW_DUTY, scored.context, OPTIONS), Wait)


def test_show__list_of_a_later_epoch_is_open__waits(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    scored.phase(Phase.ENLIST, COMMIT_END + 100, epoch=1)
    assert isinstance(show(SHOW_DUTY, scored.context, OPTIONS), Wait)
    assert not scored.transactions.sent


def test_show__listed_again_in_a_later_epoch__sent_again(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    for epoch in (0, 1):
        scored.phase(Phase.SHOW, COMMIT_END + 41, epoch=epoch)
        show(SHOW_DUTY, scored.context, OPTIONS)
    assert {f"show/{ROUND}/0", f"show/{ROUND}/1"} <= set(scored.transactions.sent)


def test_show__not_listed__keeps_the_model_secret(scored: World) -> None:
    scored.claimed(submission(scored), 3, listed=False)
    scored.phase(Phase.SHOW, COMMIT_END + 41)
    result = show(SHOW_DUTY, scored.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "stays secret" in result.why
    assert not scored.transactions.sent


def test_show__listed__sends_the_key_that_was_committed_to(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    scored.phase(Phase.SHOW, COMMIT_END + 41)
    assert isinstance(show(SHOW_DUTY, scored.context, OPTIONS), Wait)
    key = open_room(scored.context, ROUND).secrets(scored.context).model_key
    assert scored.transactions.sent[f"show/{ROUND}/0"] == ("show_key", (submission(scored), key))


def test_show__shown__done(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    own = commitment_hash(submission(scored))
    scored.hub.listed = [Candidate(MINER.address, 20, 1, True, own)]
    scored.phase(Phase.SEAL, COMMIT_END + 41)
    assert show(SHOW_DUTY, scored.context, OPTIONS) == Done()


def test_show__phase_over_without_the_key__says_what_it_costs(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    scored.phase(Phase.SEAL, COMMIT_END + 80)
    result = show(SHOW_DUTY, scored.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "will be slashed" in result.why


def test_show__another_miners_candidate__not_taken_for_ones_own(scored: World) -> None:
    scored.claimed(submission(scored), 20)
    other = commitment_hash(replace(submission(scored), salt=b"o" * 32))
    scored.hub.listed = [Candidate(MINER.address, 20, 1, False, other)]
    scored.phase(Phase.SHOW, COMMIT_END + 41)
    assert isinstance(show(SHOW_DUTY, scored.context, OPTIONS), Drop)
