"""The loop: a defect costs its event and not the program, the chain may go away, signals are heard."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_fakes import ACCOUNT, GENESIS_TIME, Crash, FakeNode, log_of
from engine_harness import Harness
from structlog.testing import capture_logs

from dlbc.chain.events import LockReleased
from dlbc.chain.provider import ChainUnavailable
from dlbc.journal import Duty, Journal
from dlbc.service import Context, Done, Drop, Retry, StatusBoard, read_status
from dlbc.service.loop import MAX_FAULTS
from dlbc.service.signals import stop_on_signals

Opener = Callable[..., Journal]


def test_step__handler_fails__event_skipped_and_noted_its_writes_undone(harness: Harness) -> None:
    def handle(event: LockReleased, context: Context) -> None:
        context.journal.note_set("seen", str(event.round_id), True)
        if event.round_id == 2:
            raise KeyError("defect")

    harness.handlers[LockReleased] = handle
    logs = [log_of("LockReleased", number, ACCOUNT.address) for number in (1, 2, 3)]
    harness.node.mine(*logs)
    harness.turns(harness.service(), 1)
    assert harness.journal.notes("seen") == {"1": True, "3": True}
    assert harness.journal.notes("skipped events") == {"1/1": "LockReleased: KeyError: 'defect'"}


def test_step__node_down_inside_a_handler__range_read_again(harness: Harness) -> None:
    calls = []

    def handle(event: LockReleased, context: Context) -> None:
        context.journal.note_set("seen", str(event.round_id), True)
        calls.append(event.round_id)
        if len(calls) == 1:
            raise ChainUnavailable("gone")

    harness.handlers[LockReleased] = handle
    harness.node.mine(log_of("LockReleased", 1, ACCOUNT.address))
    service = harness.service()
    with pytest.raises(ChainUnavailable):
        service.step()
    assert harness.journal.notes("seen") == {}
    service.step()
    assert harness.journal.notes("seen") == {"1": True}


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("disk full"), OSError(28, "No space left on device"), MemoryError()], ids=str
)
def test_step__machine_is_full_inside_a_handler__event_is_not_lost(harness: Harness, error: Exception) -> None:
    """A skipped event is never handled again: a requester would lose his bond for a disk that was full once."""
    calls = []

    def handle(event: LockReleased, context: Context) -> None:
        calls.append(event.round_id)
        if len(calls) == 1:
            raise error
        context.journal.note_set("seen", str(event.round_id), True)

    harness.handlers[LockReleased] = handle
    harness.node.mine(log_of("LockReleased", 1, ACCOUNT.address))
    service = harness.service()
    assert not service._try_step()
    assert service._try_step()
    assert harness.journal.notes("seen") == {"1": True}


def test_step__hook_meets_a_busy_node__duties_are_done_all_the_same(harness: Harness) -> None:
    """What is only looked at must not hold up what costs a bond: hooks come last."""
    done = []

    def ask_too_much(context: Context) -> None:
        raise ChainUnavailable("HTTP status 429 (asked too often, or busy)")

    def show_key(duty: Duty, context: Context) -> Done:
        done.append(duty.round_id)
        return Done()

    harness.hooks, harness.actions["show"] = [ask_too_much], show_key
    harness.journal.owe(Duty("show", 5))
    assert not harness.service()._try_step()
    assert done == [5]


def test_step__hook_owes_a_duty__done_in_the_same_step(harness: Harness) -> None:
    done = []
    harness.hooks = [lambda context: context.journal.owe(Duty("work", 5)) and None]
    harness.actions["work"] = lambda duty, context: done.append(duty.round_id) or Done()
    harness.service().step()
    assert done == [5]


def test_step__catching_up__duties_wait_for_the_newest_events(harness: Harness) -> None:
    done: list[int] = []

    def handle(event: LockReleased, context: Context) -> None:
        context.journal.owe(Duty("work", event.round_id))
        if event.round_id == 40:  # the last event says that the first one's work is not wanted
            context.journal.note_set("final", "1", True)

    def work(duty: Duty, context: Context) -> Drop | Done:
        if context.journal.note_get("final", str(duty.round_id)):
            return Drop("over")
        done.append(duty.round_id)
        return Done()

    harness.handlers[LockReleased] = handle
    harness.actions["work"] = work
    harness.node.max_range = 7
    for number in range(1, 41):
        harness.node.mine(log_of("LockReleased", number, ACCOUNT.address))
    harness.service().step()
    assert done == list(range(2, 41))


def test_step__crash_in_an_action__restarted_as_if_never_stopped(
    open_journal: Opener, dump: Callable[[str], object], tmp_path: Path
) -> None:
    nodes = FakeNode(), FakeNode()
    harnesses = [
        Harness(node, open_journal(node, name), tmp_path)
        for node, name in zip(nodes, ("steady", "crashing"), strict=True)
    ]
    crashes = iter([True])

    def handle(event: LockReleased, context: Context) -> None:
        context.journal.owe(Duty("work", event.round_id, due_at=GENESIS_TIME + 2))

    def work(duty: Duty, context: Context) -> Done | Retry:
        from dlbc.chain.contracts import Call

        call = Call(context.hub.address, bytes(4), "release")
        if not context.transactions.send(f"release/{duty.round_id}", call).confirmed:
            if context is harnesses[1].context and next(crashes, False):
                raise Crash
            return Retry(1, "pending")
        return Done()

    for harness in harnesses:
        harness.handlers[LockReleased] = handle
        harness.actions["work"] = work
        harness.node.mine(log_of("LockReleased", 1, ACCOUNT.address))
    harnesses[0].turns(harnesses[0].service(), 5)
    crashing = harnesses[1].service()
    harnesses[1].turns(crashing, 0)
    with pytest.raises(Crash):
        harnesses[1].turns(crashing, 5)
    done = len(nodes[1].blocks) - 1
    restarted = Harness(nodes[1], open_journal(nodes[1], "crashing"), tmp_path)
    restarted.handlers, restarted.actions = harnesses[1].handlers, harnesses[1].actions
    restarted.turns(restarted.service(), len(nodes[0].blocks) - 1 - done)
    assert dump("crashing") == dump("steady")
    assert nodes[0].blocks == nodes[1].blocks


def test_try_step__node_down__said_once_and_when_it_is_back(harness: Harness) -> None:
    service = harness.service()
    assert service._try_step()
    harness.node.down = True
    with capture_logs() as logs:
        assert not service._try_step()
        assert not service._try_step()
        harness.node.down = False
        assert service._try_step()
        assert service._try_step()
    assert [entry["event"] for entry in logs] == ["chain_away", "chain_back"]
    assert harness.outages == [logs[0]["why"]]


def test_try_step__defect_in_every_step__raised_in_the_end(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    service = harness.service()
    monkeypatch.setattr(service, "step", lambda: {}["defect"])
    with capture_logs():
        for _ in range(MAX_FAULTS - 1):
            assert not service._try_step()
        with pytest.raises(KeyError):
            service._try_step()


def test_step__no_new_blocks__said_once_and_when_they_arrive(harness: Harness) -> None:
    service = harness.service()
    harness.turns(service, 1)
    with capture_logs() as logs:
        harness.clock.move(121)
        service.step()
        service.step()
        harness.turns(service, 1)
    assert [entry["event"] for entry in logs] == ["no_new_blocks", "blocks_arrive_again"]


def test_step__hook_fails__the_others_run(harness: Harness) -> None:
    seen: list[int] = []
    harness.hooks = [lambda context: {}["defect"], lambda context: seen.append(1)]
    service = harness.service()
    harness.turns(service, 2)
    service.step()  # no new block: not called again
    assert seen == [1, 1]


def test_report__from_a_program__in_status_for_others(harness: Harness, tmp_path: Path) -> None:
    service = harness.service()
    harness.turns(service, 1)
    harness.context.report({"event": "epoch", "round_id": 5, "accuracy": 0.5})
    harness.context.report({"event": "epoch", "round_id": 5, "accuracy": 0.97})
    harness.context.board.flush()
    status = read_status(tmp_path)
    assert status is not None
    assert status["last"]["accuracy"] == 0.97
    assert (status["alive"], status["state"], status["head"]["number"]) == (True, "running", 1)
    assert read_status(tmp_path / "nowhere") is None


def test_report__status_cannot_be_written__kept_until_it_can(tmp_path: Path) -> None:
    """A full disk must not end a training over what is only looked at."""
    board = StatusBoard(tmp_path / "gone")
    board.report({"event": "epoch", "round_id": 5})
    board.update(state="running")
    (tmp_path / "gone").mkdir()
    board.flush()
    status = read_status(tmp_path / "gone")
    assert status is not None
    assert (status["last"]["round_id"], status["state"]) == (5, "running")


def test_run__first_signal__finishes_the_step_and_the_long_action(harness: Harness, tmp_path: Path) -> None:
    def train(_duty: Duty, context: Context) -> Retry:
        assert context.stopping.wait(5)
        return Retry(0, "stopped; the checkpoint is saved")

    def stop(context: Context) -> None:
        if context.chain.latest and context.chain.latest.number:  # not in the first step, which starts the action
            signal.raise_signal(signal.SIGTERM)

    harness.actions["train"] = train
    harness.long = {"train"}
    harness.journal.owe(Duty("train", 5))
    harness.hooks = [stop]
    service = harness.service()
    service.step()
    harness.node.mine()
    with capture_logs():
        service.run()
    status = read_status(tmp_path)
    assert status is not None
    assert status["state"] == "stopped"
    assert harness.duty("train").last_error == "stopped; the checkpoint is saved"


def test_stop_on_signals__second_signal__at_once() -> None:
    stopping, before = threading.Event(), signal.getsignal(signal.SIGINT)
    with stop_on_signals(stopping):
        signal.raise_signal(signal.SIGINT)
        assert stopping.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
