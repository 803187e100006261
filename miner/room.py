"""One round as the miner's actions see it: what its events say, where its files lie, what its secrets are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlbc.chain.events import RoundOpened
from dlbc.errors import ChainError
from dlbc.keeper import spec_of
from dlbc.types import TaskSpec
from miner.secrets import Secrets, secrets

if TYPE_CHECKING:
    from dlbc.chain.contracts import Parameters
    from dlbc.service import Context


@dataclass(frozen=True)
class Room:
    """Attributes:
    folder: of this round's files; nothing of another round lies in it.
    """

    round_id: int
    spec: TaskSpec
    spec_hash: bytes
    anchor: bytes
    opened_at: int
    commit_start: int
    commit_end: int
    folder: Path

    @property
    def cache(self) -> Path:
        """What was fetched."""
        return self.folder / "fetched"

    @property
    def checkpoint(self) -> Path:
        """State of the training, so that a lost process costs half a minute."""
        return self.folder / f"checkpoint-{self.anchor.hex()[:16]}.pt"

    @property
    def model(self) -> Path:
        """The finished, plain model."""
        return self.folder / "model.safetensors"

    @property
    def parent(self) -> Path:
        """The plain model that the training begins at, where it improves one."""
        return self.folder / "parent.safetensors"

    @property
    def ciphertext(self) -> Path:
        """The same, encrypted: what IPFS gets."""
        return self.folder / "model.enc"

    @property
    def plan(self) -> Path:
        """The recipe that a recorded training began with."""
        return self.folder / f"plan-{self.anchor.hex()[:16]}.json"

    @property
    def recording(self) -> Path:
        """A folder: what was committed to at each station of a recorded training."""
        return self.folder / f"recording-{self.anchor.hex()[:16]}"

    def secrets(self, context: Context) -> Secrets:
        """Seed and keys of this round."""
        deployment = context.chain.deployment
        return secrets(
            bytes(context.signer.key),
            deployment.chain_id,
            deployment.hub,
            round_id=self.round_id,
            spec_hash=self.spec_hash,
            miner=context.account,
            anchor=self.anchor,
        )


def find_room(context: Context, round_id: int) -> Room | None:
    """The round, from the events in the journal; None while they lie behind the confirmations."""
    opened = context.journal.events(RoundOpened, round_id=round_id)
    if not opened:
        return None
    event = opened[-1]
    spec = spec_of(context.journal, event.task_id)
    if spec is None:
        return None
    folder = context.workdir / "rounds" / str(round_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Room(
        round_id,
        spec,
        event.spec_hash,
        event.anchor,
        event.opened_at,
        event.commit_start,
        event.commit_end,
        folder,
    )


def open_room(context: Context, round_id: int) -> Room:
    """As `find_room`.

    Raises:
        ChainError: its events are not in the journal (a reorganisation took them): worth another try.
    """
    room = find_room(context, round_id)
    if room is None:
        raise ChainError(f"the events of round {round_id} are not on the chain, for now")
    return room


def rules_of(context: Context, round_id: int) -> Parameters:
    """The round's own parameters: those under which its task was submitted."""
    return context.hub.parameters_of(context.hub.round(round_id).version)
