"""Which live round to work on: expected pay against time and stake at risk. Pure; `market.py` feeds it.

    chance    = w / (w + rivals)    w: the share of the training time that is left; rivals: the commits so
                                    far, or the number that past rounds led to, whichever is larger
    expected  = chance * (winner's share + emission) + chances of second and third place * their shares
    worth     = expected - stake at risk * the miner's own rate of slashes
    rate      = worth / seconds that the device is busy

The largest rate wins. Everything that speaks against a round is a sentence that the miner can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

BPS = 10_000
UNIT = 10**18
USUAL_TIPS = 3  # of a round that goes well: who opens it, draws its committee, finalizes it
PRIOR_ROUNDS = 100  # a new miner counts as slashed once in so many
LEAST_TRAINING = 0.25  # of the training time: with less left, a network is not worth a stake
BYTES_PER_PARAMETER = 4


@dataclass(frozen=True)
class Terms:
    """What the contracts pay and lock in a round, in base units and basis points of the fee (`IDLBC.Economy`)."""

    miner_unit: int
    burn_bps: int
    validator_bps: int
    second_bps: int
    third_bps: int
    kappa_bps: int
    emission: int  # ceiling of one block's emission now
    min_miners: int
    tip: int = 0


@dataclass(frozen=True)
class Limits:
    """What the miner asks for (`--min-pay`, `--max-parameters`) and can do."""

    min_pay: int = 0
    max_parameters: int = 0  # 0: no limit
    free_stake: int = 0  # not locked, not unbonding, not promised to a round in progress
    auto_stake: int = 0  # may be staked in addition
    slash_rate: float = 1 / PRIOR_ROUNDS


@dataclass(frozen=True)
class Offer:
    """A live round, as far as it matters for the choice.

    Attributes:
        seconds_left: until `commitEnd`, by the chain's clock now.
        reserve: seconds before `commitEnd` that marking, encrypting, uploading and the transaction need.
        rivals: miners expected beside this one.
        terms: of the parameters under which its task was submitted.
        refused: why an earlier look at manifest or data spoke against it; "" where nothing did.
    """

    round_id: int
    fee: int
    train_secs: int
    seconds_left: float
    net_bytes: int
    rivals: float
    reserve: float
    terms: Terms
    refused: str = ""


@dataclass(frozen=True)
class Appraisal:
    """What a round is worth in base units, and what speaks against it (no `reasons`: it may be chosen)."""

    offer: Offer
    chance: float
    expected: float
    risk: float
    seconds: float
    stake_missing: int
    reasons: tuple[str, ...] = field(default=())

    @property
    def worth(self) -> float:
        """Expected pay less expected loss."""
        return self.expected - self.risk

    @property
    def rate(self) -> float:
        """Worth for each second that the device is busy."""
        return self.worth / max(1.0, self.seconds)

    def explain(self) -> str:
        """One line for people."""
        if self.reasons:
            return f"round {self.offer.round_id}: no: {'; '.join(self.reasons)}"
        return (
            f"round {self.offer.round_id}: expects {tokens(self.expected)} DLBC (chance of winning "
            f"{self.chance:.0%}, {self.offer.rivals:g} rivals) less {tokens(self.risk)} risk in "
            f"{self.seconds:.0f} s: {tokens(self.rate * 3600)} an hour"
        )


def tokens(amount: float) -> str:
    """An amount of base units in DLBC for people: two decimals, or two digits of what is smaller."""
    value = amount / UNIT
    if value != 0 and abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:,.2f}".removesuffix("00").removesuffix(".")


def winner_pay(fee: int, terms: Terms, contenders: float) -> tuple[float, float, float, float]:
    """Shares of first, second and third place, and the emission, when so many contend. The usual tips are taken off.

    Places that nobody takes fall to the winner; nothing is emitted below `min_miners`.
    """
    fee = max(0, fee - USUAL_TIPS * terms.tip)
    second = fee * terms.second_bps / BPS if contenders >= 2 else 0.0
    third = fee * terms.third_bps / BPS if contenders >= 3 else 0.0
    burn = fee * terms.burn_bps / BPS
    winner = fee - burn - fee * terms.validator_bps / BPS - second - third
    emitted = contenders >= terms.min_miners
    emission = min(float(terms.emission), burn * terms.kappa_bps / BPS) if emitted else 0.0
    return winner, second, third, emission


def appraise(offer: Offer, limits: Limits) -> Appraisal:
    """What `offer` is worth to this miner, and what speaks against it."""
    terms = offer.terms
    useful = max(0.0, offer.seconds_left - offer.reserve)
    weight = min(1.0, useful / max(1, offer.train_secs))
    chance = weight / (weight + offer.rivals) if weight > 0 else 0.0
    winner, second, third, emission = winner_pay(offer.fee, terms, offer.rivals + 1)
    # Beaten once, the same race is run among one rival fewer.
    runner_up = (1 - chance) * _chance(weight, offer.rivals - 1)
    last_paid = max(0.0, 1 - chance - runner_up) * _chance(weight, offer.rivals - 2)
    expected = chance * (winner + emission) + runner_up * second + last_paid * third
    risk = terms.miner_unit * limits.slash_rate
    missing = max(0, terms.miner_unit - limits.free_stake)
    found = Appraisal(offer, chance, expected, risk, max(0.0, offer.seconds_left), missing)
    return replace(found, reasons=_objections(found, limits, useful))


def rank(offers: Sequence[Offer], limits: Limits) -> list[Appraisal]:
    """All offers appraised: those that may be chosen first, best paid first; ties go to the older round."""
    appraised = [appraise(offer, limits) for offer in offers]
    return sorted(appraised, key=lambda found: (bool(found.reasons), -found.rate, found.offer.round_id))


def choose(offers: Sequence[Offer], limits: Limits) -> Appraisal | None:
    """The best offer that nothing speaks against, or None."""
    ranked = rank(offers, limits)
    return ranked[0] if ranked and not ranked[0].reasons else None


def slash_rate(rounds: int, slashes: int) -> float:
    """The miner's own rate of slashes, starting from one in a hundred."""
    return (slashes + 1) / (rounds + PRIOR_ROUNDS)


