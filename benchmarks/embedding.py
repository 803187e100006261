"""What the watermark costs: seconds, accuracy; and what finding it costs, by the number of weights.

Imports torch, numpy, scipy (through dlbc.ml), safetensors and scikit-learn only, so that it runs where nothing of the
chain is installed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import stdev
from typing import Any

import numpy as np
import torch

from benchmarks.tables import Section, Table
from benchmarks.timing import median, peak_of, seconds_of, short, timed
from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.device import configure_threads, pick_device
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.training import Epoch, train
from dlbc.ml.watermark import Key, choose_probes, embed, keygen, lineage, private_key_count, private_keys, verify
from lab import tasks
from lab.tasks import digest

SEEDS = 20  # of trainings with and without the mark: one test image is more than what the mark costs
CHECKED = 5  # of them, whose marks and lineage are looked at
CLASSES = 10
REPETITIONS = 3
OTHER_KEYS = 200
CHECKS = ("own", "aligned", "lineage")

# With the epochs after which neither gets better on this data.
TRAINED: tuple[tuple[dict[str, object], int], ...] = (
    ({"name": "lenet", "width": 32}, 30),
    ({"name": "resnet", "depth": 8, "width": 16}, 16),
    ({"name": "unet", "width": 8, "levels": 2}, 30),
    ({"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 4}, 25),
)
SCALES: tuple[dict[str, object], ...] = (
    {"name": "lenet", "width": 16},
    {"name": "lenet", "width": 32},
    {"name": "lenet", "width": 64},
    {"name": "lenet", "width": 128},
    {"name": "resnet", "depth": 8, "width": 8},
    {"name": "resnet", "depth": 8, "width": 16},
    {"name": "resnet", "depth": 20, "width": 16},
    {"name": "resnet", "depth": 8, "width": 32},
    {"name": "resnet", "depth": 8, "width": 64},
    {"name": "unet", "width": 64, "levels": 3},
)


@dataclass(frozen=True)
class Mined:
    """A trained network and how its training went.

    Attributes:
        embedding: seconds that embedding all keys took; 0 without a mark.
        epochs: seconds of each epoch.
        accuracy: on the test set, 0 … 1.
    """

    model: Network
    public: Key
    embedding: float
    epochs: list[float]
    accuracy: float


def measure() -> dict[str, Any]:
    """Trains each network with and without a mark, and times the checks on networks of several sizes."""
    configure_threads(1)
    device, _ = pick_device()
    data, test = digits()
    probes = choose_probes(data.x, digest("spec"))
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "one thread of the processor",
        "trained": [_train(architecture, epochs, data, test, probes, device) for architecture, epochs in TRAINED],
        "scales": [_scale(architecture, data.sample_shape, probes) for architecture in SCALES],
    }


def digits() -> tuple[Dataset, Dataset]:
    """1,400 training and 397 test images of scikit-learn's digits, uint8 (N, 1, 8, 8)."""
    task = tasks.load("digits")
    return task.train, task.test


def mine(
    architecture: Mapping[str, object],
    epochs: int,
    data: Dataset,
    test: Dataset,
    seed: bytes,
    device: torch.device,
    *,
    marked: bool,
) -> Mined:
    """What an honest miner does, on a fixed number of epochs; equal but for the mark."""
    model = build(architecture, data.sample_shape, CLASSES)
    initialise(model, seed)
    public = keygen(seed)
    private = private_keys(digest("secret"), seed, private_key_count(model.carrier_size()))
    embedding: list[float] = []
    lengths: list[float] = []

    def mark(network: Network) -> None:
        embedding.append(seconds_of(lambda: embed(network, (public, *private))))

    def told(epoch: Epoch) -> None:
        lengths.append(epoch.seconds)

    train(
        model,
        data,
        seed=seed,
        epochs=epochs,
        device=device,
        mark=mark if marked else None,
        on_epoch=told,
    )
    model.to("cpu")
    return Mined(model, public, sum(embedding), lengths, score(model, test).correct / len(test))


