"""The protocol's chores are done once, by whoever's turn it is, and never wait for somebody who is gone."""

from dataclasses import replace

import pytest
from miner_world import MINER, RIVAL, ROUND, TASK, World

from dlbc import keeper
from dlbc.chain.events import ModelClaimed, ModelCommitted, ModelKeyShown, ParametersSet, SeatJoined
from dlbc.errors import TransactionRefused
from dlbc.journal import TransactionState
from dlbc.keeper import NO_COMMITMENT, TURN_BLOCKS, Keeper, active_accounts, delay_blocks
from dlbc.types import Phase
from dlbc.wire.typed_data import commitment_hash

PEOPLE = [f"0x{number:040x}" for number in range(1, 8)]


def keep_blocks(world: World, keeping: Keeper, count: int) -> list[str]:
    """Names of the chores sent within so many blocks."""
    for _ in range(count):
        keeping.keep(world.context)
        world.chain.time += 1
    return list(world.transactions.sent)


def test_delay_blocks__seven_active_accounts__seven_different_turns() -> None:
    delays = sorted(delay_blocks(address, "keep/open/1", PEOPLE) for address in PEOPLE)
    assert delays == [turn * TURN_BLOCKS for turn in range(7)]


def test_delay_blocks__another_chore__another_order() -> None:
    def order(chore: str) -> list[int]:
        return [delay_blocks(address, chore, PEOPLE) for address in PEOPLE]

    assert len({tuple(order(f"keep/open/{task}")) for task in range(8)}) > 1


def test_delay_blocks__account_not_active__after_all_that_are() -> None:
    assert delay_blocks(RIVAL, "keep/open/1", PEOPLE) >= len(PEOPLE) * TURN_BLOCKS


def test_delay_blocks__hundreds_are_active__bounded() -> None:
    crowd = [f"0x{number:040x}" for number in range(1, 500)]
    assert max(delay_blocks(address, "keep/open/1", crowd) for address in crowd) <= keeper.MOST_TURNS * TURN_BLOCKS


def test_delay_blocks__address_in_another_case__same_turn() -> None:
    mixed = "0x" + "aB" * 20
    assert delay_blocks(mixed, "c", [mixed]) == delay_blocks(mixed.lower(), "c", [mixed]) == 0


def test_active_accounts__seats_and_miners__newest_first_and_each_once(world: World) -> None:
    world.event(SeatJoined, 1, PEOPLE[0], block=1)
    world.event(ModelCommitted, ROUND, PEOPLE[1], 1, bytes(32), bytes(32), 1, block=2)
    world.event(ModelCommitted, ROUND + 1, PEOPLE[0], 1, bytes(32), bytes(32), 1, block=3)
    assert [address.lower() for address in active_accounts(world.journal)] == [PEOPLE[0], PEOPLE[1]]


def test_keep__nothing_due__sends_nothing(world: World) -> None:
    world.opened()
    assert keep_blocks(world, Keeper(), 5) == []


def test_keep__task_waits_and_a_slot_is_free__opens_it_once(world: World) -> None:
    world.event(SeatJoined, 1, MINER.address)  # one's own turn at once
    world.hub.next = 4
    assert keep_blocks(world, Keeper(), 3) == ["keep/open/1"]
    assert world.transactions.sent["keep/open/1"] == ("open_round", (0,))


def test_keep__another_task_was_opened_by_the_call__opens_the_first_one_too(world: World) -> None:
    """Between the call and its block a better task came into the queue; the first must not wait for ever."""
    world.event(SeatJoined, 1, MINER.address)
    world.hub.next = 4
    keeping = Keeper()
    keep_blocks(world, keeping, 1)
    world.opened()  # of another task, and task 4 is next again
    assert keep_blocks(world, keeping, 1) == ["keep/open/1", "keep/open/2"]


def test_keep__first_slot_taken__opens_in_the_next(world: World) -> None:
    world.event(SeatJoined, 1, MINER.address)
    world.opened()
    world.hub.next = 4
    keep_blocks(world, Keeper(), 1)
    assert world.transactions.sent["keep/open/2"] == ("open_round", (1,))


def test_keep__others_turn__waits_and_acts_when_they_do_not(world: World) -> None:
    world.hub.next = 4
    for number, address in enumerate([*PEOPLE, MINER.address]):
        world.event(SeatJoined, number, address)
    delay = delay_blocks(MINER.address, "keep/open/1", [*PEOPLE, MINER.address])
    assert delay > 0, "choose another round: this account is the first anyway"
    keeping = Keeper()
    assert keep_blocks(world, keeping, delay) == []
    assert keep_blocks(world, keeping, 1) == ["keep/open/1"]


def test_keep__others_did_it_meanwhile__sends_nothing(world: World) -> None:
    world.hub.next = 4
    for number, address in enumerate([*PEOPLE, MINER.address]):
        world.event(SeatJoined, number, address)
    keeping = Keeper()
    keep_blocks(world, keeping, 1)
    world.hub.next = 0
    assert keep_blocks(world, keeping, 40) == []


