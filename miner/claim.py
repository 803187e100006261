"""Duties `score`, `claim` and `show`: open the test set, count, sign, claim; show the model key when listed.

Whoever committed claims, whatever the score: a commit that is never opened is slashed.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dlbc.chain.contracts import Round
from dlbc.chain.events import TestKeyRevealed
from dlbc.errors import ContentInvalid, InvalidArtifact, InvalidTask, IPFSError, TransactionRefused
from dlbc.journal import Duty
from dlbc.keeper import parent_round_of
from dlbc.manifest import Manifest
from dlbc.materials import (
    fetch_manifest,
    fetch_model_ciphertext,
    fetch_test_ciphertext,
    open_model,
    open_test,
)
from dlbc.ml.model_file import load_model
from dlbc.service import Done, Drop
from dlbc.types import ModelClaim, ModelCommitment, Phase
from dlbc.wire.typed_data import Domain, commitment_hash, sign_claim
from miner import records, words
from miner.feasible import OutOfTime, count_correct
from miner.options import CLAIM, FAR, Options, soon, tell
from miner.plan import surely_reaches
from miner.room import Room, open_room
from miner.train import tell_once

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

FETCH_SECONDS = 15.0
LEAST_RESERVE = 6.0  # seconds of the claim phase that are kept for signing and sending
RESERVE_SHARE = 0.4


def score(duty: Duty, context: Context, options: Options) -> Result:  # noqa: PLR0911
    """Counts correct predictions on the opened test set and signs the claim."""
    room, journal = open_room(context, duty.round_id), context.journal
    if records.claim(journal, room.round_id) is not None:
        return _owe_claim(context, room)
    why = _nothing_to_claim(context, room)
    if why:
        return Drop(why)
    commitment = records.submission(journal, room.round_id)
    if commitment is None:
        return soon(context, "the commitment is being recovered")
    found = context.hub.round(room.round_id)
    if found.phase < Phase.CLAIM:
        return soon(context, f"the round is in phase {found.phase.name}")
    if found.phase > Phase.CLAIM:
        return _missed(context, room)
    try:
        points, why = _points(context, room, commitment, found, options)
    except IPFSError as error:
        tell_once(context, room, f"{error}; trying on while there is time to claim")
        return soon(context, str(error))
    deployment = context.chain.deployment
    signature = sign_claim(
        Domain(deployment.chain_id, deployment.hub),
        ModelClaim(commitment, points),
        bytes(context.signer.key),
    )
    records.save_claim(journal, room.round_id, records.Claim(points, signature, why))
    _tell_score(context, room, points, why)
    return _owe_claim(context, room)


def _owe_claim(context: Context, room: Room) -> Result:
    context.journal.owe(Duty(CLAIM, room.round_id, deadline=FAR))
    return Done()


def _nothing_to_claim(context: Context, room: Room) -> str:
    commit = context.hub.commit_of(room.round_id, context.account)
    if commit.sequence == 0:
        return f"no commit of this account is in round {room.round_id}"
    return f"round {room.round_id} is claimed already" if commit.opened else ""


def _missed(context: Context, room: Room) -> Result:
    why = (
        f"the claim phase of round {room.round_id} is over and the commit was not opened: its stake will be "
        "slashed. Keep the program running from commit to result"
    )
    records.note_state(context.journal, room.round_id, stage="missed", why=why)
    return Drop(why)


def _points(
    context: Context, room: Room, commitment: ModelCommitment, found: Round, options: Options
) -> tuple[int, str]:
    """The score to claim, and why where it is not counted on the test set.

    Raises:
        IPFSError: something cannot be had, and there is time to try again.
    """
    left = found.claim_end - context.chain.now()
    reserve = max(LEAST_RESERVE, RESERVE_SHARE * (found.claim_end - found.key_at))
    timeout = max(1.0, min(FETCH_SECONDS, left - reserve))
    try:
        manifest = fetch_manifest(context.ipfs, room.spec, room.cache, timeout)
        model_path = _own_model(context, room, commitment, manifest, timeout)
        (revealed, *_) = context.journal.events(TestKeyRevealed, round_id=room.round_id)
        deployment = context.chain.deployment
        data = open_test(
            room.spec,
            manifest,
            fetch_test_ciphertext(context.ipfs, manifest, room.cache, timeout),
            revealed.key,
            deployment.chain_id,
            deployment.hub,
            room.cache,
        )
        model = load_model(
            model_path,
            manifest.architecture,
            manifest.input_shape,
            manifest.classes,
            manifest.model.max_bytes,
        )
        until = time.monotonic() + max(0.0, found.claim_end - context.chain.now() - reserve)
        return min(count_correct(model, data, torch.device(options.device), until), room.spec.score_max), ""
    except OutOfTime as error:
        counted, why = _without_test(context, room, f"the test set is too large for this device ({error})")
        return max(counted, error.correct), why
    except (InvalidArtifact, InvalidTask, ContentInvalid) as error:
        return _without_test(context, room, f"the test set is not what the task says ({error})")
    except IPFSError as error:
        if left > reserve:
            raise
        return _without_test(context, room, f"the test set cannot be had ({error})")


def _own_model(context: Context, room: Room, commitment: ModelCommitment, manifest: Manifest, timeout: float) -> Path:
    """The plain model file; decrypted again from IPFS where the disk lost it."""
    trained = records.trained(context.journal, room.round_id)
    if trained is not None:
        return trained.path
    deployment, secrets = context.chain.deployment, room.secrets(context)
    ciphertext = room.ciphertext
    if not ciphertext.is_file():
        ciphertext = fetch_model_ciphertext(context.ipfs, commitment, manifest, room.cache, timeout)
    return open_model(
        commitment, manifest, ciphertext, secrets.model_key, deployment.chain_id, deployment.hub, room.cache
    )


def _without_test(context: Context, room: Room, problem: str) -> tuple[int, str]:
    """What to claim when the test set cannot be counted on.

    The least score that is listed, where held-out data leave no doubt that the model reaches it: the committee sees the
    same fault, and those who showed their models are paid. Else 0, which is never listed and costs nothing: a claim far
    above what the committee measures costs the whole stake.
    """
    trained, spec = records.trained(context.journal, room.round_id), room.spec
    least = (spec.min_score - spec.tol) / max(1, spec.score_max)
    if trained is not None and surely_reaches(trained.accuracy, trained.held_out, least):
        return room.spec.min_score, f"{problem}; claims the least score that is listed"
    return 0, f"{problem}; claims 0, so that the stake comes back"


def _tell_score(context: Context, room: Room, points: int, why: str) -> None:
    spec = room.spec
    message = f"scored {points} of {spec.score_max} ({words.percent(points / max(1, spec.score_max))})"
    if why:
        message += f": {why}"
    elif points < spec.min_score:
        message += (
            f", below the task's minimum of {spec.min_score}: it cannot be listed or paid, and is claimed "
            "all the same, because an unopened commit is slashed"
        )
    records.note_state(context.journal, room.round_id, stage="scored", score=points, why=why or None)
    tell(context, "scored", message, round_id=room.round_id, score=points, score_max=spec.score_max)


def claim(duty: Duty, context: Context, options: Options) -> Result:
    """Sends the signed claim until it is mined."""
    room, journal = open_room(context, duty.round_id), context.journal
    commitment, signed = records.submission(journal, room.round_id), records.claim(journal, room.round_id)
    commit = context.hub.commit_of(room.round_id, context.account)
    if commit.opened:
        records.note_state(journal, room.round_id, stage="claimed")
        tell(context, "claimed", f"claimed {signed.score if signed else 'a score'}", round_id=room.round_id)
        return Done()
    if commitment is None or signed is None or commit.sequence == 0:
        return Drop(f"round {room.round_id} has nothing to claim")
    parent_round = parent_round_of(journal, commitment)
    call = context.hub.claim_model(commitment, signed.score, room.spec, signed.signature, parent_round)
    try:
        context.transactions.send(f"claim/{room.round_id}", call)
    except TransactionRefused as refusal:
        if refusal.error == "WrongPhase":
            return _missed(context, room)
        if refusal.error == "AlreadyClaimed":
            return Done()
        raise
    return soon(context, "waiting for the claim to be mined")


def show(duty: Duty, context: Context, options: Options) -> Result:  # noqa: PLR0911
    """Shows the model key if the claim is among the listed ones. The subject tells apart when it came there."""
    room, journal = open_room(context, duty.round_id), context.journal
    commitment = records.submission(journal, room.round_id)
    if commitment is None:
        return soon(context, "the commitment is being recovered")
    found = context.hub.round(room.round_id)
    if found.phase < Phase.CLAIM:
        return soon(context, f"the round is in phase {found.phase.name}")
    if found.phase in {Phase.CLAIM, Phase.ENLIST}:
        return soon(context, "the list is final when claiming ends")  # earlier, if all have claimed
    own = commitment_hash(commitment)
    listed = [candidate for candidate in context.hub.candidates(room.round_id) if candidate.commitment == own]
    if not listed:
        records.note_state(journal, room.round_id, stage="not listed")
        return Drop(f"round {room.round_id}: not among the listed models; the model stays secret")
    if listed[0].shown:
        records.note_state(journal, room.round_id, stage="shown")
        tell(context, "shown", "model key shown; the committee decides now", round_id=room.round_id)
        return Done()
    if found.phase > Phase.SHOW:
        why = f"round {room.round_id}: the key of the listed model was not shown in time: stake will be slashed"
        records.note_state(journal, room.round_id, stage="missed", why=why)
        return Drop(why)
    context.transactions.send(
        f"show/{room.round_id}/{found.epoch}", context.hub.show_key(commitment, room.secrets(context).model_key)
    )
    return soon(context, "waiting for the model key to be mined")
