"""Which experiments there are: one cell for each task, architecture, owner, attack and number of epochs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dlbc.errors import InvalidTask, UsageError
from dlbc.ml.attacks import ATTACKS, chosen, epochs_spent
from lab.networks import FLAT, NETWORKS
from lab.tasks import TASKS

QUICK_BUDGET = 3  # epochs, as long as the paper embeds
BUDGET = 10
CURVES = ("ftal-hard", "diverge", "distil", "graft", "graft-hard")  # of which is asked how they go on, epoch by epoch
QUICK_STATIONS = (1, 2, 3, 4, 6, 10, 20, 30)
STATIONS = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30)  # to the 30 epochs that the paper says a thief needs
COMBINATIONS = ("prune+ftal-hard", "fine-prune+diverge", "shift+overwrite", "merge+diverge", "regularise+ftal-hard")
QUICK_COMBINATIONS = COMBINATIONS[:2]


@dataclass(frozen=True, order=True)
class Cell:
    """One experiment.

    Attributes:
        seed: number of the owner, and of the thief.
        attack: names of `ATTACKS` joined by "+".
        budget: epochs for each of them that trains.
    """

    task: str
    architecture: str
    seed: int
    attack: str
    budget: int

    @property
    def epochs(self) -> int:
        """That the thief spends."""
        return epochs_spent(self.attack, self.budget)

    def in_words(self) -> str:
        """As "digits · lenet 0 · ftal, 3 epochs"."""
        plural = "" if self.epochs == 1 else "s"
        return f"{self.task} · {self.architecture} {self.seed} · {self.attack}, {self.epochs} epoch{plural}"


@dataclass(frozen=True)
class Choice:
    """What of everything is run. Empty fields choose all that is usual."""

    tasks: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    attacks: tuple[str, ...] = ()


def choose(words: Iterable[str]) -> Choice:
    """A choice from words, each the name of a task, an architecture or an attack.

    Raises:
        UsageError: a word is none of them.
    """
    choice = Choice()
    for word in words:
        if word in TASKS:
            choice = replace(choice, tasks=(*choice.tasks, word))
        elif word in NETWORKS:
            choice = replace(choice, architectures=(*choice.architectures, word))
        else:
            try:
                chosen(word)
            except InvalidTask:
                known = f"tasks {', '.join(TASKS)}; architectures {', '.join(NETWORKS)}; attacks {', '.join(ATTACKS)}"
                raise UsageError(f"--only {word[:60]!r}: no task, architecture or attack; there are {known}") from None
            choice = replace(choice, attacks=(*choice.attacks, word))
    return choice


def plan(choice: Choice, seeds: int, *, quick: bool) -> list[Cell]:
    """All cells of a choice, an owner's together, so that each is trained once.

    Args:
        quick: the digits alone unless tasks are chosen, three epochs a thief, a few curves.
    """
    tasks = choice.tasks or (("digits",) if quick else tuple(TASKS))
    networks = choice.architectures or tuple(name for name in NETWORKS if name not in FLAT)
    cells = [
        Cell(task, network, seed, name, budget)
        for task in tasks
        for network in networks
        for seed in range(seeds)
        for name, budget in _attacks(choice.attacks, quick=quick)
    ]
    return list(dict.fromkeys(cells))


def _attacks(names: tuple[str, ...], *, quick: bool) -> Iterator[tuple[str, int]]:
    for name in names or (*ATTACKS, *(QUICK_COMBINATIONS if quick else COMBINATIONS)):
        if epochs_spent(name, 1) == 0:
            yield name, 0
            continue
        budget, stations = (QUICK_BUDGET, QUICK_STATIONS) if quick else (BUDGET, STATIONS)
        yield from ((name, epochs) for epochs in (stations if name in CURVES else (budget,)))
