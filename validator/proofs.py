"""What candidates opened of their trainings, fetched and run again (docs/protocol.md, "Trajectory proofs")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from dlbc.artifact import cipher_size, decrypt_file
from dlbc.chain.events import ModelKeyShown, TrajectoryShown
from dlbc.errors import ContentInvalid, ContentUnavailable, InvalidArtifact
from dlbc.ipfs.cid import digest_to_cid
from dlbc.journal import Journal
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.trajectory import Claim, max_opening_bytes, verify
from dlbc.ml.trajectory.state import Layout
from dlbc.types import ModelCommitment
from dlbc.wire.derivation import ArtifactKind, artifact_context
from validator.evidence import Budget, Source
from validator.judge import Opened


@dataclass(frozen=True)
class Proofs:
    """The openings of one epoch.

    Attributes:
        draw: the epoch's seed, which chooses the windows.
        seed_of: the miner's seed m of a commitment.
        may_blame: whether what cannot be had is somebody else's fault and not our own node's.
    """

    source: Source
    journal: Journal
    round_id: int
    epoch: int
    draw: bytes
    train: Dataset
    budget: Budget
    seed_of: Callable[[ModelCommitment], bytes]
    may_blame: Callable[[str], bool]
    device: torch.device

    def fault(self, candidate: Opened) -> str:
        """What is wrong with a candidate's proof, or "" where nothing is, or nothing can be said.

        Raises:
            IPFSError, OSError, MemoryError: our own machine fails, which says nothing against him.
        """
        keys = self.journal.events(ModelKeyShown, round_id=self.round_id, commitment_hash=candidate.digest)
        if candidate.model is None or not keys:
            return ""
        shown = self.journal.events(
            TrajectoryShown, round_id=self.round_id, commitment_hash=candidate.digest, epoch=self.epoch
        )
        if not shown:
            return "its miner opened nothing of his training"
        try:
            path = self._open(candidate.commitment, candidate.model, shown[-1], keys[-1].key)
        except ContentUnavailable as error:
            return f"what its miner opened of his training: {error}" if self.may_blame(str(error)) else ""
        except (ContentInvalid, InvalidArtifact) as error:
            return f"what its miner opened of his training: {error}"
        try:
            claim = Claim(candidate.commitment.trajectory, self.seed_of(candidate.commitment), candidate.model)
            verdict = verify(path, claim, self.train, draw=self.draw, device=self.device)
        finally:
            path.unlink()  # as large as many models, and judged once
        return f"its training: {verdict.words}" if verdict.flagged else ""

    def _open(self, commitment: ModelCommitment, network: Network, shown: TrajectoryShown, key: bytes) -> Path:
        most = max_opening_bytes(Layout(network))
        if not 0 < shown.artifact_bytes <= cipher_size(most):
            raise InvalidArtifact(
                f"{shown.artifact_bytes:,} bytes announced, at most {cipher_size(most):,} are what a model of this "
                "architecture can have to open"
            )
        source, name = self.source, digest_to_cid(shown.artifact)
        sealed = source.cache / name
        source.ipfs.fetch_file(name, sealed, max_bytes=shown.artifact_bytes, timeout=self.budget.next())
        plain = source.cache / f"{name}.opening.safetensors"
        context = artifact_context(
            source.chain_id, source.hub, ArtifactKind.TRAJECTORY, self.round_id, commitment.miner
        )
        try:
            decrypt_file(sealed, plain, key, context, max_plain_bytes=most)
        finally:
            sealed.unlink(missing_ok=True)
        return plain
