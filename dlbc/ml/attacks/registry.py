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


def _structural(change: Callable[[Network, bytes], None]) -> Attack:
    def attack(model: Network, _data: Dataset, _budget: int, seed: bytes) -> Network:
        change(model, seed)
        return model

    return attack


ATTACKS: dict[str, Attack] = {
    "nothing": lambda model, _data, _budget, _seed: model,
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
    "overwrite": removal.overwrite,
    "overwrite-uchida": removal.overwrite_with_uchida,
    "diverge": removal.diverge,
    "retrain": extraction.retrain,
    "distil": extraction.distil,
}


def attack(names: str, model: Network, data: Dataset, budget: int, seed: bytes) -> Network:
    """What a thief makes of a model, which is left as it is.

    Args:
        names: a key of `ATTACKS`, or several joined by "+", one after another: "permute+rotate+ftal".
        budget: epochs for each attack that trains; 0 applies the change alone.
        seed: 32 bytes, the thief's.

    Raises:
        InvalidTask: no such attack, or a negative budget.
    """
    chosen = names.split("+")
    unknown = [name for name in chosen if name not in ATTACKS]
    if unknown:
        raise InvalidTask("attack", f"{unknown[0][:60]!r} is not known; choose of {', '.join(ATTACKS)}, joined by +")
    if budget < 0:
        raise InvalidTask("budget", f"is {budget}; a number of epochs from 0 on is needed")
    stolen = copy.deepcopy(model)
    for number, name in enumerate(chosen):
        stolen = ATTACKS[name](stolen, data, budget, prg.derive(seed, f"attack/{number}/{name}"))
    return stolen.eval()
