"""The end of a round: stake released, pay told with reasons, disk cleaned; and a lost journal rebuilt."""

from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account as EthAccount
from miner_world import ANCHOR, MINER, RIVAL, ROUND, UNIT, World

from dlbc.chain.contracts import Account, Commit
from dlbc.chain.events import Appealed, CandidateRemoved, ItemPosted, ModelAccused, Paid, Slashed
from dlbc.errors import TransactionRefused
from dlbc.journal import Duty, TransactionState
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.service import Done, Drop, Wait
from dlbc.types import MarkKey, ModelCommitment, Outcome, Payment, Phase, Reason
from dlbc.wire.inbox import batch_root
from miner import records
from miner.history import result_of
from miner.options import RECOVER, SEAL, SETTLE, Options
from miner.recover import recover
from miner.room import open_room
from miner.settle import settle
from miner.submit import seal
from miner.train import subject

DUTY, RECOVERY = Duty(SETTLE, ROUND), Duty(RECOVER, ROUND)
OPTIONS = Options()


@pytest.fixture
def committed(world: World) -> World:
    world.opened()
    room, manifest = open_room(world.context, ROUND), world.manifest
    model = build(manifest.architecture, manifest.input_shape, manifest.classes)
    initialise(model, b"s" * 32)
    save_model(model, room.model)
    root = room.secrets(world.context).watermark_root(model)
    records.save_trained(world.journal, ROUND, records.Trained(room.model, ANCHOR, root, 0.95, 4.0))
    seal(Duty(SEAL, ROUND, subject(ANCHOR)), world.context, OPTIONS)
    world.committed(submission(world))
    world.hub.commits[ROUND] = Commit(1, True, False)
    return world


def submission(world: World) -> ModelCommitment:
    found = records.submission(world.journal, ROUND)
    assert found is not None
    return found


def test_settle__still_locked__releases_first(committed: World) -> None:
    committed.finalized(Outcome.BLOCK)
    committed.hub.commits[ROUND] = Commit(1, True, True)
    assert isinstance(settle(DUTY, committed.context, OPTIONS), Wait)
    assert committed.transactions.sent[f"release/{ROUND}"] == ("release_locks", (ROUND, [MINER.address]))
    assert records.result(committed.journal, ROUND) is None


def test_settle__won__tells_every_part_of_the_pay_and_keeps_the_model(committed: World) -> None:
    committed.event(Paid, ROUND, MINER.address, Payment.WINNER, 70 * UNIT)
    committed.event(Paid, ROUND, MINER.address, Payment.EMISSION, 9 * UNIT)
    committed.event(Paid, ROUND, RIVAL, Payment.SECOND, 5 * UNIT)
    committed.finalized(Outcome.BLOCK)
    assert settle(DUTY, committed.context, OPTIONS) == Done()
    (message,) = [message for message in committed.said if "is final" in message]
    assert "won the round: 70 DLBC" in message
    assert "emission: 9 DLBC" in message
    assert message.endswith("+79 DLBC")
    assert open_room(committed.context, ROUND).model.is_file()
    assert not committed.ipfs.unpinned


def test_settle__lost__says_why_and_frees_the_disk(committed: World) -> None:
    committed.claimed(submission(committed), 3, listed=False)
    committed.hub.commits[ROUND] = Commit(1, True, False)
    committed.finalized(Outcome.BLOCK)
    settle(DUTY, committed.context, OPTIONS)
    assert any("the claim of 3 was not listed" in message for message in committed.said)
    assert committed.ipfs.unpinned == [submission(committed).artifact]
    assert not (committed.context.workdir / "rounds" / str(ROUND) / "model.safetensors").exists()


def test_settle__slashed__says_what_for(committed: World) -> None:
    committed.event(Slashed, ROUND, MINER.address, Reason.UNOPENED, 50 * UNIT)
    committed.finalized(Outcome.NO_CLAIM)
    settle(DUTY, committed.context, OPTIONS)
    assert any("slashed 50 DLBC: the commit was never claimed" in message for message in committed.said)
    assert any(message.endswith("-50 DLBC") for message in committed.said)


def test_settle__twice__told_once(committed: World) -> None:
    committed.finalized(Outcome.BLOCK)
    settle(DUTY, committed.context, OPTIONS)
    settle(DUTY, committed.context, OPTIONS)
    assert sum("is final" in message for message in committed.said) == 1


