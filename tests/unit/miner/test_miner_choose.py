"""A miner with a GPU works where it pays, and can read why."""

from dataclasses import replace

import pytest

from miner.choose import (
    UNIT,
    Limits,
    Offer,
    Terms,
    appraise,
    choose,
    plain_tokens,
    rank,
    slash_rate,
    tokens,
    winner_pay,
)

TERMS = Terms(
    miner_unit=50 * UNIT,
    burn_bps=1000,
    validator_bps=1000,
    second_bps=500,
    third_bps=500,
    kappa_bps=9000,
    emission=100 * UNIT,
    min_miners=2,
)
ABLE = Limits(free_stake=50 * UNIT)


def offer(round_id: int = 1, **changes: object) -> Offer:
    fields: dict[str, object] = {
        "round_id": round_id,
        "fee": 100 * UNIT,
        "train_secs": 100,
        "seconds_left": 100.0,
        "net_bytes": 400_000,
        "rivals": 2.0,
        "reserve": 10.0,
        "terms": TERMS,
    }
    return Offer(**{**fields, **changes})  # type: ignore[arg-type]


def test_choose__no_rounds__none() -> None:
    assert choose([], ABLE) is None


@pytest.mark.parametrize("left", [-5.0, 0.0, 9.0, 34.9])
def test_choose__too_little_time__none_and_says_so(left: float) -> None:
    assert choose([offer(seconds_left=left)], ABLE) is None
    (reason,) = appraise(offer(seconds_left=left, fee=10_000 * UNIT), ABLE).reasons[:1]
    assert "at least 25 s to train" in reason


def test_choose__just_enough_time__taken() -> None:
    assert choose([offer(seconds_left=35.0)], ABLE) is not None


def test_choose__stake_not_affordable__none_and_gives_the_command() -> None:
    limits = Limits(free_stake=20 * UNIT)
    assert choose([offer()], limits) is None
    assert "dlbc-miner stake 30" in appraise(offer(), limits).explain()


def test_choose__auto_stake_covers_what_is_missing__taken() -> None:
    chosen = choose([offer()], Limits(free_stake=20 * UNIT, auto_stake=30 * UNIT))
    assert chosen is not None
    assert chosen.stake_missing == 30 * UNIT


def test_choose__auto_stake_falls_short__none() -> None:
    assert choose([offer()], Limits(free_stake=20 * UNIT, auto_stake=30 * UNIT - 1)) is None


@pytest.mark.parametrize("why", ["mis-declared: 9 flops, not 3", "hostile manifest: not canonical"])
def test_choose__refused_on_inspection__never_taken_however_well_paid(why: str) -> None:
    rounds = [offer(1, fee=10**6 * UNIT, refused=why), offer(2)]
    chosen = choose(rounds, ABLE)
    assert chosen is not None
    assert chosen.offer.round_id == 2
    assert why in appraise(rounds[0], ABLE).explain()


def test_choose__two_fees__the_better_paid() -> None:
    chosen = choose([offer(1), offer(2, fee=200 * UNIT)], ABLE)
    assert chosen is not None
    assert chosen.offer.round_id == 2


def test_choose__same_fee_shorter_round__pays_more_a_second() -> None:
    chosen = choose([offer(1), offer(2, train_secs=50, seconds_left=50.0)], ABLE)
    assert chosen is not None
    assert chosen.offer.round_id == 2


def test_choose__crowded_round__the_emptier_one() -> None:
    chosen = choose([offer(1, rivals=9.0), offer(2, rivals=1.0)], ABLE)
    assert chosen is not None
    assert chosen.offer.round_id == 2


def test_choose__equal_rounds__the_older() -> None:
    chosen = choose([offer(7), offer(3)], ABLE)
    assert chosen is not None
    assert chosen.offer.round_id == 3


def test_choose__below_min_pay__none() -> None:
    assert choose([offer()], Limits(free_stake=50 * UNIT, min_pay=60 * UNIT)) is None
    assert choose([offer()], Limits(free_stake=50 * UNIT, min_pay=10 * UNIT)) is not None


def test_choose__too_many_parameters__none() -> None:
    small = Limits(free_stake=50 * UNIT, max_parameters=1_000_000)
    assert choose([offer(net_bytes=4_000_004)], small) is None
    assert choose([offer(net_bytes=4_000_000)], small) is not None


def test_choose__risk_exceeds_pay__none() -> None:
    often = Limits(free_stake=50 * UNIT, slash_rate=0.9)
    assert choose([offer(fee=20 * UNIT)], often) is None
    assert "at risk" in appraise(offer(fee=20 * UNIT), often).explain()


def test_appraise__late_start__chance_falls_with_the_time_left() -> None:
    early, late = appraise(offer(), ABLE), appraise(offer(seconds_left=60.0), ABLE)
    assert late.chance < early.chance < 1 / 2


def test_appraise__alone__certain_to_win() -> None:
    assert appraise(offer(rivals=0.0), ABLE).chance == 1.0


def test_rank__refused_round_pays_best__comes_last() -> None:
    ranked = rank([offer(1, fee=9 * 10**24, refused="x"), offer(2)], ABLE)
    assert [found.offer.round_id for found in ranked] == [2, 1]


def test_winner_pay__three_contenders__shares_of_the_fee() -> None:
    winner, second, third, emission = winner_pay(1000, TERMS, 3)
    assert (winner, second, third) == (700, 50, 50)
    assert emission == 90


def test_winner_pay__tips__come_off_the_fee_first() -> None:
    assert winner_pay(1000, replace(TERMS, tip=100), 3)[:3] == (490, 35, 35)


def test_rank__rounds_of_two_versions__each_by_its_own_terms() -> None:
    dear = replace(TERMS, miner_unit=60 * UNIT)
    ranked = rank([offer(1, terms=dear, fee=10**6 * UNIT), offer(2)], ABLE)
    assert [found.offer.round_id for found in ranked] == [2, 1]
    assert "a commit locks 60 DLBC" in ranked[1].explain()


def test_winner_pay__alone__takes_the_places_nobody_has_and_no_emission() -> None:
    assert winner_pay(1000, TERMS, 1) == (800, 0, 0, 0)


def test_slash_rate__slashed_more_often__rises() -> None:
    assert slash_rate(0, 0) == 1 / 100
    assert slash_rate(10, 5) > slash_rate(10, 0)


def test_plain_tokens__odd_amount__exact() -> None:
    assert plain_tokens(30 * UNIT) == "30"
    assert plain_tokens(1) == "0.000000000000000001"
    assert plain_tokens(3 * UNIT // 2) == "1.5"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0"),
        (84 * UNIT + 1, "84"),
        (12_345 * UNIT + UNIT // 2, "12,345.50"),
        (UNIT // 10, "0.10"),
        (UNIT // 1000, "0.001"),
    ],
)
def test_tokens__amount__short(amount: int, words: str) -> None:
    assert tokens(amount) == words
