"""Mutants: the right ones are found, all of them compile in one text, and a broken-off run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.mutation import order, report, schemata, sweep
from scripts.mutation.campaign import Copy, Result
from scripts.mutation.points import Mutant, Site, Span

FILE = "contracts/libraries/Small.sol"
SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title ≥ two bytes in a comment: the compiler counts bytes
library Small {
    uint256 internal constant LIMIT = 1 << 8; // no mutant: nothing runs here

    error TooMuch(uint256 found);

    struct Account {
        uint256 sum;
        bool closed;
    }

    function add(Account storage self, uint256 amount) internal {
        if (amount > LIMIT) revert TooMuch(amount);
        if (self.closed) return;
        else self.sum += amount;
    }

    function count(uint256 mask) internal pure returns (uint256 bits) {
        for (; mask != 0; mask &= mask - 1) {
            if (bits < 9 && !(mask == 7)) ++bits;
            else bits++;
        }
        require(bits <= 2 * 128, "bits");
    }
}
"""


@pytest.fixture(scope="module")
def sources() -> dict[str, bytes]:
    return {FILE: SOURCE.encode()}


@pytest.fixture(scope="module")
def mutants(sources: dict[str, bytes]) -> list[Mutant]:
    return [mutant for site in schemata.find(sources, [FILE])[FILE] for mutant in site.mutants]


def test_find__every_kind_of_change__once_and_by_line(mutants: list[Mutant]) -> None:
    assert sorted((mutant.line, mutant.change) for mutant in mutants) == sorted(
        [
            (16, "the branch is never taken: amount > LIMIT"),
            (16, "> becomes >=: amount > LIMIT"),
            (17, "the branch is never taken: self.closed"),
            (17, "the branch is always taken: self.closed"),
            (18, "dropped: self.sum += amount"),
            (18, "+= becomes -=: self.sum += amount"),
            (22, "!= becomes ==: mask != 0"),
            (22, "- becomes +: mask - 1"),
            (23, "the branch is never taken: bits < 9 && !(mask == 7)"),
            (23, "the branch is always taken: bits < 9 && !(mask == 7)"),
            (23, "&& becomes ||: bits < 9 && !(mask == 7)"),
            (23, "< becomes <=: bits < 9"),
            (23, "! is dropped: !(mask == 7)"),
            (23, "== becomes !=: mask == 7"),
            (23, "dropped: ++bits"),
            (24, "dropped: bits++"),
            (26, "the requirement is dropped: bits <= 2 * 128"),
            (26, "<= becomes <: bits <= 2 * 128"),
        ]
    )
    assert [mutant.number for mutant in mutants] == list(range(1, len(mutants) + 1))
    assert {mutant.function for mutant in mutants} == {"add", "count"}


def test_instrument__all_mutants__compile_in_one_text(sources: dict[str, bytes], mutants: list[Mutant]) -> None:
    written, refused = schemata.instrument(sources, schemata.find(sources, [FILE]))
    text = written[FILE].decode()
    assert refused == []
    assert [text.count(f"Mutant.on({mutant.number})") for mutant in mutants] == [1] * len(mutants)
    assert 'import {Mutant} from "../Mutant.sol";' in text
    assert "pure" not in text
    assert "(Mutant.on(2) ? (amount) >= (LIMIT) : (amount) > (LIMIT))" in text


def test_instrument__mutant_that_the_compiler_refuses__is_left_out_alone(
    sources: dict[str, bytes], mutants: list[Mutant]
) -> None:
    sites = schemata.find(sources, [FILE])[FILE]
    # `self.closed` becomes a sum of booleans
    start = sources[FILE].index(b"self.closed")
    wrong = Mutant(99, FILE, 17, "add", "nonsense")
    where = Span(start, start + len(b"self.closed"))
    spoilt = [Site(where, 999, [wrong], lambda old, new: f"(Mutant.on(99) ? true + true : {new(where)})")]
    written, refused = schemata.instrument(sources, {FILE: sites + spoilt})
    assert refused == [wrong]
    assert written[FILE].decode().count("Mutant.on(") == len(mutants)


def test_find__the_same_change_twice_in_a_function__is_told_apart() -> None:
    twice = SOURCE.replace("return;", "return; // twice").replace(
        "if (self.closed)", "if (amount > LIMIT) ++amount;\n        if (self.closed)"
    )
    found = [mutant for site in schemata.find({FILE: twice.encode()}, [FILE])[FILE] for mutant in site.mutants]
    same = [mutant for mutant in found if mutant.change == "> becomes >=: amount > LIMIT"]
    assert [mutant.occurrence for mutant in same] == [1, 2]
    assert len({mutant.place for mutant in found}) == len(found)


def test_record__broken_off__knows_what_was_found(
    tmp_path: Path, sources: dict[str, bytes], mutants: list[Mutant]
) -> None:
    keys = report.keys(mutants, sources)
    assert len(set(keys.values())) == len(mutants)
    record = report.Record(tmp_path / "mutants.csv")
    record.add(keys[1], Result(mutants[0], "killed", "test_add", 0.5))
    record.add(keys[2], Result(mutants[1], "survived", "", 0.5))
    again = report.Record(tmp_path / "mutants.csv")
    assert [again.outcome(keys[number]) for number in (1, 2, 3)] == ["killed", "survived", None]
    assert list(again.kills()) == [(FILE, "add", "test_add")]
    assert f"| {FILE} | 2 | 1 | 0 | 0 | 1 | 0 | 50.0 % |" in again.markdown({})
    assert f"- `{FILE}:16` add: `> becomes >=: amount > LIMIT`: **not explained**" in again.markdown({})


