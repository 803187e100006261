"""`dlbc-validator start`: handlers, actions and hooks put together. Imports torch, which takes seconds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from dlbc.keeper import Keeper
from dlbc.service import Service
from validator import ballot, fetch, vote
from validator.handlers import (
    COMMIT_VOTE,
    FETCH_MODEL,
    FETCH_TASK,
    FETCH_WINNER,
    JUDGE,
    OPEN_LEAF,
    REVEAL_VOTE,
    SETTLE,
    TIDY,
    handlers,
)
from validator.openings import Openings
from validator.tidy import tidy

if TYPE_CHECKING:
    from dlbc.service import Context


def service(context: Context, device: torch.device) -> Service:
    """The program, ready to run on `device`. It also opens rounds, draws committees and finalizes when due."""
    return Service(
        "validator",
        context,
        handlers=handlers(),
        actions={
            FETCH_TASK: fetch.fetch_task,
            FETCH_MODEL: fetch.fetch_model,
            FETCH_WINNER: fetch.fetch_winner,
            JUDGE: partial(vote.judge_round, device=device),
            COMMIT_VOTE: ballot.commit_vote,
            REVEAL_VOTE: ballot.reveal_vote,
            OPEN_LEAF: Openings().open_leaf,
            SETTLE: ballot.settle,
            TIDY: tidy,
        },
        every_block=[Keeper().keep],
        long_actions={FETCH_TASK, FETCH_MODEL, FETCH_WINNER, JUDGE, TIDY},
    )
