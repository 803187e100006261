"""Events of one task or round, asked of the chain itself: true on any machine, with or without a journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from dlbc.chain.client import Chain, RPCRefused, translated
from dlbc.chain.events import BlockAppended, Paid, RoundFinalized, TaskSubmitted, decode, kinds_by_topic
from dlbc.errors import UsageError
from dlbc.journal import Event
from dlbc.types import BlockHeader, TaskSpec

E = TypeVar("E", bound=Event)

SPAN_BLOCKS = 10_000  # asked for at once; halved where a provider wants less


def events(chain: Chain, kind: type[E], *topics: int | bytes | str | None) -> list[E]:
    """All events of a kind since the deployment, oldest first.

    Args:
        topics: values of the indexed arguments in order; None for any.

    Raises:
        ChainError: no answer, or the provider refuses even single blocks.
    """
    topic = next(topic for topic, (known, _) in kinds_by_topic().items() if known is kind)
    wanted: list[Any] = ["0x" + topic.hex(), *(None if value is None else _word(value) for value in topics)]
    found = []
    for log in _logs(chain, wanted):
        event = decode(log)
        if isinstance(event, kind):
            found.append(event)
    return found


def _logs(chain: Chain, topics: list[Any]) -> Iterator[Any]:
    first, last, span = chain.deployment.block, chain.head().number, SPAN_BLOCKS
    while first <= last:
        query: Any = {
            "fromBlock": first,
            "toBlock": min(last, first + span - 1),
            "address": chain.deployment.hub,
            "topics": topics,
        }
        try:
            with translated():
                logs = chain.w3.eth.get_logs(query)
        except RPCRefused:
            if span == 1:
                raise
            span //= 2
            continue
        yield from logs
        first += span


def _word(value: int | bytes | str) -> str:
    if isinstance(value, int):
        return "0x" + value.to_bytes(32, "big").hex()
    if isinstance(value, str):
        return "0x" + value.removeprefix("0x").lower().rjust(64, "0")
    return "0x" + value.rjust(32, b"\0").hex()


def submission(chain: Chain, task_id: int) -> TaskSubmitted:
    """The event that carried a task's spec.

    Raises:
        UsageError: there is no such task.
    """
    found = events(chain, TaskSubmitted, task_id)
    if not found:
        raise UsageError(f"there is no task {task_id} on this chain: `dlbc-request status` lists yours")
    return found[-1]


def submissions_of(chain: Chain, requester: str) -> list[TaskSubmitted]:
    """All tasks of an account, oldest first."""
    return events(chain, TaskSubmitted, None, requester)


@dataclass(frozen=True)
class Finish:
    """How a task's round ended.

    Attributes:
        header: the block it made, or None.
        payments: to anybody, in order.
    """

    finalized: RoundFinalized
    header: BlockHeader | None
    height: int
    head: bytes
    payments: tuple[Paid, ...]


def finish(chain: Chain, round_id: int) -> Finish | None:
    """The end of a round, None while it runs."""
    finals = events(chain, RoundFinalized, round_id)
    if not finals:
        return None
    final = finals[-1]
    blocks = [b for b in events(chain, BlockAppended) if b.header.round_id == round_id]
    block = blocks[-1] if blocks else None
    return Finish(
        final,
        None if block is None else block.header,
        0 if block is None else block.height,
        bytes(32) if block is None else block.head,
        tuple(events(chain, Paid, round_id)),
    )


def spec_of(chain: Chain, task_id: int) -> TaskSpec:
    """The spec of a task. Raises UsageError where there is no such task."""
    return submission(chain, task_id).spec
