"""Duties `seal` and `commit`: the model becomes a ciphertext on IPFS and a commitment on the chain.

The commitment with its salt is in the journal before its transaction is made, and `dlbc.chain.transactions`
stores that before it leaves. Whatever dies in between, the next attempt sends the same bytes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dlbc.artifact import encrypt_file, sha256_file
from dlbc.errors import IPFSError, TransactionRefused
from dlbc.journal import Duty
from dlbc.service import Done, Drop, Wait
from dlbc.types import ZERO_BYTES32, ModelCommitment, Phase
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commit_digest
from miner import records, words
from miner.choose import plain_tokens, tokens
from miner.feasible import SHARE_TO_COMMIT, too_slow
from miner.options import COMMIT, GRACE_SECONDS, Options, soon, tell
from miner.payload import payload_root
from miner.plan import hopeless
from miner.room import Room, open_room, rules_of
from miner.train import subject, tell_once, too_late

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result


def seal(duty: Duty, context: Context, options: Options) -> Result:
    """Encrypts and uploads the model, and writes the commitment down."""
    room, journal = open_room(context, duty.round_id), context.journal
    if duty.subject != subject(room.anchor):
        return Drop("the round's anchor changed in a reorganisation; it is trained for anew")
    trained = records.trained(journal, room.round_id)
    commitment = records.submission(journal, room.round_id)
    if commitment is None and trained is None:
        return Drop(f"the model file of round {room.round_id} is gone: {room.model}")
    if commitment is None and trained is not None:
        claim_secs = rules_of(context, room.round_id).timing.claim_secs
        problem = too_slow(trained.scoring_seconds, claim_secs, SHARE_TO_COMMIT, room.spec.score_max)
        if problem:
            return _missed(context, room, f"round {room.round_id}: nothing is committed: {problem}")
        minimum = room.spec.min_score / max(1, room.spec.score_max)
        if hopeless(trained.accuracy, trained.held_out, minimum):
            return _missed(
                context,
                room,
                f"round {room.round_id}: {words.percent(trained.accuracy)} on held-out data, the task's minimum is "
                f"{words.percent(minimum)}: there is nothing to earn, so nothing is committed and no stake is locked",
            )
    began = time.monotonic()
    if commitment is not None and room.ciphertext.is_file():
        _upload_again(context, room, commitment)
    elif trained is not None:
        # A ciphertext that was lost before its commit left is made anew, with another salt: another CID.
        carried = payload_root(context, room.round_id) if options.payload else ZERO_BYTES32
        commitment = _seal(context, room, trained, carried)
        size = trained.path.stat().st_size
        learned = records.costs(journal).learn(submit=time.monotonic() - began, size=size)
        records.save_costs(journal, learned)
    deadline = room.commit_end + GRACE_SECONDS
    journal.owe(Duty(COMMIT, room.round_id, duty.subject, deadline=deadline))
    return Done()


def _seal(context: Context, room: Room, trained: records.Trained, carried: bytes) -> ModelCommitment:
    secrets, deployment = room.secrets(context), context.chain.deployment
    miner = context.account
    bound_to = artifact_context(deployment.chain_id, deployment.hub, ArtifactKind.MODEL, room.round_id, miner)
    encrypt_file(trained.path, room.ciphertext, secrets.model_key, bound_to)
    added = context.ipfs.add_file(room.ciphertext)
    commitment = ModelCommitment(
        round_id=room.round_id,
        anchor=room.anchor,
        spec_hash=room.spec_hash,
        model_hash=sha256_file(trained.path),
        artifact=added.digest,
        artifact_bytes=added.size,
        key_hash=key_hash(secrets.model_key),
        watermark=trained.watermark,
        trajectory=trained.trajectory,
        parent=trained.parent,
        payload_root=carried,
        miner=miner,
        salt=secrets.salt,
    )
    records.save_submission(context.journal, commitment)
    records.note_state(context.journal, room.round_id, stage="uploaded", artifact=added.cid)
    return commitment


def _upload_again(context: Context, room: Room, commitment: ModelCommitment) -> None:
    """After a crash: the node may or may not have what the commitment names."""
    if context.ipfs.has(commitment.artifact):
        return
    added = context.ipfs.add_file(room.ciphertext)
    if added.digest != commitment.artifact:
        raise IPFSError(f"{room.ciphertext} is not what was committed to; it was changed or damaged")


def commit(duty: Duty, context: Context, options: Options) -> Result:
    """Sends the commitment until it is mined or the deadline is over."""
    room, journal = open_room(context, duty.round_id), context.journal
    commitment = records.submission(journal, room.round_id)
    if commitment is None or commitment.anchor != room.anchor:
        return Drop("the round's anchor changed in a reorganisation; it is trained for anew")
    if context.hub.commit_of(room.round_id, context.account).sequence:
        return _committed(context, room)
    if context.chain.now() >= room.commit_end:
        return _missed(context, room, too_late(context, room))
    if context.chain.now() < room.commit_start:
        return Wait(room.commit_start, "the round settles: commits are taken afterwards")
    call = context.hub.commit_model(
        room.round_id,
        commitment.miner,
        commit_digest(commitment),
        commitment.artifact,
        commitment.artifact_bytes,
        commitment.anchor,
        commitment.spec_hash,
    )
    try:
        context.transactions.send(f"commit/{room.round_id}/{duty.subject}", call)
    except TransactionRefused as refusal:
        return _refused(context, room, refusal)
    return soon(context, "waiting for the commit to be mined")


def _committed(context: Context, room: Room) -> Result:
    left = room.commit_end - context.chain.now()
    when = f" {words.seconds(left)} before the deadline" if left >= 1 else ""  # else noticed after a restart
    unit = tokens(rules_of(context, room.round_id).economy.miner_unit)
    records.note_state(context.journal, room.round_id, stage="committed", why=None)
    message = f"committed{when}; {unit} DLBC of stake are locked until the round is final"
    tell(context, "committed", message, round_id=room.round_id)
    return Done()


def _refused(context: Context, room: Room, refusal: TransactionRefused) -> Result:
    """Tells refusals that may end before the deadline from those that are final."""
    if refusal.error in {"AnchorMismatch", "SpecMismatch"}:
        return soon(context, "a reorganisation changed the round; waiting for its events")
    if refusal.error == "InsufficientStake":
        missing = rules_of(context, room.round_id).economy.miner_unit - context.hub.account(context.account).free_stake
        tell_once(context, room, f"{refusal}; run: dlbc-miner stake {plain_tokens(max(0, missing))}")
        return soon(context, str(refusal))
    if refusal.error == "Paused":
        tell_once(context, room, f"{refusal}; trying on until the deadline")
        return soon(context, str(refusal))
    if refusal.error == "AlreadyCommitted":
        return _committed(context, room)
    if refusal.error == "WrongPhase" and context.hub.round(room.round_id).phase is Phase.SETTLE:
        return soon(context, "the last block is still of the time in which the round settles")
    why = too_late(context, room) if refusal.error == "WrongPhase" else f"the commit is refused: {refusal}"
    return _missed(context, room, why)


def _missed(context: Context, room: Room, why: str) -> Result:
    records.note_state(context.journal, room.round_id, stage="missed", why=why)
    return Drop(why)