def test_keep__simulation_refuses__tried_again_only_after_a_pause(world: World) -> None:
    """Somebody's transaction waits that would do it. If it is never mined, the round must not stay for ever."""
    world.event(SeatJoined, 1, MINER.address)
    world.hub.next = 4
    world.transactions.refuse["keep"] = TransactionRefused("slot is busy", "SlotBusy")
    keeping = Keeper()
    keep_blocks(world, keeping, 1)
    world.transactions.refuse.clear()
    assert keep_blocks(world, keeping, keeper.PAUSE_BLOCKS - 1) == []
    assert keep_blocks(world, keeping, 1) == ["keep/open/1"]


def test_keep__mined_and_still_due__sent_again(world: World) -> None:
    """Nine cancelled tasks on top of the queue: the first call opens nothing, and must not be the last one."""
    world.event(SeatJoined, 1, MINER.address)
    world.hub.next = 4
    world.transactions.state = TransactionState.CONFIRMED
    names = keep_blocks(world, Keeper(), 2 * keeper.PAUSE_BLOCKS)
    assert names[0] == "keep/open/1"
    assert 2 <= len(names) - 1 <= 3, "once in so many blocks"


def test_active_accounts__journal_of_years__reads_only_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked on every block, in the loop that sends claims and votes."""
    monkeypatch.setattr(keeper, "RECENT_EVENTS", 2)
    for block, address in enumerate(PEOPLE, 1):
        world.event(SeatJoined, block, address, block=block)
    assert [address.lower() for address in active_accounts(world.journal)] == [PEOPLE[-1], PEOPLE[-2]]


def test_keep__due_again_after_it_was_done__done_again(world: World) -> None:
    world.event(SeatJoined, 1, MINER.address)
    world.opened()
    keeping = Keeper()
    for seal_block in (0, 700):  # the first seal went out of range: sealed again
        world.committee.seal_block = seal_block
        world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], phase=Phase.SEAL)
        keep_blocks(world, keeping, 2)
    assert list(world.transactions.sent) == [f"keep/seal/{ROUND}/0/0", f"keep/seal/{ROUND}/0/700"]


def test_keep__sealed_block_not_mined__does_not_draw(world: World) -> None:
    world.event(SeatJoined, 1, MINER.address)
    world.opened()
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], phase=Phase.DRAW)
    world.committee.seal_block = int(world.chain.time) + 2
    assert keep_blocks(world, Keeper(), 3) == []
    assert keep_blocks(world, Keeper(), 1) == [f"keep/draw/{ROUND}/0/{world.committee.seal_block}"]


@pytest.mark.parametrize("won", [True, False])
def test_keep__tally__finalizes_with_the_winners_commitment_or_an_empty_one(world: World, won: bool) -> None:
    world.event(SeatJoined, 1, MINER.address)
    world.opened()
    winner = replace(NO_COMMITMENT, round_id=ROUND, miner=RIVAL)
    world.event(ModelClaimed, ROUND, RIVAL, commitment_hash(winner), 1, 20, True, winner)
    world.hub.winner = commitment_hash(winner) if won else bytes(32)
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], phase=Phase.TALLY)
    keep_blocks(world, Keeper(), 1)
    expected = winner if won else NO_COMMITMENT
    assert world.transactions.sent[f"keep/finalize/{ROUND}/0"] == ("finalize", (ROUND, world.spec, expected, 0))


@pytest.mark.parametrize("known", [True, False])
def test_keep__winner_declares_a_parent__finalize_names_the_round_that_showed_it(world: World, known: bool) -> None:
    world.event(SeatJoined, 1, MINER.address)
    world.opened()
    winner = replace(NO_COMMITMENT, round_id=ROUND, miner=RIVAL, parent=b"p" * 32)
    world.event(ModelClaimed, ROUND, RIVAL, commitment_hash(winner), 1, 20, True, winner)
    world.event(ModelKeyShown, 2, RIVAL, b"p" * 32 if known else b"q" * 32, b"k" * 32)
    world.hub.winner = commitment_hash(winner)
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], phase=Phase.TALLY)
    keep_blocks(world, Keeper(), 1)
    _, arguments = world.transactions.sent[f"keep/finalize/{ROUND}/0"]
    assert arguments[-1] == (2 if known else 0)


def test_keep__round_in_a_slot_that_governance_took_away__still_ends(world: World) -> None:
    """Its stakes are locked until somebody finalizes it; no new round opens there."""
    world.event(SeatJoined, 1, MINER.address)
    timing, economy, limits = world.hub.parameters_of(1)
    world.event(ParametersSet, 1, timing, replace(economy, slots=4), limits)
    world.opened()
    world.hub.rounds[ROUND] = replace(world.hub.rounds[ROUND], slot=3, phase=Phase.TALLY)
    world.hub.rounds[ROUND + 1] = replace(world.hub.rounds[ROUND], slot=0, phase=Phase.TRAIN)
    world.hub.rounds[ROUND + 2] = replace(world.hub.rounds[ROUND], slot=1, phase=Phase.TRAIN)
    world.hub.next = 4
    assert keep_blocks(world, Keeper(), 1) == [f"keep/finalize/{ROUND}/0"]


def test_keep__tasks_wait_below_cancelled_ones__prunes(world: World) -> None:
    world.event(SeatJoined, 1, MINER.address)
    world.hub.queue, world.hub.next = 3, 0
    (name,) = keep_blocks(world, Keeper(), 1)
    assert name.startswith("keep/prune/")


def test_spec_of__event_not_seen__none(world: World) -> None:
    assert keeper.spec_of(world.journal, TASK) is None
