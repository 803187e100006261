"""Looks for one's own mark in somebody's shown model, before anything is said on chain: as validators will."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlbc.chain.events import ModelAccused, ModelKeyShown, RoundFinalized, RoundOpened
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import UsageError
from dlbc.keeper import spec_of
from dlbc.library import Library, ShownModel, shown_model
from dlbc.materials import fetch_manifest, fetch_train
from dlbc.ml.watermark import choose_probes, start_of, try_mark
from dlbc.ml.watermark.mark import PRESENT
from dlbc.types import same_address
from dlbc.wire import derivation
from dlbc.wire.typed_data import commitment_hash, spec_hash
from miner.accusation import READ_FIRST, Charge, bond_of, claimed, why_not
from miner.secrets import secrets_of

if TYPE_CHECKING:
    from dlbc.service import Context

FETCH_SECONDS = 30.0  # for each file: a person waits for it
MOST_MODELS = 64  # of one's own, the latest first


@dataclass(frozen=True)
class Trace:
    """The strongest trace of a mark of one's own.

    Attributes:
        z: standard deviations.
        tried: how many keys were looked for.
        bond: what an accusation locks, base units.
    """

    charge: Charge
    z: float
    tried: int
    bond: int

    def question(self) -> str:
        """What a person is asked before the bond is locked."""
        return (
            f"Your mark is in the model of {self.charge.accused}: private key {self.charge.key} of your model of round "
            f"{self.charge.earlier_round}, z {self.z:.1f} ({PRESENT:.0f} needed). An accusation shows that key to "
            f"everybody, so that it is spent, and locks {amount_in_words(self.bond)}: it returns with a tenth of the "
            "thief's lock if a larger committee finds the mark too, and goes to its validators if not. Accuse"
        )


def trace(context: Context, round_id: int, miner: str, cache: Path) -> Trace:
    """Tries all private keys of the account that nobody has seen yet.

    Args:
        context: with the account's own key, from which its private keys are derived.
        miner: whose model is looked at.
        cache: folder for what is fetched.

    Raises:
        UsageError: he cannot be accused, there is nothing to hold against his model, or no mark is in it.
        IPFSError: his model or his task's data cannot be had.
        InvalidArtifact: they are not what was announced.
    """
    found = context.hub.round(round_id)
    why = why_not(context.hub, round_id, found)
    if why:
        raise UsageError(why)
    if same_address(miner, context.account):
        raise UsageError(f"{miner} is your own account: nobody steals from himself")
    spec, commitment = spec_of(context.journal, found.task_id), claimed(context, round_id, miner)
    accused = None if commitment is None else shown_model(context.journal, round_id, commitment_hash(commitment))
    if spec is None or accused is None:
        raise UsageError(f"{miner} has shown no model in round {round_id}, or it is not known here yet: {READ_FIRST}")
    deployment = context.chain.deployment
    library = Library(context.ipfs, cache, deployment.chain_id, deployment.hub, FETCH_SECONDS)
    manifest = fetch_manifest(context.ipfs, spec, cache, FETCH_SECONDS)
    probes = choose_probes(fetch_train(context.ipfs, manifest, cache, FETCH_SECONDS).x, spec_hash(spec))
    model = library.open(accused, manifest)
    parent = library.declared_parent(context.journal, accused.commitment, manifest)
    of = accused.commitment
    seed = derivation.seed(deployment.chain_id, deployment.hub, of.spec_hash, of.round_id, of.miner, of.anchor)
    innocent = {"its miner's own start": start_of(model, seed)}
    if parent is not None:
        innocent["the winner that it says it improves"] = parent

    bond, tried = bond_of(context, found), 0
    best: Trace | None = None
    acquitted = ""
    spent = {event.key.secret for event in context.journal.events(ModelAccused, accuser=context.account)}
    for own in _own_models(context, accused, found.opened_at):
        keys = secrets_of(context, own.commitment).committed_keys(own.commitment.watermark)
        unseen = [key for key in keys if key.secret not in spent]
        reference = library.load(own, manifest) if unseen else None
        if reference is None:
            continue
        for key in unseen:
            tried += 1
            trial = try_mark(model, key, reference, probes, innocent)
            if trial.z >= PRESENT and not trial.convicts:
                acquitted = f"{trial.why_not} (z {trial.z:.1f})"
            elif best is None or trial.z > best.z:
                charge = Charge(round_id, accused.commitment.miner, own.commitment.round_id, key.index)
                best = Trace(charge, trial.z, tried, bond)
    if acquitted and (best is None or best.z < PRESENT):
        raise UsageError(
            f"your mark in the model of {miner} {acquitted}. Nothing was sent: validators would convict nobody, and "
            f"you would lose {amount_in_words(bond)}"
        )
    if best is None:
        raise UsageError(
            f"you have nothing to hold against the model of {miner}: that takes a model of your own of the same "
            f"architecture, shown in a final round whose commits were over before round {round_id} opened, "
            "large enough for a private key that was not shown yet, and still served by somebody"
        )
    if best.z < PRESENT:
        raise UsageError(
            f"no mark of yours is in the model of {miner}: of {tried} keys the strongest is key {best.charge.key} of "
            f"round {best.charge.earlier_round} with z {best.z:.1f}, and {PRESENT:.0f} are needed. Nothing was sent: "
            f"validators would not find it either, and you would lose {amount_in_words(bond)}"
        )
    return Trace(best.charge, best.z, tried, bond)


def _own_models(context: Context, accused: ShownModel, opened_at: int) -> Iterator[ShownModel]:
    """Those that the contracts take as earlier ones, the latest first."""
    journal = context.journal
    shown = journal.events(ModelKeyShown, miner=context.account)
    for event in reversed(shown[-MOST_MODELS:]):
        opened = journal.events(RoundOpened, round_id=event.round_id)
        final = journal.events(RoundFinalized, round_id=event.round_id)
        model = shown_model(journal, event.round_id, event.commitment_hash)
        if not (opened and final) or model is None or opened[-1].commit_end > opened_at:
            continue
        if model.digest != accused.commitment.parent:  # what is declared is no theft
            yield model
