"""Training and scoring on a GPU; where there is none, what surrounds them."""

from __future__ import annotations

import copy
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from calibration import digest
from conftest import LENET, MLP

from dlbc.ml import batches, update
from dlbc.ml.attacks import permute_channels
from dlbc.ml.batches import Batches
from dlbc.ml.channels import Network, tensors
from dlbc.ml.checkpoint import Progress, load_checkpoint, save_checkpoint
from dlbc.ml.data import Dataset, prepare
from dlbc.ml.device import enough_memory, has_bfloat16, pick_device
from dlbc.ml.evaluate import exact_float32, predict
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.training import Settings, train
from dlbc.ml.update import GraphedUpdate, PlainUpdate, Rules
from dlbc.ml.watermark import embed, keygen, lineage, start_score, verify

SEED = digest("a miner with a GPU")
RESNET = {"name": "resnet", "depth": 8, "width": 8}
CPU = torch.device("cpu")
GPU = torch.device("cuda:0")

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
kinds = pytest.mark.parametrize("architecture", [MLP, LENET, RESNET], ids=["mlp", "lenet", "resnet"])


def fresh(architecture: dict[str, object], data: Dataset) -> Network:
    model = build(architecture, data.sample_shape, 10)
    initialise(model, SEED)
    return model


def weights(model: Network) -> list[torch.Tensor]:
    return [tensor.detach().cpu().clone() for tensor in tensors(model).values()]


def same(first: Network, second: Network) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


# Without a GPU


def out_of_memory(*_: object) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def test_enough_memory__device_is_full__says_what_for_and_what_to_do() -> None:
    wanted = r"cpu has too little memory for drawing a horse.*another device"
    with pytest.raises(MemoryError, match=wanted), enough_memory(CPU, "drawing a horse"):
        out_of_memory()


@pytest.mark.parametrize("said", ["CUBLAS_STATUS_ALLOC_FAILED", "DefaultCPUAllocator: can't allocate memory: 9 bytes"])
def test_enough_memory__a_library_is_out_of_it__likewise(said: str) -> None:
    with pytest.raises(MemoryError), enough_memory(CPU, "drawing a horse"):
        raise RuntimeError(said)


def test_enough_memory__other_failure__passes() -> None:
    with pytest.raises(RuntimeError, match="shapes"), enough_memory(CPU, "drawing a horse"):
        raise RuntimeError("shapes differ")


