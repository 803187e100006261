"""Duty `tidy`: forgets the files of rounds that are over. A disk that strangers' files have filled costs votes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dlbc.chain.events import ModelClaimed
from dlbc.errors import InvalidArtifact
from dlbc.ipfs.cid import digest_to_cid
from dlbc.journal import Duty, DutyState
from dlbc.keeper import live_rounds
from dlbc.library import winners
from dlbc.manifest import Manifest
from dlbc.materials import plain_model_name, plain_test_name
from dlbc.service import Done, Drop
from dlbc.types import ModelCommitment, TaskSpec
from validator.evidence import spec_of
from validator.fetch import cache_of
from validator.handlers import TIDY

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

ANY_BLOCK = 1 << 62


def tidy(duty: Duty, context: Context) -> Result:
    """Deletes what neither a live round nor a later comparison needs.

    It runs where files are fetched and judged, one at a time, so nothing that it finds is being written.
    """
    if any(row.duty.round_id > duty.round_id for row in context.journal.duties(DutyState.OWED, TIDY)):
        return Drop("it is owed again for a later round")
    cache = cache_of(context)
    if cache.is_dir():
        wanted = {*_of_winners(context), *_of_live_rounds(context, cache)}
        for path in cache.iterdir():
            if path.name not in wanted and path.is_file():
                path.unlink()
    return Done()


def _of_winners(context: Context) -> Iterator[str]:
    for winner in winners(context.journal, before_block=ANY_BLOCK):
        yield digest_to_cid(winner.model.spec.manifest)
        yield from _of_model(winner.model.commitment)


def _of_live_rounds(context: Context, cache: Path) -> Iterator[str]:
    for round_id in live_rounds(context):
        spec = spec_of(context.journal, round_id)
        if spec is not None:
            yield from _of_task(spec, cache)
            for claim in context.journal.events(ModelClaimed, round_id=round_id):
                yield from _of_model(claim.commitment)


def _of_task(spec: TaskSpec, cache: Path) -> Iterator[str]:
    name = digest_to_cid(spec.manifest)
    yield name
    try:
        manifest = Manifest.from_bytes((cache / name).read_bytes())
    except (OSError, InvalidArtifact):
        return  # nothing else of it can be here
    yield from (shard.cid for shard in manifest.data.train.shards)
    yield manifest.data.test.cid
    yield plain_test_name(manifest)


def _of_model(commitment: ModelCommitment) -> Iterator[str]:
    yield digest_to_cid(commitment.artifact)
    yield plain_model_name(commitment)
