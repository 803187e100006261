"""What separates honest models from stolen ones: `python -m benchmarks.calibration [network ...]`.

Trains fifteen honest miners for each network, compares all of them with one another, lets a thief try every attack on
one of them, and writes what it saw to docs/calibration.json, network by network: the thresholds of
`dlbc.ml.watermark.thresholds` are set by it. Given `untrained` it prints what chance and size alone do, on networks
that nobody trained; given `library` how often a fingerprint finds the origin among 64 earlier models; given
`siblings` how alike those are who improve one model, without what it explains.

Data: the 8x8 digits that ship with scikit-learn. Imports torch, numpy, scipy (through dlbc.ml), safetensors and
scikit-learn only.
"""

from __future__ import annotations

import copy
import itertools
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.embedding import Mined, digits, mine
from benchmarks.timing import timed
from dlbc.ml.attacks import ATTACKS, attack
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.device import configure_threads
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.training import train
from dlbc.ml.watermark import (
    Lineage,
    beyond_parent,
    choose_probes,
    embed,
    extract,
    fingerprint,
    keygen,
    lineage,
    private_key_count,
    private_keys,
    start_score,
    worth_aligning,
)
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.fingerprint import likeness
from lab.tasks import digest

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "calibration.json"
MINERS = 15
UNMARKED = 5
BUDGET = 5  # epochs of the thief
DISGUISE = "permute+rotate"

