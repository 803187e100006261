"""Every attack by the name that a command line takes."""

from __future__ import annotations

import copy
from collections.abc import Callable

from dlbc.errors import InvalidTask
from dlbc.ml import prg
from dlbc.ml.attacks import extraction, finetuning, removal, replacement, structural, weights
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset

Attack = Callable[[Network, Dataset, int, bytes], Network]


def nothing(model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """The stolen model as it is."""
    return model


def _structural(change: Callable[[Network, bytes], None]) -> Attack:
    def attack(model: Network, _data: Dataset, _budget: int, seed: bytes) -> Network:
        change(model, seed)
        return model

    attack.__doc__ = change.__doc__
    return attack


ATTACKS: dict[str, Attack] = {
    "nothing": nothing,
    "shuffle": _structural(structural.shuffle_features),
    "permute": _structural(structural.permute_channels),
    "rotate": _structural(structural.rotate_streams),
    "ftal": finetuning.fine_tune_all,
    "ftal-hard": finetuning.fine_tune_hard,
    "ftll": finetuning.fine_tune_last,
    "rtal": finetuning.retrain_all,
    "rtll": finetuning.retrain_last,
    "regularise": finetuning.regularise,
    "adversarial": finetuning.train_adversarially,
    "prune": weights.prune,
    "prune-hard": weights.prune_hard,
    "fine-prune": weights.fine_prune,
    "quantise": weights.quantise,
    "quantise-4": weights.quantise_to_4_bits,
    "noise": weights.add_noise,
    "shift": weights.shift_weights,
    "reset-last": replacement.reset_last,
    "reset-first": replacement.reset_first,
    "merge": replacement.merge,
    "launder": replacement.launder,
    "graft": replacement.graft,
    "graft-hard": replacement.graft_hard,
    "overwrite": removal.overwrite,
    "overwrite-uchida": removal.overwrite_with_uchida,
    "diverge": removal.diverge,
    "retrain": extraction.retrain,
    "distil": extraction.distil,
}

UNTRAINED = frozenset({"nothing", "shuffle", "permute", "rotate", "quantise", "quantise-4"})  # cost no epoch


def chosen(names: str) -> list[str]:
    """The keys of `ATTACKS` that "permute+rotate+ftal" joins.

    Raises:
        InvalidTask: one of them is no attack.
    """
    found = names.split("+")
    if unknown := [name for name in found if name not in ATTACKS]:
        raise InvalidTask("attack", f"{unknown[0][:60]!r} is not known; choose of {', '.join(ATTACKS)}, joined by +")
    return found


def epochs_spent(names: str, budget: int) -> int:
    """Passes over the data that `attack` makes."""
    return budget * sum(name not in UNTRAINED for name in chosen(names))


def attack(names: str, model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """What a thief makes of a model, which is left as it is.

    Args:
        names: a key of `ATTACKS`, or several joined by "+", one after another: "permute+rotate+ftal".
        budget: epochs for each attack that trains; 0 applies the change alone.
        seed: 32 bytes, the thief's.

    Raises:
        InvalidTask: no such attack, or a negative budget.
    """
    parts = chosen(names)
    if budget < 0:
        raise InvalidTask("budget", f"is {budget}; a number of epochs from 0 on is needed")
    stolen = copy.deepcopy(model)
    for number, name in enumerate(parts):
        stolen = ATTACKS[name](stolen, data, budget, prg.derive(seed, f"attack/{number}/{name}"))
    return stolen.eval()