def test_train__out_of_memory__keeps_the_checkpoint(
    train_set: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = tmp_path / "checkpoint", iter(range(100))
    model = fresh(MLP, train_set)
    train(model, train_set, seed=SEED, epochs=4, checkpoint=path, should_stop=lambda: next(steps) >= 5)
    with monkeypatch.context() as patched:
        patched.setattr(PlainUpdate, "__call__", out_of_memory)
        with pytest.raises(MemoryError, match="training Mlp"):
            train(fresh(MLP, train_set), train_set, seed=SEED, epochs=4, checkpoint=path)
    resumed = train(model, train_set, seed=SEED, epochs=4, checkpoint=path)
    assert resumed.epochs == 4


def test_predict__out_of_memory__is_the_machines_failure(train_set: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fresh(MLP, train_set)
    monkeypatch.setattr(model, "forward", out_of_memory)
    with pytest.raises(MemoryError, match="scoring Mlp"):
        predict(model, train_set.x)


def test_train__ended__leaves_no_gradients(train_set: Dataset) -> None:
    """They are as large as the weights, and would be copied with them."""
    model = fresh(MLP, train_set)
    train(model, train_set, seed=SEED, epochs=2)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_exact_float32__thread_that_leaves_late__does_not_take_it_from_another() -> None:
    before = torch.get_float32_matmul_precision()
    entered, leave = threading.Event(), threading.Event()

    def linger() -> None:
        with exact_float32():
            entered.set()
            leave.wait(10)

    torch.set_float32_matmul_precision("high")
    try:
        other = threading.Thread(target=linger)
        other.start()
        assert entered.wait(10)
        with exact_float32():
            leave.set()
            other.join(10)
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


def test_prepare__array_or_tensor__same_numbers() -> None:
    x = np.arange(256, dtype=np.uint8).reshape(2, 128)
    expected = torch.from_numpy((x / np.float32(255)).astype(np.float32))
    assert torch.equal(prepare(x), expected)
    assert torch.equal(prepare(torch.from_numpy(x), CPU), expected)
    floats = x.astype(np.float32)
    assert torch.equal(prepare(floats), torch.from_numpy(floats))


def test_batches__an_epoch__deals_each_sample_at_most_once(train_set: Dataset) -> None:
    numbered = Dataset(train_set.x[:100], np.arange(100))
    dealt = Batches(numbered, SEED, 32, CPU)
    assert dealt.steps == 3
    first, second = ([dealt.take(epoch * 3 + step) for step in range(3)] for epoch in range(2))
    seen = torch.cat([batch.y for batch in first])
    assert seen.unique().numel() == 96
    assert not torch.equal(seen, torch.cat([batch.y for batch in second]))
    for batch in first:
        assert torch.equal(batch.x, torch.from_numpy(numbered.x[batch.y]))
        assert 0 <= int(batch.offsets.min()) <= int(batch.offsets.max()) <= 2 * dealt.pixels


def test_load_checkpoint__written_on_a_gpu__keeps_the_cpus_own_choices(train_set: Dataset, tmp_path: Path) -> None:
    path, model = tmp_path / "checkpoint", fresh(MLP, train_set)
    theirs, ours = torch.optim.AdamW(model.parameters()), torch.optim.AdamW(model.parameters())
    predict(model, train_set.x[:2])
    model(prepare(train_set.x[:2])).sum().backward()
    theirs.step()
    for group in theirs.param_groups:
        group.update(fused=True, capturable=True, lr=torch.tensor(0.5))
    save_checkpoint(path, model, theirs, "a training", Progress(step=1))
    assert load_checkpoint(path, model, ours, "a training") == Progress(step=1)
    assert not ours.param_groups[0]["capturable"]
    assert ours.param_groups[0]["lr"] == 1e-3
    assert len(ours.state) == len(theirs.state)
    ours.step()


def test_has_bfloat16__cpu__no() -> None:
    assert not has_bfloat16(CPU)


def test_pick_device__backend_that_torch_was_built_without__says_so_in_one_line() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    device, message = pick_device(device="mps")
    assert device == CPU
    assert "mps" in message
    assert len(message) < 200


# With one


@gpu
def test_pick_device__gpu_beyond_the_last__cpu_and_the_reason() -> None:
    assert pick_device()[0] == pick_device(gpu=0)[0] == pick_device(device="cuda")[0] == GPU
    device, message = pick_device(gpu=torch.cuda.device_count())
    assert device == CPU
    assert f"cuda:{torch.cuda.device_count()} asked for" in message


@gpu
def test_prepare__gpu__same_bits() -> None:
    x = np.arange(256, dtype=np.uint8)
    assert torch.equal(prepare(x, GPU).cpu(), prepare(x))


@gpu
@kinds
def test_train__gpu_same_seed__same_weights_also_after_a_crash(
    train_set: Dataset, tmp_path: Path, architecture: dict[str, object]
) -> None:
    first, second, resumed = (fresh(architecture, train_set) for _ in range(3))
    train(first, train_set, seed=SEED, epochs=3, device=GPU)
    train(second, train_set, seed=SEED, epochs=3, device=GPU)
    assert same(first, second)
    path = tmp_path / "checkpoint"
    for crash_after in (2, 30):  # before the step is recorded, and after
        steps = iter(range(1_000))
        train(
            fresh(architecture, train_set),
            train_set,
            seed=SEED,
            epochs=3,
            device=GPU,
            checkpoint=path,
            should_stop=lambda: next(steps) >= crash_after,  # noqa: B023  # called at once
        )
    train(resumed, train_set, seed=SEED, epochs=3, device=GPU, checkpoint=path)
    assert same(first, resumed)


@gpu
@kinds
def test_train__gpu_and_cpu_from_one_start__learn_alike(
    train_set: Dataset, test_set: Dataset, architecture: dict[str, object]
) -> None:
    here, there = fresh(architecture, train_set), fresh(architecture, train_set)
    ours = train(here, train_set, seed=SEED, epochs=8)
    theirs = train(there, train_set, seed=SEED, epochs=8, device=GPU)
    assert theirs.loss == pytest.approx(ours.loss, abs=0.1)
    on_gpu = predict(there, test_set.x)
    assert (on_gpu == predict(copy.deepcopy(there), test_set.x, CPU)).mean() > 0.995
    correct = [(predict(model, test_set.x) == test_set.y).mean() for model in (here, there)]
    assert correct[1] == pytest.approx(correct[0], abs=0.06)


@gpu
@pytest.mark.parametrize(("first", "second"), [(GPU, CPU), (CPU, GPU)], ids=["gpu to cpu", "cpu to gpu"])
def test_train__checkpoint_of_the_other_device__goes_on(
    train_set: Dataset, tmp_path: Path, first: torch.device, second: torch.device
) -> None:
    path, steps = tmp_path / "checkpoint", iter(range(1_000))
    train(
        fresh(RESNET, train_set),
        train_set,
        seed=SEED,
        epochs=4,
        device=first,
        checkpoint=path,
        should_stop=lambda: next(steps) >= 40,
    )
    result = train(fresh(RESNET, train_set), train_set, seed=SEED, epochs=4, device=second, checkpoint=path)
    assert result.epochs == 4
    assert np.isfinite(result.loss)


@gpu
def test_train__step_cannot_be_recorded__trains_all_the_same(
    train_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded, stepwise = fresh(LENET, train_set), fresh(LENET, train_set)
    train(recorded, train_set, seed=SEED, epochs=2, device=GPU)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    train(stepwise, train_set, seed=SEED, epochs=2, device=GPU)
    assert same(recorded, stepwise)


@gpu
def test_train__samples_too_many_for_the_device__same_weights(
    train_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, carried = fresh(LENET, train_set), fresh(LENET, train_set)
    train(resident, train_set, seed=SEED, epochs=2, device=GPU)
    monkeypatch.setattr(batches, "fits", lambda *_: False)
    train(carried, train_set, seed=SEED, epochs=2, device=GPU)
    assert same(resident, carried)


@gpu
@pytest.mark.parametrize("eager", [update.EAGER_STEPS, 1_000], ids=["recorded", "unrecorded"])
def test_graphed_update__loss_is_infinite__changes_no_weight(
    train_set: Dataset, monkeypatch: pytest.MonkeyPatch, eager: int
) -> None:
    monkeypatch.setattr(update, "EAGER_STEPS", eager)
    model = fresh(LENET, train_set).to(GPU)
    rules = Rules(pixels=1, smoothing=0.05, clip=1.0, rate=4e-3, pull=0.1, bfloat16=True)
    starts = [(p, p.detach().clone()) for p in model.parameters() if p.dim() > 1]
    step = GraphedUpdate(model, [{"params": list(model.parameters())}], starts, rules, GPU)
    dealt = Batches(train_set, SEED, 64, GPU)
    for number in range(6):
        assert torch.isfinite(step(dealt.take(number), 0.5))
    good = float(model.head.bias[0].detach())
    with torch.no_grad():
        model.head.bias[0] = torch.inf
    before = [p.detach().clone() for p in model.parameters()]
    step(dealt.take(6), 0.5)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    with torch.no_grad():
        model.head.bias[0] = good
    assert torch.isfinite(step(dealt.take(7), 0.5))
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())
    assert not torch.equal(before[0], next(model.parameters()))


@gpu
@kinds
def test_embed__one_device__found_on_the_other(
    train_set: Dataset, probes: Array, architecture: dict[str, object]
) -> None:
    readings = []
    for first, second in ((CPU, GPU), (GPU, CPU)):
        model, key = fresh(architecture, train_set).to(first), keygen(SEED)
        embed(model, key)
        copied = copy.deepcopy(model).to(second)
        permute_channels(copied, digest("thief"))
        assert verify(copied, key, model, probes).present
        assert lineage(copied, model, probes).related
        model.to(second)
        readings += [verify(model, key).z, start_score(model, SEED)]
    assert min(readings) > 12
    assert readings[:2] == pytest.approx(readings[2:], rel=1e-5)


@gpu
def test_train__gpu_deadline__kept(train_set: Dataset) -> None:
    from dlbc.ml.schedule import countdown

    left = countdown(2.0)
    marked: list[Network] = []
    result = train(fresh(LENET, train_set), train_set, seed=SEED, seconds_left=left, device=GPU, mark=marked.append)
    assert left() > -0.5
    assert result.seconds > 1.8
    assert marked


@gpu
def test_train__gpu_is_full__names_it_and_recovers(train_set: Dataset) -> None:
    torch.cuda.empty_cache()
    settings = Settings(batch=1_000)
    large = {"name": "lenet", "width": 512}
    few = torch.cuda.memory_reserved(GPU) + (1 << 27)
    torch.cuda.set_per_process_memory_fraction(few / torch.cuda.mem_get_info(GPU)[1], GPU)
    try:
        with pytest.raises(MemoryError, match=r"cuda:0 has too little memory for training LeNet"):
            train(fresh(large, train_set), train_set, seed=SEED, epochs=2, device=GPU, settings=settings)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, GPU)
    assert train(fresh(LENET, train_set), train_set, seed=SEED, epochs=2, device=GPU).epochs == 2


@gpu
def test_train__one_after_another__memory_does_not_grow(train_set: Dataset) -> None:
    held = []
    for _ in range(4):
        train(fresh(LENET, train_set), train_set, seed=SEED, epochs=2, device=GPU)
        torch.cuda.synchronize()
        held.append(torch.cuda.memory_allocated(GPU))
    assert held[3] <= held[1]