def _train(
    architecture: Mapping[str, object], epochs: int, data: Dataset, test: Dataset, probes: Array, device: torch.device
) -> dict[str, Any]:
    runs, models = [], []
    for number in range(SEEDS):
        seed = digest(f"miner {number}")
        plain = mine(architecture, epochs, data, test, seed, device, marked=False)
        marked = mine(architecture, epochs, data, test, seed, device, marked=True)
        models.append(marked.model)
        stolen = copy.deepcopy(marked.model)
        permute_channels(stolen, digest("thief"))
        runs.append(
            {
                "embedding": marked.embedding,
                "epoch": median(marked.epochs),
                "accuracy": marked.accuracy,
                "accuracy_unmarked": plain.accuracy,
                "z": verify(marked.model, marked.public).z,
                "z_unmarked": verify(plain.model, marked.public).z,
                "z_stolen": verify(stolen, marked.public, marked.model, probes).z,
                "stolen_related": lineage(stolen, marked.model, probes).related,
            }
        )
    pairs = [lineage(a, b, probes).related for a in models[:CHECKED] for b in models[:CHECKED] if a is not b]
    return {
        "name": named(architecture),
        "other_keys": [verify(models[0], keygen(digest(f"other {n}"))).z for n in range(OTHER_KEYS)],
        "epochs": epochs,
        "weights": models[0].carrier_size(),
        "keys": 1 + private_key_count(models[0].carrier_size()),
        "runs": runs,
        "independent_pairs": len(pairs),
        "independent_related": sum(pairs),
    }


def _scale(architecture: Mapping[str, object], sample_shape: tuple[int, ...], probes: Array) -> dict[str, Any]:
    first, second = (build(architecture, sample_shape, CLASSES) for _ in range(2))
    initialise(first, digest("first"))
    initialise(second, digest("second"))
    key = keygen(digest("first"))
    embed(first, key)
    own, aligned, related = [], [], []
    for _ in range(REPETITIONS):
        own.append(timed(lambda: verify(first, key))[1])
        aligned.append(timed(lambda: verify(second, key, first, probes))[1])
        related.append(timed(lambda: lineage(second, first, probes))[1])
    weights, channels = first.carrier_size(), max(group.size for group in first.groups)
    sizes = {"name": named(architecture), "weights": weights, "channels": channels}
    size = 4 * sum(parameter.numel() for parameter in first.parameters())
    peaks = {
        "own_peak": peak_of(lambda: verify(first, key)) / size,
        "lineage_peak": peak_of(lambda: lineage(second, first, probes)) / size,
    }
    return {**sizes, **peaks, "own": median(own), "aligned": median(aligned), "lineage": median(related)}


def named(architecture: Mapping[str, object]) -> str:
    """As "resnet-8-16"."""
    return "-".join(str(value) for value in architecture.values())


def growth(weights: list[int], seconds: list[float]) -> float:
    """The exponent b of seconds ≈ a · weights^b: the slope of the least squares line through the logarithms."""
    return float(np.polyfit([math.log(w) for w in weights], [math.log(s) for s in seconds], 1)[0])


def section(measured: dict[str, Any]) -> Section:
    """The tables."""
    text = TEXT.format(device=measured["device"], samples=tasks.TRAINING_DIGITS, seeds=SEEDS)
    return Section("Embedding", text, (_cost(measured), _found(measured), _checks(measured)))