def test_settle__key_withheld__collects_the_compensation_first(committed: World) -> None:
    committed.finalized(Outcome.KEY_WITHHELD)
    assert isinstance(settle(DUTY, committed.context, OPTIONS), Wait)
    assert f"compensation/{ROUND}" in committed.transactions.sent
    committed.transactions.state = TransactionState.CONFIRMED
    assert settle(DUTY, committed.context, OPTIONS) == Done()


def test_settle__key_withheld_and_the_key_is_an_operators__says_who_collects(committed: World) -> None:
    committed.context.signer = EthAccount.from_key(b"\x08" * 32)
    committed.finalized(Outcome.KEY_WITHHELD)
    assert settle(DUTY, committed.context, OPTIONS) == Done()
    assert not committed.transactions.sent
    assert any(f"dlbc-miner collect {ROUND}" in message for message in committed.said)


def test_settle__no_compensation_left__goes_on(committed: World) -> None:
    committed.finalized(Outcome.KEY_WITHHELD)
    committed.transactions.refuse["compensation"] = TransactionRefused("nothing", "NothingToCollect")
    assert settle(DUTY, committed.context, OPTIONS) == Done()


def test_settle__auto_withdraw__sends_the_credit_home(committed: World) -> None:
    committed.finalized(Outcome.BLOCK)
    committed.hub.money = Account(7 * UNIT, 0, 0, 0, 0)
    assert isinstance(settle(DUTY, committed.context, Options(auto_withdraw=True)), Wait)
    assert committed.transactions.sent[f"withdraw/{ROUND}"] == ("withdraw", (7 * UNIT,))
    committed.transactions.state = TransactionState.CONFIRMED
    assert settle(DUTY, committed.context, Options(auto_withdraw=True)) == Done()


def test_settle__not_asked_to_withdraw__keeps_the_credit(committed: World) -> None:
    committed.finalized(Outcome.BLOCK)
    committed.hub.money = Account(7 * UNIT, 0, 0, 0, 0)
    settle(DUTY, committed.context, OPTIONS)
    assert not committed.transactions.sent


def test_result_of__never_committed__says_why_and_blames_no_claim(world: World) -> None:
    world.opened()
    records.refuse(world.journal, ROUND, "mis-declared: flops")
    world.finalized(Outcome.BLOCK)
    sentence = result_of(world.journal, ROUND, MINER.address).sentence()
    assert "mis-declared: flops" in sentence
    assert "claimed" not in sentence


def test_result_of__nothing_but_a_tip__tells_it_and_why_the_model_got_nothing(committed: World) -> None:
    committed.claimed(submission(committed), 3, listed=False)
    committed.event(Paid, ROUND, MINER.address, Payment.TIP, UNIT)
    committed.finalized(Outcome.BLOCK)
    found = result_of(committed.journal, ROUND, MINER.address)
    assert "tips for chores: 1 DLBC" in found.sentence()
    assert "was not listed" in found.sentence()
    assert found.income == UNIT


def test_result_of__appealed_in_vain__the_bond_is_said_to_be_gone(committed: World) -> None:
    committed.event(Appealed, ROUND, MINER.address, 0, Outcome.BLOCK, b"w" * 32)
    committed.finalized(Outcome.BLOCK)
    assert "the appeal changed nothing" in result_of(committed.journal, ROUND, MINER.address).sentence()


def test_result_of__appeal_succeeded__bond_is_no_income(committed: World) -> None:
    committed.event(Appealed, ROUND, MINER.address, 0, Outcome.BLOCK, b"w" * 32)
    committed.event(Paid, ROUND, MINER.address, Payment.APPEAL_BOND, 30 * UNIT)
    committed.event(Paid, ROUND, MINER.address, Payment.WINNER, 70 * UNIT)
    committed.finalized(Outcome.BLOCK)
    found = result_of(committed.journal, ROUND, MINER.address)
    assert (found.income, found.lost_appeals) == (70 * UNIT, 0)


