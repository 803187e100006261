"""The rounds and queues whose gas is noted: committees of 3, 7 and 15, a crowd, troubles, 4,096 tasks waiting."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.driven_round import HARMONY, Troubles, make_spec, play
from benchmarks.hub_on_anvil import UNIT, Actor, Market, deploy, development_profile
from benchmarks.round_calls import template
from dlbc.errors import ChainError

MINERS, CROWD = 6, 12
SPARE_SEATS = 2  # seats beyond the committee's size
TOKENS, STAKE = 20_000, 5_000
QUEUE = 4_096

Spent = tuple[str, int, str]


@dataclass(frozen=True)
class Play:
    """Some rounds of one kind."""

    scenario: str
    committee: int
    miners: int
    rounds: int
    troubles: Troubles = HARMONY


PLAYS = (
    Play("k = 3", 3, MINERS, 20),
    Play("k = 7", 7, MINERS, 20),
    Play("k = 7, 12 miners", 7, CROWD, 2),
    Play("k = 7, troubles", 7, MINERS, 2, Troubles(withheld=True, invalid=True, absent=True)),
    Play("k = 15", 15, MINERS, 20),
)
FULL = "full queue"
ASIDE = "aside"  # accounts, seats, a cancelled task: calls that no round needs


def all_plays(url: str) -> tuple[list[Spent], int]:
    """What every call took, and the gas of one deployment. Each committee size has contracts of its own."""
    spent: list[Spent] = []
    for committee in sorted({kind.committee for kind in PLAYS}):
        quorum = 2 if committee == 3 else 2 * committee // 3 + 1
        market, deployment = deploy(url, development_profile({"committeeSize": committee, "quorum": quorum}))
        _play(market, committee)
        spent += market.spent
    return spent, deployment


def full_queue(url: str) -> list[Spent]:
    """Submitting and opening with all but 4,096 tasks in the queue."""
    market, _ = deploy(url, development_profile({"feeUnit": "0.0001", "tip": "0"}))
    requester, dice = Actor.named("requester"), random.Random(1)  # noqa: S311  # the same in every run
    market.equip([requester], 900_000, 0)
    # The floor doubles with every 512 tasks that wait.
    floor = market.hub.floors(template(requester, 0)).fee << QUEUE // 512
    slots = market.hub.economy().slots
    number = QUEUE - 2 * slots
    specs = [template(requester, nonce, floor * dice.randrange(100, 400) // 100, floor) for nonce in range(number)]
    market.send_all([(requester.address, market.hub.submit_task(spec)) for spec in specs])
    if market.hub.queue_length() != number:
        raise ChainError(f"{market.hub.queue_length()} of {number} tasks are in the queue")
    market.scenario = FULL
    for nonce in range(number, QUEUE):
        # Every other one goes up to the top of the heap: the longest way.
        share = 1_000 + nonce if nonce % 2 else dice.randrange(100, 400)
        market.send(requester.address, market.hub.submit_task(template(requester, nonce, floor * share // 100, floor)))
    for slot in range(slots):
        market.send(requester.address, market.hub.open_round(slot))
    return [entry for entry in market.spent if entry[2] == FULL]


def _play(market: Market, committee: int) -> None:
    requester = Actor.named("requester")
    miners = [Actor.named(f"miner {number}") for number in range(CROWD)]
    validators = [Actor.named(f"validator {number}") for number in range(committee + SPARE_SEATS)]
    market.scenario = ASIDE
    market.equip([requester], TOKENS, 0)
    market.equip([*miners, *validators], TOKENS, STAKE)
    for validator in validators:
        market.send(validator.address, market.committee.join_seat())
    nonce = 0
    for kind in PLAYS:
        for _ in range(kind.rounds if kind.committee == committee else 0):
            nonce += 1
            market.scenario = kind.scenario
            play(market, requester, miners[: kind.miners], validators, nonce, kind.troubles)
    market.scenario = ASIDE
    for validator in validators[:SPARE_SEATS]:
        (seat,) = market.committee.seats_of(validator.address)
        market.send(validator.address, market.committee.leave_seat(seat))
    for miner in miners[:MINERS]:
        market.send(miner.address, market.hub.request_unbond(UNIT))
        market.send(miner.address, market.hub.withdraw(UNIT))
    spec = make_spec(market, requester, nonce + 1)
    market.send(requester.address, market.hub.submit_task(spec))
    market.send(requester.address, market.hub.cancel_task(market.hub.task_count(), spec))
