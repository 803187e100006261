"""Submitting: money moves last, and a command that died goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from requester_world import ADDRESS, FLOOR, TASK, World
from rich.console import Console

from dlbc.errors import DLBCError, InvalidTask, IPFSError, TransactionRefused, UsageError
from dlbc.task import UNIT, load_task_file
from dlbc.types import TaskSpec
from dlbc.wire.derivation import key_hash
from requester import submission
from requester.display import quote_table
from requester.draft import Draft, drafts, open_draft
from requester.pack import SEALED, Prepared, prepare
from requester.quote import Quote

Say = Callable[[str], None]


@pytest.fixture
def prepared(folder: Path) -> Prepared:
    return prepare(load_task_file(folder / "task.yaml"))


def draft_of(world: World, prepared: Prepared, *, another: bool = False) -> Draft:
    return open_draft(world.context.journal, world.context.workdir, prepared.task, another=another)


def submit(
    world: World, prepared: Prepared, *, yes: bool = True, asked: list[Quote] | None = None, another: bool = False
) -> submission.Submitted:
    def confirm(offer: Quote) -> bool:
        if asked is not None:
            asked.append(offer)
        return yes

    return submission.submit(
        world.context,
        draft_of(world, prepared, another=another),
        prepared,
        confirm=confirm,
        say=lambda text: None,
    )


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("fee: 27.9", InvalidTask, r"fee: 27\.9 DLBC is below this chain's floor of 28 DLBC"),
        ("fee: 100\nbond: 1", InvalidTask, "bond: 1 DLBC is below"),
        ("fee: 973", UsageError, "too little money: 1001 DLBC are needed.* 1 DLBC are missing"),
    ],
)
def test_submit__chain_would_refuse__nothing_is_sent_or_uploaded(
    world: World, folder: Path, text: str, error: type[DLBCError], message: str
) -> None:
    (folder / "task.yaml").write_text(TASK.replace("fee: 100", text))
    asked: list[Quote] = []
    with pytest.raises(error, match=message):
        submit(world, prepare(load_task_file(folder / "task.yaml")), asked=asked)
    assert (world.chain.sent, world.ipfs.files, asked) == ([], {}, [])


@pytest.mark.parametrize("seconds", [4, 66])
def test_submit__training_time_out_of_the_chains_limits__refused(world: World, folder: Path, seconds: int) -> None:
    (folder / "task.yaml").write_text(TASK.replace("seconds: 5", f"seconds: {seconds}"))
    with pytest.raises(InvalidTask, match=r"training\.seconds: .* 5 to 65 s"):
        submit(world, prepare(load_task_file(folder / "task.yaml")))
    assert world.chain.sent == []


def test_submit__no_gas__refused_first(world: World, prepared: Prepared) -> None:
    world.chain.gas = 0
    with pytest.raises(UsageError, match="nothing to pay gas with"):
        submit(world, prepared)
    assert world.chain.sent == []


def test_submit__simulation_refuses__nothing_is_sent(world: World, prepared: Prepared) -> None:
    world.chain.refuse["simulate submit"] = TransactionRefused("the queue is full", "QueueFull", (4096,))
    with pytest.raises(TransactionRefused, match="queue is full"):
        submit(world, prepared)
    assert (world.chain.sent, world.ipfs.files) == ([], {})


def test_submit__user_says_no__nothing_is_sent_or_uploaded(world: World, prepared: Prepared) -> None:
    with pytest.raises(submission.Declined, match="nothing was paid"):
        submit(world, prepared, yes=False)
    assert (world.chain.sent, world.ipfs.files) == ([], {})


@pytest.mark.parametrize("fails_after", [0, 1, 2])
def test_submit__ipfs_fails__no_money_moved_and_the_next_run_goes_on(
    world: World, prepared: Prepared, fails_after: int
) -> None:
    world.ipfs.fails_after = fails_after
    with pytest.raises(IPFSError, match="No money has moved"):
        submit(world, prepared)
    assert world.chain.sent == []
    sealed = (draft_of(world, prepared).folder / SEALED).read_bytes()
    world.ipfs.fails_after = 1000
    assert submit(world, prepared).task_id == 1
    assert (draft_of(world, prepared).folder / SEALED).read_bytes() == sealed


def test_submit__refused_after_the_deposit__says_where_the_money_is_and_uses_it_next_time(
    world: World, prepared: Prepared
) -> None:
    world.chain.refuse["submit"] = TransactionRefused("the queue is full", "QueueFull", (4096,))
    with pytest.raises(TransactionRefused, match="your credit: run the same command"):
        submit(world, prepared)
    assert world.chain.credit == 100 * UNIT + FLOOR
    del world.chain.refuse["submit"]
    asked: list[Quote] = []
    assert submit(world, prepared, asked=asked).task_id == 1
    assert asked[0].to_deposit == 0
    assert sum(name.startswith("deposit") for name in world.chain.sent) == 1


def test_submit__killed_between_any_two_transactions__pays_once(world: World, prepared: Prepared) -> None:
    for step in ("permit", "submit"):
        world.chain.refuse[step] = TransactionRefused("killed")
        with pytest.raises(DLBCError):
            submit(world, prepared)
        del world.chain.refuse[step]
    assert submit(world, prepared).task_id == 1
    assert world.chain.wallet == 1000 * UNIT - 100 * UNIT - FLOOR
    assert (world.chain.credit, len(world.chain.tasks)) == (0, 1)


def test_submit__token_takes_no_permit__approves_instead(world: World, prepared: Prepared) -> None:
    world.chain.refuse["permit"] = TransactionRefused("not approved", "ERC20InsufficientAllowance")
    assert submit(world, prepared).task_id == 1
    assert [name.split("/")[0] for name in world.chain.sent] == ["approve", "deposit", "submit"]


def test_submit__hub_may_take_the_tokens_already__deposits_without_a_permit(world: World, prepared: Prepared) -> None:
    world.chain.allowed = 1000 * UNIT
    world.chain.refuse["permit"] = TransactionRefused("not asked for")
    assert submit(world, prepared).task_id == 1


def test_submit__twice__the_same_task_and_one_payment(world: World, prepared: Prepared) -> None:
    first = submit(world, prepared)
    asked: list[Quote] = []
    second = submit(world, prepared, asked=asked)
    assert (first.task_id, first.earlier) == (1, False)
    assert (second.task_id, second.earlier) == (1, True)
    assert (asked, len(world.chain.tasks)) == ([], 1)


def test_submit__again__another_task_with_another_key(world: World, prepared: Prepared) -> None:
    submit(world, prepared)
    assert submit(world, prepared, another=True).task_id == 2
    one, two = world.chain.tasks
    assert one.nonce != two.nonce
    assert one.key_hash != two.key_hash
    assert len(drafts(world.context.journal, world.context.workdir)) == 2


def test_submit__fee_raised_after_a_refusal__same_upload_new_fee(
    world: World, prepared: Prepared, folder: Path
) -> None:
    world.chain.refuse["submit"] = TransactionRefused("fee too low", "FeeTooLow", (1, 2))
    with pytest.raises(TransactionRefused):
        submit(world, prepared)
    files = set(world.ipfs.files)
    del world.chain.refuse["submit"]
    (folder / "task.yaml").write_text(TASK.replace("fee: 100", "fee: 150"))
    submit(world, prepare(load_task_file(folder / "task.yaml")))
    assert world.chain.tasks[0].fee == 150 * UNIT
    assert set(world.ipfs.files) == files


def test_submit__other_data__another_draft(world: World, prepared: Prepared, folder: Path) -> None:
    one = draft_of(world, prepared)
    (folder / "task.yaml").write_text(TASK.replace("minimum: 0.9", "minimum: 0.8"))
    other = draft_of(world, prepare(load_task_file(folder / "task.yaml")))
    assert one.id != other.id
    assert one.nonce != other.nonce


def test_submit__good__spec_commits_to_the_derived_key_and_the_floor_bond(world: World, prepared: Prepared) -> None:
    done = submit(world, prepared)
    spec: TaskSpec = world.chain.tasks[0]
    assert done.spec == spec
    assert spec.key_hash == key_hash(submission.test_key(world.context, spec.nonce))
    assert (spec.requester, spec.fee, spec.bond) == (ADDRESS, 100 * UNIT, FLOOR)
    assert (spec.score_max, spec.min_score, spec.tol, spec.tie_tol) == (40, 36, 2, 1)
    assert spec.manifest in world.ipfs.files
    assert len(world.ipfs.files) == 3


def test_serve__file_changed_on_disk__refused(world: World, prepared: Prepared, silent: Say) -> None:
    submit(world, prepared)
    draft = draft_of(world, prepared)
    world.ipfs.files.clear()
    (draft.folder / SEALED).write_bytes(b"other")
    with pytest.raises(UsageError, match="was changed"):
        submission.serve(world.context, draft, silent)


def test_serve__folder_gone__says_which_file(world: World, prepared: Prepared, silent: Say) -> None:
    submit(world, prepared)
    draft = replace(draft_of(world, prepared), folder=world.context.workdir / "gone")
    with pytest.raises(UsageError, match="is gone"):
        submission.serve(world.context, draft, silent)


def test_quote__waiting_tasks_with_more_weight__counted_ahead(world: World, prepared: Prepared) -> None:
    submit(world, prepared)
    asked: list[Quote] = []
    submit(world, prepared, another=True, asked=asked)
    assert (asked[0].ahead, asked[0].waiting, asked[0].ahead_exact) == (1, 1, True)


def test_quote__higher_fee_than_what_waits__goes_ahead(world: World, prepared: Prepared, folder: Path) -> None:
    submit(world, prepared)
    (folder / "task.yaml").write_text(TASK.replace("fee: 100", "fee: 300"))
    asked: list[Quote] = []
    submit(world, prepare(load_task_file(folder / "task.yaml")), another=True, asked=asked)
    assert (asked[0].ahead, asked[0].waiting) == (0, 1)


def test_quote__chain_pays_tips__said_and_taken_off_before_the_burn(world: World, prepared: Prepared) -> None:
    world.chain.tip = UNIT
    asked: list[Quote] = []
    submit(world, prepared, asked=asked)
    assert asked[0].burned == 97 * UNIT // 10
    console = Console(width=200)
    with console.capture() as shown:
        console.print(quote_table(asked[0]))
    assert "3 DLBC, 7 DLBC at most, of the fee: 1 DLBC to whoever opens" in shown.get()
