"""What a miner declares about his training: data, never code, so that a stranger can run any piece of it again.

Every number is an integer of a fixed unit, and every bound is a refusal that names its field. What is not a field
cannot be done: another loss, a teacher, more data, a negative rate, an undeclared reset of the optimizer's state; nor
a pull towards the start, which would lead from a stolen model back there and leave no trace of the jump.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NoReturn

from dlbc.errors import InvalidArtifact

MILLION = 1_000_000  # shares and coefficients are counted in millionths
BILLION = 1_000_000_000  # learning rates in billionths
MAX_RUNGS = 2_000
MAX_BYTES = 65_536
LEAST_SHARE = 10_000  # a rate is at least 1/10,000 of the largest: steps that hardly move would fake a path
MOST_DECAY = 3 * BILLION * MILLION * MILLION // 2  # sum of rate times decay is at most 1.5: more forgets a stolen start
MOST_KEPT = 35  # percent of its momentum may be left after a segment; a forged one would earn progress in several
LEAST_RESET = 100  # steps between two resets of the optimizer's state
_TAG = b"DLBC/trajectory/recipe/1\x00"

OPTIMIZERS = ("adamw", "sgd")
AUGMENTATIONS = ("none", "shift")
PRECISIONS = ("fp32", "tf32", "bf16")

_RANGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "peak": (1, BILLION),
        "steps": (2, 100_000_000),
        "segment": (1, 1_000),
        "batch": (2, 1 << 20),
        "held_out": (0, 5_000),
        "momentum": (0, 950_000),
        "weight_decay": (0, 100 * MILLION),
        "smoothing": (0, 200_000),
        "clip": (1, 1_000 * MILLION),
        "reset_every": (0, 100_000_000),
        "mark_at": (0, 100_000_000),
    }
)
_CHOICES = MappingProxyType({"optimizer": OPTIMIZERS, "augmentation": AUGMENTATIONS, "precision": PRECISIONS})


@dataclass(frozen=True)
class Bounds:
    """What a task allows beyond the protocol's own bounds.

    Attributes:
        peaks: largest learning rate of each optimizer, billionths; one that is missing is not allowed.
        batch: largest number of samples a step.
        steps: largest number of steps.
        segment: largest number of steps between two commitments. With the batch it bounds what one window costs to run
            again: what validators cannot run again in time they cannot flag.
        precisions: those that validators have the hardware for.
    """

    peaks: Mapping[str, int] = field(default_factory=lambda: {"adamw": 20_000_000, "sgd": 500_000_000})
    batch: int = 256
    steps: int = 400_000
    segment: int = 30
    precisions: tuple[str, ...] = PRECISIONS


@dataclass(frozen=True)
class Recipe:
    """One training, from start to end.

    Attributes:
        optimizer: "adamw" (decay rates `momentum` and 0.999, epsilon 1e-8) or "sgd" (with momentum). Momentum is of
            gradients times the rate that they came at.
        peak: learning rate that the schedule's shares are of, billionths.
        schedule: (first step, share of the peak in millionths), by step; a share holds until the next one's first
            step. The first step of all is 0.
        steps: optimizer steps, a multiple of `segment`.
        segment: steps between two commitments (k).
        batch: samples a step.
        held_out: training samples that the seed keeps from training.
        momentum: millionths.
        weight_decay: decoupled, towards 0, on tensors of two and more dimensions; millionths.
        smoothing: share of the target spread over all labels, millionths.
        clip: largest norm of the gradient, millionths.
        augmentation: "shift", by as many pixels as `augment.reach` says and the seed decides, or "none".
        precision: in which products are computed; weights stay float32.
        reset_every: the optimizer's state begins anew every so many steps; 0 for never.
        mark_at: the watermark is embedded before this step, a multiple of `segment`; 0 for a training without.
    """

    optimizer: str
    peak: int
    schedule: tuple[tuple[int, int], ...]
    steps: int
    segment: int
    batch: int
    held_out: int
    momentum: int
    weight_decay: int
    smoothing: int
    clip: int
    augmentation: str
    precision: str
    reset_every: int
    mark_at: int

    def rate(self, step: int) -> float:
        """Learning rate of a step: one correctly rounded division of integers, equal everywhere."""
        share = self.schedule[bisect_right(self.schedule, (step, self.peak * MILLION)) - 1][1]
        return self.peak * share / (BILLION * MILLION)

    def age(self, step: int) -> int:
        """How many steps the optimizer's state has seen before this one."""
        return step % self.reset_every if self.reset_every else step

    @property
    def stations(self) -> tuple[int, ...]:
        """The steps before which states are committed to: 0, k, 2k, …, steps; the one of the mark twice, before and
        after it.
        """
        steps = list(range(0, self.steps + 1, self.segment))
        if self.mark_at:
            steps.insert(self.mark_at // self.segment, self.mark_at)
        return tuple(steps)

    @property
    def mark_station(self) -> int | None:
        """Number of the station just before the mark; None where there is none."""
        return self.mark_at // self.segment if self.mark_at else None

    @property
    def encoded(self) -> bytes:
        """Canonical JSON: RFC 8785 with integers only, as `dlbc.wire.canonical` writes it."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def digest(self) -> bytes:
        """recipeHash, 32 bytes."""
        return hashlib.sha256(_TAG + self.encoded).digest()


def most_momentum(segment: int) -> int:
    """What `check` allows, for at most `MOST_KEPT` percent may be left of it; millionths, whole thousandths of one."""
    return next(m for m in range(999_000, -1, -1_000) if 100 * m**segment <= MOST_KEPT * MILLION**segment)


def decode(encoded: bytes) -> Recipe:
    """A recipe from a stranger's bytes. Follow with `check`.

    Raises:
        InvalidArtifact: no canonical JSON of exactly a recipe's fields.
    """
    if len(encoded) > MAX_BYTES:
        raise InvalidArtifact(f"recipe: {len(encoded):,} bytes, at most {MAX_BYTES:,} are allowed")
    try:
        value = json.loads(encoded.decode("ascii"), parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise InvalidArtifact(f"recipe: not JSON of integers and ASCII text ({str(error)[:80]})") from error
    names = {item.name for item in fields(Recipe)}
    if not isinstance(value, dict) or set(value) != names:
        raise InvalidArtifact(f"recipe: needs exactly the fields {', '.join(sorted(names))}")
    recipe = Recipe(**{**value, "schedule": _rungs(value["schedule"])})
    _check_types(recipe)
    if recipe.encoded != encoded:
        raise InvalidArtifact("recipe: not canonical: names sorted and once each, no spaces, no needless escapes")
    return recipe


def check(recipe: Recipe, bounds: Bounds | None = None, samples: int | None = None) -> None:
    """That the recipe is within the protocol's bounds and the task's.

    Args:
        samples: in the training set, where that is known.

    Raises:
        InvalidArtifact: naming the field, what was found and what is allowed.
    """
    bounds = bounds or Bounds()
    _check_types(recipe)
    if recipe.optimizer not in bounds.peaks:
        _refuse("optimizer", recipe.optimizer, f"this task allows {', '.join(sorted(bounds.peaks))}")
    if recipe.precision not in bounds.precisions:
        _refuse("precision", recipe.precision, f"this task allows {', '.join(bounds.precisions)}")
    most = {"peak": bounds.peaks[recipe.optimizer], "batch": bounds.batch, "steps": bounds.steps}
    for name, limit in {**most, "segment": bounds.segment}.items():
        if getattr(recipe, name) > limit:
            _refuse(name, getattr(recipe, name), f"this task allows at most {limit:,}")
    if recipe.steps % recipe.segment or recipe.steps < 2 * recipe.segment:
        _refuse(
            "steps", recipe.steps, f"a multiple of the segment, {recipe.segment}, and at least two of them is needed"
        )
    if recipe.mark_at % recipe.segment or recipe.mark_at >= recipe.steps:
        _refuse("mark_at", recipe.mark_at, f"a multiple of the segment, {recipe.segment}, below the steps is needed")
    if 100 * recipe.momentum**recipe.segment > MOST_KEPT * MILLION**recipe.segment:
        _refuse(
            "momentum", recipe.momentum, f"at most {MOST_KEPT} % of it may be left after a segment: take longer ones"
        )
    if recipe.reset_every and recipe.reset_every < LEAST_RESET:
        _refuse("reset_every", recipe.reset_every, f"0, or at least {LEAST_RESET} steps, is needed")
    if samples is not None and recipe.held_out > samples - 2:
        _refuse("held_out", recipe.held_out, f"at least two of {samples:,} samples are to be trained on")
    _check_schedule(recipe)
    decay = sum(share * (end - first) for first, end, share in _spans(recipe))
    if decay * recipe.peak * recipe.weight_decay > MOST_DECAY:
        total = decay * recipe.peak * recipe.weight_decay / (BILLION * MILLION * MILLION)
        _refuse("weight_decay", recipe.weight_decay, f"the sum of rate times decay is {total:.2f}, over 1.5")


def _check_schedule(recipe: Recipe) -> None:
    if not 1 <= len(recipe.schedule) <= MAX_RUNGS or recipe.schedule[0][0] != 0:
        _refuse("schedule", len(recipe.schedule), f"1 to {MAX_RUNGS:,} entries are needed, the first for step 0")
    largest = max(share for _, share in recipe.schedule)
    for number, (first, share) in enumerate(recipe.schedule):
        if not largest <= share * LEAST_SHARE or not share <= MILLION:
            _refuse(
                f"schedule[{number}]", share, f"a share from 1/{LEAST_SHARE:,} of the largest to {MILLION:,} is needed"
            )
        if first >= recipe.steps:
            _refuse(f"schedule[{number}]", first, f"begins after the last of {recipe.steps:,} steps")
    for number, ((first, _), (second, _)) in enumerate(pairwise(recipe.schedule)):
        if second <= first:
            _refuse(f"schedule[{number + 1}]", second, "first steps must rise")


def _check_types(recipe: Recipe) -> None:
    for name, choices in _CHOICES.items():
        if getattr(recipe, name) not in choices:
            _refuse(name, getattr(recipe, name), f"one of {', '.join(choices)} is needed")
    for name, (low, high) in _RANGES.items():
        value = getattr(recipe, name)
        if type(value) is not int or not low <= value <= high:  # bool is an int, and not a number of steps
            _refuse(name, value, f"an integer from {low:,} to {high:,} is needed")


def _rungs(value: object) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not all(_pair(item) for item in value):
        _refuse("schedule", value, "a list of [first step, share] is needed")
    return tuple((first, share) for first, share in value)


def _pair(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(type(n) is int and 0 <= n <= 2**53 - 1 for n in item)


def _spans(recipe: Recipe) -> Iterator[tuple[int, int, int]]:
    """(first step, step after the last, share) of each entry of the schedule."""
    ends = [*(first for first, _ in recipe.schedule[1:]), recipe.steps]
    for (first, share), end in zip(recipe.schedule, ends, strict=True):
        yield first, end, share


def _refuse(name: str, found: Any, rule: str) -> NoReturn:
    raise InvalidArtifact(f"recipe.{name}: found {str(found)[:60]}; {rule}")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")
