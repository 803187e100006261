"""How the miner says things to people."""

from __future__ import annotations

from dlbc.types import Outcome, Payment, Phase, Reason

OUTCOMES = {
    Outcome.NONE: "not decided",
    Outcome.BLOCK: "a block was made",
    Outcome.NO_COMMIT: "nobody committed a model",
    Outcome.KEY_WITHHELD: "the requester withheld the test key",
    Outcome.NO_CLAIM: "nobody claimed a score",
    Outcome.BELOW_THRESHOLD: "no model reached the task's minimum score",
    Outcome.NO_MODEL: "no listed miner showed a model key",
    Outcome.TASK_FAULT: "the committee found the task faulty",
    Outcome.NO_QUORUM: "too few validators voted",
}

REASONS = {
    Reason.UNOPENED: "the commit was never claimed",
    Reason.UNAVAILABLE: "the model key was not shown, or the model could not be fetched",
    Reason.INVALID: "the model is not what was committed",
    Reason.ABSENT: "a drawn seat did not vote",
    Reason.OVERCLAIMED: "the claim was more than four tolerances above what the committee measured",
    Reason.OFF_MEDIAN: "a vote was more than four tolerances from the median",
    Reason.STOLEN: "another miner's mark was found in the model",
}

PAYMENTS = {
    Payment.REFUND: "refund",
    Payment.BOND: "bond returned",
    Payment.WINNER: "won the round",
    Payment.SECOND: "second place",
    Payment.THIRD: "third place",
    Payment.PARENT: "parent of the winning model",
    Payment.VALIDATOR: "validator's share",
    Payment.EMISSION: "emission",
    Payment.COMPENSATION: "compensation",
    Payment.FINDER: "finder's share of a slash",
    Payment.TIP: "tips for chores",
    Payment.APPEAL_BOND: "bond of an appeal",
    Payment.CHALLENGE_BOND: "bond of a challenge",
    Payment.ACCUSATION_BOND: "bond of an accusation",
}

STAGES = {
    Phase.SETTLE: "opening",
    Phase.TRAIN: "training",
    Phase.GUARD: "commits are closed",
    Phase.KEY: "waiting for the test key",
    Phase.CLAIM: "claiming",
    Phase.ENLIST: "excluded claims may enter",
    Phase.SHOW: "showing model keys",
    Phase.SEAL: "drawing the committee",
    Phase.DRAW: "drawing the committee",
    Phase.PROVE: "proving",
    Phase.VOTE_COMMIT: "the committee votes",
    Phase.VOTE_REVEAL: "the committee votes",
    Phase.APPEAL: "the result may be appealed",
    Phase.TALLY: "waiting for the result",
    Phase.FINAL: "final",
}


def percent(share: float) -> str:
    """A share of 1, as "97.4 %"."""
    return f"{100 * share:.1f} %"


def seconds(left: float) -> str:
    """A time span, as "14 s", "3 min 5 s" or "2 h 4 min"."""
    whole = max(0, round(left))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def epoch(number: int, accuracy: float, left: float) -> str:
    """What a training miner shows: "epoch 12 · 97.4 % on held-out data · 14 s left"."""
    return f"epoch {number} · {percent(accuracy)} on held-out data · {seconds(left)} left"