def _chance(weight: float, rivals: float) -> float:
    return weight / (weight + rivals) if weight > 0 and rivals >= 0 else 0.0


def _objections(found: Appraisal, limits: Limits, useful: float) -> tuple[str, ...]:
    offer, terms, reasons = found.offer, found.offer.terms, []
    if offer.refused:
        reasons.append(offer.refused)
    needed = LEAST_TRAINING * offer.train_secs
    if useful < needed:
        reasons.append(
            f"{max(0.0, offer.seconds_left):.0f} s are left, {offer.reserve:.0f} s are needed to submit and "
            f"at least {needed:.0f} s to train"
        )
    if found.stake_missing > limits.auto_stake:
        reasons.append(
            f"a commit locks {tokens(terms.miner_unit)} DLBC of stake, {tokens(limits.free_stake)} are free: "
            f"dlbc-miner stake {plain_tokens(found.stake_missing)}"
        )
    parameters = offer.net_bytes // BYTES_PER_PARAMETER
    if limits.max_parameters and parameters > limits.max_parameters:
        reasons.append(f"about {parameters:,} parameters, the limit is {limits.max_parameters:,} (--max-parameters)")
    if found.expected < limits.min_pay:
        reasons.append(f"expects {tokens(found.expected)} DLBC, less than --min-pay {tokens(limits.min_pay)}")
    if found.worth <= 0:
        reasons.append(f"expects {tokens(found.expected)} DLBC, less than the {tokens(found.risk)} at risk")
    return tuple(reasons)


def plain_tokens(amount: int) -> str:
    """An amount of base units in DLBC, exact, as a command takes it."""
    whole, rest = divmod(amount, UNIT)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")
