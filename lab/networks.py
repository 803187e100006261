"""The architectures that are attacked, and how an honest miner trains them."""

from __future__ import annotations

from collections.abc import Mapping

from dlbc.errors import UsageError
from dlbc.ml.models import NAMES

Architecture = Mapping[str, object]

NETWORKS: dict[str, Architecture] = {
    "lenet": {"name": "lenet", "width": 32},
    "resnet": {"name": "resnet", "depth": 8, "width": 16},
    "unet": {"name": "unet", "width": 8, "levels": 2},
    "transformer": {"name": "transformer", "width": 64, "depth": 2, "heads": 4, "patch": 4},
    "mlp": {"name": "mlp", "hidden": 128, "layers": 2},
}
FLAT = frozenset({"mlp"})  # sees no image, and is left out unless asked for

HONEST_EPOCHS: dict[str, dict[str, int]] = {  # of a training from scratch, by task
    "digits": {"lenet": 20, "resnet": 10, "unet": 30, "transformer": 25, "mlp": 30},
    "scenes": {"lenet": 40, "resnet": 20, "unet": 60, "transformer": 100, "mlp": 60},
}


def architecture(text: str) -> Architecture:
    """From "resnet", as the laboratory has it, or "resnet,depth=8,width=16".

    Raises:
        UsageError: it is neither. Whether the arguments are allowed is for `dlbc.ml.models.build` to say.
    """
    name, *arguments = text.split(",")
    if not arguments and name in NETWORKS:
        return NETWORKS[name]
    if name not in NAMES:
        raise UsageError(f"no architecture {name[:60]!r}; there are {', '.join(NAMES)}")
    chosen: dict[str, object] = {"name": name}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not value.isascii() or not value.isdigit() or len(value) > 9:
            raise UsageError(f"{argument[:60]!r} is no argument of an architecture; write {name},width=16 and the like")
        chosen[key.strip()] = int(value)
    return chosen
