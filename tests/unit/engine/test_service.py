"""The loop: duties meet their deadlines, defects cost their event and not the program, the chain may go away."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from engine_fakes import ACCOUNT, GENESIS_TIME, Clock, Crash, FakeNode, chain_on, log_of
from structlog.testing import capture_logs

from dlbc.chain.contracts import Committee, Hub, Token
from dlbc.chain.events import LockReleased
from dlbc.chain.provider import ChainUnavailable
from dlbc.chain.transactions import Transactions
from dlbc.config import Settings
from dlbc.errors import ContentInvalid, ContentUnavailable, InvalidArtifact, TransactionRefused
from dlbc.journal import Duty, DutyState, Journal
from dlbc.service import Action, Context, Done, Drop, Missing, Retry, Service, StatusBoard, Wait, read_status
from dlbc.service.loop import MAX_FAULTS
from dlbc.service.signals import stop_on_signals

Opener = Callable[..., Journal]


class Harness:
    """A service on a fake chain, turned by hand; one turn is one block and one second."""

    def __init__(self, node: FakeNode, journal: Journal, folder: Path, clock: Clock | None = None) -> None:
        self.node, self.journal, self.clock = node, journal, clock or Clock()
        chain = chain_on(node, self.clock)
        self.context = Context(
            settings=Settings(),
            chain=chain,
            hub=Hub(chain),
            committee=Committee(chain),
            token=Token(chain),
            ipfs=cast(Any, Missing("no IPFS here")),
            journal=journal,
            transactions=Transactions(chain, ACCOUNT, journal),
            account=ACCOUNT,
            address=ACCOUNT.address,
            workdir=folder,
            board=StatusBoard(folder, clock=self.clock),
            log=structlog.get_logger(),
        )
        self.actions: dict[str, Action] = {}
        self.handlers: dict[Any, Any] = {}
        self.long: set[str] = set()
        self.hooks: list[Callable[[Context], None]] = []

    def service(self) -> Service:
        return Service(
            "tester", self.context, self.handlers, self.actions, every_block=self.hooks, long_actions=self.long
        )

    def turns(self, service: Service, count: int) -> None:
        for _ in range(count):
            self.node.mine()
            self.clock.move(1)
            service.step()

    def duty(self, kind: str = "work") -> Any:
        row = self.journal.agenda.find(kind, 5)
        assert row is not None
        return row


@pytest.fixture
def harness(node: FakeNode, journal: Journal, tmp_path: Path) -> Harness:
    return Harness(node, journal, tmp_path)


@pytest.mark.parametrize(
    "error", [TransactionRefused("too early"), ContentUnavailable("not there yet")], ids=["refused", "absent"]
)
def test_step__action_refused__tried_several_times_before_the_deadline_then_missed(
    harness: Harness, error: Exception
) -> None:
    attempts: list[float] = []

    def work(_duty: Duty, context: Context) -> Done:
        attempts.append(context.chain.now() - GENESIS_TIME)
        raise error

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5, due_at=GENESIS_TIME + 10, deadline=GENESIS_TIME + 30))
    service = harness.service()
    harness.turns(service, 29)
    assert attempts[0] == 10
    assert attempts[1] - attempts[0] == 1
    assert 28 <= attempts[-1] <= 29
    assert len(attempts) >= 5
    harness.turns(service, 2)
    assert harness.duty().state is DutyState.MISSED
    assert harness.duty().last_error == str(error)


def test_step__refused_without_deadline__backs_off_to_a_minute(harness: Harness) -> None:
    attempts: list[float] = []

    def work(_duty: Duty, context: Context) -> Done:
        attempts.append(context.chain.now())
        raise TransactionRefused("no")

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5))
    harness.turns(harness.service(), 200)
    gaps = [round(after - before) for before, after in pairwise(attempts)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    "error", [KeyError("x"), InvalidArtifact("torn"), ContentInvalid("larger than allowed")], ids=str
)
def test_step__action_fails_for_good__given_up_after_five(harness: Harness, error: Exception) -> None:
    attempts = []

    def work(_duty: Duty, _context: Context) -> Done:
        attempts.append(1)
        raise error

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5))
    harness.turns(harness.service(), 100)
    assert len(attempts) == 5
    assert harness.duty().state is DutyState.FAILED


def test_step__long_action_exits_its_thread__a_failure_like_others(harness: Harness) -> None:
    def train(_duty: Duty, _context: Context) -> Done:
        raise SystemExit(1)

    harness.actions["train"] = train
    harness.long = {"train"}
    harness.journal.owe(Duty("train", 5))
    service = harness.service()
    harness.turns(service, 1)
    assert service._runner.join(5)
    assert harness.duty("train").last_error == "SystemExit: 1"


def test_step__unknown_kind__failed_in_words(harness: Harness) -> None:
    harness.journal.owe(Duty("work", 5))
    harness.turns(harness.service(), 1)
    assert "no action" in harness.duty().last_error


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


def test_step__outcomes__written_down(harness: Harness) -> None:
    answers = iter([Wait(GENESIS_TIME + 5, "too early"), Retry(3, "pending"), Done()])
    times: list[float] = []

    def work(_duty: Duty, context: Context) -> Any:
        times.append(context.chain.now() - GENESIS_TIME)
        return next(answers)

    harness.actions = {"work": work, "drop": lambda duty, context: Drop("not wanted")}
    harness.journal.owe(Duty("work", 5))
    harness.journal.owe(Duty("drop", 5))
    harness.turns(harness.service(), 12)
    assert times == [1, 5, 8]
    assert (harness.duty().state, harness.duty().attempts) == (DutyState.DONE, 2)
    assert (harness.duty("drop").state, harness.duty("drop").last_error) == (DutyState.DROPPED, "not wanted")


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


def test_step__told_to_stop_during_a_duty__the_next_is_left(harness: Harness) -> None:
    def work(_duty: Duty, context: Context) -> Done:
        context.stopping.set()
        return Done()

    harness.actions["work"] = work
    harness.journal.owe(Duty("work", 5))
    harness.journal.owe(Duty("work", 6))
    harness.turns(harness.service(), 1)
    assert [row.state for row in harness.journal.duties()] == [DutyState.DONE, DutyState.OWED]


def test_step__nearest_deadline__first(harness: Harness) -> None:
    order: list[str] = []

    def work(duty: Duty, _context: Context) -> Done:
        order.append(duty.subject)
        return Done()

    harness.actions["work"] = work
    for subject, deadline in (("none", 0), ("late", 900), ("soon", 100)):
        harness.journal.owe(Duty("work", 5, subject, deadline=GENESIS_TIME + deadline if deadline else 0))
    harness.turns(harness.service(), 1)
    assert order == ["soon", "late", "none"]


def test_step__long_action__one_at_a_time_beside_the_loop(harness: Harness) -> None:
    release, started = threading.Event(), threading.Semaphore(0)
    running: list[int] = []

    def train(duty: Duty, context: Context) -> Done:
        running.append(duty.round_id)
        started.release()
        assert release.wait(5)
        context.journal.note_set("trained", str(duty.round_id), b"model")
        return Done()

    harness.actions = {"train": train, "work": lambda duty, context: Done()}
    harness.long = {"train"}
    harness.journal.owe(Duty("train", 5, deadline=GENESIS_TIME + 2))
    harness.journal.owe(Duty("train", 6))
    harness.journal.owe(Duty("work", 5))
    service = harness.service()
    harness.turns(service, 1)
    assert started.acquire(timeout=5)
    harness.turns(service, 3)
    assert harness.duty("work").state is DutyState.DONE  # the loop goes on meanwhile
    assert harness.duty("train").state is DutyState.OWED  # past its deadline, but being worked on
    assert running == [5]
    release.set()
    service._runner.join(5)
    harness.turns(service, 1)
    assert harness.duty("train").state is DutyState.DONE
    assert started.acquire(timeout=5)
    service._runner.join(5)
    assert running == [5, 6]


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
    stopping = threading.Event()
    with stop_on_signals(stopping):
        signal.raise_signal(signal.SIGINT)
        assert stopping.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
