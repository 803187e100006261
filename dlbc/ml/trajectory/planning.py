"""From a miner's settings to a recipe: the cycle of `dlbc.ml.training`, with every rate written down beforehand."""

from __future__ import annotations

import math
from dataclasses import replace

from dlbc.ml.batches import batch_size, held_out_count
from dlbc.ml.schedule import final_epochs, final_rate, main_rate
from dlbc.ml.training import Settings
from dlbc.ml.trajectory.recipe import BILLION, LEAST_SHARE, MILLION, Recipe, most_momentum

SEGMENT = 5  # steps: what validators run again is proportional to it
LONG = 20_000  # steps from which on segments are twice as long: half as many leaves, and little is run again anyway
MOMENTUM = 900_000  # millionths, where a segment is long enough for it to fade
MOST_ENTRIES = 1_000  # of the schedule
MOST_DECAY = 1.4  # sum of rate times decay; a recipe may have 1.5
# Steps up to which the rate is the full one, and the power of their number by which it falls in longer trainings: how
# far these get from their start grows with more than the root of the steps, and has to stay bounded (`nearness`).
FULL_RATE, FALL = 1_000, 2 / 3


def plan(
    settings: Settings,
    samples: int,
    steps: int,
    *,
    marked: bool = True,
    segment: int | None = None,
    precision: str = "fp32",
) -> Recipe:
    """The recipe of a training of about `steps` steps: main phase, mark, and a final phase of a tenth.

    Args:
        settings: as for `dlbc.ml.training.train`, without the pull, which no recipe can have. Decay is lowered where a
            long training would exceed what a recipe may have, and the rate in a training of over `FULL_RATE` steps.
        samples: in the training set.
        steps: rounded down to whole segments, at least four of them.
        segment: steps between two commitments; None for what suits so many steps.
    """
    segment = segment or (SEGMENT if steps < LONG else 2 * SEGMENT)
    held = held_out_count(settings.held_out, samples)
    batch = batch_size(settings.batch, samples - held)
    count = max(4, steps // segment)
    epoch = max(1, (samples - held) // batch)
    tail = epoch * final_epochs(steps // epoch)
    final = min(max(1, -(-tail // segment)), max(1, count // 4))
    schedule = _cycle((count - final) * segment, final * segment)
    shares = [share for _, share in schedule]
    ends = [*(first for first, _ in schedule[1:]), count * segment]
    peak = settings.rate * min(1.0, (FULL_RATE / (count * segment)) ** FALL)
    whole = peak * sum(s * (e - f) for s, e, (f, _) in zip(shares, ends, schedule, strict=True)) / MILLION
    excess = max(1.0, whole * settings.weight_decay / MOST_DECAY)
    return Recipe(
        optimizer="adamw",
        peak=round(peak * BILLION),
        schedule=schedule,
        steps=count * segment,
        segment=segment,
        batch=batch,
        held_out=held,
        momentum=min(MOMENTUM, most_momentum(segment)),
        weight_decay=int(settings.weight_decay / excess * MILLION),
        smoothing=round(settings.smoothing * MILLION),
        clip=round(settings.clip * MILLION),
        augmentation="shift",
        precision=precision,
        reset_every=0,
        mark_at=(count - final) * segment if marked else 0,
    )


def shorten(recipe: Recipe, at: int, left: int) -> Recipe:
    """The same cycle with what comes from step `at` on pressed into `left` steps: for a machine slower than planned.

    Both numbers are multiples of the segment; main and final phase keep their proportion where both are still ahead.
    """
    segments = left // recipe.segment
    mark = recipe.mark_at if recipe.mark_at > at else at
    main = recipe.segment * (segments * (mark - at) // (recipe.steps - at))
    new_mark, end = at + main, at + segments * recipe.segment

    def moved(step: int) -> int:
        if step < mark:
            return at + (step - at) * main // (mark - at)
        return new_mark + (step - mark) * (end - new_mark) // (recipe.steps - mark)

    done = {first: share for first, share in recipe.schedule if first <= at}
    done[at] = next(share for first, share in reversed(recipe.schedule) if first <= at)
    ahead = {moved(first): share for first, share in recipe.schedule if first > at}
    schedule = tuple(sorted(({**done, **{first: s for first, s in ahead.items() if first < end}}).items()))
    mark_at = new_mark if recipe.mark_at > at else recipe.mark_at
    return replace(recipe, schedule=schedule, steps=end, mark_at=mark_at)


def _cycle(main: int, final: int) -> tuple[tuple[int, int], ...]:
    stride = -(-(main + final) // MOST_ENTRIES)
    rates = {step: main_rate(step / main) for step in range(0, main, stride)}
    rates |= {main + step: final_rate(step / final) for step in range(0, final, stride)}
    least = math.ceil(MILLION / LEAST_SHARE)
    return tuple((step, max(least, round(rate * MILLION))) for step, rate in sorted(rates.items()))
