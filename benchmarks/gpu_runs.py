"""What `gpu` measures: trainings, scorings and marks on two devices in turns, and what is said where one is missing.

Any two devices will do, so that a machine without a GPU can try all of it on its processor.
"""

from __future__ import annotations

import copy
import hashlib
import math
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.pictures import CLASSES
from benchmarks.pictures import pictures as drawn
from benchmarks.timing import median, ratio, seconds_of
from dlbc.ml import update
from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.device import pick_device
from dlbc.ml.evaluate import predict
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.schedule import countdown
from dlbc.ml.training import Epoch, Settings, train
from dlbc.ml.watermark import Key, choose_probes, embed, keygen, lineage, start_score, verify

CPU = torch.device("cpu")
TEST = 1_000_000  # number of the first chunk of test pictures: far from those to train on
FAR = 3_600.0  # seconds; nobody waits for them


@dataclass(frozen=True)
class Case:
    """A network and its pictures.

    Attributes:
        shape: channels, height, width.
        samples: to train on.
        batch: that `train` would choose for so many.
        epochs: that it is trained for where accuracy matters.
    """

    architecture: Mapping[str, object]
    shape: tuple[int, int, int]
    samples: int
    batch: int
    epochs: int

    @property
    def name(self) -> str:
        """As "lenet-32, 1x8x8"."""
        architecture = "-".join(str(value) for value in self.architecture.values())
        return f"{architecture}, {'x'.join(map(str, self.shape))}"


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        test: pictures to score.
        window: seconds of training that a speed is taken from, two steps at least.
        turns: how often the devices take turns.
        seeds: trainings of each case whose predictions are compared.
        deadline: seconds of the training that must end in time.
    """

    test: int
    window: float
    turns: int
    seeds: int
    deadline: float


pictures = lru_cache(maxsize=3)(drawn)  # a case's own are wanted several times, and take seconds


def digest(text: str) -> bytes:
    """A 32-byte seed."""
    return hashlib.sha256(text.encode()).digest()


def fresh(case: Case, seed: bytes) -> Network:
    """A network at its start."""
    model = build(case.architecture, case.shape, CLASSES)
    initialise(model, seed)
    return model


def speeds(case: Case, device: torch.device, scale: Scale) -> dict[str, Any]:
    """Samples a second in training: on the processor; on the device in float32, in bfloat16, and that unrecorded."""
    data = pictures(case.samples, case.shape, 1)
    found: dict[str, list[float]] = {"cpu": [], "float32": [], "bfloat16": [], "unrecorded": []}
    for _ in range(scale.turns):
        found["cpu"].append(_speed(case, data, CPU, scale.window, Settings()))
        found["float32"].append(_speed(case, data, device, scale.window, Settings(bfloat16=False)))
        found["bfloat16"].append(_speed(case, data, device, scale.window, Settings()))
        with patch.object(update, "EAGER_STEPS", math.inf):
            found["unrecorded"].append(_speed(case, data, device, scale.window, Settings()))
    return {
        **{name: median(values) for name, values in found.items()},
        "to_cpu": ratio(found["bfloat16"], found["cpu"]),
        "to_float32": ratio(found["bfloat16"], found["float32"]),
        "to_unrecorded": ratio(found["bfloat16"], found["unrecorded"]),
    }


def _speed(case: Case, data: Dataset, device: torch.device, window: float, settings: Settings) -> float:
    ticks: list[float] = []
    warm = 10 if device.type == "cuda" else 1  # steps before the clock counts: libraries load, steps are recorded

    def stop() -> bool:
        ticks.append(time.perf_counter())
        return len(ticks) > warm + 2 and ticks[-1] - ticks[warm] > window

    train(
        fresh(case, digest("speed")),
        data,
        seed=digest("speed"),
        seconds_left=countdown(FAR),
        device=device,
        should_stop=stop,
        settings=replace(settings, batch=case.batch),
    )
    return (len(ticks) - 1 - warm) * case.batch / (ticks[-1] - ticks[warm])


@dataclass(frozen=True)
class Trained:
    """A marked network, trained on the device.

    Attributes:
        embedding: seconds that the mark took.
        epochs: seconds of each epoch.
    """

    model: Network
    key: Key
    seed: bytes
    embedding: float
    epochs: list[float]


def mine(case: Case, data: Dataset, device: torch.device, seed: bytes, settings: Settings | None = None) -> Trained:
    """What an honest miner does, on a fixed number of epochs."""
    model, key = fresh(case, seed), keygen(seed)
    embedding, lengths = [], []

    def told(epoch: Epoch) -> None:
        lengths.append(epoch.seconds)

    train(
        model,
        data,
        seed=seed,
        epochs=case.epochs,
        device=device,
        mark=lambda network: embedding.append(seconds_of(lambda: embed(network, key))),
        on_epoch=told,
        settings=settings,
    )
    return Trained(model, key, seed, sum(embedding), lengths)


def agreement(case: Case, device: torch.device, scale: Scale) -> dict[str, Any]:
    """The same models scored and checked on both devices; what marks cost in epochs."""
    data, test = pictures(case.samples, case.shape, 1), pictures(scale.test, case.shape, 1, first=TEST)
    probes = choose_probes(data.x, digest("spec"))
    runs = []
    for number in range(scale.seeds):
        mined = mine(case, data, device, digest(f"miner {number}"))
        there = mined.model
        here = copy.deepcopy(there).to(CPU)
        for model in (here, there):
            predict(model, test.x[:256])  # the first batch of a network is far slower
        began = time.perf_counter()
        on_cpu = predict(here, test.x)
        middle = time.perf_counter()
        on_device = predict(there, test.x)
        ended = time.perf_counter()
        thief = copy.deepcopy(there)
        permute_channels(thief, digest("thief"))
        runs.append(
            {
                "epoch": median(mined.epochs),
                "embedding": mined.embedding,
                "detecting": seconds_of(lambda: verify(there, mined.key)),  # noqa: B023  # called at once
                "lineage": seconds_of(lambda: lineage(thief, there, probes)),  # noqa: B023
                "scoring_cpu": middle - began,
                "scoring": ended - middle,
                "correct_cpu": int((on_cpu == test.y).sum()),
                "correct": int((on_device == test.y).sum()),
                "differ": int((on_cpu != on_device).sum()),
                "differ_again": int((predict(there, test.x) != on_device).sum()),
                "differ_tf32": int((_with_tf32(there, test, device) != on_cpu).sum()),
                "z": verify(there, mined.key).z,
                "z_cpu": verify(here, mined.key).z,
                "start": start_score(there, mined.seed),
                "start_cpu": start_score(here, mined.seed),
                "thief_related": lineage(thief, here, probes).related,
            }
        )
    return {"weights": here.carrier_size(), "samples": len(test), "runs": runs}


def _with_tf32(model: Network, test: Dataset, device: torch.device) -> np.ndarray:
    """Predictions as torch makes them where nobody asks for exact products."""
    parts = []
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=True):
        torch.set_float32_matmul_precision("high")
        for begin in range(0, len(test), 256):
            x = torch.from_numpy(test.x[begin : begin + 256]).to(device).float() / 255.0
            parts.append(model(x).argmax(1).cpu().numpy())
        torch.set_float32_matmul_precision("highest")
    return np.concatenate(parts)


def marks(case: Case, device: torch.device) -> dict[str, float]:
    """z of a mark by where it was embedded and where it is looked for, in an untrained network."""
    found = {}
    for embedded, place in (("cpu", CPU), ("device", device)):
        model, key = fresh(case, digest("marked")).to(place), keygen(digest("marked"))
        embed(model, key)
        for read, other in (("cpu", CPU), ("device", device)):
            found[f"{embedded} {read}"] = verify(model.to(other), key).z
    return found


def repeatability(case: Case, device: torch.device) -> dict[str, bool]:
    """Whether equal seeds give equal model files: twice through, and with an interruption."""
    data = pictures(case.samples, case.shape, 1)
    digests = []
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        for stop_after in (None, None, 37):
            seed = digest("again")
            model, steps = fresh(case, seed), iter(range(10**9))
            if stop_after is not None:
                train(
                    copy.deepcopy(model),
                    data,
                    seed=seed,
                    epochs=2,
                    device=device,
                    checkpoint=checkpoint,
                    should_stop=lambda: next(steps) >= stop_after,  # noqa: B023  # called at once
                )
            train(
                model,
                data,
                seed=seed,
                epochs=2,
                device=device,
                checkpoint=checkpoint if stop_after is not None else None,
            )
            save_model(model, Path(folder) / "model")
            digests.append(hashlib.sha256((Path(folder) / "model").read_bytes()).digest())
    return {"twice": digests[0] == digests[1], "resumed": digests[0] == digests[2]}


def accuracies(case: Case, device: torch.device, scale: Scale) -> dict[str, Any]:
    """Correct test pictures after as many epochs on the processor, on the device in float32 and in bfloat16."""
    data, test = pictures(case.samples, case.shape, 1), pictures(scale.test, case.shape, 1, first=TEST)
    found: dict[str, list[int]] = {"cpu": [], "float32": [], "bfloat16": []}
    for number in range(scale.seeds):
        for name, place in (("cpu", CPU), ("float32", device), ("bfloat16", device)):
            settings = Settings(bfloat16=name == "bfloat16")
            mined = mine(case, data, place, digest(f"equal {number}"), settings)
            found[name].append(int((predict(mined.model, test.x, device) == test.y).sum()))
    return {"samples": len(test), **found}


def overrun(case: Case, device: torch.device, scale: Scale) -> float:
    """Seconds after its deadline at which a training hands over, the last look at held-out pictures included."""
    data = pictures(case.samples, case.shape, 1)
    model, left = fresh(case, digest("late")), countdown(scale.deadline)
    train(model, data, seed=digest("late"), seconds_left=left, device=device)
    return -left()


def fallbacks(case: Case, device: torch.device) -> dict[str, Any]:
    """What is said of a GPU that is not there, and of one with too little memory."""
    found: dict[str, Any] = {"absent": pick_device(9)[1]}
    if device.type == "cuda":
        data, seed = pictures(2_000, case.shape, 1), digest("large")
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(0.01, device)
        try:
            train(fresh(case, seed), data, seed=seed, epochs=2, device=device, settings=Settings(batch=1_000))
            found["memory"] = "nothing: there was enough"
        except MemoryError as error:
            found["memory"] = str(error)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
        train(fresh(case, seed), data, seed=seed, epochs=2, device=device)  # the device is as good as before
    return found


def held_memory(case: Case, device: torch.device) -> list[int]:
    """Bytes that stay on the device after each of several trainings whose models are gone."""
    found = []
    data = pictures(min(2_000, case.samples), case.shape, 1)
    for number in range(5):
        train(fresh(case, digest(f"{number}")), data, seed=digest(f"{number}"), epochs=2, device=device)
        found.append(torch.cuda.memory_allocated(device) if device.type == "cuda" else 0)
    return found


def threads() -> int:
    """As many as a miner takes: all cores but one."""
    return max(1, (os.cpu_count() or 2) - 1)