@pytest.mark.parametrize("found", [True, False])
def test_result_of__accused_somebody__bond_is_no_income_and_its_loss_is_said(committed: World, found: bool) -> None:
    committed.event(ModelAccused, ROUND, MINER.address, b"a" * 32, b"e" * 32, 5, MarkKey(0, 1, b"s" * 32))
    if found:
        committed.event(Paid, ROUND, MINER.address, Payment.ACCUSATION_BOND, 30 * UNIT)
        committed.event(Paid, ROUND, MINER.address, Payment.FINDER, 5 * UNIT)
    committed.finalized(Outcome.BLOCK)
    result = result_of(committed.journal, ROUND, MINER.address)
    assert (result.income, result.lost_accusations) == ((5 * UNIT, 0) if found else (0, 1))
    assert ("the mark was not found" in result.sentence()) is not found


def test_result_of__disqualified_and_over_claimed__both_said(committed: World) -> None:
    committed.claimed(submission(committed), 20)
    committed.event(CandidateRemoved, ROUND, MINER.address, b"c" * 32)
    committed.event(Slashed, ROUND, MINER.address, Reason.OVERCLAIMED, 50 * UNIT)
    committed.finalized(Outcome.BLOCK)
    sentence = result_of(committed.journal, ROUND, MINER.address).sentence()
    assert "more than four tolerances above" in sentence
    assert "disqualified" in sentence


def test_result_of__not_final__has_no_outcome(committed: World) -> None:
    assert result_of(committed.journal, ROUND, MINER.address).sentence() == "not final yet"


# A lost journal


def lose_disk(world: World) -> ModelCommitment:
    expected = submission(world)
    room = open_room(world.context, ROUND)
    for path in (room.model, room.ciphertext):
        path.unlink()
    records.forget_work(world.journal, ROUND)
    return expected


def test_recover__ciphertext_on_ipfs__rebuilds_the_same_commitment(committed: World) -> None:
    expected = lose_disk(committed)
    assert recover(RECOVERY, committed.context, OPTIONS) == Done()
    assert submission(committed) == expected
    assert recover(RECOVERY, committed.context, OPTIONS) == Done()


def test_recover__commitment_carries_the_inbox__rebuilt_with_it(committed: World) -> None:
    item = b"i" * 32
    committed.event(ItemPosted, 1, RIVAL, item, bytes(32))
    committed.hub.rounds[ROUND] = replace(committed.hub.rounds[ROUND], inbox_from=1, inbox_to=1)
    carrying = replace(submission(committed), payload_root=batch_root([item]))
    committed.committed(carrying)
    lose_disk(committed)
    assert recover(RECOVERY, committed.context, OPTIONS) == Done()
    assert submission(committed) == carrying


def test_recover__claimed_before_the_journal_was_lost__taken_from_the_event(committed: World) -> None:
    expected = lose_disk(committed)
    committed.claimed(expected, 20)
    committed.ipfs.down = True
    assert recover(RECOVERY, committed.context, OPTIONS) == Done()
    assert submission(committed) == expected


def test_recover__claiming_is_over__gives_the_worker_back(committed: World) -> None:
    lose_disk(committed)
    committed.phase(Phase.SHOW, 2000)
    committed.ipfs.down = True
    assert isinstance(recover(RECOVERY, committed.context, OPTIONS), Drop)


def test_recover__round_is_over__fetches_nothing(committed: World) -> None:
    lose_disk(committed)
    committed.finalized(Outcome.BLOCK)
    committed.ipfs.down = True
    assert isinstance(recover(RECOVERY, committed.context, OPTIONS), Drop)


def test_recover__ciphertext_nowhere__tries_on_and_says_what_remains(committed: World) -> None:
    expected = lose_disk(committed)
    committed.ipfs.missing.add(expected.artifact)
    for _ in range(2):
        assert isinstance(recover(RECOVERY, committed.context, OPTIONS), Wait)
    (message,) = [message for message in committed.said if "can be derived" in message]
    assert "--ipfs-peers" in message


def test_recover__chain_has_another_commitment_of_the_same_model__dropped(committed: World) -> None:
    """Such as one made by another program with this key, with a payload of its own."""
    expected = lose_disk(committed)
    committed.committed(replace(expected, payload_root=b"p" * 32))
    result = recover(RECOVERY, committed.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "is not what this program would have made" in result.why
    assert records.submission(committed.journal, ROUND) is None


def test_recover__ciphertext_is_another__dropped(committed: World, tmp_path: Path) -> None:
    expected = lose_disk(committed)
    path = committed.ipfs.folder / expected.artifact.hex()
    path.write_bytes(bytes(expected.artifact_bytes))
    result = recover(RECOVERY, committed.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "cannot be rebuilt" in result.why
