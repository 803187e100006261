"""What the user of `dlbc-miner start` decides, and the names of what the miner owes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlbc.service.outcomes import Wait

if TYPE_CHECKING:
    from dlbc.service import Context

# Duties. Those in LONG compute or move files, one at a time beside the loop; the others only talk to the
# chain.
TRAIN = "train"
SEAL = "seal"  #       encrypt, upload, write down the commitment
SCORE = "score"  #     open the test set, count, sign
RECOVER = "recover"  # rebuild a lost commitment
MONEY = "money"  # deposit, stake, withdraw, and what else a person orders
COMMIT = "commit"
CLAIM = "claim"
SHOW = "show"
ENLIST = "enlist"  # enter the list in a later epoch
PROVE = "prove"  # open what the draw asks for of a recorded training
SHOW_TRAJECTORY = "show-trajectory"
SETTLE = "settle"

LONG = frozenset({TRAIN, SEAL, SCORE, RECOVER, PROVE})
POLL_SECONDS = 1.0  # how often a duty asks whether its transaction is mined
GRACE_SECONDS = 60  # a duty outlives its deadline by so much: its action then says what happened
FAR = 1 << 40  # never comes, but sorts before no deadline: training has none, and gives way to all else


@dataclass(frozen=True)
class Options:
    """Attributes:
    device: where training and scoring run, as torch names it.
    min_pay: least expected pay of a round, base units.
    max_parameters: of a network; 0 for no limit.
    max_data_bytes: of a task's data, which are read into memory; 0 for no limit.
    auto_stake: most that may be staked without asking, in all; base units.
    auto_withdraw: send pay to the account's own balance when a round is final.
    once: end after one round.
    payload: carry the round's batch of the inbox in the block, should the model win.
    improve: begin at the latest winner of the same network, where there is one, and declare it.
    """

    device: str = "cpu"
    min_pay: int = 0
    max_parameters: int = 0
    max_data_bytes: int = 0
    auto_stake: int = 0
    auto_withdraw: bool = False
    once: bool = False
    payload: bool = True
    improve: bool = False


def soon(context: Context, why: str, seconds: float = POLL_SECONDS) -> Wait:
    """Looks again shortly. Waiting is no failed attempt, so later failures do not cause long pauses."""
    return Wait(context.chain.now() + seconds, why)


def tell(context: Context, event: str, message: str, **facts: Any) -> None:
    """A sentence for the person at the terminal, and the same as data for status.json and the demonstration.

    Args:
        event: its short name, such as "epoch".
        facts: JSON values, `round_id` among them.
    """
    context.log.info(message, round_id=facts.get("round_id"))
    context.report({"event": event, "level": "debug", "message": message, **facts})
