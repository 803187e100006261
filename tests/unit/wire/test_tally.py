"""Who is judged how, and who wins, independent of the order of votes."""

from __future__ import annotations

from itertools import permutations

import pytest
from wire_samples import repeatable_random, word

from dlbc.wire import tally
from dlbc.wire.tally import Entry, Rules
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote, TaskFlag, pack

LATE = Rules(early=0, tie_tol=2, seed=word(9))


@pytest.mark.parametrize(
    ("scores", "median"),
    [([], 0), ([5], 5), ([9, 1], 1), ([3, 1, 2], 2), ([4, 1, 3, 2], 2), ([7, 7, 0, 0], 0)],
)
def test_lower_median__scores__gives_the_lower_middle(scores: list[int], median: int) -> None:
    assert tally.lower_median(scores) == median


def test_lower_median__minority_of_liars__stays_in_the_honest_range() -> None:
    chance = repeatable_random(10)
    for _ in range(200):
        honest = [chance.randrange(100, 120) for _ in range(chance.randrange(1, 8))]
        liars = [chance.choice([0, 2**35 - 2]) for _ in range(len(honest) - 1)]
        assert min(honest) <= tally.lower_median(honest + liars) <= max(honest)


def test_verdicts__no_votes__are_zero() -> None:
    found, task_flags = tally.verdicts([], 2)
    assert [(verdict.median, verdict.flags) for verdict in found] == [(0, 0), (0, 0)]
    assert task_flags == 0


def test_verdicts__flag_by_half__is_not_a_majority() -> None:
    flagged = CandidateVote(0, CandidateFlag.INVALID)
    words = [pack([flagged], TaskFlag.DATA_INVALID)] * 2 + [pack([CandidateVote(5)])] * 2
    found, task_flags = tally.verdicts(words, 1)
    assert (found[0].flags, task_flags) == (0, 0)
    found, task_flags = tally.verdicts([*words[:-1]], 1)
    assert (found[0].flags, task_flags) == (CandidateFlag.INVALID, TaskFlag.DATA_INVALID)


def test_verdicts__skipped_votes__leave_the_median_but_count_as_votes() -> None:
    flagged = CandidateVote(7, CandidateFlag.MARK)
    found, _ = tally.verdicts([pack([SKIPPED]), pack([SKIPPED]), pack([flagged])], 1)
    assert (found[0].median, found[0].flags) == (7, 0)
    found, _ = tally.verdicts([pack([SKIPPED])] * 3, 1)
    assert (found[0].median, found[0].flags) == (0, 0)


def test_verdicts__order_of_votes__does_not_matter() -> None:
    chance = repeatable_random(11)
    words = [chance.getrandbits(256) for _ in range(5)]
    expected = tally.verdicts(words, 6)
    for order in permutations(words):
        assert tally.verdicts(order, 6) == expected


def test_podium__nobody_qualified__is_empty() -> None:
    assert tally.podium([Entry(False, 99, 1, word(1))], LATE) == []
    assert tally.podium([], LATE) == []


def test_podium__within_the_tie_tolerance__earliest_commit_wins() -> None:
    entries = [Entry(True, 100, 3, word(1)), Entry(True, 98, 2, word(2)), Entry(True, 97, 1, word(3))]
    # 97 is outside the tolerance of 100; once the winner of 98 is gone it stays outside; then it stands alone
    assert tally.podium(entries, LATE) == [1, 0, 2]


def test_podium__fourth_candidate__gets_no_place() -> None:
    entries = [Entry(True, 100 - 10 * position, position + 1, word(position)) for position in range(5)]
    assert tally.podium(entries, LATE) == [0, 1, 2]


def test_podium__disqualified_best__neither_wins_nor_sets_the_bar() -> None:
    entries = [Entry(False, 200, 1, word(1)), Entry(True, 100, 2, word(2))]
    assert tally.podium(entries, LATE) == [1]


def test_podium__early_commits__are_ordered_by_the_seed_not_by_sequence() -> None:
    entries = [Entry(True, 100, sequence, word(sequence)) for sequence in (1, 2)]
    winners = {tally.podium(entries, Rules(2, 0, word(seed)))[0] for seed in range(20)}
    assert winners == {0, 1}


def test_podium__early_commit_against_late_one__wins_whatever_the_seed() -> None:
    entries = [Entry(True, 100, 3, word(1)), Entry(True, 100, 2, word(2))]
    assert all(tally.podium(entries, Rules(2, 0, word(seed)))[0] == 1 for seed in range(20))


def test_podium__order_of_the_list__does_not_matter() -> None:
    chance = repeatable_random(12)
    for _ in range(30):
        entries = [
            Entry(chance.random() < 0.8, chance.randrange(95, 101), sequence, chance.randbytes(32))
            for sequence in range(1, 6)
        ]
        rules = Rules(chance.randrange(6), chance.randrange(4), chance.randbytes(32))
        expected = [entries[place] for place in tally.podium(entries, rules)]
        for order in permutations(entries):
            assert [order[place] for place in tally.podium(order, rules)] == expected
