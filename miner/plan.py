"""When to stop training so that the commit is mined in time. Pure: times go in, times come out.

    ... training, last epoch marked | checking, saving | encrypting, uploading | >= 3 blocks | commitEnd
                        stop_training                                     commit_by

What the steps cost is measured on the miner's own machine and remembered in the journal (`Costs`): the first
round is planned with cautious guesses, later ones with facts.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

MARGIN_BLOCKS = 3  # one to be late, one to be missed, one to be mined in
LEAST_MARGIN_SECONDS = 3.0
CAUTION = 1.5  # on everything measured: other programs share the machine
FADE = 0.7  # how much of a cheaper measurement's gain is left out, so that one lucky run does not decide


@dataclass(frozen=True)
class Costs:
    """Seconds that finishing takes, as measured.

    Attributes:
        finish: checking the mark and saving the model.
        per_byte: encrypting and uploading, for each byte of the model file.
        submit: encrypting, uploading and sending, besides what grows with the file.
    """

    finish: float = 0.5
    per_byte: float = 5e-7  # 2 MB/s
    submit: float = 1.0

    def upload(self, size: int) -> float:
        """Seconds from the saved model file to the sent transaction."""
        return self.submit + self.per_byte * size

    def learn(self, *, finish: float | None = None, submit: float | None = None, size: int = 0) -> Costs:
        """These costs after one more measurement: what was dearer counts at once, what was cheaper fades in.

        Args:
            finish: seconds from the end of training to the saved file.
            submit: seconds from the saved file to the sent transaction, for a file of `size` bytes.
        """
        costs = self
        if finish is not None:
            costs = replace(costs, finish=_blend(costs.finish, finish))
        if submit is not None:
            factor = _blend(self.upload(size), submit) / self.upload(size)
            costs = replace(costs, submit=costs.submit * factor, per_byte=costs.per_byte * factor)
        return costs

    def to_json(self) -> dict[str, float]:
        """For the journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Costs:
        """From the journal; anything else than what `to_json` gave is forgotten."""
        if not isinstance(value, dict) or set(value) != set(asdict(cls())):
            return cls()
        return cls(**{name: max(1e-9, float(seconds)) for name, seconds in value.items()})


@dataclass(frozen=True)
class Plan:
    """The deadlines of one round, in seconds of the chain's clock.

    Attributes:
        commit_end: the contracts take no commit at this time or later.
        commit_by: the commit is sent no later than this.
        stop_training: the network is finished no later than this.
    """

    commit_end: int
    commit_by: float
    stop_training: float


def plan(commit_end: int, block_seconds: float, costs: Costs, model_bytes: int) -> Plan:
    """Deadlines of a round whose model file has `model_bytes`."""
    commit_by = commit_end - max(LEAST_MARGIN_SECONDS, MARGIN_BLOCKS * block_seconds)
    return Plan(commit_end, commit_by, commit_by - CAUTION * (costs.finish + costs.upload(model_bytes)))


def reserve(block_seconds: float, costs: Costs, model_bytes: int) -> float:
    """Seconds before `commitEnd` that are not for training."""
    return -plan(0, block_seconds, costs, model_bytes).stop_training


def hopeless(accuracy: float, held_out: int, minimum: float) -> bool:
    """Whether a model that gets `accuracy` of `held_out` samples right can hardly reach the task's `minimum`.

    A commit locks stake and earns nothing below the minimum. Three standard deviations are allowed for, since few
    samples say little; without any the model is given the benefit of the doubt.
    """
    if held_out <= 0:
        return False
    return accuracy < minimum - 3 * math.sqrt(max(0.01, minimum * (1 - minimum)) / held_out)


def surely_reaches(accuracy: float, held_out: int, minimum: float) -> bool:
    """Whether held-out data leave hardly a doubt that a model reaches `minimum`: three standard deviations, and none
    without samples.
    """
    if held_out <= 0:
        return False
    return accuracy - 3 * math.sqrt(max(0.01, accuracy * (1 - accuracy)) / held_out) >= minimum


def _blend(known: float, measured: float) -> float:
    return measured if measured >= known else known * FADE + measured * (1 - FADE)
