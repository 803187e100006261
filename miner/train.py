"""Duty `train`: fetch, check, train to the deadline, mark, save.

It has no deadline of its own and gives way to every other duty, because a claim that is late costs stake:
training then stops at its checkpoint and goes on afterwards.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from dlbc.errors import ChainError, ContentInvalid, InvalidArtifact, IPFSError
from dlbc.journal import Duty
from dlbc.manifest import Manifest
from dlbc.materials import check_declared, fetch_manifest, fetch_train
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.training import Epoch
from dlbc.ml.training import Settings as TrainingSettings
from dlbc.ml.training import train as run_training
from dlbc.ml.watermark import embed, verify
from dlbc.ml.watermark.mark import OWN
from dlbc.service import Done, Drop
from dlbc.types import ZERO_BYTES32, Mode
from miner import recording, records, words
from miner.feasible import SHARE_TO_TRAIN, scoring_seconds, too_slow
from miner.options import GRACE_SECONDS, LONG, SEAL, TRAIN, Options, soon, tell
from miner.parent import begin_at
from miner.plan import Plan, plan
from miner.prefetch import Prefetch
from miner.room import Room, open_room, rules_of
from miner.secrets import Secrets

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

FETCH_SECONDS = 20.0
FETCH_PAUSE = 2.0
LOOK_SECONDS = 1.0  # how often chain and agenda are asked between two steps
REPORT_SECONDS = 1.0
REPORTS = 100  # of a long training, at most about so many
MOST_MARKS = 3
MOST_LOST = 0.05  # of the training time may be lost in a crash ...
MOST_LOST_SECONDS = 30.0  # ... and never more than this
HELD_OUT = TrainingSettings().held_out


class Refused(Exception):
    """The task is not worth a stake, and will not be later."""


def train(duty: Duty, context: Context, options: Options) -> Result:
    """One attempt; after a crash, an interruption or a failed fetch the next one goes on from there."""
    room = open_room(context, duty.round_id)
    if duty.subject != subject(room.anchor):
        return Drop("the round's anchor changed in a reorganisation; it is trained for anew")
    ready = records.trained(context.journal, room.round_id)
    if ready is not None and ready.anchor == room.anchor:
        return _hand_over(context, room)
    if context.chain.now() >= room.commit_end:
        why = too_late(context, room)
        records.note_state(context.journal, room.round_id, stage="missed", why=why)
        return Drop(why)
    try:
        manifest, data = _materials(context, room, options)
        session = _Session(context, room, options, manifest, data)
        session.refuse_what_cannot_be_claimed()
    except Refused as refusal:
        records.refuse(context.journal, room.round_id, str(refusal))
        return Drop(f"round {room.round_id} is skipped: {refusal}")
    except IPFSError as error:
        # Not a refusal: another round may be taken meanwhile, and this one is tried again to its deadline.
        tell_once(context, room, f"{error}; trying on until the deadline")
        return soon(context, str(error), FETCH_PAUSE)
    with Prefetch(context, manifest, room):
        return session.run()


def subject(anchor: bytes) -> str:
    """Tells apart the work for one round under two anchors."""
    return anchor.hex()[:16]


def too_late(context: Context, room: Room) -> str:
    """What a miner wants to know when the deadline is over."""
    late = words.seconds(context.chain.now() - room.commit_end)
    return (
        f"the deadline of round {room.round_id} passed {late} ago and no model was committed: no stake is "
        f"locked, nothing is lost but the time; what was trained stays in {room.folder}"
    )


def tell_once(context: Context, room: Room, message: str) -> None:
    """An outage, said when it begins and not at every attempt."""
    if records.state(context.journal, room.round_id).get("stage") != "waiting":
        context.log.warning(message, round_id=room.round_id)
    records.note_state(context.journal, room.round_id, stage="waiting", why=message)


def _materials(context: Context, room: Room, options: Options) -> tuple[Manifest, Dataset]:
    timeout = min(FETCH_SECONDS, max(1.0, room.commit_end - context.chain.now()))
    try:
        manifest = fetch_manifest(context.ipfs, room.spec, room.cache, timeout)
        problems = check_declared(room.spec, manifest).problems
        if problems:
            raise Refused(f"mis-declared: {'; '.join(problems)}")
        if 0 < options.max_parameters < manifest.model.parameters:
            found, most = manifest.model.parameters, options.max_parameters
            raise Refused(f"{found:,} parameters, the limit is {most:,} (--max-parameters)")
        if 0 < options.max_data_bytes < manifest.data_bytes:
            raise Refused(
                f"{manifest.data_bytes:,} bytes of data, the limit is {options.max_data_bytes:,} (--max-data)"
            )
        return manifest, fetch_train(context.ipfs, manifest, room.cache, timeout)
    except (InvalidArtifact, ContentInvalid) as error:
        raise Refused(f"hostile task: {error}") from error


def _hand_over(context: Context, room: Room) -> Result:
    deadline = room.commit_end + GRACE_SECONDS
    context.journal.owe(Duty(SEAL, room.round_id, subject(room.anchor), deadline=deadline))
    return Done()


class _Session:
    """One stretch of training, from start or checkpoint to the deadline or an interruption."""

    def __init__(self, context: Context, room: Room, options: Options, manifest: Manifest, data: Dataset) -> None:
        self.context, self.room, self.data, self.manifest, self.options = context, room, data, manifest, options
        self.parent = ZERO_BYTES32
        self.device = torch.device(options.device)
        self.secrets: Secrets = room.secrets(context)
        self.model: Network = build(manifest.architecture, manifest.input_shape, manifest.classes)
        self.plan: Plan = plan(
            room.commit_end,
            block_seconds(context),
            records.costs(context.journal),
            manifest.model.max_bytes,
        )
        self.interruption = ""
        self.settled = False
        self._looked = self._reported = 0.0

    def refuse_what_cannot_be_claimed(self) -> None:
        """Raises Refused where the test set could not be scored while claiming lasts."""
        claim_secs = rules_of(self.context, self.room.round_id).timing.claim_secs
        seconds = scoring_seconds(self.model, self.data, self.manifest, self.device)
        problem = too_slow(seconds, claim_secs, SHARE_TO_TRAIN, self.manifest.data.test.samples)
        if problem:
            raise Refused(problem)

    def run(self) -> Result:
        """Trains; what it ends with is a model on disk, or a checkpoint and the reason."""
        room, journal = self.room, self.context.journal
        records.note_state(journal, room.round_id, stage="training", why=None)
        initialise(self.model, self.secrets.seed)
        self.parent, improved = begin_at(self.context, room, self.manifest, self.options)
        if improved is not None:
            self.model.load_state_dict(improved.state_dict())
        if room.spec.modes & Mode.TRAJECTORY:
            return self._record()
        result = run_training(
            self.model,
            self.data,
            seed=self.secrets.seed,
            seconds_left=self._seconds_left,
            device=self.device,
            mark=recording.marker(self.secrets),
            on_epoch=self._tell_epoch,
            should_stop=self._interrupted,
            checkpoint=room.checkpoint,
            checkpoint_seconds=min(MOST_LOST_SECONDS, max(1.0, room.spec.train_secs * MOST_LOST)),
        )
        if result.stopped or not self._anchor_holds():
            return soon(self.context, self.interruption, 0)
        self._finish(result.epochs, _known(result.accuracy))
        return _hand_over(self.context, room)

    def _record(self) -> Result:
        """As `run`, by a recipe and station by station, so that it can be proven."""
        found = recording.begin(self.room, self.secrets, self.model, self.data, self.device, self._seconds_left())
        samples = len(self.data)

        def tell(step: int, steps: int) -> None:
            passed = recording.epochs(found.recipe, step, samples)
            final = step >= found.recipe.mark_at
            self._tell(int(passed), step / steps, final=final, measured=lambda: (found.accuracy, math.nan))

        if not found.train(seconds_left=self._seconds_left, on_station=tell, should_stop=self._interrupted):
            return soon(self.context, self.interruption, 0)
        if not self._anchor_holds():
            return soon(self.context, self.interruption, 0)
        trajectory = found.trajectory
        epochs = recording.epochs(trajectory.recipe, trajectory.recipe.steps, samples)
        self._finish(epochs, found.accuracy, trajectory.digest)
        return _hand_over(self.context, self.room)

    def _seconds_left(self) -> float:
        return self.plan.stop_training - self.context.chain.now()

    def _finish(self, epochs: float, accuracy: float, trajectory: bytes = ZERO_BYTES32) -> None:
        began = time.monotonic()
        scoring = scoring_seconds(self.model, self.data, self.manifest, self.device)
        self.model.to("cpu")
        z = verify(self.model, self.secrets.public_key).z
        for _ in range(MOST_MARKS):
            # what was recorded ends with this model and no other
            if z >= OWN or trajectory != ZERO_BYTES32:
                break
            embed(self.model, self.secrets.public_key)  # training washed part of it out
            z = verify(self.model, self.secrets.public_key).z
        save_model(self.model, self.room.model)
        journal = self.context.journal
        found = records.Trained(
            path=self.room.model,
            anchor=self.room.anchor,
            watermark=self.secrets.watermark_root(self.model),
            accuracy=accuracy,
            epochs=epochs,
            held_out=int(HELD_OUT * len(self.data)),
            scoring_seconds=scoring,
            trajectory=trajectory,
            parent=self.parent,
        )
        with journal.transaction():
            records.save_trained(journal, self.room.round_id, found)
            records.save_costs(journal, records.costs(journal).learn(finish=time.monotonic() - began))
            records.note_state(journal, self.room.round_id, stage="trained", accuracy=accuracy, mark=round(z, 1))
        self.room.checkpoint.unlink(missing_ok=True)
        left = words.seconds(self.room.commit_end - self.context.chain.now())
        message = (
            f"trained {epochs:.3g} epochs · {words.percent(accuracy)} on held-out data · "
            f"watermark {z:.0f} sigma · {left} left to commit"
        )
        tell(self.context, "trained", message, round_id=self.room.round_id, accuracy=accuracy)

    def _tell_epoch(self, epoch: Epoch) -> None:
        self._tell(epoch.number, epoch.progress, final=epoch.final, measured=lambda: (epoch.accuracy, epoch.loss))

    def _tell(self, epoch: int, progress: float, *, final: bool, measured: Callable[[], tuple[float, float]]) -> None:
        now = time.monotonic()
        pause = max(REPORT_SECONDS, self.room.spec.train_secs / REPORTS)
        if now - self._reported < pause and not (final and progress == 1):
            return
        self._reported = now
        accuracy, loss = map(_known, measured())
        left = max(0.0, self.room.commit_end - self.context.chain.now())
        facts: dict[str, Any] = {
            "epoch": epoch,
            "accuracy": round(accuracy, 4),
            "loss": round(loss, 4),
            "progress": round(progress, 3),
            "final": final,
            "seconds_left": round(left, 1),
        }
        records.note_state(self.context.journal, self.room.round_id, stage="training", **facts)
        message = words.epoch(epoch, accuracy, left)
        tell(self.context, "epoch", message, round_id=self.room.round_id, **facts)

    def _interrupted(self) -> bool:
        """Whether to stop at the checkpoint: the program ends, a duty is urgent, or the anchor changed."""
        if self.context.stopping.is_set():
            self.interruption = "the program stops; training goes on from its checkpoint when it is started again"
            return True
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        due = self.context.journal.agenda.due(self.context.chain.now())
        waiting = [row.duty for row in due if row.duty.kind in LONG - {TRAIN}]
        if waiting:
            self.interruption = f"{waiting[0]} goes first; training goes on from its checkpoint"
            return True
        return not self._anchor_holds()

    def _anchor_holds(self) -> bool:
        """Re-checked once after Settle, when it has become final: seed and start depend on it."""
        if self.settled or self.context.chain.now() < self.room.commit_start:
            return True
        try:
            anchor = self.context.hub.round(self.room.round_id).anchor
        except ChainError:
            return True  # asked again in a second; commitModel checks it in any case
        if anchor == self.room.anchor:
            self.settled = True
            return True
        self.interruption = "the round's anchor changed in a reorganisation"
        return False


def _known(value: float) -> float:
    """0 for what could not be measured: a training set too small to hold any of it out."""
    return value if math.isfinite(value) else 0.0


def block_seconds(context: Context) -> float:
    """Seconds between blocks lately, 1 while unknown."""
    head = context.chain.latest
    earlier = context.chain.header(max(0, head.number - 20)) if head is not None else None
    if head is None or earlier is None or head.number == earlier.number:
        return 1.0
    return max(0.0, (head.timestamp - earlier.timestamp) / (head.number - earlier.number))
