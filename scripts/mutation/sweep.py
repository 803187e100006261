"""From one mutant to the next: which runs each of them gets, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from scripts.mutation import order
from scripts.mutation.campaign import Copy, Result
from scripts.mutation.points import Mutant

# A mutant may make the tests slower without making them wrong, and so may whatever else the machine does meanwhile.
# Loops without an end are over sooner: they run out of gas.
SLACK_SECONDS, SLACK_FACTOR = 60.0, 10.0


def sweep(
    copy: Copy, mutants: Sequence[Mutant], killers: order.Killers, workers: int, *, only_short: bool
) -> Iterator[Result]:
    """First all mutants with the short tests, then the survivors of these with the long ones.

    What survived the short tests is yielded twice: a sweep that is broken off has a result for it.

    Raises:
        SystemExit: the tests fail without any mutant.
    """

    def limit(arguments: Sequence[str]) -> float:
        seconds = copy.check(arguments)
        print(f"without any mutant the tests pass in {seconds:.1f} s: {' '.join(arguments)}", flush=True)
        return SLACK_SECONDS + SLACK_FACTOR * workers * seconds

    copy.build()
    short = limit(order.SHORT_RUN)
    survivors = []
    for result in _each(lambda mutant: copy.run(mutant, order.short(mutant, killers), short), mutants, workers):
        killers.learn(result.mutant.file, result.mutant.function, result.test)
        if result.outcome == "survived":
            survivors.append(result.mutant)
        yield result
    if survivors and not only_short:
        long = limit(order.LONG_RUN)
        yield from _each(lambda mutant: copy.run(mutant, [order.LONG_RUN], long), survivors, workers)


def _each(run: Callable[[Mutant], Result], mutants: Sequence[Mutant], workers: int) -> Iterator[Result]:
    """Results as they come."""
    with ThreadPoolExecutor(workers) as pool:
        try:
            for place, future in enumerate(as_completed([pool.submit(run, mutant) for mutant in mutants]), 1):
                result = future.result()
                print(
                    f"{place}/{len(mutants)} {result.outcome} {result.seconds:.1f} s  {result.mutant}  {result.test}",
                    flush=True,
                )
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
