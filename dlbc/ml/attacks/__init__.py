"""What a thief can do to a model: one family of attacks a file, all of them by name in `ATTACKS`.

For demonstrations, for the laboratory and for tests. Settings follow the field's toolbox (Lukas et al., IEEE S&P 2022).
"""

from dlbc.ml.attacks.registry import ATTACKS, UNTRAINED, Attack, attack, chosen, epochs_spent
from dlbc.ml.attacks.structural import permute_channels, rotate_streams, shuffle_features

__all__ = [
    "ATTACKS",
    "UNTRAINED",
    "Attack",
    "attack",
    "chosen",
    "epochs_spent",
    "permute_channels",
    "rotate_streams",
    "shuffle_features",
]
