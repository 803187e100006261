"""Whether an accuser's mark is in the accused model: what the committee of an accusation votes on.

Conviction costs the accused his whole lock, so it needs the mark itself, whose false positives are bounded by proof
(`dlbc.ml.watermark.mark`). Whatever keeps us from looking convicts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dlbc.chain.events import ModelAccused
from dlbc.errors import InvalidArtifact, InvalidTask, IPFSError
from dlbc.journal import Journal
from dlbc.library import Library, shown_model
from dlbc.manifest import Manifest
from dlbc.ml.channels import Network
from dlbc.ml.tensor_file import Array
from dlbc.ml.watermark import Key, Trial, private_key_count, start_of, try_mark
from dlbc.ml.watermark.mark import PRESENT
from dlbc.types import ModelCommitment
from dlbc.wire.vote_word import TaskFlag, stolen
from validator.deadline import Unfinished, in_time
from validator.judge import Opened


@dataclass(frozen=True)
class Answer:
    """What is said of an accusation.

    Attributes:
        flag: STOLEN of the accused's position, or NONE.
        why: in words, for the operator's log.
    """

    flag: TaskFlag
    why: str


def accusation_of(journal: Journal, round_id: int) -> ModelAccused | None:
    """Of whom somebody said in this round that his model is another's; a round has one accusation at most."""
    accused = journal.events(ModelAccused, round_id=round_id)
    return accused[-1] if accused else None


def answer(
    accusation: ModelAccused,
    candidates: Sequence[Opened],
    journal: Journal,
    library: Library,
    manifest: Manifest,
    probes: Array,
    seed_of: Callable[[ModelCommitment], bytes],
    seconds_left: Callable[[], float],
) -> Answer:
    """Looks for the mark.

    Args:
        candidates: in the order of the list.
        manifest: of the accused's task: the earlier model must have its architecture.
        probes: training samples that the two are aligned on.
        seed_of: the miner's seed m of a commitment.
        seconds_left: until the answer must be there.
    """
    try:
        position, accused, model = _accused(accusation, candidates)
        key = _key(accusation, model)
        earlier = shown_model(journal, accusation.earlier_round, accusation.earlier)
        if earlier is None:
            raise InvalidArtifact("the accuser's model is not known here")
        reference = library.open(earlier, manifest)
        parent = library.declared_parent(journal, accused.commitment, manifest)
    except (IPFSError, InvalidArtifact, InvalidTask, OSError) as error:
        return Answer(TaskFlag.NONE, f"nobody is convicted: {error}")
    seed = seed_of(accused.commitment)

    def look() -> Trial:
        innocent = {"the accused's own start": start_of(model, seed)}
        if parent is not None:
            innocent["the parent that the accused declares"] = parent
        return try_mark(model, key, reference, probes, innocent)

    found = in_time(seconds_left(), look)
    if isinstance(found, Unfinished):
        return Answer(TaskFlag.NONE, f"nobody is convicted: looking for the mark {found}")
    said = f"z {found.z:.1f}, {PRESENT:.0f} needed"
    if found.convicts:
        return Answer(stolen(position), f"the accuser's mark is in the model ({said})")
    return Answer(TaskFlag.NONE, f"the accuser's mark {found.why_not} ({said})")


def _accused(accusation: ModelAccused, candidates: Sequence[Opened]) -> tuple[int, Opened, Network]:
    for position, candidate in enumerate(candidates):
        if candidate.digest == accusation.accused:
            if candidate.model is None:
                raise InvalidArtifact(f"the accused model cannot be opened: {candidate.why}")
            return position, candidate, candidate.model
    raise InvalidArtifact("the accused is off the list")


def _key(accusation: ModelAccused, model: Network) -> Key:
    """The key that was shown, if it is one that an honest owner has.

    He deals the weights among as many keys as they can carry. With more, each share is too small for its mark to
    survive; and a secret that was shown once could be committed to again under the leaf of another count, which the
    contracts cannot tell from a new one.
    """
    shown, shares = accusation.key, private_key_count(model.carrier_size())
    if shown.shares != shares:
        raise InvalidArtifact(f"the key shown is one of {shown.shares}, networks like the accused carry {shares}")
    return Key(shown.secret, shown.index, shares, private=True)
