"""Work is never lost because the last block came a second too late."""

import pytest

from miner.plan import CAUTION, Costs, hopeless, plan, reserve

COSTS = Costs(finish=2.0, per_byte=1e-6, submit=1.0)


def test_plan__one_second_blocks__three_blocks_of_margin() -> None:
    assert plan(1000, 1.0, COSTS, 0).commit_by == 997


def test_plan__slow_blocks__margin_grows_with_them() -> None:
    assert plan(1000, 12.0, COSTS, 0).commit_by == 964


def test_plan__instant_blocks__still_some_seconds() -> None:
    assert plan(1000, 0.0, COSTS, 0).commit_by == 997


def test_plan__larger_model__stops_earlier() -> None:
    small, large = plan(1000, 1.0, COSTS, 0), plan(1000, 1.0, COSTS, 10_000_000)
    assert small.stop_training - large.stop_training == pytest.approx(CAUTION * 10)


def test_reserve__same_as_plan__counts_back_from_the_end() -> None:
    assert reserve(1.0, COSTS, 500) == pytest.approx(1000 - plan(1000, 1.0, COSTS, 500).stop_training)


def test_learn__dearer_than_known__counts_at_once() -> None:
    assert COSTS.learn(finish=9.0).finish == 9.0
    assert COSTS.learn(submit=20.0, size=1_000_000).upload(1_000_000) == pytest.approx(20.0)


def test_learn__cheaper_than_known__fades() -> None:
    found = COSTS.learn(finish=0.0).finish
    assert 1.0 < found < 2.0


@pytest.mark.parametrize("value", [None, 3, {"finish": 1.0}, {"finish": 1, "per_byte": 1, "x": 1}])
def test_from_json__not_ours__defaults(value: object) -> None:
    assert Costs.from_json(value) == Costs()


def test_from_json__own__same() -> None:
    assert Costs.from_json(COSTS.to_json()) == COSTS


@pytest.mark.parametrize(
    ("accuracy", "held_out", "expected"),
    [(0.1, 70, True), (0.78, 70, True), (0.82, 70, False), (0.82, 5000, True), (0.9, 70, False), (0.0, 0, False)],
)
def test_hopeless__minimum_of_90_percent__only_where_luck_cannot_help(
    accuracy: float, held_out: int, expected: bool
) -> None:
    assert hopeless(accuracy, held_out, 0.9) is expected


def test_hopeless__minimum_of_everything__a_slip_is_forgiven() -> None:
    assert not hopeless(0.97, 100, 1.0)
