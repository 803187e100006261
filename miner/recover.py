"""Duty `recover`: a commit is on the chain, but the journal that held it is lost.

Key and salt are derived from the account, hashes and sizes are in the events; the model itself comes back
from IPFS, if any node still has the ciphertext. The commitment is rebuilt, compared with the chain's, and
claimed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dlbc.artifact import decrypt_file, sha256_file
from dlbc.chain.events import ModelClaimed, ModelCommitted
from dlbc.errors import ContentInvalid, InvalidArtifact, InvalidTask, IPFSError
from dlbc.journal import Duty
from dlbc.library import winners
from dlbc.manifest import Manifest
from dlbc.materials import fetch_manifest, fetch_model_ciphertext, fetch_train
from dlbc.ml.channels import Network
from dlbc.ml.models import build
from dlbc.service import Done, Drop
from dlbc.types import ZERO_BYTES32, Mode, ModelCommitment, Phase
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commit_digest
from miner import records
from miner.options import Options, soon
from miner.payload import payload_root
from miner.recording import NoRecording, reopen
from miner.room import Room, open_room
from miner.train import tell_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlbc.service import Context
    from dlbc.service import Outcome as Result

FETCH_SECONDS = 10.0
ANY_BLOCK = 1 << 62
FETCH_PAUSE = 15.0  # training goes on meanwhile: each try takes the worker from it
REMAINS = (
    "model key and salt can be derived, but not the model: without its ciphertext the commit cannot be "
    "claimed, and its stake will be slashed. If another IPFS node has it, connect to that node (--ipfs-peers)"
)


def recover(duty: Duty, context: Context, options: Options) -> Result:
    """Rebuilds the commitment; tried until the ciphertext arrives."""
    room, journal = open_room(context, duty.round_id), context.journal
    committed = journal.events(ModelCommitted, round_id=room.round_id, miner=context.account)
    claims = journal.events(ModelClaimed, round_id=room.round_id, miner=context.account)
    known = claims[-1].commitment if claims else records.submission(journal, room.round_id)
    if known is not None and committed and commit_digest(known) == committed[-1].commitment:
        records.save_submission(journal, known)
        return Done()
    if not committed or context.hub.round(room.round_id).phase > Phase.CLAIM:
        return Drop(f"round {room.round_id}: claiming is over, or the commit was lost in a reorganisation")
    event = committed[-1]
    try:
        manifest = fetch_manifest(context.ipfs, room.spec, room.cache, FETCH_SECONDS)
        commitment = _rebuild(context, room, manifest, event, options)
    except (InvalidArtifact, InvalidTask, ContentInvalid) as error:
        return _lost(context, room, f"{error}; {REMAINS}")
    except IPFSError as error:
        tell_once(context, room, f"{error}; {REMAINS}")
        return soon(context, str(error), FETCH_PAUSE)
    known = next((made for made in _possible(context, commitment) if commit_digest(made) == event.commitment), None)
    if known is None:
        return _lost(context, room, "the commit on the chain is not what this program would have made of the model")
    with journal.transaction():
        records.save_submission(journal, known)
        records.note_state(journal, room.round_id, stage="committed", why=None)
    context.log.info("the lost commitment was rebuilt from the chain and IPFS", round_id=room.round_id)
    return Done()


def _possible(context: Context, commitment: ModelCommitment) -> Iterator[ModelCommitment]:
    """What may have been committed to: payload and parent are the miner's choice, and only in the lost journal."""
    roots = (payload_root(context, commitment.round_id), ZERO_BYTES32)
    parents = (winner.model.digest for winner in winners(context.journal, before_block=ANY_BLOCK))
    for parent in (ZERO_BYTES32, *parents):
        yield from (replace(commitment, payload_root=root, parent=parent) for root in roots)


def _rebuild(
    context: Context, room: Room, manifest: Manifest, event: ModelCommitted, options: Options
) -> ModelCommitment:
    deployment, secrets = context.chain.deployment, room.secrets(context)
    announced = (event.artifact, event.artifact_bytes)
    ciphertext = fetch_model_ciphertext(context.ipfs, announced, manifest, room.cache, FETCH_SECONDS)
    bound_to = artifact_context(deployment.chain_id, deployment.hub, ArtifactKind.MODEL, room.round_id, context.account)
    decrypt_file(ciphertext, room.model, secrets.model_key, bound_to, max_plain_bytes=manifest.model.max_bytes)
    network = build(manifest.architecture, manifest.input_shape, manifest.classes)
    return ModelCommitment(
        round_id=room.round_id,
        anchor=room.anchor,
        spec_hash=room.spec_hash,
        model_hash=sha256_file(room.model),
        artifact=event.artifact,
        artifact_bytes=event.artifact_bytes,
        key_hash=key_hash(secrets.model_key),
        watermark=secrets.watermark_root(network),
        trajectory=_recorded(context, room, manifest, network, options),
        parent=ZERO_BYTES32,
        payload_root=ZERO_BYTES32,
        miner=context.account,
        salt=secrets.salt,
    )


def _recorded(context: Context, room: Room, manifest: Manifest, network: Network, options: Options) -> bytes:
    """What a recorded training was committed with: its folder does not lie in the journal.

    Raises:
        InvalidArtifact: it is lost as well.
    """
    if not room.spec.modes & Mode.TRAJECTORY:
        return ZERO_BYTES32
    data = fetch_train(context.ipfs, manifest, room.cache, FETCH_SECONDS)
    try:
        found = reopen(room, room.secrets(context), network, data, torch.device(options.device))
    except NoRecording as error:
        raise InvalidArtifact(str(error)) from error
    return found.trajectory.digest


def _lost(context: Context, room: Room, why: str) -> Result:
    records.note_state(context.journal, room.round_id, stage="lost", why=why)
    return Drop(f"round {room.round_id}: the commitment cannot be rebuilt: {why}")
