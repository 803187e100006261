"""Stake while training: a command hands its errand to the running program, which does it once."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from eth_account import Account as EthAccount
from miner_world import RIVAL, ROUND, UNIT, World

from dlbc.chain.contracts import Account, AppealCase
from dlbc.errors import ChainError, DLBCError, TransactionRefused
from dlbc.journal import Attempt, Duty, DutyState, StoredTransaction, TransactionState
from dlbc.service import Done, Drop, Wait
from dlbc.types import ZERO_ADDRESS, Outcome, Phase
from miner import errands
from miner.cli import group
from miner.money import move
from miner.options import MONEY, Options

OPTIONS = Options()


def duty(kind: str, amount: int = 30 * UNIT, subject: str = "") -> Duty:
    return Duty(MONEY, ROUND, subject, payload={"kind": kind, "value": str(amount)})


def stored(world: World, name: str, state: TransactionState) -> None:
    transaction = StoredTransaction(name, "x", "0x" + "11" * 20, b"", 0, 0, 0, state)
    world.journal.outbox.store(transaction, Attempt(b"h" * 32, 0, b"", 0, 0, 0))


def wallet(world: World, balance: int, allowance: int) -> None:
    token = world.context.token
    token.balance_of = lambda owner: balance  # type: ignore[method-assign]
    token.allowance = lambda owner, spender: allowance  # type: ignore[method-assign]


def test_move__balance_too_small__dropped_with_what_is_missing(world: World) -> None:
    world.hub.money = Account(10 * UNIT, 0, 0, 0, 0)
    wallet(world, 5 * UNIT, 0)
    result = move(duty("stake"), world.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "holds 5 DLBC, 20 DLBC are needed" in result.why
    assert not world.transactions.sent


def test_move__refused_by_the_contracts__dropped_with_the_reason(world: World) -> None:
    world.transactions.refuse["money"] = TransactionRefused("stake is locked", "InsufficientStake")
    result = move(duty("unstake"), world.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "stake is locked" in result.why


@pytest.mark.parametrize(
    ("credit", "allowance", "label", "call"),
    [
        (30, 0, "stake", ("stake", (30 * UNIT,))),
        (10, 20, "deposit", ("deposit", (20 * UNIT,))),
    ],
)
def test_move__stake__the_next_missing_step(
    world: World, credit: int, allowance: int, label: str, call: tuple[str, tuple[object, ...]]
) -> None:
    world.hub.money = Account(credit * UNIT, 0, 0, 0, 0)
    wallet(world, 100 * UNIT, allowance * UNIT)
    assert isinstance(move(duty("stake"), world.context, OPTIONS), Wait)
    assert world.transactions.sent == {f"money/{ROUND}/{label}": call}


def test_move__hub_may_take_too_little__deposits_with_a_permit_for_all_of_it(world: World) -> None:
    world.hub.money = Account(10 * UNIT, 0, 0, 0, 0)
    wallet(world, 100 * UNIT, 19 * UNIT)
    world.context.token.nonces = lambda owner: 0  # type: ignore[method-assign]
    assert isinstance(move(duty("stake"), world.context, OPTIONS), Wait)
    kind, arguments = world.transactions.sent[f"money/{ROUND}/deposit"]
    assert (kind, arguments[0]) == ("deposit_with_permit", 20 * UNIT)


def test_move__key_is_an_operators__refused(world: World) -> None:
    world.context.signer = EthAccount.from_key(b"\x08" * 32)
    result = move(duty("withdraw"), world.context, OPTIONS)
    assert isinstance(result, Drop)
    assert "operator's key" in result.why
    assert not world.transactions.sent


@pytest.mark.parametrize(
    ("kind", "value", "call"),
    [
        ("post", 5, ("post", (bytes(31) + b"\x05",))),
        ("operator", int(RIVAL, 16), ("set_operator", (RIVAL,))),
        ("operator", 0, ("set_operator", (ZERO_ADDRESS,))),
        ("collect", ROUND, ("claim_compensation", (ROUND,))),
    ],
)
def test_move__order_that_is_one_call__sent(world: World, kind: str, value: int, call: tuple[str, Any]) -> None:
    assert isinstance(move(duty(kind, value), world.context, OPTIONS), Wait)
    assert world.transactions.sent == {f"money/{ROUND}/{kind}": call}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phase": Phase.VOTE_REVEAL}, "cannot be appealed yet"),
        ({"phase": Phase.TALLY}, "cannot be appealed any more"),
        ({"phase": Phase.APPEAL, "appeals": 1}, "one appeal is all"),
        ({"phase": Phase.APPEAL, "epoch": 2}, "in its last epoch"),
    ],
)
def test_move__appeal_out_of_its_time__dropped_before_money_moves(
    world: World, changes: dict[str, Any], words: str
) -> None:
    world.opened()
    world.phase(time=2000, **changes)
    world.hub.appeals = [AppealCase(RIVAL, UNIT, bytes(32), Outcome.NO_MODEL)] * changes.get("appeals", 0)
    result = move(duty("appeal", ROUND), world.context, OPTIONS)
    assert isinstance(result, Drop)
    assert words in result.why
    assert not world.transactions.sent


@pytest.mark.parametrize(("credit", "label"), [(30, "appeal"), (29, "deposit")])
def test_move__appeal__bond_first(world: World, credit: int, label: str) -> None:
    world.opened()
    world.phase(Phase.APPEAL, 2000)
    world.hub.money = Account(credit * UNIT, 0, 0, 0, 0)
    wallet(world, 5 * UNIT, 5 * UNIT)
    assert isinstance(move(duty("appeal", ROUND), world.context, OPTIONS), Wait)
    expected = {"appeal": ("appeal", (ROUND, world.spec)), "deposit": ("deposit", (UNIT,))}[label]
    assert world.transactions.sent == {f"money/{ROUND}/{label}": expected}


def test_move__stake_is_pending_and_credit_gone__sends_nothing_more(world: World) -> None:
    world.hub.money = Account(0, 30 * UNIT, 0, 0, 0)
    wallet(world, 100 * UNIT, 0)
    stored(world, f"money/{ROUND}/stake", TransactionState.PENDING)
    assert isinstance(move(duty("stake"), world.context, OPTIONS), Wait)
    assert not world.transactions.sent


def test_move__confirmed__done(world: World) -> None:
    stored(world, f"money/{ROUND}/stake", TransactionState.CONFIRMED)
    assert move(duty("stake"), world.context, OPTIONS) == Done()
    assert not world.transactions.sent


def test_look__unreadable_request__answered_and_removed(world: World) -> None:
    folder = world.context.workdir / errands.FOLDER
    folder.mkdir()
    (folder / "x.request").write_text("{not json")
    errands.look(world.context)
    assert not (folder / "x.request").exists()
    assert json.loads((folder / "x.answer").read_text())["ok"] is False
    assert world.journal.duties() == []


def test_look__oversized_request__refused(world: World) -> None:
    folder = world.context.workdir / errands.FOLDER
    folder.mkdir()
    (folder / "x.request").write_text(" " * 5000)
    errands.look(world.context)
    assert world.journal.duties() == []


def test_look__unknown_kind__refused(world: World) -> None:
    folder = world.context.workdir / errands.FOLDER
    folder.mkdir()
    (folder / "x.request").write_text(json.dumps({"kind": "transfer", "value": "5"}))
    errands.look(world.context)
    assert world.journal.duties() == []


def run_program(world: World, over: threading.Event) -> None:
    """What the running program does of it: look, move, mine."""
    while not over.wait(0.02):
        errands.look(world.context)
        for row in world.journal.duties(DutyState.OWED, MONEY):
            result = move(row.duty, world.context, OPTIONS)
            if isinstance(result, Wait):
                (name,) = world.transactions.sent
                stored(world, name, TransactionState.CONFIRMED)
            else:
                done = DutyState.DONE if isinstance(result, Done) else DutyState.DROPPED
                world.journal.agenda.settle(row, done)


def ask_running(world: World, kind: str, amount: int) -> str:
    over = threading.Event()
    thread = threading.Thread(target=run_program, args=(world, over))
    thread.start()
    try:
        return errands.ask(world.context.workdir, kind, amount, timeout=10)
    finally:
        over.set()
        thread.join()


def test_ask__program_does_it__its_answer(world: World) -> None:
    world.hub.money = Account(50 * UNIT, 0, 0, 0, 0)
    assert "stake 30 DLBC: done" in ask_running(world, "stake", 30 * UNIT)
    assert list((world.context.workdir / errands.FOLDER).iterdir()) == []


def test_ask__program_cannot__its_reason(world: World) -> None:
    wallet(world, 0, 0)
    with pytest.raises(DLBCError, match="holds 0 DLBC"):
        ask_running(world, "deposit", UNIT)


def test_ask__nobody_answers__chain_error(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="did not finish"):
        errands.ask(tmp_path, "stake", UNIT, timeout=0.3)


def test_running__no_program__false(tmp_path: Path) -> None:
    assert not errands.running(tmp_path)


# The command line: mistakes cost one line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["withdraw"], "say how much"),
        (["withdraw", "5", "--all"], "say how much"),
        (["stake", "much"], "not an amount"),
        (["stake", "-5"], "No such option"),
        (["start", "--threads", "0"], "threads"),
        (["appeal", "0"], "0"),
        (["accuse", "0", RIVAL], "0"),
        (["accuse", "1", "0x12"], "not an address"),
        (["post", "abcd"], "not an item"),
        (["post", "zz" * 32], "not an item"),
        (["operator", "set", "0x12"], "not an address"),
        (["start", "--min-pay", "much"], "not an amount"),
    ],
)
def test_group__bad_arguments__say_what_is_wrong(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)
