"""From a prepared task to a task on the chain, in steps that may each be the last before a crash.

Everything that can fail without money comes first: data, chain rules, simulation, upload. Then the deposit, then
the task. What was done is in the journal: the same command goes on where it stopped and never submits twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbc import funds
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import DLBCError, IPFSError, TransactionRefused, UsageError
from dlbc.ipfs.cid import cid_to_digest
from dlbc.types import TaskSpec
from dlbc.wire.derivation import TEST_KEY, ArtifactKind, artifact_context, derive, key_hash
from dlbc.wire.typed_data import spec_hash
from requester.draft import Draft, keep_spec, keep_uploaded
from requester.pack import MANIFEST, TRAIN, Packed, Prepared, pack, packed
from requester.quote import Quote, make_spec, quote, simulate, with_bond

if TYPE_CHECKING:
    from pathlib import Path

    from dlbc.service import Context

TRANSACTION_SECONDS = 300.0


class Declined(DLBCError):
    """The user said no. Nothing was paid."""

    exit_code = 1


@dataclass(frozen=True)
class Submitted:
    """A task on the chain.

    Attributes:
        earlier: it was there before this command.
    """

    task_id: int
    spec: TaskSpec
    earlier: bool


def test_key(context: Context, nonce: int) -> bytes:
    """The 32-byte key of the test set, derived: no disk has to keep it."""
    deployment = context.chain.deployment
    return derive(bytes(context.signer.key), deployment.chain_id, deployment.hub, nonce, TEST_KEY)


def find_submitted(context: Context, draft: Draft) -> Submitted | None:
    """The draft's task if it is on the chain already."""
    if draft.spec is None:
        return None
    task_id = context.hub.task_id_of(spec_hash(draft.spec))
    return Submitted(task_id, draft.spec, earlier=True) if task_id else None


def submit(
    context: Context,
    draft: Draft,
    prepared: Prepared,
    *,
    confirm: Callable[[Quote], bool],
    say: Callable[[str], None],
) -> Submitted:
    """Brings the task onto the chain, or finds it there.

    Args:
        confirm: shows the user what he pays; nothing is paid when it returns False.
        say: tells him each step.

    Raises:
        InvalidTask, UsageError, TransactionRefused: the chain would refuse it; nothing was paid.
        Declined: the user said no.
        IPFSError, ChainError: a part failed on the way; the message says what is done already.
    """
    found = find_submitted(context, draft)
    if found is not None:
        return found
    if draft.spec is not None and _in_flight(context, draft.spec):
        say("an earlier run sent the task already; waiting until it is mined")
        return _send(context, draft, draft.spec)
    offer = _offer(context, prepared, make_spec(prepared, context.account, draft.nonce))
    if not confirm(offer):
        raise Declined("not submitted, nothing was paid")
    files = _pack(context, draft, prepared, say)
    try:
        serve(context, draft, say)
    except IPFSError as error:
        raise IPFSError(f"{error}. No money has moved yet; run the same command again") from error
    offer = _offer(context, prepared, with_bond(_spec(context, draft, prepared, files), offer.spec.bond))
    if offer.to_deposit:
        funds.deposit(context, offer.to_deposit, say)
    keep_spec(context.journal, draft, offer.spec)
    say(f"submitting the task; {amount_in_words(offer.needed)} go into escrow")
    try:
        return _send(context, draft, offer.spec)
    except TransactionRefused as refusal:
        raise TransactionRefused(
            f"{refusal}. The task was not submitted; what was deposited is your credit: run the same command "
            "again, or take it back with `dlbc-request withdraw`",
            refusal.error,
            refusal.arguments,
        ) from refusal


def serve(context: Context, draft: Draft, say: Callable[[str], None] | None = None) -> Packed:
    """Puts the public files into IPFS, where they stay as long as the node runs. Doing it again costs little.

    Raises:
        IPFSError: the node fails; nothing was paid for.
        UsageError: the files are gone or damaged.
    """
    try:
        files = packed(draft.folder)
        for path in files.public:
            expected = _digest(files, path)
            if context.ipfs.has(expected):
                continue
            if say is not None:
                say(f"uploading {path.name}, {path.stat().st_size:,} bytes")
            if context.ipfs.add_file(path).digest != expected:
                raise UsageError(f"{path} was changed since the task was packed: restore it")
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename} is gone: the data of the task cannot be served from here") from error
    keep_uploaded(context.journal, draft)
    return files


def _digest(files: Packed, path: Path) -> bytes:
    data = files.manifest.data
    if path.name == MANIFEST:
        return files.digest
    return cid_to_digest(data.train.shards[0].cid if path.name == TRAIN else data.test.cid)


def _pack(context: Context, draft: Draft, prepared: Prepared, say: Callable[[str], None]) -> Packed:
    if (draft.folder / MANIFEST).is_file():
        return packed(draft.folder)
    say("writing canonical data files and encrypting the test set")
    deployment = context.chain.deployment
    binding = artifact_context(deployment.chain_id, deployment.hub, ArtifactKind.TEST_SET, draft.nonce, context.account)
    try:
        return pack(prepared, draft.folder, test_key(context, draft.nonce), binding)
    except OSError as error:
        raise UsageError(f"cannot write to {draft.folder}: {error.strerror or error}") from error


def _offer(context: Context, prepared: Prepared, spec: TaskSpec) -> Quote:
    """What the chain says now; everything that it would refuse is raised here."""
    offer = quote(
        context.chain,
        context.hub,
        context.token,
        spec,
        auto_bond=prepared.task.bond is None and spec.bond == 0,
        account=context.account,
    )
    for problem in offer.problems():
        raise problem
    simulate(context.chain, context.hub, offer.spec)
    return offer


def _spec(context: Context, draft: Draft, prepared: Prepared, files: Packed) -> TaskSpec:
    return make_spec(
        prepared,
        context.account,
        draft.nonce,
        manifest=files.digest,
        key_hash=key_hash(test_key(context, draft.nonce)),
    )


def _in_flight(context: Context, spec: TaskSpec) -> bool:
    data = context.hub.submit_task(spec).data
    return any(stored.data == data for stored in context.journal.outbox.pending())


def _send(context: Context, draft: Draft, spec: TaskSpec) -> Submitted:
    call = context.hub.submit_task(spec)
    name = context.transactions.fresh_name(f"submit/{draft.id}", call)
    context.transactions.send_and_wait(name, call, TRANSACTION_SECONDS)
    return Submitted(context.hub.task_id_of(spec_hash(spec)), spec, earlier=False)
