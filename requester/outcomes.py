"""What becomes of a task, in words: before it is submitted (all that can happen) and after (what did)."""

from __future__ import annotations

from collections.abc import Mapping

from dlbc.types import Outcome, TaskStatus

# What happens: the model, the fee (less the tips), the bond. `contracts/hub/Settlement.sol` pays accordingly.
TABLE: Mapping[Outcome, tuple[str, str, str, str]] = {
    Outcome.BLOCK: ("a model reaches the minimum", "yours, and public", "paid out", "back"),
    Outcome.NO_COMMIT: ("no miner takes the task", "-", "back, less the slot fee", "back"),
    Outcome.NO_CLAIM: ("miners commit, but nobody claims a score", "-", "back, less the slot fee", "back"),
    Outcome.BELOW_THRESHOLD: (
        "no model reaches the minimum",
        "-",
        "back, less the slot fee; if models were opened and judged: spent",
        "back",
    ),
    Outcome.NO_MODEL: ("no listed miner shows his model", "-", "back, less the slot fee", "back"),
    Outcome.NO_QUORUM: ("too few validators vote", "-", "miners' share spent", "back"),
    Outcome.KEY_WITHHELD: ("YOU do not show the test key in time", "-", "back", "LOST"),
    Outcome.TASK_FAULT: ("your data is not what you declared, or cannot be had", "-", "LOST", "LOST"),
}

ADVICE: Mapping[Outcome, str] = {
    Outcome.BLOCK: "`dlbc-request download` fetches the model again at any time while a miner serves it.",
    Outcome.NO_COMMIT: "Nobody found it worth while: a higher fee or more training time attracts miners.",
    Outcome.KEY_WITHHELD: "Keep `dlbc-request watch` running from submission until the key is shown.",
    Outcome.NO_CLAIM: "Miners committed models and did not stand by them; submit again.",
    Outcome.BELOW_THRESHOLD: "Lower the minimum, or give more training time or a larger network.",
    Outcome.NO_MODEL: "The miners who claimed the best scores are slashed; submit again.",
    Outcome.TASK_FAULT: "Validators could not get the data as declared; keep it served all the time.",
    Outcome.NO_QUORUM: "Too few validators are at work; submit again when there are more.",
}

STATUS_WORDS: Mapping[TaskStatus, str] = {
    TaskStatus.NONE: "unknown",
    TaskStatus.QUEUED: "waiting in the queue",
    TaskStatus.OPEN: "in a round",
    TaskStatus.DONE: "done: a model was delivered",
    TaskStatus.FAILED: "ended without a model",
    TaskStatus.CANCELLED: "cancelled",
}

EXPECTED: Mapping[Outcome, str] = {
    Outcome.NONE: "the committee will judge again",
    Outcome.BLOCK: "a model is found",
    Outcome.BELOW_THRESHOLD: "no model reaches the minimum",
    Outcome.TASK_FAULT: "the data are found not to be what was declared, or cannot be had",
}

LAPTOP = (
    "Keep this program running until the test key is shown: it serves the data to the miners, and if the key "
    "is not shown in its window, the bond is lost. It may be stopped and started again with "
    "`dlbc-request watch`."
)
PUBLIC = "The winning model becomes public: its key is shown on the chain, and so is the test key."
