"""A round's materials: what is not as announced is refused, by the function that looked at it."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from dlbc import materials
from dlbc.artifact import encrypt_file, sha256_file
from dlbc.errors import ContentUnavailable, InvalidArtifact
from dlbc.ipfs.cid import as_digest, digest_to_cid
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.manifest import Data, Manifest, ModelLimits, Shard, TestData, TrainData, Training
from dlbc.ml.data import Dataset, write_canonical
from dlbc.ml.measure import measure
from dlbc.types import Mode, ModelCommitment, TaskSpec
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash

CHAIN, HUB, REQUESTER, MINER = 5, "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
KEY, NONCE, ROUND = b"k" * 32, 77, 9
ARCHITECTURE = {"name": "mlp", "hidden": 64, "layers": 2}


class FolderFetcher:
    """Stands for IPFS: serves the files of a folder by digest, and counts."""

    def __init__(self, *files: Path) -> None:
        self.files = {digest_of_file(file): file for file in files}
        self.fetched: list[int] = []

    def fetch_file(self, cid_or_digest: str | bytes, target: Path, *, max_bytes: int, timeout: float) -> int:
        source = self.files.get(as_digest(cid_or_digest))
        if source is None:
            raise ContentUnavailable("no peer has it")
        self.fetched.append(max_bytes)
        shutil.copy(source, target)
        return target.stat().st_size


@dataclass
class World:
    folder: Path
    train: Dataset
    test: Dataset
    manifest: Manifest
    spec: TaskSpec
    ipfs: FolderFetcher

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def open_test(self, **changes: object) -> Dataset:
        arguments: dict[str, object] = {
            "spec": self.spec,
            "manifest": self.manifest,
            "ciphertext": self.folder / "sealed",
            "key": KEY,
            "chain_id": CHAIN,
            "hub": HUB,
            "cache": self.cache,
        }
        return materials.open_test(**(arguments | changes))  # type: ignore[arg-type]


def dataset(seed: int, count: int) -> Dataset:
    x = np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8)
    return Dataset(x, np.arange(count, dtype=np.int64) % 4)


def cid(path: Path) -> str:
    return digest_to_cid(digest_of_file(path))


def make_world(folder: Path, test: Dataset | None = None) -> World:
    train, test = dataset(1, 80), test or dataset(2, 20)
    files = {name: folder / name for name in ("train", "test", "sealed", "manifest")}
    write_canonical(train, files["train"])
    write_canonical(test, files["test"])
    context = artifact_context(CHAIN, HUB, ArtifactKind.TEST_SET, NONCE, REQUESTER)
    encrypt_file(files["test"], files["sealed"], KEY, context)
    measured = measure(ARCHITECTURE, (16,), 4)
    manifest = Manifest(
        name="toy",
        architecture=ARCHITECTURE,
        input_shape=(16,),
        classes=4,
        metric="accuracy",
        training=Training(40),
        model=ModelLimits(measured.parameters, measured.model_bytes + 100),
        data=Data(
            TrainData((Shard(cid(files["train"]), files["train"].stat().st_size, sha256_file(files["train"])),), 80),
            TestData(
                cid(files["sealed"]),
                files["sealed"].stat().st_size,
                files["test"].stat().st_size,
                sha256_file(files["test"]),
                len(test),
                materials.samples_root(test),
            ),
        ),
    )
    files["manifest"].write_bytes(manifest.to_bytes())
    spec = TaskSpec(
        requester=REQUESTER,
        manifest=digest_of_file(files["manifest"]),
        key_hash=key_hash(KEY),
        flops=measured.flops,
        net_bytes=measured.model_bytes,
        data_bytes=manifest.data_bytes,
        score_max=len(test),
        min_score=10,
        tol=2,
        tie_tol=1,
        modes=0,
        train_secs=40,
        prove_secs=0,
        fee=10**20,
        bond=10**19,
        nonce=NONCE,
    )
    return World(folder, train, test, manifest, spec, FolderFetcher(*files.values()))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def with_test(manifest: Manifest, **changes: object) -> Manifest:
    test = dataclasses.replace(manifest.data.test, **changes)  # type: ignore[arg-type]
    return replace(manifest, data=replace(manifest.data, test=test))


def with_shard(manifest: Manifest, samples: int = 80, **changes: object) -> Manifest:
    shard = dataclasses.replace(manifest.data.train.shards[0], **changes)  # type: ignore[arg-type]
    return replace(manifest, data=replace(manifest.data, train=TrainData((shard,), samples)))


def test_fetch_manifest__content_is_something_else__invalid(world: World) -> None:
    spec = replace(world.spec, manifest=digest_of_file(world.folder / "train"))
    with pytest.raises(InvalidArtifact):
        materials.fetch_manifest(world.ipfs, spec, world.cache, 1)


def test_fetch_manifest__nobody_has_it__unavailable_and_nothing_cached(world: World) -> None:
    with pytest.raises(ContentUnavailable):
        materials.fetch_manifest(FolderFetcher(), world.spec, world.cache, 1)
    assert list(world.cache.iterdir()) == []


def test_fetch_manifest__damaged_cache__fetched_again(world: World) -> None:
    assert materials.fetch_manifest(world.ipfs, world.spec, world.cache, 1) == world.manifest
    (cached,) = world.cache.iterdir()
    cached.write_bytes(cached.read_bytes()[:-1])
    assert materials.fetch_manifest(world.ipfs, world.spec, world.cache, 1) == world.manifest
    assert len(world.ipfs.fetched) == 2
    assert materials.fetch_manifest(world.ipfs, world.spec, world.cache, 1) == world.manifest
    assert len(world.ipfs.fetched) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bytes": 5000}, "bytes, 5000 were announced"),
        ({"sha256": b"x" * 32}, "sha-256"),
        ({"samples": 79}, "at most 79"),
        ({"samples": 81}, "80 samples, the manifest says 81"),
    ],
)
def test_fetch_train__not_as_announced__invalid(world: World, changes: dict[str, object], message: str) -> None:
    manifest = with_shard(world.manifest, **changes)  # type: ignore[arg-type]
    with pytest.raises(InvalidArtifact, match=message):
        materials.fetch_train(world.ipfs, manifest, world.cache, 1)


@pytest.mark.parametrize("changes", [{"input_shape": (4, 2, 2)}, {"classes": 3}])
def test_fetch_train__other_shape_or_labels_than_the_manifest__invalid(
    world: World, changes: dict[str, object]
) -> None:
    manifest = replace(world.manifest, **changes)  # type: ignore[arg-type]
    with pytest.raises(InvalidArtifact):
        materials.fetch_train(world.ipfs, manifest, world.cache, 1)


def test_fetch_train__as_announced__same_samples(world: World) -> None:
    found = materials.fetch_train(world.ipfs, world.manifest, world.cache, 1)
    assert np.array_equal(found.x, world.train.x)
    assert np.array_equal(found.y, world.train.y)
    assert world.ipfs.fetched == [world.manifest.data.train.shards[0].bytes]


def test_open_test__another_key__invalid_before_anything_is_written(world: World) -> None:
    with pytest.raises(InvalidArtifact, match="not the one committed to"):
        world.open_test(key=b"x" * 32)
    assert not world.cache.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"chain_id": CHAIN + 1},
        {"hub": MINER},
    ],
)
def test_open_test__other_deployment__invalid(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidArtifact):
        world.open_test(**changes)


def test_open_test__ciphertext_damaged__invalid(world: World) -> None:
    sealed = world.folder / "sealed"
    data = bytearray(sealed.read_bytes())
    data[-1] ^= 1
    sealed.write_bytes(data)
    with pytest.raises(InvalidArtifact):
        world.open_test()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": b"x" * 32}, "sha-256"),
        ({"plain_bytes": 1}, "bytes"),
        ({"samples": 21}, "20 samples, the manifest says 21"),
        ({"samples_root": b"x" * 32}, "Merkle root"),
    ],
)
def test_open_test__not_as_announced__invalid(world: World, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArtifact, match=message):
        world.open_test(manifest=with_test(world.manifest, **changes))


def test_open_test__duplicated_samples__fewer_distinct_than_score_max(tmp_path: Path) -> None:
    test = dataset(2, 20)
    test.x[1] = test.x[0]
    world = make_world(tmp_path, test)
    with pytest.raises(InvalidArtifact, match="19 distinct samples, scoreMax is 20"):
        world.open_test()


def test_open_test__flipped_label__root_differs(world: World) -> None:
    flipped = Dataset(world.test.x, world.test.y.copy())
    flipped.y[3] = (flipped.y[3] + 1) % 4
    with pytest.raises(InvalidArtifact, match="Merkle root"):
        materials.check_test(world.spec, world.manifest, flipped)


def test_open_test__right_key__the_requesters_samples(world: World) -> None:
    sealed = materials.fetch_test_ciphertext(world.ipfs, world.manifest, world.cache, 1)
    found = world.open_test(ciphertext=sealed)
    assert np.array_equal(found.x, world.test.x)
    assert np.array_equal(found.y, world.test.y)


def test_check_declared__honest__no_problem(world: World) -> None:
    assert materials.check_declared(world.spec, world.manifest).problems == ()


@pytest.mark.parametrize(
    ("field", "factor", "fine"),
    [
        ("flops", 1.09, True),
        ("flops", 1.12, False),
        ("flops", 0.88, False),
        ("net_bytes", 1.12, False),
        ("data_bytes", 0.88, False),
        ("data_bytes", 0.95, True),
        ("score_max", 0.9, False),
        ("train_secs", 2, False),
    ],
)
def test_check_declared__number_off__problem_beyond_ten_percent(
    world: World, field: str, factor: float, fine: bool
) -> None:
    spec = replace(world.spec, **{field: int(getattr(world.spec, field) * factor)})
    problems = materials.check_declared(spec, world.manifest).problems
    assert len(problems) == (0 if fine else 1), problems


def test_check_declared__spec_asks_for_another_proof_than_the_manifest__problem(world: World) -> None:
    """A miner who reads the manifest alone would prove nothing, and not be paid."""
    (problem,) = materials.check_declared(replace(world.spec, modes=Mode.TRAJECTORY), world.manifest).problems
    assert problem.startswith("modes is 1")
    proven = replace(world.manifest, proof="trajectory")
    assert materials.check_declared(replace(world.spec, modes=Mode.TRAJECTORY), proven).problems == ()


def test_check_declared__architecture_unknown__nothing_measured(world: World) -> None:
    manifest = replace(world.manifest, architecture={"name": "gpt9"})
    declared = materials.check_declared(world.spec, manifest)
    assert declared.measured is None
    assert "gpt9" in declared.problems[0]


@pytest.mark.parametrize(
    ("parameters", "room"), [(1, 0), (0, -200)], ids=["count of parameters", "max_bytes too small"]
)
def test_check_declared__model_limits_off__problem(world: World, parameters: int, room: int) -> None:
    model = world.manifest.model
    changed = ModelLimits(model.parameters + parameters, model.max_bytes + room)
    assert len(materials.check_declared(world.spec, replace(world.manifest, model=changed)).problems) == 1


def make_model(world: World, plain: bytes = b"weights" * 100) -> tuple[ModelCommitment, Path]:
    model, sealed = world.folder / "model", world.folder / "model.sealed"
    model.write_bytes(plain)
    encrypt_file(model, sealed, KEY, artifact_context(CHAIN, HUB, ArtifactKind.MODEL, ROUND, MINER))
    world.ipfs.files[digest_of_file(sealed)] = sealed
    zero = bytes(32)
    commitment = ModelCommitment(
        round_id=ROUND,
        anchor=zero,
        spec_hash=zero,
        model_hash=sha256_file(model),
        artifact=digest_of_file(sealed),
        artifact_bytes=sealed.stat().st_size,
        key_hash=key_hash(KEY),
        watermark=zero,
        trajectory=zero,
        parent=zero,
        payload_root=zero,
        miner=MINER,
        salt=zero,
    )
    return commitment, sealed


def test_fetch_model_ciphertext__announced_too_large__nothing_is_fetched(world: World) -> None:
    commitment, _ = make_model(world)
    for size in (0, world.manifest.max_model_ciphertext_bytes + 1, 2**63):
        with pytest.raises(InvalidArtifact, match="announced"):
            materials.fetch_model_ciphertext(world.ipfs, (commitment.artifact, size), world.manifest, world.cache, 1)
    assert world.ipfs.fetched == []


def test_fetch_model_ciphertext__smaller_than_announced__invalid(world: World) -> None:
    commitment, _ = make_model(world)
    announced = (commitment.artifact, commitment.artifact_bytes + 1)
    with pytest.raises(InvalidArtifact, match="were announced"):
        materials.fetch_model_ciphertext(world.ipfs, announced, world.manifest, world.cache, 1)


@pytest.mark.parametrize(
    "changes", [{"key_hash": b"x" * 32}, {"model_hash": b"x" * 32}, {"miner": REQUESTER}, {"round_id": 10}]
)
def test_open_model__not_what_was_committed__invalid(world: World, changes: dict[str, object]) -> None:
    commitment, sealed = make_model(world)
    changed = replace(commitment, **changes)  # type: ignore[arg-type]
    with pytest.raises(InvalidArtifact):
        materials.open_model(changed, world.manifest, sealed, KEY, CHAIN, HUB, world.cache)


def test_open_model__larger_than_the_task_allows__invalid(world: World) -> None:
    commitment, sealed = make_model(world, b"x" * (world.manifest.model.max_bytes + 1))
    with pytest.raises(InvalidArtifact):
        materials.open_model(commitment, world.manifest, sealed, KEY, CHAIN, HUB, world.cache)


def test_open_model__honest__the_miners_bytes(world: World) -> None:
    commitment, _ = make_model(world)
    sealed = materials.fetch_model_ciphertext(world.ipfs, commitment, world.manifest, world.cache, 1)
    path = materials.open_model(commitment, world.manifest, sealed, KEY, CHAIN, HUB, world.cache)
    assert path.read_bytes() == b"weights" * 100
