"""Markets of growing size, and what every call takes in them: queue, live rounds, miners, seats and committee."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.driven_round import SEAL_BLOCKS
from benchmarks.hub_on_anvil import Actor, Sent, deploy, development_profile, request
from benchmarks.round_calls import (
    MIN_SCORE,
    SAMPLES,
    claim_model,
    commit_model,
    commitment_of,
    finalize,
    reveal_key,
    show_key,
    template,
    votes_of,
)
from dlbc.errors import ChainError
from dlbc.types import ModelCommitment, TaskSpec
from dlbc.wire.typed_data import vote_hash
from dlbc.wire.vote_word import CandidateVote, pack


@dataclass(frozen=True)
class Size:
    """What a call's gas might depend on.

    Attributes:
        queue: tasks that wait behind those that are opened.
        slots: rounds that are live at the same time, each in the same phase as the others.
        miners: who commit in the first of these rounds; in the others no more than `BASE` has.
        seats: in the pool from which committees are drawn.
        committee: validators of each round.
    """

    queue: int = 0
    slots: int = 1
    miners: int = 6
    seats: int = 100
    committee: int = 3


BASE = Size()
AXES: dict[str, tuple[int, ...]] = {
    "queue": (0, 64, 512, 4_095),
    "slots": (1, 4, 16),
    "miners": (6, 50, 500),
    "seats": (15, 100, 1_000),
    "committee": (3, 7, 15),
}
EVERYTHING = Size(**{axis: values[-1] for axis, values in AXES.items()})
WAVES = 3  # of rounds; the first finds storage that was never written
REPEATS = 8  # of calls that belong to no round
FLOOR_STEP = 512  # the least fee doubles with so many tasks in the queue
FILLER_NONCE = 1_000_000  # tasks that wait have their nonces from here on
WORTH = 1_000  # fee of a task that goes to the top, in those of the cheapest that waits
ACTOR_TOKENS, ACTOR_STAKE, REQUESTER_TOKENS = 100, 50, 300_000
CHEAP = {"feeUnit": "0.0001", "tip": "0.00001", "minerUnit": "1", "seatUnit": "1", "slots": 16}
NOTED, ASIDE = "noted", "aside"  # aside: calls that only make the market as large as it is to be

Spent = tuple[str, int]


@dataclass
class LiveRound:
    """One of the rounds that are played side by side."""

    number: int
    spec: TaskSpec
    miners: Sequence[Actor]
    commitments: Sequence[ModelCommitment] = ()


class World:
    """One deployment with everybody who is ever needed; each size starts from the same state of it."""

    def __init__(self, url: str, largest: Size = EVERYTHING) -> None:
        self.market, _ = deploy(url, development_profile(CHEAP))
        self.market.scenario = ASIDE
        # One second a block, however long the machine takes: phases end by the chain's clock.
        request(self.market.chain, "anvil_setBlockTimestampInterval", 1)
        self.requester, self.keeper = Actor.named("requester"), Actor.named("keeper")
        self.miners = [Actor.named(f"miner {number}") for number in range(largest.miners)]
        self.validators = [Actor.named(f"validator {number}") for number in range(largest.seats + REPEATS)]
        self.market.equip([self.requester], REQUESTER_TOKENS, 0)
        self.market.equip([self.keeper, *self.miners, *self.validators], ACTOR_TOKENS, ACTOR_STAKE)
        self.floor = self.market.hub.floors(template(self.requester, 0)).fee << (largest.queue + 1) // FLOOR_STEP
        self._nonce = 0
        self._state = request(self.market.chain, "evm_snapshot")

    def play(self, size: Size) -> list[Spent]:
        """Every call with its gas, in a market of this size; the market is then as it was before.

        Raises:
            ChainError: a round did not end as it should.
        """
        self._grow(size)
        self.market.scenario = NOTED
        for _ in range(WAVES):
            self._wave(size)
        self._withhold(size)
        self._queue_and_seats(size)
        spent = [(call, gas) for call, gas, scenario in self.market.spent if scenario == NOTED]
        self.market.spent.clear()
        self.market.scenario = ASIDE
        request(self.market.chain, "evm_revert", self._state)
        self._state = request(self.market.chain, "evm_snapshot")
        return spent

    def _grow(self, size: Size) -> None:
        market, hub = self.market, self.market.hub
        parameters = hub.parameters_of(hub.version())
        economy = replace(parameters.economy, committee_size=size.committee, quorum=size.committee // 2 + 1)
        market.send(market.deployer, hub.set_params(parameters.timing, economy, parameters.limits))
        self._join(self.validators[: size.seats])
        dice = random.Random(size.queue)  # noqa: S311  # the same in every run
        fees = [self.floor * dice.randrange(100, 400) // 100 for _ in range(size.queue)]
        waiting = [template(self.requester, FILLER_NONCE + number, fee, self.floor) for number, fee in enumerate(fees)]
        if waiting:
            market.send_all([(self.requester.address, hub.submit_task(spec)) for spec in waiting])
        if hub.queue_length() != size.queue:
            raise ChainError(f"{hub.queue_length()} of {size.queue} tasks are in the queue")

    def _submit(self) -> TaskSpec:
        """A task that goes the whole way to the top of the queue."""
        self._nonce += 1
        spec = template(self.requester, self._nonce, self.floor * WORTH, self.floor)
        self.market.send(self.requester.address, self.market.hub.submit_task(spec))
        if self.market.hub.next_task() != self.market.hub.task_count():
            raise ChainError("the task submitted last is not on top of the queue")
        return spec

    def _open(self, slot: int, miners: Sequence[Actor]) -> LiveRound:
        spec = self._submit()
        self.market.send(self.keeper.address, self.market.hub.open_round(slot))
        return LiveRound(self.market.hub.round_in_slot(slot), spec, miners)

    def _commit(self, rounds: Sequence[LiveRound]) -> None:
        """All models of all rounds in one block."""
        hub = self.market.hub
        facts = [hub.round(live.number) for live in rounds]
        for live, found in zip(rounds, facts, strict=True):
            live.commitments = [commitment_of(live.number, found.anchor, live.spec, miner) for miner in live.miners]
        self.market.pass_time(max(found.commit_start for found in facts))
        self.market.send_all([(c.miner, commit_model(hub, c)) for live in rounds for c in live.commitments])

    def _wave(self, size: Size) -> None:
        """Rounds in all slots, phase by phase, to the released locks; each ends with a block."""
        market, hub, committee = self.market, self.market.hub, self.market.committee
        crowds = [self.miners[: size.miners], *[self.miners[: min(size.miners, BASE.miners)]] * (size.slots - 1)]
        rounds = [self._open(slot, miners) for slot, miners in enumerate(crowds)]
        self._commit(rounds)
        market.pass_time(max(hub.round(live.number).key_from for live in rounds))
        market.send_all([(self.requester.address, reveal_key(hub, live.number, live.spec)) for live in rounds])
        market.send_all(self._claims(rounds))
        market.send_all([(c.miner, show_key(hub, c)) for live in rounds for c in self._listed(live)])
        draws = [(self.keeper.address, committee.draw(live.number)) for live in rounds]
        market.send_all(draws, "draw: seal")
        market.pass_blocks(SEAL_BLOCKS)
        market.send_all(draws, "draw: pick")
        votes = []
        for live in rounds:
            word = pack([CandidateVote(candidate.score) for candidate in hub.candidates(live.number)])
            votes += votes_of(committee, live.number, word)
        if len(votes) != size.slots * size.committee:
            raise ChainError(f"{len(votes)} validators were drawn for {size.slots} committees of {size.committee}")
        market.send_all([(v.validator, committee.commit_vote(v.round_id, v.pos, vote_hash(v))) for v in votes])
        market.send_all([(v.validator, committee.reveal_vote(v)) for v in votes])
        for live in rounds:
            market.send(self.keeper.address, finalize(hub, live.number, live.spec, live.commitments))
        market.send_all([release for live in rounds for release in self._releases(live)], "releaseLocks, 6 miners")

    def _claims(self, rounds: Sequence[LiveRound]) -> list[Sent]:
        """One of every miner, in random order: each place on a list changes hands now and then."""
        dice = random.Random(rounds[0].number)  # noqa: S311  # the same in every run
        claims = []
        for live in rounds:
            for miner, commitment in zip(live.miners, live.commitments, strict=True):
                score = dice.randrange(MIN_SCORE + 1, SAMPLES)
                claims.append((miner.address, claim_model(self.market, commitment, score, live.spec, miner)))
        return dice.sample(claims, k=len(claims))

    def _listed(self, live: LiveRound) -> list[ModelCommitment]:
        listed = {candidate.miner for candidate in self.market.hub.candidates(live.number)}
        return [commitment for commitment in live.commitments if commitment.miner in listed]

    def _releases(self, live: LiveRound) -> Iterator[Sent]:
        miners = [miner.address for miner in live.miners]
        for begin in range(0, len(miners), BASE.miners):
            chosen = miners[begin : begin + BASE.miners]
            yield self.keeper.address, self.market.hub.release_locks(live.number, chosen)

    def _withhold(self, size: Size) -> None:
        """A round whose requester never shows the test key: its miners share his bond."""
        market, hub = self.market, self.market.hub
        live = self._open(0, self.miners[: size.miners])
        self._commit([live])
        market.pass_time(hub.round(live.number).key_until)
        ending = hub.finalize(live.number, live.spec, live.commitments[0])
        market.send(self.keeper.address, ending, "finalize, key withheld")
        market.send_all([(miner.address, hub.claim_compensation(live.number)) for miner in live.miners])

    def _queue_and_seats(self, size: Size) -> None:
        """Tasks that are taken back from the top of the queue; seats that come and go."""
        market, hub = self.market, self.market.hub
        for _ in range(REPEATS):
            spec = self._submit()
            market.send(self.requester.address, hub.cancel_task(hub.task_count(), spec))
            market.send(self.keeper.address, hub.prune(1))
        self._join(self.validators[size.seats : size.seats + REPEATS])
        leaving = [(owner.address, market.committee.seats_of(owner.address)) for owner in self.validators[:REPEATS]]
        market.send_all([(owner, market.committee.leave_seat(seat)) for owner, (seat,) in leaving])

    def _join(self, validators: Sequence[Actor]) -> None:
        self.market.send_all([(validator.address, self.market.committee.join_seat()) for validator in validators])


def along(axis: str) -> list[Size]:
    """`BASE` with one number growing."""
    return [replace(BASE, **{axis: value}) for value in AXES[axis]]


def sizes() -> list[Size]:
    """Each axis by itself; and everything at once."""
    return list(dict.fromkeys([*(size for axis in AXES for size in along(axis)), EVERYTHING]))
