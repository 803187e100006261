"""When a campaign of mutants has ended well, and which of its survivors need no test."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from scripts.mutation import accepted, score
from scripts.mutation.points import Mutant

FILE = "contracts/libraries/Small.sol"
MUTANTS = [Mutant(number, FILE, 10 + number, "add", f"dropped: {number}") for number in range(1, 21)]
REASON = "only the order of two equal words changes"
ENTRY = f'''
[[accepted]]
file = "{FILE}"
function = "add"
change = "dropped: 20"
reason = "{REASON}"
'''


def outcomes(survivors: int) -> dict[accepted.Place, str]:
    """The last so many of the mutants survive."""
    return {mutant.place: "survived" if mutant.number > len(MUTANTS) - survivors else "killed" for mutant in MUTANTS}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accepted.toml"
    path.write_text(ENTRY, encoding="utf-8")
    return path


def test_count__all_survivors_accepted_and_nine_tenths_found__is_good() -> None:
    places = {mutant.place for mutant in MUTANTS[-2:]}
    found = score.count(MUTANTS, outcomes(2), places)
    assert (found.found, found.accepted, found.left, found.survivors, found.good) == (18, 2, 0, (), True)


def test_count__survivor_that_nobody_accepted__is_not_good() -> None:
    found = score.count(MUTANTS, outcomes(2), {MUTANTS[-1].place})
    assert found.survivors == (MUTANTS[-2],)
    assert not found.good


def test_count__too_many_accepted__is_not_good() -> None:
    """What is accepted does not count as found."""
    places = {mutant.place for mutant in MUTANTS}
    assert not score.count(MUTANTS, outcomes(3), places).good


def test_count__mutant_not_tried__is_not_good() -> None:
    known = outcomes(0)
    del known[MUTANTS[0].place]
    found = score.count(MUTANTS, known, set())
    assert (found.left, found.good) == (1, False)


def test_count__mutant_that_does_not_compile__is_none() -> None:
    known = outcomes(0) | {MUTANTS[0].place: "refused"}
    found = score.count(MUTANTS, known, set())
    assert (found.tried, found.good) == (19, True)


@pytest.mark.parametrize(("successes", "trials"), [(9, 10), (1, 10), (180, 200), (1399, 1555)])
def test_wilson__both_ends__are_shares_from_which_what_was_seen_is_just_likely_enough(
    successes: int, trials: int
) -> None:
    for end in score.wilson(successes, trials):
        deviation = math.sqrt(end * (1 - end) / trials)
        assert abs(successes / trials - end) == pytest.approx(1.959964 * deviation, rel=1e-5)


@pytest.mark.parametrize(("successes", "end"), [(0, 0), (10, 1)])
def test_wilson__of_none_or_all__stays_within_shares(successes: int, end: int) -> None:
    assert score.wilson(successes, 10)[end] == pytest.approx(end)


def test_wilson__of_nothing__says_nothing() -> None:
    assert score.wilson(0, 0) == (0.0, 1.0)


def test_sample__same_seed__is_the_same_and_in_order() -> None:
    chosen = score.sample(MUTANTS, 7, "seed")
    assert chosen == score.sample(MUTANTS, 7, "seed")
    assert [mutant.number for mutant in chosen] == sorted({mutant.number for mutant in chosen})
    assert len(chosen) == 7
    assert chosen != score.sample(MUTANTS, 7, "another seed")


@pytest.mark.parametrize("size", [None, 20, 21])
def test_sample__as_large_as_all__is_all(size: int | None) -> None:
    assert score.sample(MUTANTS, size, "seed") == MUTANTS


def test_load__entry__gives_its_place_and_reason(file: Path) -> None:
    assert accepted.load(file) == {(FILE, "add", "dropped: 20", 1): REASON}


def test_load__no_file__is_nothing(tmp_path: Path) -> None:
    assert accepted.load(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f'reason = "{REASON}"', 'reason = " "', "no reason is given"),
        (f'reason = "{REASON}"', "", "no reason is given"),
        ('function = "add"', "", "needs file, function and change"),
        ('function = "add"', "function = 3", "needs file, function and change"),
        ('function = "add"', 'function = "add"\nline = 12', "an entry has .'line'."),
        ('function = "add"', 'function = "add"\noccurrence = 0', "a number from 1"),
        ("[[accepted]]", "[[accepted", "accepted.toml: "),
        (ENTRY, ENTRY + ENTRY, "named twice"),
    ],
)
def test_load__faulty_entry__says_what_is_wrong(file: Path, old: str, new: str, message: str) -> None:
    file.write_text(ENTRY.replace(old, new), encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        accepted.load(file)


def test_stale__accepted_mutant_that_is_killed_or_gone__is_named() -> None:
    kept, killed, gone = MUTANTS[-1].place, MUTANTS[0].place, (FILE, "add", "dropped: 99", 1)
    elsewhere = ("contracts/Other.sol", "add", "dropped: 99", 1)
    found = accepted.stale([kept, killed, gone, elsewhere], MUTANTS, outcomes(1))
    assert len(found) == 2
    assert "dropped: 1'" in found[0]
    assert "killed" in found[0]
    assert "dropped: 99" in found[1]
    assert "no such mutant" in found[1]


def test_accepted__entries_of_the_project__are_of_contracts_that_exist() -> None:
    root = Path(__file__).resolve().parents[2]
    assert [place for place in accepted.load() if not (root / place[0]).is_file()] == []
