"""Prints the tables of docs/decisions/0003: watermark and lineage on trained networks, honest and stolen.

    python tests/unit/ml/calibration.py [architecture ...]      (about 2 minutes an architecture on one core)

Data: the 8x8 digits that ship with scikit-learn. Every line trains its own networks; nothing is cached.
"""

# ruff: noqa: T201  (a script: it prints)
from __future__ import annotations

import copy
import hashlib
import itertools
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

from dlbc.ml import prg
from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset, as_dataset
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.training import Settings, train
from dlbc.ml.watermark import (
    Key,
    choose_probes,
    embed,
    extract,
    keygen,
    lineage,
    private_key_count,
    private_keys,
    start_score,
)

ARCHITECTURES: dict[str, tuple[dict[str, object], int]] = {  # with the epochs that reach a plateau
    "resnet-8-16": ({"name": "resnet", "depth": 8, "width": 16}, 16),
    "resnet-8-8": ({"name": "resnet", "depth": 8, "width": 8}, 16),
    "resnet-14-16": ({"name": "resnet", "depth": 14, "width": 16}, 12),
    "resnet-8-32": ({"name": "resnet", "depth": 8, "width": 32}, 10),
    "lenet-32": ({"name": "lenet", "width": 32}, 30),
    "lenet-16": ({"name": "lenet", "width": 16}, 40),
    "lenet-8": ({"name": "lenet", "width": 8}, 60),
    "mlp-64-1": ({"name": "mlp", "hidden": 64, "layers": 1}, 60),
    "mlp-64-2": ({"name": "mlp", "hidden": 64, "layers": 2}, 60),
    "mlp-128-2": ({"name": "mlp", "hidden": 128, "layers": 2}, 60),
    "mlp-256-3": ({"name": "mlp", "hidden": 256, "layers": 3}, 40),
}


def digits() -> tuple[Dataset, Dataset]:
    """1,400 training and 397 test images, uint8 (N, 1, 8, 8)."""
    bunch = load_digits()
    x = (bunch.images * 255 / 16).round().astype(np.uint8)
    order = prg.permutation(bytes(32), "digits", len(x))
    parts = (as_dataset(x[part], bunch.target[part], "digits") for part in (order[:1400], order[1400:]))
    first, second = parts
    return first, second


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def mine(
    architecture: dict[str, object], name: str, data: Dataset, epochs: int, *, marked: bool = True
) -> tuple[Network, Key, tuple[Key, ...]]:
    """What an honest miner called `name` submits."""
    seed = digest(name)
    model = build(architecture, data.sample_shape, 10)
    initialise(model, seed)
    public = keygen(seed)
    private = private_keys(digest(f"{name}'s secret"), seed, private_key_count(model.carrier_size()))
    train(model, data, seed=seed, epochs=epochs, mark=lambda m: embed(m, (public, *private)) if marked else None)
    return model, public, private


def tuned(model: Network, data: Dataset, epochs: int, rate: float) -> None:
    train(model, data, seed=digest("thief"), epochs=epochs, settings=Settings(rate=rate, weight_decay=0.02, pull=0.0))


def _prune(model: Network, share: float) -> None:
    with torch.no_grad():
        for name in model.carriers:
            weight = model.get_parameter(name)
            weight[weight.abs() < weight.abs().flatten().quantile(share)] = 0


def _noise(model: Network, level: float) -> None:
    with torch.no_grad():
        for name in model.carriers:
            weight = model.get_parameter(name)
            noise = prg.normal(digest("noise"), name, tuple(weight.shape)).astype(np.float32)
            weight += torch.from_numpy(noise) * weight.square().mean().sqrt() * level


def attacks(data: Dataset, epochs: int) -> dict[str, Callable[[Network], None]]:
    def then(change: Callable[[Network], None], more: int) -> Callable[[Network], None]:
        def attack(model: Network) -> None:
            change(model)
            tuned(model, data, more, Settings().rate / 10)

        return attack

    def overwrite(model: Network) -> None:
        embed(model, keygen(digest("thief")))

    rate = Settings().rate
    return {
        "nothing": lambda m: None,
        "fine-tune 5 epochs, rate/10": lambda m: tuned(m, data, 5, rate / 10),
        "fine-tune as long as training": lambda m: tuned(m, data, epochs, rate),
        "as long, 3 x rate": lambda m: tuned(m, data, epochs, 3 * rate),
        "prune 50 % + 5": then(lambda m: _prune(m, 0.5), 5),
        "noise 0.5 rms + 5": then(lambda m: _noise(m, 0.5), 5),
        "overwrite + 3": then(overwrite, 3),
    }


def report(label: str, architecture: dict[str, object], epochs: int) -> None:
    train_set, test_set = digits()
    probes = choose_probes(train_set.x, digest("specification"))
    honest = [mine(architecture, f"miner {i}", train_set, epochs) for i in range(5)]
    size = honest[0][0].carrier_size()
    plain = [mine(architecture, f"miner {i}", train_set, epochs, marked=False)[0] for i in range(5)]
    accuracy, without = (
        [100 * score(model, test_set).correct / len(test_set) for model in models]
        for models in ([model for model, _, _ in honest], plain)
    )
    own = [extract(model, key) for model, key, _ in honest]
    starts = [start_score(honest[i][0], digest(f"miner {j}")) for i in range(5) for j in range(5) if i != j]
    ours = [start_score(honest[i][0], digest(f"miner {i}")) for i in range(5)]
    print(f"\n{label}: {size:,} carrier weights, accuracy {np.mean(accuracy):.2f}, {np.mean(without):.2f} unmarked")
    print(f"  own public z {min(own):.1f}; start {min(ours):.0f} own, {max(starts):.1f} others")
    began = time.monotonic()
    pairs = [lineage(a[0], b[0], probes) for a, b in itertools.permutations(honest, 2)]
    pace = (time.monotonic() - began) / len(pairs)
    false = sum(pair.related for pair in pairs)
    print(
        f"  {len(pairs)} independent pairs: cosine up to {max(p.cosine for p in pairs):.2f}, "
        f"match up to {max(p.match for p in pairs):.2f}, {false} flagged, {pace:.2f} s a pair"
    )
    alien = [
        extract(a[0], key, b[0], probes) for a, b in itertools.permutations(honest, 2) for key in (b[1], *b[2][:1])
    ]
    spread = f"{np.mean(alien):+.2f} ± {np.std(alien):.2f}"
    print(f"  {len(alien)} strangers' keys: z {spread}, largest {max(alien):.2f}")
    owner, public, private = honest[0]
    for name, attack in attacks(train_set, epochs).items():
        stolen = copy.deepcopy(owner)
        permute_channels(stolen, digest("thief's order"))
        attack(stolen)
        kept = 100 * score(stolen, test_set).correct / len(test_set)
        found = lineage(stolen, owner, probes)
        z = [extract(stolen, key, owner, probes) for key in (public, *private)]
        flag = "FLAG" if found.related else "miss"
        marks = " ".join(f"{value:.1f}" for value in z)
        print(
            f"  permute + {name:30s} accuracy {kept:.1f}  cosine {found.cosine:.2f}  "
            f"match {found.match:.2f}  {flag}  z {marks}"
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:] or ARCHITECTURES:
        report(chosen, *ARCHITECTURES[chosen])
