"""The earlier model that a miner improves, where he chose to (`--improve`), instead of beginning at his own start.

He declares it in his commitment: its miner then shares the fee, and nobody takes the likeness for theft. Where the
task asks for a trajectory, training has to begin at the start that the chain gave, so nothing is improved there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dlbc.errors import InvalidArtifact, InvalidTask, IPFSError
from dlbc.library import Library, winners
from dlbc.ml.channels import Network
from dlbc.ml.model_file import load_model, save_model
from dlbc.types import ZERO_BYTES32, Mode
from miner import records
from miner.options import Options, tell

if TYPE_CHECKING:
    from dlbc.manifest import Manifest
    from dlbc.service import Context
    from miner.room import Room

FETCH_SECONDS = 5.0
LOOKING_SHARE = 0.1  # of the time to train, for all winners together: nobody may serve any of them


def begin_at(context: Context, room: Room, manifest: Manifest, options: Options) -> tuple[bytes, Network | None]:
    """The commitment hash of the model to begin at and the model, or 32 zero bytes and None.

    Decided once a round: a training that was interrupted goes on from where it began.
    """
    journal = context.journal
    decided = records.parent(journal, room.round_id)
    if decided is None:
        decided = ZERO_BYTES32
        if options.improve and not room.spec.modes & Mode.TRAJECTORY:
            decided = _fetch(context, room, manifest)
        records.save_parent(journal, room.round_id, decided)
    if decided == ZERO_BYTES32:
        return decided, None
    try:
        network = load_model(
            room.parent, manifest.architecture, manifest.input_shape, manifest.classes, manifest.model.max_bytes
        )
    except (InvalidArtifact, OSError) as error:
        context.log.warning(f"the model to improve is lost ({error}); training begins anew", round_id=room.round_id)
        room.checkpoint.unlink(missing_ok=True)
        records.save_parent(journal, room.round_id, ZERO_BYTES32)
        return ZERO_BYTES32, None
    return decided, network


def _fetch(context: Context, room: Room, manifest: Manifest) -> bytes:
    """The latest winner of the same network goes to `room.parent`."""
    deployment = context.chain.deployment
    head = context.chain.latest
    give_up_at = time.monotonic() + LOOKING_SHARE * room.spec.train_secs
    for winner in winners(context.journal, before_block=head.number if head is not None else 0):
        left = give_up_at - time.monotonic()
        if left <= 0:
            break
        library = Library(
            context.ipfs, room.cache, deployment.chain_id, deployment.hub, timeout=min(FETCH_SECONDS, left)
        )
        shown = winner.model
        try:
            network = library.open(shown, manifest)
        except (IPFSError, InvalidArtifact, InvalidTask, OSError) as error:
            context.log.info(f"block {winner.height} is not improved: {error}", round_id=room.round_id)
            continue
        save_model(network, room.parent)
        message = f"improving the model of block {winner.height}, of {shown.commitment.miner}, who shares the fee"
        tell(context, "improving", message, round_id=room.round_id, height=winner.height)
        return shown.digest
    return ZERO_BYTES32
