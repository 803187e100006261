"""Duty `open-leaf`: answers a challenge of one's own vote, before its phase ends. What is not answered is not paid."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from dlbc.service import Done, Drop, Retry
from dlbc.types import Phase
from dlbc.wire.merkle import eval_opening
from validator import records
from validator.evidence import spec_of

if TYPE_CHECKING:
    from dlbc.chain.contracts import LeafAsked
    from dlbc.journal import Duty
    from dlbc.service import Context
    from dlbc.service import Outcome as Result
    from dlbc.types import Leaf, Vote

Opening = tuple["Leaf", list[bytes]]


class Openings:
    """The action, and the proofs that are being made.

    A proof hashes every leaf again: minutes, where a test set has a million samples. In the loop that would hold up
    votes, and behind a judgement it could come too late; so each has a thread.
    """

    def __init__(self) -> None:
        self._making: dict[str, queue.SimpleQueue[Opening | Exception]] = {}
        self._made: dict[str, Opening] = {}

    def open_leaf(self, duty: Duty, context: Context) -> Result:
        """Shows the leaf that the contract asks for."""
        epoch, position = (int(part) for part in duty.subject.split("/"))
        found = context.hub.round(duty.round_id)
        if found.epoch != epoch or found.phase is not Phase.APPEAL:
            return Drop(f"challenges are over: the round is in phase {found.phase.name} of epoch {found.epoch}")
        if not context.committee.votes(duty.round_id).unopened >> position & 1:
            return Done()  # by us before, or by somebody else
        vote = next((v for v in records.votes(context.journal, duty.round_id, epoch) if v.pos == position), None)
        spec = spec_of(context.journal, duty.round_id)
        if vote is None or spec is None:
            return Drop("this journal does not know the vote")
        asked = context.committee.challenged_leaf(duty.round_id, position, spec)
        # A reorganisation may ask for another leaf.
        name = f"leaf/{duty.round_id}/{duty.subject}/{asked.candidate}/{asked.sample}"
        if name not in self._made:
            made = self._opening(name, context, vote, asked)
            if made is None:
                return Retry(1, "the proof is being made")
            self._made[name] = made
        leaf, proof = self._made[name]
        context.transactions.send(name, context.committee.open_leaf(vote, spec, leaf, proof))
        return Retry(1, "the leaf is on its way")

    def _opening(self, name: str, context: Context, vote: Vote, asked: LeafAsked) -> Opening | None:
        if name not in self._making:
            answer: queue.SimpleQueue[Opening | Exception] = queue.SimpleQueue()
            self._making[name] = answer
            threading.Thread(
                target=_make, args=(context, vote, asked, answer), name=f"proof {name}", daemon=True
            ).start()
        try:
            # Usually it is there in a moment.
            made = self._making[name].get(timeout=0.5)
        except queue.Empty:
            return None
        del self._making[name]
        if isinstance(made, Exception):
            raise made
        return made


def _make(context: Context, vote: Vote, asked: LeafAsked, answer: queue.SimpleQueue[Opening | Exception]) -> None:
    try:
        predictions = records.leaves(context.journal, vote.round_id, vote.epoch)
        if predictions is None:
            raise LookupError("the predictions behind the vote are not in this journal")
        answer.put(eval_opening(vote.salt, predictions, asked.candidate, asked.sample))
    except Exception as error:  # raised where it is waited for
        answer.put(error)
