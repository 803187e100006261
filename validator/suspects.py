"""Which earlier models a candidate is aligned with: all of a few, of many those whose fingerprints are alike.

Aligning a pair costs seconds, comparing fingerprints nothing: so what a validator spends on a candidate grows with the
root of the number of earlier models (docs/decisions/0020-watermark-for-more-layers.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dlbc.ml.channels import Network
from dlbc.ml.watermark import Fingerprint, worth_aligning
from dlbc.types import ZERO_BYTES32

FEW = 8  # so many are all aligned: fingerprints would save next to nothing


@dataclass(frozen=True)
class Earlier:
    """A model that a thief could have started from.

    Attributes:
        name: in words.
        digest: its commitment's hash.
        seed: m of its miner, of which his public mark is made.
        load: gives the network, or None where it cannot be had or is of another architecture; asked only where
            something has to be compared with it.
        opened_in: EVM block in which its key was shown.
        parent: digest of what its miner declared to improve.
    """

    name: str
    digest: bytes
    seed: bytes
    load: Callable[[], Network | None]
    opened_in: int = 0
    parent: bytes = ZERO_BYTES32


@dataclass(frozen=True)
class Subject:
    """A candidate whose origin is looked for.

    Attributes:
        model: None where only what is known already can be said.
        committed_in: EVM block of its commit; what was opened in it or later cannot be its origin.
        known: digests of earlier models that it was compared with before.
    """

    model: Network | None
    committed_in: int
    known: Collection[bytes] = ()


def suspects(
    subjects: Sequence[Subject],
    earlier: Sequence[Earlier],
    print_of: Callable[[Network], Fingerprint | None],
) -> list[tuple[Earlier, list[int]]]:
    """The earlier models that are worth aligning with, the likeliest first, each with the places of its subjects.

    Args:
        print_of: a network's fingerprint, or None where there is none in time. What has none is aligned: a model that
            was made slow must not escape by it.
    """
    prints: dict[int, Fingerprint | None] = {}
    gone: set[int] = set()  # nobody serves them, and asking takes time: once is enough

    def take_print(place: int) -> None:
        model = earlier[place].load()
        if model is None:
            gone.add(place)
        else:
            prints[place] = print_of(model)

    def ranked(subject: Subject) -> list[int]:
        possible = [place for place, origin in enumerate(earlier) if origin.opened_in < subject.committed_in]
        if len(possible) <= FEW or subject.model is None:
            return possible
        ours = print_of(subject.model)
        if ours is None:
            return possible
        for place in possible:
            if place not in prints and place not in gone:
                take_print(place)
        known = [place for place in possible if earlier[place].digest in subject.known]
        there = [place for place in possible if place not in gone]
        printed = [(place, found) for place in there if (found := prints[place]) is not None]
        alike = worth_aligning(ours, [found for _, found in printed])
        unprinted = [place for place in there if prints[place] is None]
        return list(dict.fromkeys([*known, *(printed[index][0] for index in alike), *unprinted]))

    best: dict[int, int] = {}
    chosen: dict[int, list[int]] = {}
    for index, subject in enumerate(subjects):
        for rank, place in enumerate(ranked(subject)):
            best[place] = min(rank, best.get(place, rank))
            chosen.setdefault(place, []).append(index)
    return [(earlier[place], chosen[place]) for place in sorted(chosen, key=lambda place: (best[place], place))]
