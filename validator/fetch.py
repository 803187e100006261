"""Duties `fetch-task`, `fetch-model` and `fetch-winner`: what a judgement needs, on this machine before it is needed.

A failure here says nothing yet: the judgement tries again, and only what cannot be had then becomes a flag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlbc.chain.events import ModelClaimed
from dlbc.errors import ContentInvalid, ContentUnavailable, InvalidArtifact
from dlbc.journal import Duty
from dlbc.library import winner_of
from dlbc.materials import (
    fetch_manifest,
    fetch_model_ciphertext,
    fetch_test_ciphertext,
    fetch_train,
)
from dlbc.service import Done, Drop, Retry
from validator.evidence import spec_of

if TYPE_CHECKING:
    from pathlib import Path

    from dlbc.service import Context
    from dlbc.service import Outcome as Result

FETCH_SECONDS = 5.0  # an attempt: longer, and files that nobody serves would hold up a judgement that is due


def cache_of(context: Context) -> Path:
    """Where fetched and opened files are kept."""
    return context.workdir / "cache"


def fetch_task(duty: Duty, context: Context) -> Result:
    """Manifest, training data and the encrypted test set."""
    spec = spec_of(context.journal, duty.round_id)
    if spec is None:
        return Retry(2, "the task's spec is not confirmed yet")
    cache = cache_of(context)
    try:
        manifest = fetch_manifest(context.ipfs, spec, cache, FETCH_SECONDS)
        fetch_train(context.ipfs, manifest, cache, FETCH_SECONDS)
        fetch_test_ciphertext(context.ipfs, manifest, cache, FETCH_SECONDS)
    except (InvalidArtifact, ContentInvalid) as error:
        return Drop(f"the task is not what it says, the judgement will flag it: {error}")
    context.report({"event": "task_fetched", "round": duty.round_id})
    return Done()


def fetch_model(duty: Duty, context: Context) -> Result:
    """One candidate's encrypted model."""
    if context.hub.round(duty.round_id).outcome:
        return Drop("the round is final")
    spec = spec_of(context.journal, duty.round_id)
    claims = context.journal.events(ModelClaimed, round_id=duty.round_id, commitment_hash=bytes.fromhex(duty.subject))
    if spec is None or not claims:
        return Retry(2, "the claim is not confirmed yet")
    cache = cache_of(context)
    try:
        manifest = fetch_manifest(context.ipfs, spec, cache, FETCH_SECONDS)
        fetch_model_ciphertext(context.ipfs, claims[0].commitment, manifest, cache, FETCH_SECONDS)
    except (InvalidArtifact, ContentInvalid) as error:
        return Drop(f"not what was announced, the judgement will flag it: {error}")
    return Done()


def fetch_winner(duty: Duty, context: Context) -> Result:
    """A block's encrypted model, for comparison with all that come after it."""
    winner = winner_of(context.journal, duty.round_id)
    if winner is None:
        return Drop("its block is not among the latest ones")
    cache = cache_of(context)
    try:
        manifest = fetch_manifest(context.ipfs, winner.model.spec, cache, FETCH_SECONDS)
        fetch_model_ciphertext(context.ipfs, winner.model.commitment, manifest, cache, FETCH_SECONDS)
    except (ContentUnavailable, ContentInvalid, InvalidArtifact) as error:
        return Drop(f"later models cannot be compared with block {winner.height}: {error}")
    return Done()
