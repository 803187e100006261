"""What happens, in words: chain events as they come, and a table of who is doing what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Hub
from dlbc.chain.refusals import amount_in_words
from dlbc.journal import Event
from dlbc.types import BlockHeader, EpochCause, Outcome, Phase
from dlbc.wire.tally import lower_median
from dlbc.wire.vote_word import unpack
from scripts.demo.market import Actor, Market

EPOCH_SECONDS = 5.0  # where there is no table, a line for each miner no more often than this
EPOCHS = {
    EpochCause.NO_QUORUM: "too few votes",
    EpochCause.APPEAL: "an appeal",
    EpochCause.EXCLUDED: "the disqualified kept a better claim out",
    EpochCause.ACCUSATION: "an accusation",
}
COLOURS = {"requester": "cyan", "miner": "green", "validator": "blue", "thief": "red"}


@dataclass
class Story:
    """Tells and remembers the chain's events.

    Attributes:
        told: every event so far, oldest first.
    """

    market: Market
    chain: Chain
    console: Console
    told: list[Event] = field(default_factory=list)
    _next_block: int = 0
    _scores: dict[int, int] = field(default_factory=dict)
    _epochs_told: dict[str, float] = field(default_factory=dict)
    _live: Live | None = None

    def __enter__(self) -> Story:
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def of(self, kind: type[Any], **filters: object) -> list[Any]:
        """Told events of a kind whose fields equal the filters."""
        return [
            event
            for event in self.told
            if type(event) is kind and all(getattr(event, name) == value for name, value in filters.items())
        ]

    def step(self) -> None:
        """Tells what is new."""
        self.market.look()
        head = self.chain.head()
        if head.number >= self._next_block:
            deployment = self.chain.deployment
            for log in self.chain.logs(self._next_block, head.number, [deployment.hub, deployment.committee]):
                event = events.decode(log)
                if event is not None:
                    self.told.append(event)
                    for line in self._words(event):
                        self.say(line)
            self._next_block = head.number + 1
        if self._live is not None:
            self._live.update(self._screen())
        else:
            self._tell_epochs()

    def until(self, kind: type[Any], seconds: float, **filters: object) -> Any:
        """Tells until an event of that kind has happened, and returns it.

        Raises:
            TimeoutError: it did not happen in time.
        """
        end = time.monotonic() + seconds
        while not (found := self.of(kind, **filters)):
            if time.monotonic() > end:
                raise TimeoutError(f"no {kind.__name__} within {seconds:.0f} s")
            self.step()
            time.sleep(0.25)
        return found[-1]

    def say(self, text: str) -> None:
        """A line, with the time."""
        self.console.print(Text.from_markup(f"[dim]{time.strftime('%H:%M:%S')}[/]  {text}"))

    def name(self, address: str) -> str:
        """Who that is, in his colour."""
        for actor in self.market.actors.values():
            if actor.address.lower() == address.lower():
                return f"[{COLOURS[actor.role]}]{actor.name}[/]"
        return address[:10]

    def _words(self, event: Event) -> Iterator[str]:  # noqa: PLR0912  # one case an event
        match event:
            case events.TaskSubmitted():
                self._scores[event.task_id] = event.spec.score_max
                yield f"{self.name(event.requester)} queues task {event.task_id}, fee {amount_in_words(event.spec.fee)}"
            case events.RoundOpened():
                head = f"on DLBC head 0x{event.anchor.hex()[:8]}"
                yield f"[bold]round {event.round_id} opens[/] for task {event.task_id}, {head}"
            case events.ModelCommitted():
                yield (
                    f"{self.name(event.miner)} commits a model, number {event.sequence}; "
                    f"its ciphertext has {event.artifact_bytes:,} bytes"
                )
            case events.TestKeyRevealed():
                yield "commits are closed: the test key is shown, everybody can open the test set"
            case events.ModelClaimed():
                listed = "" if event.listed else ", not listed"
                yield f"{self.name(event.miner)} claims {event.score} correct{listed}"
            case events.ModelKeyShown():
                yield f"{self.name(event.miner)} shows the model key"
            case events.CommitteeDrawn():
                drawn = ", ".join(self.name(owner) for owner in event.owners)
                yield f"committee drawn from a block hash: {drawn}"
            case events.VoteCommitted():
                yield f"{self.name(event.validator)} commits a hidden vote"
            case events.VoteRevealed():
                yield f"{self.name(event.validator)} opens it: {self._vote(event)}"
            case events.RoundFinalized():
                outcome = Outcome(event.outcome).name.replace("_", " ").lower()
                yield f"[bold]round {event.round_id} is final: {outcome}[/]"
            case events.BlockAppended() if event.height == 0:
                yield f"the chain of DLBC blocks begins with 0x{event.head.hex()[:16]}…"
            case events.BlockAppended():
                yield (
                    f"[bold magenta]DLBC block {event.height}[/] 0x{event.head.hex()[:16]}… by "
                    f"{self.name(event.header.miner)}, score {event.header.score} of {event.header.score_max}, "
                    f"emission {amount_in_words(event.header.emission)}"
                )
                yield from self._tie(event.header)
            case events.Slashed():
                reason = event.reason.name.lower()
                yield f"{self.name(event.account)} loses {amount_in_words(event.amount)} of stake: {reason}"
            case events.SeatJoined():
                yield f"{self.name(event.owner)} takes seat {event.seat_id}"
            case _:
                yield from self._dispute(event)

    def _dispute(self, event: Event) -> Iterator[str]:
        """What follows where not all agree, and other rarities."""
        match event:
            case events.ClaimEnlisted():
                yield f"{self.name(event.miner)} takes a free place on the list with {event.score}"
            case events.CandidateRemoved():
                yield f"{self.name(event.miner)} is disqualified, and off the list"
            case events.EpochEnded():
                yield f"round {event.round_id} goes into another epoch: {EPOCHS[event.cause]}"
            case events.Appealed():
                yield f"{self.name(event.appellant)} appeals: a larger committee judges again"
            case events.ModelAccused():
                yield (
                    f"{self.name(event.accuser)} says that a model of round {event.round_id} is his of round "
                    f"{event.earlier_round}, and shows the key of its mark: a larger committee looks for it"
                )
            case events.VoteChallenged():
                yield f"{self.name(event.challenger)} asks position {event.pos} to open a leaf of its evaluation"
            case events.LeafOpened():
                yield f"{self.name(event.validator)} opens it: sample {event.leaf.sample} is {event.leaf.prediction}"
            case events.ItemPosted():
                yield f"{self.name(event.sender)} posts item {event.index} to the inbox"
            case _:
                return

    def _vote(self, event: events.VoteRevealed) -> str:
        candidates, flags = unpack(event.word)
        claims = self.listed(event.round_id)
        parts = []
        for claim, vote in zip(claims, candidates, strict=False):
            flag = f" [bold red]{vote.flags.name}[/]" if vote.flags else ""
            parts.append(f"{self.name(claim.miner)} {vote.score}{flag}")
        return " · ".join(parts) + (f" [bold red]task {flags.name}[/]" if flags else "")

    def _tie(self, header: BlockHeader) -> Iterator[str]:
        """Why a better score did not win, where there is one."""
        words = [unpack(vote.word)[0] for vote in self.of(events.VoteRevealed, round_id=header.round_id)]
        for place, claim in enumerate(self.listed(header.round_id)):
            votes = [word[place] for word in words]
            median = lower_median([vote.score for vote in votes])
            if median > header.score and not any(vote.flags for vote in votes):
                yield f"  ({median} by {self.name(claim.miner)} ties within the task's tolerance: commit order decides)"

    def listed(self, round_id: int) -> list[events.ModelClaimed]:
        """The listed claims in the order that votes number them: best claim first, then earliest commit."""
        claims = [claim for claim in self.of(events.ModelClaimed, round_id=round_id) if claim.listed]
        return sorted(claims, key=lambda claim: (-claim.score, claim.sequence))[:6]

    def _tell_epochs(self) -> None:
        for actor in self.market.actors.values():
            epoch = _epoch(actor)
            now = time.monotonic()
            if epoch and now - self._epochs_told.get(actor.name, 0.0) >= EPOCH_SECONDS:
                if self._epochs_told.get(actor.name + "/last") != epoch["at"]:
                    self.say(f"{self.name(actor.address)} {_epoch_words(epoch)}")
                    self._epochs_told[actor.name + "/last"] = epoch["at"]
                self._epochs_told[actor.name] = now

    def _screen(self) -> Group:
        hub, table = Hub(self.chain), Table(box=None, padding=(0, 2), show_header=False)
        live = [round_id for slot in range(4) if (round_id := hub.round_in_slot(slot))]
        for round_id in live:
            now = hub.phase(round_id)
            left = f"{max(0, now.ends_at - self.chain.now()):.0f} s left" if now.ends_at else "waits for a transaction"
            phase = Phase(now.current).name.replace("_", " ").lower()
            table.add_row(f"[bold]round {round_id}[/]", f"[bold]{phase}[/]", left)
        for actor in self.market.actors.values():
            if actor.process is not None and not actor.finished:
                table.add_row(self.name(actor.address), *_doing(actor))
        return Group(Text(), table)


def _epoch(actor: Actor) -> dict[str, Any]:
    return dict((actor.status().get("reports") or {}).get("epoch") or {})


def _epoch_words(epoch: dict[str, Any]) -> str:
    return (
        f"epoch {epoch.get('epoch')} · {100 * float(epoch.get('accuracy', 0)):.1f} % on held-out data · "
        f"{float(epoch.get('seconds_left', 0)):.0f} s left"
    )


def _doing(actor: Actor) -> tuple[str, str]:
    status = actor.status()
    last = status.get("last") or {}
    doing = str(status.get("working_on") or "").partition("/")[0].replace("-", " ")
    if doing == "train" and last.get("event") == "epoch":
        return "trains", _epoch_words(last)
    return doing or "waits", ""
