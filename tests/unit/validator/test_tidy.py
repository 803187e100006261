"""The cache holds what live rounds and later comparisons need, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlbc.chain.events import BlockAppended, ModelClaimed, ModelKeyShown, RoundOpened, TaskSubmitted
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.journal import Duty, Event, Identity, Journal
from dlbc.keeper import NO_COMMITMENT
from dlbc.library import KEPT_WINNERS
from dlbc.manifest import Data, Manifest, ModelLimits, Shard, TestData, TrainData, Training
from dlbc.service import Done, Drop
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, BlockHeader, ModelCommitment, TaskSpec
from dlbc.wire.typed_data import commitment_hash, spec_hash
from validator import fetch
from validator.handlers import FETCH_WINNER, TIDY
from validator.tidy import tidy

TRAIN, TEST = digest_to_cid(b"\x01" * 32), digest_to_cid(b"\x02" * 32)
MANIFEST = Manifest(
    name="toy",
    architecture={"name": "mlp", "hidden": 64, "layers": 2},
    input_shape=(16,),
    classes=4,
    metric="accuracy",
    training=Training(5),
    model=ModelLimits(5000, 30_000),
    data=Data(
        TrainData((Shard(TRAIN, 4000, b"\x03" * 32),), 80), TestData(TEST, 3100, 3000, b"\x04" * 32, 40, b"\x05" * 32)
    ),
)


def spec_with(manifest: bytes, nonce: int) -> TaskSpec:
    return TaskSpec(ZERO_ADDRESS, manifest, ZERO_BYTES32, 1, 1, 1, 40, 36, 2, 1, 0, 5, 0, 1, 1, nonce)


OLD = spec_with(b"\x0e" * 32, 1)


def commitment(round_id: int) -> ModelCommitment:
    mark = bytes([round_id]) * 32
    return replace(NO_COMMITMENT, round_id=round_id, spec_hash=spec_hash(OLD), model_hash=mark, artifact=mark)


class World:
    """A validator that judged round 1, which made a block, and watches round 2."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.in_memory(Identity(1, "0x00", ZERO_ADDRESS, ZERO_ADDRESS))
        self.cache = folder / "cache"
        self.cache.mkdir()
        (self.cache / "m").write_bytes(MANIFEST.to_bytes())
        digest = digest_of_file(self.cache / "m")
        (self.cache / "m").rename(self.cache / digest_to_cid(digest))
        self.old, self.live = OLD, spec_with(digest, 2)
        self._log = 0
        for task_id, spec in ((1, self.old), (2, self.live)):
            self.add(TaskSubmitted, task_id, ZERO_ADDRESS, spec_hash(spec), spec, 0)
            self.add(RoundOpened, task_id, task_id, spec_hash(spec), 0, ZERO_BYTES32, 1, 2, 3)
            self.add(
                ModelClaimed,
                task_id,
                ZERO_ADDRESS,
                commitment_hash(commitment(task_id)),
                1,
                9,
                True,
                commitment(task_id),
            )
        self.add(ModelKeyShown, 1, ZERO_ADDRESS, commitment_hash(commitment(1)), b"k" * 32)
        self.block(1, commitment_hash(commitment(1)))
        self.context: Any = SimpleNamespace(
            journal=self.journal,
            workdir=folder,
            hub=SimpleNamespace(economy=lambda: SimpleNamespace(slots=2), round_in_slot=lambda slot: (2, 0)[slot]),
        )

    def add(self, kind: type[Event], *arguments: Any) -> None:
        self._log += 1
        with self.journal.transaction():
            self.journal.history.add(kind(5, b"h" * 32, self._log, *arguments))

    def block(self, round_id: int, winner: bytes) -> None:
        values: dict[str, Any] = {"round_id": round_id, "commitment": winner, "spec_hash": spec_hash(self.old)}
        header = BlockHeader(
            **{
                name: values.get(name, ZERO_ADDRESS if kind == "address" else ZERO_BYTES32 if kind == "bytes32" else 0)
                for name, kind, _ in BlockHeader.abi_fields()
            }
        )
        self.add(BlockAppended, round_id, ZERO_BYTES32, header)

    def names(self) -> set[str]:
        return {path.name for path in self.cache.iterdir()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_tidy__round_is_over__keeps_winners_and_live_rounds_only(world: World) -> None:
    """Training sets of gigabytes stay otherwise, until the disk is full and the votes are missed."""
    needed = {
        digest_to_cid(world.old.manifest),
        digest_to_cid(commitment(1).artifact),
        f"{commitment(1).model_hash.hex()}.model.safetensors",
        digest_to_cid(world.live.manifest),
        TRAIN,
        TEST,
        f"{MANIFEST.data.test.sha256.hex()}.test.safetensors",
        digest_to_cid(commitment(2).artifact),
    }
    for name in {*needed, digest_to_cid(b"\x77" * 32), "77.test.safetensors", f".{TRAIN}.abc.part"} - world.names():
        (world.cache / name).write_bytes(b"x")
    assert tidy(Duty(TIDY, 1), world.context) == Done()
    assert world.names() == needed


def test_tidy__later_round_is_over_too__done_once(world: World) -> None:
    """A validator that reads years of events must not go through its cache for each of them."""
    world.journal.owe(Duty(TIDY, 1))
    world.journal.owe(Duty(TIDY, 2))
    assert isinstance(tidy(Duty(TIDY, 1), world.context), Drop)
    assert tidy(Duty(TIDY, 2), world.context) == Done()


def test_tidy__nothing_was_fetched_yet__nothing_happens(world: World) -> None:
    world.context.workdir = world.cache / "elsewhere"
    assert tidy(Duty(TIDY, 1), world.context) == Done()


def test_fetch_winner__block_of_long_ago__not_fetched(world: World) -> None:
    """Only the latest are compared with; thousands of dead files would keep the one worker busy for hours."""
    for number in range(KEPT_WINNERS):
        world.block(100 + number, ZERO_BYTES32)
    world.context.ipfs = None  # not asked
    assert fetch.fetch_winner(Duty(FETCH_WINNER, 1), world.context) == Drop("its block is not among the latest ones")
