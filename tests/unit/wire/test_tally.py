"""Who is judged how, and who wins, independent of the order of votes."""

from __future__ import annotations

from itertools import permutations

import pytest
from wire_samples import repeatable_random, word

from dlbc.wire import tally
from dlbc.wire.tally import Dissent, Entry, Rules, Verdict
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote, TaskFlag, pack

NOBODY = Dissent(frozenset(), frozenset())
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


def test_verdicts__no_votes__decide_nothing() -> None:
    for words in ([], [None] * 3):
        found, task_flags = tally.verdicts(words, 2, tol=2, quorum=0)
        assert found == [Verdict(0, CandidateFlag.NONE, stable=False)] * 2
        assert task_flags == 0


def test_verdicts__flag_by_half__is_not_a_majority() -> None:
    flagged = CandidateVote(0, CandidateFlag.INVALID)
    words = [pack([flagged], TaskFlag.DATA_INVALID)] * 2 + [pack([CandidateVote(5)])] * 2
    found, task_flags = tally.verdicts(words, 1, tol=2, quorum=2)
    assert (found[0].flags, task_flags) == (0, 0)
    found, task_flags = tally.verdicts([*words[:-1], None], 1, tol=2, quorum=2)
    assert (found[0].flags, task_flags) == (CandidateFlag.INVALID, TaskFlag.DATA_INVALID)


def test_verdicts__skipped_votes__leave_the_median_but_count_as_votes() -> None:
    flagged = CandidateVote(7, CandidateFlag.MARK)
    found, _ = tally.verdicts([pack([SKIPPED]), pack([SKIPPED]), pack([flagged])], 1, tol=2, quorum=2)
    assert found == [Verdict(7, CandidateFlag.NONE, stable=False)]


def test_verdicts__unavailable_or_invalid__gives_no_score() -> None:
    """Its zero would pull the median of those who could have the model."""
    without = [CandidateVote(0, flag) for flag in (CandidateFlag.UNAVAILABLE, CandidateFlag.INVALID)]
    words = [pack([vote]) for vote in (CandidateVote(90), CandidateVote(91), CandidateVote(92), *without)]
    found, _ = tally.verdicts(words, 1, tol=2, quorum=3)
    assert found == [Verdict(91, CandidateFlag.NONE, stable=True)]


@pytest.mark.parametrize(
    ("scores", "quorum", "stable"),
    [
        ([100, 96, 104], 3, True),
        ([100, 96, 105], 3, False),
        ([100, 96, 105], 2, True),
        ([100, 95, 105], 2, False),
        ([100], 2, False),
    ],
)
def test_verdicts__scores_around_the_tolerance__stable_with_a_quorum(
    scores: list[int], quorum: int, stable: bool
) -> None:
    found, _ = tally.verdicts([pack([CandidateVote(score)]) for score in scores], 1, tol=4, quorum=quorum)
    assert found[0].stable is stable


def test_verdicts__minority_of_liars__never_moves_a_stable_median_out_of_the_honest_range() -> None:
    chance = repeatable_random(15)
    for _ in range(300):
        size = chance.choice([3, 5, 7, 15])
        quorum = 2 * size // 3 + 1
        liars = chance.randrange(quorum)
        honest = [chance.randrange(100, 105) for _ in range(size - liars)]
        false = [chance.choice([0, 50, 99, 105, 120, 2**35 - 2]) for _ in range(liars)]
        words = [pack([CandidateVote(score)]) for score in honest + false]
        (found,), _ = tally.verdicts(words, 1, tol=4, quorum=quorum)
        if found.stable:
            assert min(honest) - 4 <= found.median <= max(honest) + 4


def test_verdicts__order_of_votes__does_not_matter() -> None:
    chance = repeatable_random(11)
    words = [chance.getrandbits(256) for _ in range(5)]
    expected = tally.verdicts(words, 6, tol=1 << 33, quorum=3)
    for order in permutations(words):
        assert tally.verdicts(order, 6, tol=1 << 33, quorum=3) == expected


@pytest.mark.parametrize(
    ("verdict", "claim", "qualifies", "overclaimed"),
    [
        (Verdict(100, CandidateFlag.NONE, stable=True), 104, True, False),
        (Verdict(100, CandidateFlag.NONE, stable=True), 105, False, False),
        (Verdict(100, CandidateFlag.NONE, stable=True), 116, False, False),
        (Verdict(100, CandidateFlag.NONE, stable=True), 117, False, True),
        (Verdict(100, CandidateFlag.NONE, stable=False), 100, False, False),
        (Verdict(100, CandidateFlag.NONE, stable=False), 900, False, False),
        (Verdict(89, CandidateFlag.NONE, stable=True), 90, False, False),
        (Verdict(90, CandidateFlag.NONE, stable=True), 90, True, False),
        (Verdict(100, CandidateFlag.MARK, stable=True), 100, False, False),
        (Verdict(100, CandidateFlag.MARK, stable=True), 117, False, True),
    ],
)
def test_verdict__claim_of_a_candidate__qualifies_or_is_too_much(
    verdict: Verdict, claim: int, qualifies: bool, overclaimed: bool
) -> None:
    assert verdict.qualifies(claim, 90, 4) is qualifies
    assert verdict.overclaimed(claim, 4) is overclaimed


def judged(*votes: CandidateVote | None, placed: bool = True, shown: bool = True) -> Dissent:
    """Who disagrees about one candidate; tolerance 4, quorum 2."""
    words = [None if vote is None else pack([vote]) for vote in votes]
    found, _ = tally.verdicts(words, 1, tol=4, quorum=2)
    return tally.dissent(words, found, shown={0} if shown else set(), placed={0} if placed else set(), tol=4)


GOOD = CandidateVote(100)


@pytest.mark.parametrize(
    ("stray", "off", "incoherent"),
    [
        (CandidateVote(104), False, False),
        (CandidateVote(105), False, True),
        (CandidateVote(116), False, True),
        (CandidateVote(117), True, True),
        (CandidateVote(83), True, True),
        (CandidateVote(0, CandidateFlag.UNAVAILABLE), False, True),
        (CandidateVote(0, CandidateFlag.INVALID), False, True),
        (CandidateVote(100, CandidateFlag.LINEAGE), False, False),
        (SKIPPED, False, True),
        (None, False, False),
    ],
)
def test_dissent__one_vote_among_three__is_off_or_incoherent(
    stray: CandidateVote | None, off: bool, incoherent: bool
) -> None:
    assert judged(GOOD, GOOD, stray) == Dissent(
        frozenset({2}) if off else frozenset(), frozenset({2}) if incoherent else frozenset()
    )


def test_dissent__skipped_candidate_without_a_place__contradicts_nobody() -> None:
    assert judged(GOOD, GOOD, SKIPPED, placed=False) == NOBODY


def test_dissent__key_not_shown_or_unstable_or_without_a_model__nobody_is_judged() -> None:
    far = CandidateVote(900)
    gone = CandidateVote(0, CandidateFlag.UNAVAILABLE)
    assert judged(GOOD, GOOD, far, shown=False) == NOBODY
    assert judged(GOOD, CandidateVote(300), far) == NOBODY
    assert judged(GOOD, GOOD, gone, gone, gone) == NOBODY


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
