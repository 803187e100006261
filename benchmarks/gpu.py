"""What a GPU gives: speed of training and scoring beside the processor's, and whether both say the same of a model.

Imports torch, numpy, scipy (through dlbc.ml) and safetensors only, so that it runs where nothing of the chain is
installed. Every number is of two things measured in one run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.gpu_runs import (
    Case,
    Scale,
    accuracies,
    agreement,
    fallbacks,
    held_memory,
    marks,
    overrun,
    repeatability,
    speeds,
    threads,
)
from benchmarks.tables import Section, Table
from benchmarks.timing import median, ratio, short
from dlbc.ml.device import configure_threads, pick_device

CASES = (
    Case({"name": "lenet", "width": 32}, (1, 8, 8), 1_400, 64, 60),
    Case({"name": "mlp", "hidden": 512, "layers": 3}, (1, 28, 28), 50_000, 256, 12),
    Case({"name": "lenet", "width": 32}, (3, 32, 32), 50_000, 256, 16),
    Case({"name": "resnet", "depth": 8, "width": 16}, (3, 32, 32), 50_000, 256, 8),
    Case({"name": "resnet", "depth": 20, "width": 16}, (3, 32, 32), 50_000, 256, 6),
    Case({"name": "resnet", "depth": 20, "width": 64}, (3, 32, 32), 50_000, 256, 4),
)
EQUALLY_TRAINED = (
    Case({"name": "lenet", "width": 32}, (3, 32, 32), 8_000, 256, 12),
    Case({"name": "resnet", "depth": 8, "width": 16}, (3, 32, 32), 8_000, 256, 8),
)
SCALE = Scale(test=10_000, window=1.0, turns=3, seeds=2, deadline=4.0)


def missing() -> str:
    """Why this cannot be measured here, "" if it can."""
    device, why = pick_device()
    return "" if device.type == "cuda" else why


def measure(
    cases: Sequence[Case] = CASES,
    equally_trained: Sequence[Case] = EQUALLY_TRAINED,
    scale: Scale = SCALE,
) -> dict[str, Any]:
    """All of it, on the first CUDA device; without one the processor stands on both sides."""
    configure_threads(threads())
    device, _ = pick_device()
    cuda = device.type == "cuda"
    largest = cases[-1]
    return {
        "device": f"an {torch.cuda.get_device_name(device)}" if cuda else "the processor",
        "torch": torch.__version__,
        "threads": threads(),
        "window": scale.window,
        "cases": [
            {"name": case.name, "batch": case.batch, **speeds(case, device, scale), **agreement(case, device, scale)}
            for case in cases
        ],
        "equally_trained": [
            {"name": case.name, "epochs": case.epochs, **accuracies(case, device, scale)} for case in equally_trained
        ],
        "repeatability": {case.name: repeatability(case, device) for case in cases},
        "marks": {case.name: marks(case, device) for case in cases},
        "deadline": scale.deadline,
        "overrun": {case.name: overrun(case, device, scale) for case in (cases[0], largest)},
        "fallbacks": fallbacks(largest, device),
        "held": held_memory(cases[0], device),
    }


def section(measured: dict[str, Any]) -> Section:
    """The tables."""
    text = TEXT.format(
        device=measured["device"],
        torch=measured["torch"],
        threads=measured["threads"],
        window=measured["window"],
        verdict=_verdict(measured),
    )
    tables = (_speed(measured), _costs(measured), _agreement(measured), _accuracy(measured), _marks(measured))
    return Section("GPU", text, (*tables, _sayings(measured)))


def tolerance(samples: int) -> int:
    """By how many of so many test samples honest devices may differ: a task's least, as in docs/protocol.md."""
    return max(2, math.ceil(samples / 1_000))


def _verdict(measured: dict[str, Any]) -> str:
    runs = [(case["samples"], run) for case in measured["cases"] for run in case["runs"]]
    worst = max(run["differ"] for _, run in runs)
    scores = max(abs(run["correct"] - run["correct_cpu"]) for _, run in runs)
    repeated = all(all(found.values()) for found in measured["repeatability"].values())
    words = "gave" if repeated else "**did not always give**"
    return (
        f"Of {runs[0][0]:,} predictions GPU and processor differ in {worst} at most, their scores by {scores}; "
        f"{tolerance(runs[0][0])} are tolerated. Equal seeds {words} equal model files on the GPU."
    )


def _speed(measured: dict[str, Any]) -> Table:
    rows = []
    for case in measured["cases"]:
        cells = [case["name"], str(case["batch"]), *(f"{case[name]:,.0f}" for name in ("cpu", "float32", "bfloat16"))]
        ratios = [f"{case[name]:.1f}x" for name in ("to_unrecorded", "to_float32", "to_cpu")]
        rows.append([*cells, *ratios])
    columns = ["Network, picture", "Batch", "Processor", "GPU, float32", "GPU, bfloat16"]
    note = (
        "Samples a second, without the look at held-out pictures after each epoch; then how many times as many they "
        "are in bfloat16. Miners train in bfloat16 where a GPU is built for it; weights, optimizer and scoring are "
        "float32. float32 here lets convolutions use TF32, as torch does. A step is recorded once as a CUDA graph and "
        "replayed, because starting the kernels of small networks one by one takes longer than running them: "
        "*unrecorded* is the same step without that."
    )
    return Table("Training", [*columns, "To unrecorded", "To float32", "To processor"], rows, note)