def test_markdown__accepted_survivor__shows_its_reason_and_counts_as_not_found(
    tmp_path: Path, sources: dict[str, bytes], mutants: list[Mutant]
) -> None:
    keys = report.keys(mutants, sources)
    record = report.Record(tmp_path / "mutants.csv")
    record.add(keys[1], Result(mutants[0], "killed", "test_add", 0.5))
    record.add(keys[2], Result(mutants[1], "survived", "", 0.5))
    table = record.markdown({mutants[1].place: "the limit is never reached"})
    assert f"| {FILE} | 2 | 1 | 0 | 1 | 0 | 0 | 50.0 % |" in table
    assert f"- `{FILE}:16` add: `> becomes >=: amount > LIMIT`: the limit is never reached" in table


def test_keys__of_a_file_with_other_code__are_new(mutants: list[Mutant], sources: dict[str, bytes]) -> None:
    changed = {FILE: sources[FILE].replace(b"2 * 128", b"3 * 128")}
    assert not set(report.keys(mutants, sources).values()) & set(report.keys(mutants, changed).values())


def test_keys__of_a_file_with_other_comments__stay(mutants: list[Mutant], sources: dict[str, bytes]) -> None:
    changed = {FILE: sources[FILE].replace(b"// no mutant", b"/* none */ // no mutant")}
    assert report.keys(mutants, sources) == report.keys(mutants, changed)


def test_keys__of_a_file_with_another_text_after_two_slashes__are_new(mutants: list[Mutant]) -> None:
    one, other = ({FILE: SOURCE.replace('"bits"', f'"//{text}"').encode()} for text in ("one", "other"))
    assert report.keys(mutants, one) != report.keys(mutants, other)


def test_likely__of_a_function__begins_with_what_killed_most_there(mutants: list[Mutant]) -> None:
    killers = order.Killers()
    for function, test in [("count", "test_file"), ("add", "test_rare"), ("add", "test_often"), ("add", "test_often")]:
        killers.learn(FILE, function, test)
    killers.learn(FILE, "add", "setUp")
    killers.learn("contracts/Other.sol", "add", "test_other")
    assert killers.likely(mutants[0]) == ["test_often", "test_rare", "test_file"]


def test_short__of_a_library__goes_from_likely_tests_over_its_own_to_all(mutants: list[Mutant]) -> None:
    killers = order.Killers()
    own = ["--match-contract", "^SmallTest$"]
    assert order.short(mutants[0], killers) == [own, order.SHORT_RUN]
    killers.learn(FILE, "add", "test_add")
    killers.learn(FILE, "count", "test_count")
    assert order.short(mutants[0], killers) == [["--match-test", r"^(test_add|test_count)\("], own, order.SHORT_RUN]


def test_short__of_another_contract__begins_with_all_where_nothing_is_known() -> None:
    assert order.short(Mutant(1, "contracts/hub/Hub.sol", 1, "open", ""), order.Killers()) == [order.SHORT_RUN]


class PlayedCopy(Copy):
    """Instead of Forge: the mutant numbered 1 falls to the short tests, 2 to the long ones, all others survive."""

    def __init__(self) -> None:
        self.checked: list[Sequence[str]] = []
        self.ran: list[tuple[int, Sequence[str]]] = []

    def build(self) -> None:
        pass

    def check(self, arguments: Sequence[str]) -> float:
        self.checked.append(arguments)
        return 1.0

    def run(self, mutant: Mutant, stages: Sequence[Sequence[str]], limit: float) -> Result:
        self.ran.append((mutant.number, stages[-1]))
        killed = (mutant.number, stages[-1]) in [(1, order.SHORT_RUN), (2, order.LONG_RUN)]
        return Result(mutant, "killed" if killed else "survived", "test_it" if killed else "", limit)


@pytest.mark.parametrize("workers", [1, 2])
def test_sweep__long_tests__are_for_what_survives_the_short_ones(mutants: list[Mutant], workers: int) -> None:
    copy, killers = PlayedCopy(), order.Killers()
    last = {
        result.mutant.number: result.outcome
        for result in sweep.sweep(copy, mutants[:3], killers, workers, only_short=False)
    }
    assert last == {1: "killed", 2: "killed", 3: "survived"}
    assert sorted(copy.ran[:3]) == [(number, order.SHORT_RUN) for number in (1, 2, 3)]
    assert sorted(copy.ran[3:]) == [(number, order.LONG_RUN) for number in (2, 3)]
    assert killers.likely(mutants[0]) == ["test_it"]


def test_sweep__only_short__never_runs_the_long_ones(mutants: list[Mutant]) -> None:
    copy = PlayedCopy()
    found = [result.outcome for result in sweep.sweep(copy, mutants[:2], order.Killers(), 1, only_short=True)]
    assert found == ["killed", "survived"]
    assert copy.checked == [order.SHORT_RUN]
