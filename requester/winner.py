"""The winning model: fetched by what the chain says alone, opened, scored again, and kept with a card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlbc import materials
from dlbc.artifact import sha256_file
from dlbc.chain.client import Chain
from dlbc.chain.events import ModelClaimed, ModelKeyShown, RoundFinalized, TestKeyRevealed
from dlbc.errors import ContentUnavailable, DLBCError, InvalidArtifact, UsageError
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.unixfs import digest_of_file
from dlbc.manifest import Manifest
from dlbc.ml.evaluate import score
from dlbc.ml.model_file import load_model
from dlbc.types import BlockHeader, ModelCommitment, Outcome, TaskSpec
from requester import lookup
from requester.outcomes import ADVICE, TABLE

MODEL, CARD = "model.safetensors", "model.json"


class NoModel(DLBCError):
    """The task has no winning model (yet); the message says why."""

    exit_code = 7


@dataclass(frozen=True)
class Winner:
    """What the chain says of a finished task's model.

    Attributes:
        key: of the model, 32 bytes.
        test_key: of the test set, 32 bytes.
    """

    task_id: int
    spec: TaskSpec
    header: BlockHeader
    height: int
    head: bytes
    commitment: ModelCommitment
    key: bytes
    test_key: bytes


@dataclass(frozen=True)
class Delivered:
    """A model on this disk.

    Attributes:
        evaluated: correct test samples, counted here; None where the test set could not be had.
    """

    winner: Winner
    manifest: Manifest
    model: Path
    card: Path
    evaluated: int | None

    @property
    def agrees(self) -> bool:
        """Whether the score here is the committee's, as far as devices agree."""
        return self.evaluated is not None and abs(self.evaluated - self.winner.header.score) <= self.winner.spec.tol


def find_winner(chain: Chain, task_id: int) -> Winner:
    """Asks the chain who won.

    Raises:
        NoModel: the round runs, or ended without a block.
        UsageError: there is no such task.
    """
    submitted = lookup.submission(chain, task_id)
    finals = lookup.events(chain, RoundFinalized, None, task_id)
    if not finals:
        raise NoModel(f"task {task_id} is not final yet: `dlbc-request status {task_id}` says where it stands")
    final = finals[-1]
    end = lookup.finish(chain, final.round_id)
    if final.outcome is not Outcome.BLOCK or end is None or end.header is None:
        what = TABLE.get(final.outcome, ("it ended without a block",))[0]
        raise NoModel(f"task {task_id} ended without a model: {what}. {ADVICE.get(final.outcome, '')}")
    claims = lookup.events(chain, ModelClaimed, final.round_id, None, end.header.commitment)
    keys = lookup.events(chain, ModelKeyShown, final.round_id, None, end.header.commitment)
    test_keys = lookup.events(chain, TestKeyRevealed, final.round_id)
    if not (claims and keys and test_keys):
        raise NoModel(f"the chain's events of round {final.round_id} are incomplete: another node may have them")
    return Winner(
        task_id=task_id,
        spec=submitted.spec,
        header=end.header,
        height=end.height,
        head=end.head,
        commitment=claims[-1].commitment,
        key=keys[-1].key,
        test_key=test_keys[-1].key,
    )


def deliver(
    chain: Chain,
    ipfs: materials.Fetcher,
    winner: Winner,
    output: Path | None,
    cache: Path,
    *,
    timeout: float,
) -> Delivered:
    """Fetches, decrypts, checks and scores the model, and puts `MODEL` and `CARD` into `output`.

    Args:
        output: folder; None for ./<name>-model, with the task's number where that holds another model.
        cache: folder for what is fetched.
        timeout: seconds for each of the files.

    Raises:
        IPFSError: somebody's file cannot be had (yet).
        InvalidArtifact: a file is not what the chain says.
        UsageError: `output` holds another model.
    """
    chain_id, hub = chain.deployment.chain_id, chain.deployment.hub
    spec, commitment = winner.spec, winner.commitment
    manifest = materials.fetch_manifest(ipfs, spec, cache, timeout)
    sealed = materials.fetch_model_ciphertext(ipfs, commitment, manifest, cache, timeout)
    plain = materials.open_model(commitment, manifest, sealed, winner.key, chain_id, hub, cache)
    if commitment.model_hash != winner.header.model_hash:
        raise InvalidArtifact("the claim's model hash is not the block's")
    model = load_model(plain, manifest.architecture, manifest.input_shape, manifest.classes, manifest.model.max_bytes)
    try:
        ciphertext = materials.fetch_test_ciphertext(ipfs, manifest, cache, timeout)
    except ContentUnavailable:
        evaluated = None  # the model is here, and worth having
    else:
        test = materials.open_test(spec, manifest, ciphertext, winner.test_key, chain_id, hub, cache)
        evaluated = score(model, test).correct
    output = _default_output(winner, manifest) if output is None else output
    try:
        card = model_card(winner, manifest, evaluated, chain_id, hub)
        _keep(plain, output, card)
    except OSError as error:
        raise UsageError(f"cannot write to {output}: {error.strerror or error}") from error
    return Delivered(winner, manifest, output / MODEL, output / CARD, evaluated)


def seed_cache(cache: Path, files: Iterable[Path]) -> None:
    """Puts files of one's own into the cache, so that nobody has to serve them."""
    cache.mkdir(parents=True, exist_ok=True)
    for file in files:
        if file.is_file():
            shutil.copyfile(file, cache / digest_to_cid(digest_of_file(file)))


def model_card(winner: Winner, manifest: Manifest, evaluated: int | None, chain_id: int, hub: str) -> dict[str, Any]:
    """What one has to know of a model to use and to trust it."""
    spec, header = winner.spec, winner.header
    return {
        "name": manifest.name,
        "file": MODEL,
        "sha256": header.model_hash.hex(),
        "architecture": dict(manifest.architecture),
        "input_shape": list(manifest.input_shape),
        "classes": manifest.classes,
        "parameters": manifest.model.parameters,
        "preprocessing": "uint8 inputs are divided by 255, float32 inputs are used as they are",
        "metric": manifest.metric,
        "score": {
            "on_chain": header.score,
            "evaluated_here": evaluated,
            "of": header.score_max,
            "minimum": spec.min_score,
            "tolerance": spec.tol,
        },
        "block": {
            "height": winner.height,
            "hash": winner.head.hex(),
            "timestamp": header.timestamp,
            "chain_id": chain_id,
            "hub": hub,
        },
        "task": winner.task_id,
        "round": header.round_id,
        "miner": header.miner,
        "load": "dlbc.ml.model_file.load_model(path, architecture, tuple(input_shape), classes, max_bytes)",
    }


def _default_output(winner: Winner, manifest: Manifest) -> Path:
    folder = Path.cwd() / f"{manifest.name.replace(' ', '-')}-model"
    if (folder / MODEL).exists() and sha256_file(folder / MODEL) != winner.header.model_hash:
        return folder.with_name(f"{folder.name}-{winner.task_id}")
    return folder


def _keep(plain: Path, output: Path, card: dict[str, Any]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    model = output / MODEL
    if model.exists() and sha256_file(model).hex() != card["sha256"]:
        raise UsageError(f"{output} holds another model already: give another folder with -o")
    part = output / f"{MODEL}.part"
    shutil.copyfile(plain, part)
    part.replace(model)
    (output / CARD).write_text(json.dumps(card, indent=2) + "\n")
