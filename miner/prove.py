"""Duties `prove` and `show-trajectory`: open what the draw's seed asks for of a recorded training.

Who does not, or too late, is flagged TRAJECTORY and not paid. The states are run again from what the recording kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dlbc.artifact import encrypt_file
from dlbc.errors import ContentInvalid, InvalidArtifact, IPFSError, TransactionRefused
from dlbc.journal import Duty
from dlbc.materials import fetch_manifest, fetch_train
from dlbc.ml.models import build
from dlbc.ml.trajectory import DRAWS, NotReproducible, Opening, choose, write_opening
from dlbc.service import Done, Drop
from dlbc.wire.derivation import ArtifactKind, artifact_context
from miner import recording, records
from miner.options import SHOW_TRAJECTORY, Options, soon, tell
from miner.room import Room, open_room
from miner.train import tell_once

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

FETCH_SECONDS = 10.0
FETCH_PAUSE = 2.0


def prove(duty: Duty, context: Context, options: Options) -> Result:
    """Opens the states of one epoch's windows, and uploads them."""
    room, epoch = open_room(context, duty.round_id), int(duty.subject)
    if records.submission(context.journal, room.round_id) is None:
        return soon(context, "the commitment is being recovered")
    if records.opening(context.journal, room.round_id, epoch) is None:
        if context.chain.now() >= duty.deadline:
            return _missed(context, room, "the time to prove the training is over")
        try:
            _open(context, room, epoch, bytes.fromhex(duty.payload["seed"]), options)
        except IPFSError as error:
            tell_once(context, room, f"{error}; trying on while there is time to prove the training")
            return soon(context, str(error), FETCH_PAUSE)
        except (recording.NoRecording, NotReproducible, InvalidArtifact, ContentInvalid) as error:
            return _missed(context, room, f"the training cannot be proven: {error}")
    context.journal.owe(Duty(SHOW_TRAJECTORY, room.round_id, duty.subject, deadline=duty.deadline))
    return Done()


def _open(context: Context, room: Room, epoch: int, seed: bytes, options: Options) -> None:
    secrets, deployment = room.secrets(context), context.chain.deployment
    manifest = fetch_manifest(context.ipfs, room.spec, room.cache, FETCH_SECONDS)
    data = fetch_train(context.ipfs, manifest, room.cache, FETCH_SECONDS)
    network = build(manifest.architecture, manifest.input_shape, manifest.classes)
    found = recording.reopen(room, secrets, network, data, torch.device(options.device))
    commitment = records.submission(context.journal, room.round_id)
    if commitment is None or found.trajectory.digest != commitment.trajectory:
        raise recording.NoRecording(f"what lies in {room.recording} is not the training that was committed to")
    windows = choose(found.trajectory, seed, DRAWS)
    asked = {station for window in windows for station in window.stations}
    plain, sealed = (room.folder / f"opening-{epoch}.{kind}" for kind in ("safetensors", "enc"))
    write_opening(Opening(found.trajectory, found.states(asked)), plain)
    bound_to = artifact_context(
        deployment.chain_id, deployment.hub, ArtifactKind.TRAJECTORY, room.round_id, context.account
    )
    encrypt_file(plain, sealed, secrets.model_key, bound_to)
    added = context.ipfs.add_file(sealed)
    plain.unlink()
    records.save_opening(context.journal, room.round_id, epoch, added.digest, added.size)
    message = f"opened {len(asked)} of {len(found.trajectory.leaves)} states of the training; {added.size:,} bytes"
    tell(context, "proven", message, round_id=room.round_id, windows=len(windows), bytes=added.size)


def show_trajectory(duty: Duty, context: Context, options: Options) -> Result:
    """Announces where the opened states lie."""
    room = open_room(context, duty.round_id)
    opened = records.opening(context.journal, room.round_id, int(duty.subject))
    if opened is None:
        return Drop(f"nothing of round {room.round_id} was opened")
    call = context.hub.show_trajectory(room.round_id, context.account, *opened)
    try:
        sent = context.transactions.send(f"trajectory/{room.round_id}/{duty.subject}", call)
    except TransactionRefused as refusal:
        return _missed(context, room, f"the proof of training came too late: {refusal}")
    return Done() if sent.confirmed else soon(context, "the proof of training is on its way")


def _missed(context: Context, room: Room, why: str) -> Result:
    message = f"{why}; validators will flag the model of round {room.round_id}, and it will not be paid"
    context.log.warning(message, round_id=room.round_id)
    records.note_state(context.journal, room.round_id, why=why)
    return Drop(message)
