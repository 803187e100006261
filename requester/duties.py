"""What a requester owes once his task is on the chain: the test key in its window; to himself, the model.

All of it follows from events and the account's key: who lost his disk, or starts `watch` on another machine,
still shows his keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlbc.chain.events import RoundFinalized, RoundOpened, TaskSubmitted
from dlbc.errors import InvalidArtifact, TransactionRefused
from dlbc.journal import Duty, Event
from dlbc.service import Context, Done, Drop, Handler, Retry, Wait
from dlbc.service.outcomes import Outcome as Result
from dlbc.types import Outcome, Phase, TaskSpec, same_address
from dlbc.wire.derivation import key_hash
from dlbc.wire.typed_data import spec_hash
from requester.draft import Draft, drafts, output_of
from requester.outcomes import ADVICE, TABLE
from requester.pack import MANIFEST, SEALED
from requester.submission import test_key
from requester.winner import deliver, find_winner, seed_cache

REVEAL, DELIVER = "reveal_key", "deliver"
LONG = frozenset({DELIVER})
FETCH_SECONDS = 120.0
FAR = 1 << 40  # never comes, but a duty with a deadline is looked at often


def on_round_opened(event: RoundOpened, context: Context) -> None:
    """One of my tasks has a round: the test key is owed."""
    spec = my_spec(context, event.task_id)
    if spec is None:
        return
    context.journal.owe(
        Duty(
            REVEAL,
            event.round_id,
            # The window itself is asked for when it comes near: a node that lags knows no such round yet, and a handler
            # that is refused loses its event, and with it the bond.
            due_at=event.commit_end,
            deadline=FAR,
            payload={"task_id": event.task_id, "anchor": event.anchor.hex()},
        )
    )


def on_round_finalized(event: RoundFinalized, context: Context) -> None:
    """A round of mine is over: fetch the model, or say why there is none."""
    if my_spec(context, event.task_id) is None:
        return
    if event.outcome is Outcome.BLOCK:
        context.journal.owe(Duty(DELIVER, event.round_id, payload={"task_id": event.task_id}))
    else:
        what = TABLE[event.outcome][0] if event.outcome in TABLE else event.outcome.name
        context.report(
            {
                "event": "task_failed",
                "task": event.task_id,
                "why": what,
                "advice": ADVICE.get(event.outcome, ""),
            }
        )


HANDLERS: Mapping[type[Event], Handler] = {RoundOpened: on_round_opened, RoundFinalized: on_round_finalized}


def reveal_key(duty: Duty, context: Context) -> Result:
    """Shows the test key as soon as the contracts take it, and not before: miners may still commit."""
    task_id = int(duty.payload["task_id"])
    spec = my_spec(context, task_id)
    found = context.hub.round(duty.round_id)
    if found.key_at:
        context.report({"event": "test_key_shown", "task": task_id, "round": duty.round_id})
        return Done()
    if found.phase < Phase.KEY:
        return Wait(max(found.key_from, context.chain.now() + 0.5), "miners may still commit")
    if spec is None or found.phase is not Phase.KEY:
        return Drop("nobody committed a model" if found.commits == 0 else "too late: the bond is lost")
    return _reveal(duty, context, spec)


def _reveal(duty: Duty, context: Context, spec: TaskSpec) -> Result:
    key = test_key(context, spec.nonce)
    if key_hash(key) != spec.key_hash:
        return Drop("the task was not made with this program's key: show its test key yourself")
    try:
        context.transactions.send(f"reveal/{duty.round_id}", context.hub.reveal_key(duty.round_id, spec, key))
    except TransactionRefused as refusal:
        return Retry(1, str(refusal))
    return Retry(0.5, "")  # until it is mined; nothing to worry anybody with


def deliver_model(duty: Duty, context: Context) -> Result:
    """Fetches the winning model to where the user wants it."""
    task_id = int(duty.payload["task_id"])
    draft = draft_of(context, task_id)
    winner = find_winner(context.chain, task_id)
    cache = context.workdir / "materials"
    if draft is not None:
        seed_cache(cache, (draft.folder / name for name in (MANIFEST, SEALED)))
    try:
        got = deliver(
            context.chain,
            context.ipfs,
            winner,
            None if draft is None else output_of(context.journal, draft),
            cache,
            timeout=FETCH_SECONDS,
        )
    except InvalidArtifact as error:
        return Drop(f"the model cannot be used: {error}")
    context.journal.note_set(f"delivered/{task_id}", "model", str(got.model))
    context.report(
        {
            "event": "model_delivered",
            "task": task_id,
            "model": str(got.model),
            "score": winner.header.score,
            "evaluated": got.evaluated,
            "of": winner.header.score_max,
            "agrees": got.agrees,
        }
    )
    return Done()


ACTIONS = {REVEAL: reveal_key, DELIVER: deliver_model}


def my_spec(context: Context, task_id: int) -> TaskSpec | None:
    """The spec of a task if it is this account's, by the events seen."""
    found = context.journal.events(TaskSubmitted, task_id=task_id)
    if not found or not same_address(found[-1].requester, context.account):
        return None
    return found[-1].spec


def draft_of(context: Context, task_id: int) -> Draft | None:
    """The draft on this disk that became the task, if there is one."""
    spec = my_spec(context, task_id)
    for draft in drafts(context.journal, context.workdir):
        if spec is not None and draft.spec is not None and spec_hash(draft.spec) == spec_hash(spec):
            return draft
    return None


def delivered(context: Context, task_id: int) -> Path | None:
    """Where the model of a task lies, None if it was not fetched yet or was moved away."""
    noted = context.journal.note_get(f"delivered/{task_id}", "model")
    return Path(noted) if noted and Path(noted).is_file() else None
