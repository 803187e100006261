"""The pure libraries against Python: logarithm, phases, candidate list, fee split."""

from __future__ import annotations

import random

import pytest
from round_play import PHASES

TIMES = ("commitStart", "commitEnd", "keyFrom", "keyUntil")


@pytest.fixture(scope="module")
def harness(Harness, accounts, module_isolation):
    return accounts[0].deploy(Harness)


@pytest.fixture(autouse=True)
def isolation(fn_isolation):
    """Each test leaves the chain as it found it."""


def test_lg__random_numbers__floor_of_256_logarithms(harness):
    rng = random.Random(1)  # noqa: S311  # a test that repeats
    numbers = [0, 1, 2, 3, 2**64 - 1, 2**127, 2**128 - 1, 2**128, 2**256 - 1]
    numbers += [rng.getrandbits(rng.randrange(1, 257)) for _ in range(40)]
    last = (0, 0)
    for x in sorted(numbers):
        found = harness.lg(x)
        assert 2**found <= max(x, 1) ** 256 < 2 ** (found + 1)
        assert found >= last[1], f"lg({x}) is less than lg({last[0]})"
        last = (x, found)


@pytest.mark.parametrize("power", [0, 1, 7, 63, 127, 128, 255])
def test_lg__power_of_two__is_exact(harness, power):
    assert harness.lg(2**power) == 256 * power


def phase_of(facts, now):  # noqa: PLR0911, PLR0912  # one for each arrow into a phase
    """The graph of docs/protocol.md, told once more."""
    if not facts["commitStart"]:
        return "None", 0
    if facts["isFinal"]:
        return "Final", 0
    for name, end in (("Settle", "commitStart"), ("Train", "commitEnd")):
        if now < facts[end]:
            return name, facts[end]
    if not facts["commits"]:
        return "Tally", 0
    if not facts["keyAt"]:
        for name, end in (("Guard", "keyFrom"), ("Key", "keyUntil")):
            if now < facts[end]:
                return name, facts[end]
        return "Tally", 0
    if now < facts["claimEnd"]:
        return ("Enlist" if facts["epoch"] else "Claim"), facts["claimEnd"]
    if not facts["listed"]:
        return "Tally", 0
    if facts["listed"] != facts["shown"] and now < facts["showEnd"]:
        return "Show", facts["showEnd"]
    if not facts["shown"] or facts["drawFailed"]:
        return "Tally", 0
    if not facts["drawn"]:
        return ("Draw" if facts["isSealed"] else "Seal"), 0
    ends = ("voteStart", "voteCommitEnd", "voteRevealEnd", "appealEnd")
    for name, end in zip(("Prove", "VoteCommit", "VoteReveal", "Appeal"), ends, strict=True):
        if now < facts[end]:
            return name, facts[end]
    return "Tally", 0


def random_facts(rng):
    moments = sorted(rng.sample(range(1, 1_000), 11))  # the appeal's end last: 0 where there is none
    start, end, key_from, key_until = moments[:4]
    listed = rng.randrange(64)
    drawn = rng.random() < 0.5
    return {
        "commitStart": rng.choice([0, start, start, start]),
        "commitEnd": end,
        "keyFrom": key_from,
        "keyUntil": key_until,
        "keyAt": rng.choice([0, moments[4], moments[4]]),
        "claimEnd": moments[5],
        "showEnd": moments[6],
        "commits": rng.choice([0, 2, 2, 2]),
        "epoch": rng.choice([0, 0, 1, 2]),
        "listed": listed,
        "shown": listed & rng.choice([0, rng.randrange(64), 63]),
        "isFinal": rng.random() < 0.1,
        "isSealed": drawn or rng.random() < 0.5,
        "drawn": drawn,
        "drawFailed": rng.random() < 0.1,
        "voteStart": rng.choice([0, moments[7]]),
        "voteCommitEnd": moments[8],
        "voteRevealEnd": moments[9],
        "appealEnd": rng.choice([0, moments[10]]),
    }


def test_phase__random_facts__exactly_one_and_the_right_one(harness):
    rng = random.Random(2)  # noqa: S311  # a test that repeats
    seen = set()
    for _ in range(400):
        facts = random_facts(rng)
        now = rng.randrange(1_100)
        phase, ends = harness.phaseAt(tuple(facts.values()), now)
        assert (PHASES[phase], ends) == phase_of(facts, now)
        assert ends == 0 or ends > now
        seen.add(PHASES[phase])
    assert seen == set(PHASES)


def test_phase__clock_alone__always_reaches_a_phase_that_anyone_can_end(harness):
    rng = random.Random(3)  # noqa: S311  # a test that repeats
    for _ in range(20):
        facts = random_facts(rng)
        phase = PHASES[harness.phaseAt(tuple(facts.values()), 2_000)[0]]
        assert phase in ("None", "Seal", "Draw", "Tally", "Final")


def test_candidate_list__random_claims__keeps_the_six_best(harness, accounts):
    rng = random.Random(4)  # noqa: S311  # a test that repeats
    claims = []
    for sequence in rng.sample(range(1, 100), 14):
        score = rng.randrange(5)
        claims.append((-score, sequence))
        harness.insert(accounts[sequence % 10], score, sequence, {"from": accounts[0]})
        listed = [(-place[1], place[2]) for place in harness.sorted()]
        assert listed == sorted(claims)[:6]


def test_split__random_fees__add_up(harness, profile):
    rng = random.Random(5)  # noqa: S311  # a test that repeats
    places = [9, 10, 11, 12, 15, 16]  # of the members in basis points
    for _ in range(30):
        economy = list(profile.economy)
        for place in places:
            economy[place] = rng.randrange(2_000)
        fee, validators = rng.randrange(2**90), rng.randrange(16)
        advanced = rng.randrange(fee * economy[10] // 10_000 + 1)
        sharers = (validators, rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.5)
        burned, each, *shares = harness.split(economy, fee, advanced, sharers)
        assert advanced + burned + each * validators + sum(shares) == fee
