"""What an action says of its duty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbc.journal import Duty

if TYPE_CHECKING:
    from dlbc.service.context import Context


@dataclass(frozen=True)
class Done:
    """The duty is fulfilled."""


@dataclass(frozen=True)
class Retry:
    """Not yet: a transaction is pending, somebody else has to move. The deadline ends it."""

    after_seconds: float
    why: str


@dataclass(frozen=True)
class Wait:
    """Too early; no attempt is counted."""

    until_chain_time: float
    why: str


@dataclass(frozen=True)
class Drop:
    """No longer wanted."""

    why: str


Outcome = Done | Retry | Wait | Drop
Action = Callable[[Duty, "Context"], Outcome]
