"""`dlbc-miner start`: handlers, actions and hooks put together. Imports torch, which takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from dlbc.chain.provider import ChainUnavailable
from dlbc.errors import ChainError
from dlbc.journal import Duty
from dlbc.keeper import Keeper
from dlbc.service import Action, Service
from miner.claim import claim, score, show
from miner.enlist import enlist
from miner.errands import look
from miner.handlers import HANDLERS
from miner.market import Market
from miner.money import move
from miner.options import (
    CLAIM,
    COMMIT,
    ENLIST,
    LONG,
    MONEY,
    PROVE,
    RECOVER,
    SCORE,
    SEAL,
    SETTLE,
    SHOW,
    SHOW_TRAJECTORY,
    TRAIN,
    Options,
    soon,
)
from miner.prove import prove, show_trajectory
from miner.recover import recover
from miner.settle import settle
from miner.submit import commit, seal
from miner.train import train

if TYPE_CHECKING:
    from dlbc.service import Context, Outcome

REFUSED_PAUSE = 2.0

ACTIONS = {
    TRAIN: train,
    SEAL: seal,
    COMMIT: commit,
    RECOVER: recover,
    SCORE: score,
    CLAIM: claim,
    SHOW: show,
    ENLIST: enlist,
    PROVE: prove,
    SHOW_TRAJECTORY: show_trajectory,
    SETTLE: settle,
    MONEY: move,
}


def patient(action: Action) -> Action:
    """The action, tried again soon where the node refuses a request: a claim cannot wait for a minute's back-off.

    A node that is away altogether is the loop's business.
    """
    said: dict[str, str] = {}

    def attempt(duty: Duty, context: Context) -> Outcome:
        try:
            return action(duty, context)
        except ChainUnavailable:
            raise
        except ChainError as error:
            if said.get(str(duty)) != str(error):
                said[str(duty)] = str(error)
                context.log.warning(f"{duty.kind}: {error}; trying on", round_id=duty.round_id)
            return soon(context, str(error), REFUSED_PAUSE)

    return attempt


def service(
    context: Context,
    options: Options,
    *,
    keep: bool = True,
    instead: Mapping[str, Callable[..., Outcome]] | None = None,
) -> Service:
    """The program, ready to run.

    Args:
        keep: also open rounds, draw committees and finalize when due.
        instead: other actions for some duties: how the demonstration's thief and the tests' cheats are made.
    """
    hooks: list[Callable[[Context], None]] = [look, Market(options).look]
    if keep:
        hooks.append(Keeper().keep)
    return Service(
        "miner",
        context,
        handlers=dict(HANDLERS),
        actions={
            kind: patient(partial(action, options=options)) for kind, action in {**ACTIONS, **(instead or {})}.items()
        },
        every_block=hooks,
        long_actions=set(LONG),
    )