def _costs(measured: dict[str, Any]) -> Table:
    rows = []
    for case in measured["cases"]:
        runs = case["runs"]
        epoch = [run["epoch"] for run in runs]
        cells = [case["name"], f"{case['weights']:,}", short(median(epoch))]
        cells += [f"{ratio([run[name] for run in runs], epoch):.2f}" for name in ("embedding", "detecting", "lineage")]
        here, there = ([run[name] for run in runs] for name in ("scoring_cpu", "scoring"))
        rows.append([*cells, f"{case['samples'] / median(there):,.0f}", f"{ratio(here, there):.1f}x"])
    columns = ["Network, picture", "Carrier weights", "One epoch", "Embed", "Detect", "Lineage"]
    note = (
        "Embedding one key, detecting it and comparing with a permuted copy are given in epochs of that training on "
        "the GPU; they are computed on the processor in float64 whatever the model lies on, but for the activations "
        "that a lineage check looks at. Scoring is in samples a second on the GPU, and how much longer the processor "
        "takes."
    )
    return Table("Marks and scoring", [*columns, "Scored a second", "Processor takes"], rows, note)


def _agreement(measured: dict[str, Any]) -> Table:
    rows = []
    for case in measured["cases"]:
        runs, samples = case["runs"], case["samples"]
        share = median(run["correct"] for run in runs) / samples
        differences = [run["correct"] - run["correct_cpu"] for run in runs]
        rows.append(
            [
                case["name"],
                f"{100 * share:.1f} %",
                _each(run["differ"] for run in runs),
                " / ".join(f"{difference:+d}" if difference else "0" for difference in differences),
                str(tolerance(samples)),
                _each(run["differ_again"] for run in runs),
                _each(run["differ_tf32"] for run in runs),
            ]
        )
    columns = ["Network, picture", "Correct", "Predictions that differ", "Scores differ by", "Tolerated"]
    note = (
        f"Of {measured['cases'][0]['samples']:,} test pictures, one value a seed: the same model scored on GPU and "
        "processor; scored on the GPU again; and, beside the processor's, as torch would score on a GPU by itself, "
        "with TF32, which scoring forbids."
    )
    return Table("Agreement", [*columns, "GPU twice", "With TF32"], rows, note)


def _accuracy(measured: dict[str, Any]) -> Table:
    rows = []
    for found in measured["equally_trained"]:
        cells = [" / ".join(f"{100 * n / found['samples']:.1f}" for n in found[name]) for name in KINDS]
        rows.append([found["name"], str(found["epochs"]), *cells])
    columns = ["Network, picture", "Epochs", "Processor", "GPU, float32", "GPU, bfloat16"]
    note = "Per cent correct after as many epochs with the same seeds: bfloat16 costs nothing that is seen here."
    return Table("Accuracy after equal training", columns, rows, note)


KINDS = ("cpu", "float32", "bfloat16")


def _marks(measured: dict[str, Any]) -> Table:
    rows = []
    for case in measured["cases"]:
        found, runs, repeated = (
            measured["marks"][case["name"]],
            case["runs"],
            measured["repeatability"][case["name"]],
        )
        rows.append(
            [
                case["name"],
                *(f"{found[key]:.2f}" for key in ("device cpu", "cpu device", "cpu cpu")),
                " / ".join(f"{run['z_cpu']:.1f}" for run in runs),
                f"{max(abs(run['z'] - run['z_cpu']) for run in runs):.2g}",
                f"{min(run['start_cpu'] for run in runs):.0f}",
                f"{sum(run['thief_related'] for run in runs)} of {len(runs)}",
                _yes(repeated["twice"]),
                _yes(repeated["resumed"]),
            ]
        )
    columns = [
        "Network, picture",
        "z, GPU to CPU",
        "z, CPU to GPU",
        "z, CPU alone",
        "z, trained on GPU",
        "Readings differ by",
    ]
    columns += ["Least start score", "Copies flagged", "Same file twice", "Same after a crash"]
    note = (
        "z of a mark embedded in an untrained network on one device and looked for on the other (8 is present); then "
        "of models trained on the GPU, read on the processor, and how far a reading on the GPU is from that. A "
        "permuted copy made on the GPU is compared with the original on the processor. *Same*: two trainings of one "
        "seed and number of epochs end in equal bytes, also when one was stopped after 37 steps and went on from its "
        "checkpoint."
    )
    return Table("Marks across devices, and repeatability", columns, rows, note)


def _sayings(measured: dict[str, Any]) -> Table:
    said, held = measured["fallbacks"], measured["held"]
    late = "; ".join(
        f"{name}: {short(abs(seconds))} {'after' if seconds > 0 else 'before'} it"
        for name, seconds in measured["overrun"].items()
    )
    rows = [
        ["`--gpu 9`", said["absent"]],
        ["Too little memory", said.get("memory", "not tried")],
        [f"A deadline {measured['deadline']:g} s ahead; handed over", late],
        ["MiB held after each of five trainings", " / ".join(f"{size / 2**20:.0f}" for size in held)],
    ]
    note = (
        "Memory was limited to a hundredth of the GPU's for that. A training ends with a MemoryError, which programs "
        "take for a failure of the machine and not of the task or the model: the duty is tried again, nobody is voted "
        "against."
    )
    return Table("At the edges", ["What", "What happens"], rows, note)


def _each(values: Any) -> str:
    return " / ".join(str(value) for value in values)


def _yes(value: bool) -> str:
    return "yes" if value else "**no**"


TEXT = """\
Miners train and score on a GPU where they have one, and so may validators score: here on {device} with torch
{torch}, beside {threads} threads on the processor of the same machine. The pictures are drawn from a seed: patterns of
ten classes, moved, mixed and disturbed, so that nobody gets all of them right. Speeds are taken in turns over
{window:g} s each.

**{verdict}**
"""
