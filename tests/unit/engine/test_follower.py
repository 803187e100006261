"""The journal holds what the chain holds, whatever the chain, the provider or the power supply did meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_fakes import ACCOUNT, Crash, FakeNode, chain_on, log_of

from dlbc.chain.client import RPCRefused
from dlbc.chain.events import LockReleased
from dlbc.chain.follower import Follower
from dlbc.chain.provider import ChainUnavailable
from dlbc.errors import ChainError
from dlbc.journal import Cursor, Duty, Event, Journal

Opener = Callable[..., Journal]


def released(round_id: int) -> dict[str, object]:
    return log_of("LockReleased", round_id, ACCOUNT.address)


class Program:
    """A follower with a handler that notes each event and owes a duty for it; may die at one of them."""

    def __init__(self, node: FakeNode, journal: Journal, dies_at: int | None = None, **options: int) -> None:
        self.chain = chain_on(node)
        self.journal = journal
        self.follower = Follower(self.chain, journal, **options)
        self.handled: list[Event] = []
        self.dies_at = dies_at

    def handle(self, event: Event) -> None:
        assert isinstance(event, LockReleased)
        self.journal.note_set("seen", str(event.round_id), event.block_hash)
        self.journal.owe(Duty("collect", event.round_id))
        if event.round_id == self.dies_at:
            raise Crash
        self.handled.append(event)

    def run(self) -> None:
        while not self.follower.step(self.chain.head(), self.handle):
            pass

    def rounds(self) -> list[int]:
        return [event.round_id for event in self.journal.events(LockReleased)]


def test_step__node_down__nothing_moves(node: FakeNode, journal: Journal) -> None:
    program = Program(node, journal)
    program.run()
    node.mine(released(1))
    head = program.chain.head()
    node.down = True
    with pytest.raises(ChainUnavailable):
        program.follower.step(head, program.handle)
    node.down = False
    program.run()
    assert program.rounds() == [1]


def test_step__chain_changes_while_logs_are_read__read_again(node: FakeNode, journal: Journal) -> None:
    node.mine(released(1))
    program = Program(node, journal)

    def change() -> None:
        node.on_logs = lambda: None
        node.fork(0)
        node.mine(released(2), salt=b"b")
        node.mine()

    node.on_logs = change
    head = program.chain.head()
    with pytest.raises(ChainError, match="changed below block 1"):
        program.follower.step(head, program.handle)
    assert journal.history.cursor() is None
    program.run()
    assert program.rounds() == [2]


def test_step__range_refused_even_for_one_block__raises(node: FakeNode, journal: Journal) -> None:
    node.mine_empty(4)
    node.max_range = 0
    with pytest.raises(RPCRefused, match="more than 10000"):
        Program(node, journal).run()


def test_step__range_too_long__halved_until_it_answers(node: FakeNode, journal: Journal) -> None:
    for number in range(1, 101):
        node.mine(released(number))
    node.max_range = 7
    program = Program(node, journal, max_range=64)
    program.run()
    assert program.rounds() == list(range(1, 101))
    assert [event.round_id for event in program.handled] == list(range(1, 101))
    asked = [params[0] for method, params in node.requests if method == "eth_getLogs"]
    lengths = [int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1 for query in asked]
    assert lengths[:5] == [64, 32, 16, 8, 4]


def test_step__confirmations__head_is_left_alone(node: FakeNode, journal: Journal) -> None:
    for number in range(1, 6):
        node.mine(released(number))
    program = Program(node, journal, confirmations=2)
    program.run()
    assert program.rounds() == [1, 2, 3]
    assert program.follower.behind(program.chain.head()) == 0
    node.mine()
    assert program.follower.behind(program.chain.head()) == 1


def test_step__lagging_node__nothing_forgotten(node: FakeNode, journal: Journal) -> None:
    program = Program(node, journal)
    for number in range(1, 5):
        node.mine(released(number))
        program.run()
    lost = node.blocks[3:]
    node.fork(2)
    program.run()
    assert program.rounds() == [1, 2, 3, 4]
    node.blocks += lost
    program.run()
    assert program.rounds() == [1, 2, 3, 4]


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_step__reorganisation__events_above_the_fork_replaced(node: FakeNode, journal: Journal, depth: int) -> None:
    program = Program(node, journal)
    for number in range(1, 7):
        node.mine(released(number))
        program.run()
    node.fork(6 - depth)
    for number in range(7 - depth, 8):
        node.mine(released(100 + number), salt=b"b")
    program.run()
    kept = list(range(1, 7 - depth))
    assert program.rounds() == [*kept, *range(107 - depth, 108)]
    assert journal.history.cursor() == Cursor(7, node.blocks[7].hash)
    resting = {row.duty.round_id for row in journal.duties()}
    assert resting == {*kept, *range(107 - depth, 108)}


def test_step__deeper_than_all_kept_hashes__read_from_the_start(node: FakeNode, journal: Journal) -> None:
    for number in range(1, 7):
        node.mine(released(number))
    Program(node, journal).run()  # one range: one hash
    node.fork(0)
    for number in range(11, 18):
        node.mine(released(number), salt=b"b")
    program = Program(node, journal)
    program.run()
    assert program.rounds() == list(range(11, 18))


@pytest.mark.parametrize("dies_at", [1, 3, 5])
def test_step__crash_in_a_handler__as_if_never_stopped(
    node: FakeNode, open_journal: Opener, dump: Callable[[str], object], dies_at: int
) -> None:
    steady = Program(node, open_journal(node, "steady"), max_range=2)
    crashing = Program(node, open_journal(node, "crashing"), dies_at=dies_at, max_range=2)
    for number in range(1, 6):
        node.mine(released(number))
    steady.run()
    with pytest.raises(Crash):
        crashing.run()
    restarted = Program(node, open_journal(node, "crashing"), max_range=2)
    restarted.run()
    assert dump("crashing") == dump("steady")


def test_step__crash_between_events_and_cursor__neither_happened(
    node: FakeNode, open_journal: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(node, open_journal(node))
    node.mine(released(1))

    def die(_cursor: Cursor) -> None:
        raise Crash

    monkeypatch.setattr(program.journal.history, "advance", die)
    with pytest.raises(Crash):
        program.run()
    journal = open_journal(node)
    assert (journal.events(LockReleased), journal.notes("seen"), journal.duties()) == ([], {}, [])


def test_step__crash_in_the_replay_of_a_reorganisation__as_if_never_stopped(
    node: FakeNode, open_journal: Opener, dump: Callable[[str], object]
) -> None:
    steady, crashing = (Program(node, open_journal(node, name)) for name in ("steady", "crashing"))
    for number in range(1, 6):
        node.mine(released(number))
        steady.run()
        crashing.run()
    node.fork(2)
    for number in (3, 14, 15, 16):
        node.mine(released(number), salt=b"b")
    steady.run()
    crashing.dies_at = 15
    with pytest.raises(Crash):
        crashing.run()
    Program(node, open_journal(node, "crashing")).run()
    assert dump("crashing") == dump("steady")


def test_step__same_events_handled_twice__same_journal(
    node: FakeNode, open_journal: Opener, dump: Callable[[str], object]
) -> None:
    for number in range(1, 6):
        node.mine(released(number))
    once, twice = (Program(node, open_journal(node, name)) for name in ("once", "twice"))
    once.run()
    twice.run()
    with twice.journal.transaction():
        for event in list(twice.handled):
            with twice.journal.agenda.born_in(event.block_number):
                twice.handle(event)
    assert dump("twice") == dump("once")
