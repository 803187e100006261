"""One actor who is requester, every miner, every validator and every caller: what many random rounds leave him with."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from benchmarks.tables import Section, Table
from dlbc.wire import fees

TOKEN = 10**18
KAPPAS = (0, 5_000, 9_000, 10_000, 12_000)  # the last two only a development chain may have
ROUNDS = 20_000
MINER_UNIT, SEAT_UNIT, TIP = 10 * TOKEN, 50 * TOKEN, TOKEN // 50
INITIAL_EMISSION, HALVING_SECS = 50 * TOKEN, 126_230_400
EPOCHS = 3
# how often rounds end how, where nobody has to be honest; and what is slashed on the way
STORIES = ("Block", "Block", "Block", "KeyWithheld", "NoClaim", "BelowThreshold", "TaskFault", "NoQuorum")


@dataclass
class Purse:
    """What the actor owns, and what would make him the most.

    Attributes:
        wealth: all credits, stakes and escrows of all his accounts.
        rises: rounds after which it was more than before.
        best: the largest change in one round.
    """

    wealth: int = 0
    spent: int = 0
    rises: int = 0
    best: int = -(10**30)

    def book(self, change: int, fee: int) -> None:
        self.wealth += change
        self.spent += fee
        self.rises += change > 0
        self.best = max(self.best, change)


def measure() -> dict[str, Any]:
    """Plays the same random rounds under each kappa."""
    return {"rounds": ROUNDS, "runs": [{"kappa_bps": kappa, **_run(kappa)} for kappa in KAPPAS]}


def _run(kappa: int) -> dict[str, Any]:
    chance, purse, emitted = random.Random(7), Purse(), 0  # noqa: S311  # a simulation, and the same for every kappa
    for number in range(ROUNDS):
        story, fee = chance.choice(STORIES), chance.randrange(TOKEN // 2, 40 * TOKEN)
        rates = _rates(chance)
        change, minted = _round(chance, story, fee, rates, kappa, elapsed=number * 3600, left=10**26 - emitted)
        emitted += minted
        purse.book(change, fee)
    return {
        "change": purse.wealth / TOKEN,
        "per_fee": purse.wealth / purse.spent,
        "rises": purse.rises,
        "best": purse.best / TOKEN,
        "emitted": emitted / TOKEN,
    }


def _rates(chance: random.Random) -> fees.FeeRates:
    """Any split that the contract's bounds allow: together below the whole."""
    cuts = sorted(chance.randrange(0, 9_999) for _ in range(5))
    burn, validator, second, third, parent = (upper - lower for lower, upper in zip([0, *cuts[:-1]], cuts, strict=True))
    return fees.FeeRates(burn=burn, validator=validator, second=second, third=third, parent=parent)


def _round(
    chance: random.Random, story: str, fee: int, rates: fees.FeeRates, kappa: int, *, elapsed: int, left: int
) -> tuple[int, int]:
    """How one round changes what all of the actor's accounts own, and what it mints.

    Every payment stays with him: only what is burned leaves, and only what is emitted comes.
    """
    net = fees.after_tips(fee, TIP, chance.randrange(3, fees.MOST_TIPS + 1))  # the tips are his as well
    slashed = _slashed(chance)
    if story != "Block":
        return -slashed - _burned_in_vain(chance, story, net, fee, rates), 0
    validators, advanced = chance.randrange(1, 16), 0
    for _ in range(chance.randrange(EPOCHS)):
        advanced += validators * fees.advance(rates, fees.after_tips(fee, TIP), advanced, validators)
    places = {"second": chance.random() < 0.8, "third": chance.random() < 0.6, "parent": chance.random() < 0.2}
    shares = fees.split(rates, net, validators, advanced=advanced, **places)
    minted = fees.emission(INITIAL_EMISSION, HALVING_SECS, kappa, elapsed=elapsed, fee_burned=shares.burned, left=left)
    return minted - shares.burned - slashed, minted


def _slashed(chance: random.Random) -> int:
    """Now and then he lets himself be slashed; a finder's tenth, where there is one, is his own."""
    if chance.random() < 0.7:
        return 0
    unit, basis_points = chance.choice([(MINER_UNIT, 10_000), (MINER_UNIT, 5_000), (MINER_UNIT, 900), (SEAT_UNIT, 500)])
    return fees.part(unit, basis_points) * chance.randrange(1, 4)


def _burned_in_vain(chance: random.Random, story: str, net: int, fee: int, rates: fees.FeeRates) -> int:
    """What is burned where no block is made; the bond is as large as the fee."""
    miners = chance.randrange(1, 7)
    if story == "KeyWithheld":
        return fee - min(fee // 2 // miners, MINER_UNIT) * miners
    if story == "NoClaim":
        return min(net, TOKEN // 1_000 * chance.randrange(5, 3_600))
    if story == "NoQuorum":
        return 0
    shares = fees.split(rates, net, chance.randrange(1, 16), second=False, third=False)
    halved = shares.winner + (fee if story == "TaskFault" else 0)
    return shares.burned + halved - halved // 2 // miners * miners


TEXT = """\
One actor is the requester, every miner, every validator and everybody who sends a call that gets a tip; he may end his
rounds in any way and lets himself be slashed now and then. All that is paid he pays to himself: only what is burned
leaves him, and only the emission comes. The split of the fee is drawn anew for every round, from all that the bounds
of the parameters allow; amounts are computed by the reference that the programs and the contracts' tests use
(`dlbc/wire/fees.py`). Kappa above 9,000 basis points is refused by the contracts except on development chains; the last
row shows that the simulation can see a gain where there is one. The same claim on the contracts themselves is the
campaign of `tests/forge/hub/Market.t.sol` (I06, I07): there everybody is one coalition, and the supply never rises.
"""


def section(measured: dict[str, Any]) -> Section:
    """The table."""
    rows = [
        [
            f"{run['kappa_bps']:,}",
            f"{run['rises']:,} of {measured['rounds']:,}",
            f"{run['best']:+.3f}",
            f"{run['per_fee']:+.2%}",
            f"{run['emitted']:,.0f}",
        ]
        for run in measured["runs"]
    ]
    columns = ["Kappa, bps", "Rounds that paid", "Best round, DLBC", "Wealth per fee spent", "Emitted, DLBC"]
    return Section("Self-dealing", TEXT, (Table("A coalition of one", columns, rows),))