def _cost(measured: dict[str, Any]) -> Table:
    rows = []
    for found in measured["trained"]:
        runs = found["runs"]
        embedding, epoch = median(r["embedding"] for r in runs), median(r["epoch"] for r in runs)
        share = median(r["embedding"] / r["epoch"] for r in runs)
        marked, plain = (_mean(runs, name) for name in ("accuracy", "accuracy_unmarked"))
        cells = [found["name"], f"{found['weights']:,}", str(found["keys"]), str(found["epochs"])]
        cells += [short(embedding), short(epoch), f"{share:.2f}"]
        lost = [100 * (run["accuracy"] - run["accuracy_unmarked"]) for run in runs]
        points = f"{100 * (marked - plain):+.2f} ± {stdev(lost) / math.sqrt(len(lost)):.2f}"
        rows.append([*cells, f"{100 * plain:.2f} %", f"{100 * marked:.2f} %", points])
    columns = ["Network", "Carrier weights", "Keys", "Epochs", "Embed", "One epoch", "Embed in epochs"]
    note = (
        "The paper embeds in 3 epochs. Here the mark goes in once, before the last tenth of a training that has the "
        "same number of epochs with and without it: no epoch is added, and the cost is the seventh column. One test "
        "image of 397 is 0.25 points; beside the mean stands its standard error."
    )
    return Table("Cost of embedding", [*columns, "Without mark", "With mark", "Points"], rows, note)


def _mean(runs: list[dict[str, Any]], name: str) -> float:
    return float(sum(run[name] for run in runs)) / len(runs)


def _found(measured: dict[str, Any]) -> Table:
    rows = []
    for found in measured["trained"]:
        runs = found["runs"][:CHECKED]
        zs = [" / ".join(f"{run[name]:.1f}" for run in runs) for name in ("z", "z_stolen", "z_unmarked")]
        others = found["other_keys"]
        zs.append(f"{np.mean(others):+.2f}, {np.std(others):.2f}, {max(others):.1f}")
        caught = f"{sum(run['stolen_related'] for run in runs)} of {len(runs)}"
        rows.append([found["name"], *zs, caught, f"{found['independent_related']} of {found['independent_pairs']}"])
    columns = ["Network", "z, marked", "z, permuted copy", "z, unmarked", "z, other keys: mean, deviation, most"]
    note = (
        f"One value a seed, of the first {CHECKED}. z counts standard deviations: about normal where there is no mark, "
        "present from 8; a miner's"
        f" own model needs 12. {OTHER_KEYS} other keys are tried on one model. A permuted copy has all hidden channels "
        "reordered and rescaled (and sign-flipped before a batch norm), and is aligned with the original first. "
        "*Flagged* is the lineage check, which needs no key."
    )
    return Table("What is found", [*columns, "Copies flagged", "Independent pairs flagged"], rows, note)


def _checks(measured: dict[str, Any]) -> Table:
    rows = []
    for found in measured["scales"]:
        cells = [found["name"], f"{found['weights']:,}", str(found["channels"])]
        peaks = [f"{found[name]:.1f}" for name in ("own_peak", "lineage_peak")]
        rows.append([*cells, *(short(found[name]) for name in CHECKS), *peaks])
    weights = [found["weights"] for found in measured["scales"]]
    own, aligned, related = (growth(weights, [s[name] for s in measured["scales"]]) for name in CHECKS)
    note = (
        f"Processor time. It grows about as weights^{own:.2f} (detection in the model's own order), "
        f"weights^{aligned:.2f} (detection after alignment) and weights^{related:.2f} (lineage), fitted over all "
        "families. The networks are freshly initialised: time depends on shapes, hardly on values. A validator runs "
        "one detection for each listed model, and one lineage check for each listed model and reference; only disputes "
        "need an aligned detection. Memory: the most that numpy held at once, in sizes of the model, besides the two "
        "models; of a small model most of it are its answers to the probes."
    )
    columns = ["Network", "Carrier weights", "Widest group", "Detect, own order", "Detect, aligned", "Lineage"]
    columns += ["Memory, detect", "Memory, lineage"]
    return Table("Cost of checking one model, or one pair", columns, rows, note)


TEXT = """\
Scikit-learn's digits, {samples:,} for training and 397 for the test, on {device}; {seeds} seeds, each
trained twice with the same start and data order, with and without the mark. Every miner embeds his public key and as
many private ones as the network carries.
"""
