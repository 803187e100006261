"""The chores of the protocol that anyone may do: open rounds, draw committees, finalize, prune.

Every program with a stake calls `Keeper.keep` on each new block. So that they do not all pay for the same
chore, each waits its turn: the accounts that were active lately are ordered by a hash of account and chore;
the first acts at once, each later one `TURN_BLOCKS` later. Whoever is not needed any more finds the chore
done and sends nothing. All is simulated first, so a lost race costs gas only when two transactions meet in
one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from dlbc.chain.events import (
    ModelClaimed,
    ModelCommitted,
    ModelKeyShown,
    ParametersSet,
    SeatJoined,
    TaskSubmitted,
    VoteCommitted,
)
from dlbc.errors import TransactionRefused
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, ModelCommitment, Phase, TaskSpec

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call
    from dlbc.journal import Journal
    from dlbc.service import Context

TURN_BLOCKS = 2  # one to be mined in, one to be late
MOST_TURNS = 8
MOST_ACTIVE = 32
PRUNE_BATCH = 64
PAUSE_BLOCKS = 16  # before a refused chore that is still due is tried again
RECENT_EVENTS = 256  # of a kind, in which active accounts are looked for: a journal grows for ever

NO_COMMITMENT = ModelCommitment(
    round_id=0,
    anchor=ZERO_BYTES32,
    spec_hash=ZERO_BYTES32,
    model_hash=ZERO_BYTES32,
    artifact=ZERO_BYTES32,
    artifact_bytes=0,
    key_hash=ZERO_BYTES32,
    watermark=ZERO_BYTES32,
    trajectory=ZERO_BYTES32,
    parent=ZERO_BYTES32,
    payload_root=ZERO_BYTES32,
    miner=ZERO_ADDRESS,
    salt=ZERO_BYTES32,
)


@dataclass(frozen=True)
class Chore:
    """One call that is due.

    Attributes:
        name: of the transaction; the same in every program, another one for another epoch or seal.
        build: makes the call; asked only when the turn has come.
    """

    name: str
    build: Callable[[], Call]


@dataclass
class Keeper:
    """Does due chores when its turn has come; one instance a program, used from its main loop.

    Attributes:
        since: block in which each chore was first seen due.
    """

    since: dict[str, int] = field(default_factory=dict)
    _refused_in: dict[str, int] = field(default_factory=dict)

    def keep(self, context: Context) -> None:
        """Looks for due chores and does those whose turn has come. Called on every new block."""
        head = context.chain.latest or context.chain.head()
        found = list(chores(context, head.number))
        names = {chore.name for chore in found}
        self.since = {name: self.since.get(name, head.number) for name in names}
        self._refused_in = {name: block for name, block in self._refused_in.items() if name in names}
        active = active_accounts(context.journal) if found else []
        for chore in found:
            if head.number - self._refused_in.get(chore.name, -PAUSE_BLOCKS) < PAUSE_BLOCKS:
                continue
            waited = head.number - self.since[chore.name]
            if waited >= delay_blocks(context.account, chore.name, active):
                self._do(context, chore, head.number)

    def _do(self, context: Context, chore: Chore, block: int) -> None:
        try:
            if context.transactions.send(chore.name, chore.build()).confirmed:
                # Mined, and still due: `openRound` removes eight cancelled tasks from the queue's top and opens none.
                context.transactions.send(f"{chore.name}/{block // PAUSE_BLOCKS}", chore.build())
        except TransactionRefused as refusal:
            # Mostly somebody's transaction waits that does it. It may never be mined, so this is not for ever: a
            # round that nobody finalizes keeps everybody's stake locked.
            context.log.debug("chore not needed", chore=chore.name, why=str(refusal))
            self._refused_in[chore.name] = block


def delay_blocks(account: str, chore: str, active: Sequence[str]) -> int:
    """How many blocks `account` leaves a due chore to others.

    Args:
        active: accounts that probably run a program; an account not among them lets all of these go first.
    """

    def order(address: str) -> bytes:
        return keccak(text=f"{chore}/{address.lower()}")

    others = {address.lower() for address in active} - {account.lower()}
    if any(address.lower() == account.lower() for address in active):
        turn = sum(order(address) < order(account) for address in others)
    else:
        turn = len(others) + order(account)[0] % 4
    return TURN_BLOCKS * min(turn, MOST_TURNS)


def active_accounts(journal: Journal) -> list[str]:
    """Accounts with a stake that did something lately: miners who committed, owners of seats."""
    seen: dict[str, int] = {}
    for kind, name in ((SeatJoined, "owner"), (ModelCommitted, "miner"), (VoteCommitted, "validator")):
        for event in journal.latest(kind, RECENT_EVENTS):
            address = getattr(event, name)
            seen[address] = max(seen.get(address, 0), event.block_number)
    return sorted(seen, key=lambda address: (-seen[address], address))[:MOST_ACTIVE]


def chores(context: Context, block: int) -> Iterator[Chore]:
    """What is due in the newest block, whose number is `block`."""
    hub = context.hub
    live = rounds_by_slot(context)
    for round_id in live.values():
        if round_id:
            yield from _round_chores(context, round_id, block)
    free = [slot for slot in range(hub.economy().slots) if not live[slot]]
    if not free:
        return
    task_id = hub.next_task()
    if task_id:
        slot = free[0]
        # Named by the round and not by the task: a call may open another task, which went ahead in the queue.
        yield Chore(f"keep/open/{hub.round_count() + 1}", lambda: hub.open_round(slot))
    elif hub.queue_length():
        # Waiting tasks, but more cancelled ones lie on top of them than opening removes by itself.
        yield Chore(f"keep/prune/{block // 16}", lambda: hub.prune(PRUNE_BATCH))


def rounds_by_slot(context: Context) -> dict[int, int]:
    """The live round of each slot, 0 where there is none.

    Where there are fewer slots now than there were, rounds in the others still run to their end.
    """
    before = [event.economy.slots for event in context.journal.events(ParametersSet)]
    slots = max(context.hub.economy().slots, *before, 0)
    return {slot: context.hub.round_in_slot(slot) for slot in range(slots)}


def live_rounds(context: Context) -> list[int]:
    """The rounds that are not final."""
    return [round_id for round_id in rounds_by_slot(context).values() if round_id]


def _round_chores(context: Context, round_id: int, block: int) -> Iterator[Chore]:
    hub, committee = context.hub, context.committee
    found = hub.round(round_id)
    if found.phase in {Phase.SEAL, Phase.DRAW}:
        sealed = committee.ballot(round_id).seal_block
        if found.phase is Phase.SEAL or block > sealed:
            name = f"keep/{found.phase.name.lower()}/{round_id}/{found.epoch}/{sealed}"
            yield Chore(name, lambda: committee.draw(round_id))
    elif found.phase is Phase.TALLY:
        spec = spec_of(context.journal, found.task_id)
        if spec is not None:
            yield Chore(f"keep/finalize/{round_id}/{found.epoch}", lambda: _finalize(context, round_id, spec))


def _finalize(context: Context, round_id: int, spec: TaskSpec) -> Call:
    winner = winner_of(context, round_id, spec)
    return context.hub.finalize(round_id, spec, winner, parent_round_of(context.journal, winner))


def spec_of(journal: Journal, task_id: int) -> TaskSpec | None:
    """The spec of a task, from the event that carried it; None while that lies behind the confirmations."""
    submitted = journal.events(TaskSubmitted, task_id=task_id)
    return submitted[-1].spec if submitted else None


def winner_of(context: Context, round_id: int, spec: TaskSpec) -> ModelCommitment:
    """The commitment that `finalize` wants: the winner's, or an empty one where there is none."""
    winner = context.hub.preview(round_id, spec).commitment_hash
    claims = context.journal.events(ModelClaimed, round_id=round_id, commitment_hash=winner)
    return claims[-1].commitment if claims else NO_COMMITMENT


def parent_round_of(journal: Journal, commitment: ModelCommitment) -> int:
    """The round in which the model that `commitment` declares as its parent was shown, 0 where none is declared or
    known.
    """
    if commitment.parent == ZERO_BYTES32:
        return 0
    shown = journal.events(ModelKeyShown, commitment_hash=commitment.parent)
    return shown[-1].round_id if shown else 0
