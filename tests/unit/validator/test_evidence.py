"""What becomes a flag, what is tried again, and how long unserved files may take."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlbc.chain.events import ModelCommitted
from dlbc.errors import ContentInvalid, ContentUnavailable, InvalidArtifact, IPFSError
from dlbc.materials import Declared
from dlbc.ml.measure import Measurement
from dlbc.wire.vote_word import CandidateFlag, TaskFlag
from validator import evidence
from validator.evidence import Budget, Source, materials, open_candidates

SOURCE = Source(ipfs=None, cache=Path("unused"), chain_id=1, hub="0x" + "11" * 20)  # type: ignore[arg-type]
FINE = Declared(Measurement(1, 1, 1), ())


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Each step of opening a task: a value that it returns, or an error that it raises."""
    outcomes: dict[str, Any] = {
        "fetch_manifest": "manifest",
        "check_declared": FINE,
        "fetch_train": "train",
        "fetch_test_ciphertext": Path("cipher"),
        "open_test": "test",
    }

    def step(name: str) -> Any:
        def run(*_: Any) -> Any:
            if isinstance(outcomes[name], Exception):
                raise outcomes[name]
            return outcomes[name]

        return run

    for name in outcomes:
        monkeypatch.setattr(evidence, name, step(name))
    return outcomes


def opened(budget: Budget | None = None) -> evidence.Materials:
    return materials(SOURCE, None, b"k" * 32, budget or Budget(10, 3))  # type: ignore[arg-type]


def test_materials__own_node_fails__raises_and_blames_nobody(steps: dict[str, Any]) -> None:
    """A validator whose IPFS is down must not vote that the task's data cannot be had."""
    steps["fetch_train"] = IPFSError("the node is down")
    with pytest.raises(IPFSError, match="down"):
        opened()


def test_materials__nobody_serves_the_data__flags_it(steps: dict[str, Any]) -> None:
    steps["fetch_test_ciphertext"] = ContentUnavailable("not within 3 s")
    found = opened()
    assert found.flags == TaskFlag.DATA_UNAVAILABLE
    assert found.test is None
    assert found.reasons == ("not within 3 s",)


@pytest.mark.parametrize("error", [InvalidArtifact("labels out of range"), ContentInvalid("a directory")])
def test_materials__data_is_not_what_was_declared__flags_it(steps: dict[str, Any], error: Exception) -> None:
    steps["open_test"] = error
    found = opened()
    assert found.flags == TaskFlag.DATA_INVALID
    assert found.reasons == (str(error),)


def test_materials__difficulty_is_misdeclared__flags_it_and_goes_on(steps: dict[str, Any]) -> None:
    """The models can still be scored: the flag alone decides about the task."""
    steps["check_declared"] = Declared(Measurement(1, 1, 1), ("flops are declared as 1, measured are 9",))
    found = opened()
    assert found.flags == TaskFlag.MISDECLARED
    assert found.test == "test"


def test_materials__architecture_is_not_allowed__opens_nothing(steps: dict[str, Any]) -> None:
    steps["check_declared"] = Declared(None, ("unknown architecture",))
    found = opened()
    assert found.flags == TaskFlag.MISDECLARED
    assert found.manifest is None


def test_budget__files_that_nobody_serves__cost_no_more_than_the_whole() -> None:
    """Nine fetches share ten seconds, and what the quick ones leave goes to the slow ones."""
    clock = Clock()
    budget = Budget(10, 4, clock)
    assert budget.next() == pytest.approx(2.5)
    clock.now += 0.1  # served at once
    assert budget.next() == pytest.approx(3.3)
    clock.now += 20
    assert budget.next() == pytest.approx(0.2)  # a last look: it may lie here already
    assert budget.left() == 0


class Shown:
    def __init__(self, commitment_hash: bytes, key: bytes) -> None:
        self.commitment_hash, self.key = commitment_hash, key


class Claimed:
    def __init__(self, commitment_hash: bytes, sequence: int) -> None:
        self.commitment_hash, self.sequence = commitment_hash, sequence
        self.commitment = SimpleNamespace(miner=f"miner {sequence}")


class Events:
    """A journal that knows two claims, their commits, and the key of the first."""

    def events(self, kind: type, **_: object) -> list[Any]:
        if kind is evidence.ModelClaimed:
            return [Claimed(b"a" * 32, 1), Claimed(b"b" * 32, 2)]
        if kind is ModelCommitted:
            return [SimpleNamespace(miner=f"miner {number}", block_number=10 * number) for number in (1, 2)]
        return [Shown(b"a" * 32, b"k" * 32)]


@pytest.mark.parametrize(
    ("error", "flag"),
    [
        (ContentUnavailable("nobody serves it"), CandidateFlag.UNAVAILABLE),
        (ContentInvalid("a directory"), CandidateFlag.INVALID),
        (InvalidArtifact("announced larger than allowed"), CandidateFlag.INVALID),
    ],
)
def test_open_candidates__file_is_missing_or_wrong__becomes_its_flag(
    monkeypatch: pytest.MonkeyPatch, error: Exception, flag: CandidateFlag
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(evidence, "fetch_model_ciphertext", fail)
    hashes = [b"b" * 32, b"a" * 32]  # the hub's order, not the events'
    second, first = open_candidates(SOURCE, Events(), 1, hashes, None, Budget(1, 2))  # type: ignore[arg-type]
    assert (first.sequence, first.flag, first.model) == (1, flag, None)
    assert (second.sequence, second.flag) == (2, CandidateFlag.UNAVAILABLE)
    assert "key was not shown" in second.why
    assert (first.committed_in, second.committed_in) == (10, 20)
