"""Mutants: the right ones are found, all of them compile in one text, and a broken-off run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.mutation import report, schemata
from scripts.mutation.campaign import Result
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
            (16, "> becomes >="),
            (17, "the branch is never taken: self.closed"),
            (17, "the branch is always taken: self.closed"),
            (18, "dropped: self.sum += amount"),
            (18, "+= becomes -="),
            (22, "!= becomes =="),
            (22, "- becomes +"),
            (23, "the branch is never taken: bits < 9 && !(mask == 7)"),
            (23, "the branch is always taken: bits < 9 && !(mask == 7)"),
            (23, "&& becomes ||"),
            (23, "< becomes <="),
            (23, "! is dropped"),
            (23, "== becomes !="),
            (23, "dropped: ++bits"),
            (24, "dropped: bits++"),
            (26, "the requirement is dropped: bits <= 2 * 128"),
            (26, "<= becomes <"),
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
    table = again.markdown()
    assert f"| {FILE} | 2 | 1 | 0 | 1 | 0 | 50.0 % |" in table
    assert f"- `{FILE}:16` add: > becomes >=" in table


def test_keys__of_a_changed_file__are_new(mutants: list[Mutant], sources: dict[str, bytes]) -> None:
    changed = {FILE: sources[FILE] + b"\n"}
    assert not set(report.keys(mutants, sources).values()) & set(report.keys(mutants, changed).values())