NETWORKS: dict[str, tuple[dict[str, object], int]] = {  # with the epochs of an honest training
    "transformer-64-2": ({"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 4}, 20),
    "mlp-128-2": ({"name": "mlp", "hidden": 128, "layers": 2}, 25),
    "lenet-16": ({"name": "lenet", "width": 16}, 20),
    "resnet-8-8": ({"name": "resnet", "depth": 8, "width": 8}, 8),
    "unet-8-2": ({"name": "unet", "width": 8, "levels": 2}, 12),
}

UNTRAINED: tuple[dict[str, object], ...] = (
    *({"name": "transformer", "width": w, "depth": 1, "heads": h, "patch": 4} for w, h in ((32, 1), (64, 4), (128, 4))),
    {"name": "transformer", "width": 256, "depth": 1, "heads": 8, "patch": 4},
    {"name": "transformer", "width": 64, "depth": 4, "heads": 4, "patch": 4},
    {"name": "transformer", "width": 192, "depth": 2, "heads": 6, "patch": 4},
    {"name": "unet", "width": 40, "levels": 2},
    {"name": "resnet", "depth": 8, "width": 64},
)

LIBRARY: tuple[tuple[dict[str, object], int], ...] = (
    ({"name": "lenet", "width": 8}, 8),
    ({"name": "mlp", "hidden": 64, "layers": 2}, 12),
)
SIBLINGS = 5
LONGER = (2, 4, 8)  # times as long as the parent's own training, for two of them
OF_SIBLINGS = ("nothing", "ftal", "ftal-hard", "overwrite", "prune", "diverge")
EARLIER = 64
OWNERS = 4


def calibrate(architecture: dict[str, object], epochs: int) -> dict[str, Any]:
    """Everything that is said of one network, as plain JSON."""
    data, test = digits()
    probes = choose_probes(data.x, digest("specification"))
    cpu = torch.device("cpu")
    honest = [mine(architecture, epochs, data, test, _seed(i), cpu, marked=True) for i in range(MINERS)]
    plain = [mine(architecture, epochs, data, test, _seed(i), cpu, marked=False) for i in range(UNMARKED)]
    return {
        "architecture": architecture,
        "epochs": epochs,
        "weights": honest[0].model.carrier_size(),
        "accuracy": _spread([100 * mined.accuracy for mined in honest]),
        "marked_minus_unmarked": _spread(
            [100 * (a.accuracy - b.accuracy) for a, b in zip(honest[:UNMARKED], plain, strict=True)]
        ),
        "own_z": _spread([extract(mined.model, mined.public) for mined in honest]),
        "own_start": _spread([start_score(mined.model, _seed(i)) for i, mined in enumerate(honest)]),
        "independent": _independent([mined.model for mined in honest], probes),
        "strangers_z": _spread(_strangers(honest, probes)),
        "thefts": _thefts(honest, data, test, probes),
    }


def _independent(models: list[Network], probes: Array) -> dict[str, Any]:
    found, seconds = [], []
    for subject, reference in itertools.permutations(models, 2):
        seconds.append(timed(lambda: found.append(lineage(subject, reference, probes)))[1])  # noqa: B023  (called at once)
    prints = [fingerprint(model, probes, digest("after the commits")) for model in models]
    alike = [
        value
        for index, ours in enumerate(prints)
        for value in likeness(ours, [*prints[:index], *prints[index + 1 :]]).tolist()
    ]
    return {
        "pairs": len(found),
        "cosine": _spread([pair.cosine for pair in found]),
        "match": _spread([pair.match for pair in found]),
        "core": _spread([pair.core for pair in found]),
        "flagged": sum(pair.related for pair in found),
        "likeness": _spread(alike),
        "seconds": _spread(seconds),
    }


def _strangers(honest: list[Mined], probes: Array) -> list[float]:
    pairs = zip(honest, (*honest[1:], honest[0]), strict=True)
    return [extract(a.model, b.public, b.model, probes) for a, b in pairs]


def _thefts(honest: list[Mined], data: Dataset, test: Dataset, probes: Array) -> dict[str, Any]:
    owner = honest[0]
    keys = private_keys(digest("secret"), _seed(0), private_key_count(owner.model.carrier_size()))
    prints = [fingerprint(mined.model, probes, digest("after the commits")) for mined in honest]
    thefts = {}
    for name in ATTACKS:
        stolen = attack(f"{DISGUISE}+{name}", owner.model, data, BUDGET, digest("thief"))
        found = lineage(stolen, owner.model, probes)
        alike = likeness(fingerprint(stolen, probes, digest("after the commits")), prints)
        thefts[name] = {
            "accuracy": _short(100 * score(stolen, test).correct / len(test)),
            "cosine": _short(found.cosine),
            "match": _short(found.match),
            "core": _short(found.core),
            "flagged": found.related,
            "z": [_short(extract(stolen, key, owner.model, probes)) for key in (owner.public, *keys)],
            "likeness": _short(float(alike[0])),
            "rank": int((alike > alike[0]).sum()) + 1,
        }
    return thefts


def _seed(miner: int) -> bytes:
    return digest(f"calibration {miner}")


def _spread(values: list[float]) -> dict[str, float]:
    array = np.asarray(values)
    return {
        name: _short(float(value))
        for name, value in (("least", array.min()), ("mean", array.mean()), ("sd", array.std()), ("most", array.max()))
    }


def _short(value: float) -> float:
    return round(value, 3)


def untrained() -> None:
    """Prints how alike two starts are after alignment, and the processor's seconds for it."""
    data, _ = digits()
    probes = choose_probes(data.x, digest("specification"))
    for architecture in UNTRAINED:
        pair = []
        for index in range(2):
            model = build(architecture, data.sample_shape, 10)
            initialise(model, _seed(index))
            pair.append(model)
        found: list[Lineage] = []
        fingerprint(pair[0], probes, bytes(32))  # the first forward pass of a shape is slower
        comparing = timed(lambda: found.append(lineage(pair[0], pair[1], probes)))[1]  # noqa: B023  (called at once)
        printing = timed(lambda: fingerprint(pair[0], probes, bytes(32)))[1]  # noqa: B023
        aligned = align(pair[0], pair[1], probes)
        attention = [
            float((aligned.subject(name) * aligned.reference(name)).mean())
            for heads in pair[0].heads
            for name in (heads.query, heads.key, heads.value, heads.output)
        ]
        print(
            f"{'-'.join(str(value) for value in architecture.values()):22s} {pair[0].carrier_size():>9,} weights  "
            f"cosine {found[0].cosine:.2f}  match {found[0].match:.3f}  core {found[0].core:.2f}  "
            f"attention {min(attention, default=0):.2f} to {max(attention, default=0):.2f}  "
            f"{comparing:.2f} s a pair, {printing:.2f} s a fingerprint of "
            f"{fingerprint(pair[0], probes, bytes(32)).nbytes:,} bytes",
            flush=True,
        )


def library() -> None:
    """Prints which share of pairs fingerprints pass on, and which thefts are among them."""
    data, test = digits()
    probes, seed = choose_probes(data.x, digest("specification")), digest("after the commits")
    for architecture, epochs in LIBRARY:
        earlier = [
            mine(architecture, epochs, data, test, _seed(index), torch.device("cpu"), marked=True).model
            for index in range(EARLIER)
        ]
        prints = [fingerprint(model, probes, seed) for model in earlier]
        passed = sum(
            len(worth_aligning(ours, [*prints[:index], *prints[index + 1 :]])) for index, ours in enumerate(prints)
        )
        print(
            f"{architecture}: {passed / (EARLIER * (EARLIER - 1)):.1%} of {EARLIER * (EARLIER - 1):,} strangers' pairs"
        )
        for name in ATTACKS:
            found = 0
            for owner in range(OWNERS):
                stolen = attack(f"{DISGUISE}+{name}", earlier[owner], data, BUDGET, digest(f"thief {owner}"))
                found += owner in worth_aligning(fingerprint(stolen, probes, seed), prints)
            print(f"  {name:18s} origin passed on in {found} of {OWNERS}", flush=True)


def siblings() -> None:
    """Prints how alike improvements of one model are, thefts of one of them, and longer improvements, beyond it."""
    data, _ = digits()
    probes = choose_probes(data.x, digest("specification"))
    for name, (architecture, epochs) in NETWORKS.items():
        parent = build(architecture, data.sample_shape, 10)
        initialise(parent, digest("parent"))
        train(parent, data, seed=digest("parent"), epochs=epochs, mark=partial(embed, keys=keygen(digest("parent"))))
        for spent in (max(2, epochs // 4), epochs):
            improved = [_improved(parent, data, spent, number) for number in range(SIBLINGS)]
            keys = [keygen(digest(f"sibling {number}")) for number in range(SIBLINGS)]
            pairs = [
                beyond_parent(improved[a], improved[b], parent, probes, keys[b])
                for a, b in itertools.permutations(range(SIBLINGS), 2)
            ]
            print(
                f"{name}, {SIBLINGS} improved it for {spent} epochs: {min(p.cosine for p in pairs):.2f} to "
                f"{max(p.cosine for p in pairs):.2f}, z up to {max(p.mark for p in pairs):.1f}, "
                f"{sum(p.related for p in pairs)} of {len(pairs)} pairs flagged",
                flush=True,
            )
            for theft in OF_SIBLINGS:
                stolen = attack(f"{DISGUISE}+{theft}", improved[0], data, BUDGET, digest("thief"))
                found = beyond_parent(stolen, improved[0], parent, probes, keys[0])
                kept = f"{found.cosine:.2f} z {found.mark:.1f}"
                print(f"  {theft:12s} {kept} {'FLAG' if found.related else 'miss'}", flush=True)
        for times in LONGER:
            one, other = (_improved(parent, data, times * epochs, number) for number in range(2))
            found = beyond_parent(one, other, parent, probes, keys[1])
            print(f"{name}, two improved it for {times * epochs} epochs: {found.cosine:.2f}", flush=True)


def _improved(parent: Network, data: Dataset, epochs: int, number: int) -> Network:
    seed, model = digest(f"sibling {number}"), copy.deepcopy(parent)
    train(model, data, seed=seed, epochs=epochs, mark=partial(embed, keys=keygen(seed)))
    return model


MODES = {"untrained": untrained, "library": library, "siblings": siblings}


def main(names: list[str]) -> None:
    """Calibrates the networks named, or all of them, and keeps what earlier runs found of the others."""
    configure_threads(1)
    if len(names) == 1 and names[0] in MODES:
        MODES[names[0]]()
        return
    for name in names or NETWORKS:
        measured = calibrate(*NETWORKS[name])
        found = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.is_file() else {}
        found[name] = measured
        OUTPUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        show(name, measured)


def show(name: str, measured: dict[str, Any]) -> None:
    """Prints what was measured of one network."""
    independent = measured["independent"]
    print(f"\n{name}: {measured['weights']:,} weights, accuracy {measured['accuracy']['mean']:.2f}")
    print(f"  own z from {measured['own_z']['least']:.1f}, strangers' z up to {measured['strangers_z']['most']:.1f}")
    print(
        f"  {independent['pairs']} independent pairs: cosine up to {independent['cosine']['most']:.2f}, match up to "
        f"{independent['match']['most']:.2f}, core up to {independent['core']['most']:.2f}, "
        f"{independent['flagged']} flagged"
    )
    for attack_name, theft in measured["thefts"].items():
        print(
            f"  {attack_name:18s} accuracy {theft['accuracy']:5.1f}  cosine {theft['cosine']:.2f}  match "
            f"{theft['match']:.2f}  core {theft['core']:.2f}  {'FLAG' if theft['flagged'] else 'miss'}  "
            f"rank {theft['rank']:2d}  "
            f"z {' '.join(f'{z:.1f}' for z in theft['z'])}"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
