"""On every block while the device is idle: read the live rounds, choose, owe the training."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import mean
from typing import TYPE_CHECKING

from dlbc.chain.contracts import Economy, Round
from dlbc.chain.events import ModelCommitted, RoundFinalized
from dlbc.journal import Duty, DutyState
from dlbc.keeper import live_rounds
from dlbc.types import Phase
from miner import records
from miner.choose import Appraisal, Limits, Offer, Terms, rank, slash_rate, tokens
from miner.history import rates
from miner.options import COMMIT, MONEY, SEAL, TRAIN, Options, tell
from miner.plan import reserve
from miner.room import Room, find_room
from miner.train import block_seconds, subject

if TYPE_CHECKING:
    from dlbc.service import Context

REMEMBERED_ROUNDS = 5


@dataclass
class Market:
    """Chooses among live rounds; one instance a program.

    Attributes:
        options: what the miner asks for.
    """

    options: Options
    _took_one: bool = False
    _said: set[tuple[int, tuple[str, ...]]] = field(default_factory=set)
    _terms: dict[int, Terms] = field(default_factory=dict)  # by version of the parameters, which never change

    def look(self, context: Context) -> None:
        """Called on every block."""
        if busy(context) or self._one_is_enough(context):
            return
        rooms = dict(live_rooms(context))
        if not rooms:
            return
        offers = [_offer(context, room, found, self._terms_of(context, found)) for room, found in rooms.values()]
        ranked = rank(offers, limits(context, self.options))
        self._say(context, [found for found in ranked if found.reasons])
        best = ranked[0]
        if not best.reasons:
            self._take(context, best, rooms[best.offer.round_id][0])

    def _terms_of(self, context: Context, found: Round) -> Terms:
        if found.version not in self._terms:
            self._terms[found.version] = terms(context.hub.parameters_of(found.version).economy)
        return self._terms[found.version]

    def _take(self, context: Context, best: Appraisal, room: Room) -> None:
        journal, unit = context.journal, best.offer.terms.miner_unit
        with journal.transaction():
            records.note_state(journal, room.round_id, stage="chosen", why=best.explain(), anchor=room.anchor.hex())
            records.note_state(journal, room.round_id, unit=str(unit))
            if best.stake_missing:
                spent = int(journal.note_get(records.MINER, "auto_staked", "0"))
                journal.note_set(records.MINER, "auto_staked", str(spent + best.stake_missing))
                wanted = {"kind": "stake", "value": str(best.stake_missing)}
                journal.owe(Duty(MONEY, room.round_id, deadline=room.commit_end, payload=wanted))
            journal.owe(Duty(TRAIN, room.round_id, subject(room.anchor)))
        tell(
            context,
            "chosen",
            f"takes {best.explain()}. A commit locks {tokens(unit)} DLBC of stake: slashed if never claimed, if the "
            "claim is far above the model's score, or if the listed model cannot be had",
            round_id=room.round_id,
        )

    def _one_is_enough(self, context: Context) -> bool:
        """With --once: whether a round was taken already; stops the program when that has ended."""
        journal = context.journal
        if not self.options.once:
            return False
        stages = [records.state(journal, round_id).get("stage") for round_id in records.rounds(journal)]
        if any(stage not in records.ENDED for stage in stages):
            self._took_one = True
            return True
        if self._took_one and not journal.duties(DutyState.OWED):
            context.log.info("one round is done (--once): stopping")
            context.stopping.set()
        return self._took_one

    def _say(self, context: Context, turned_down: list[Appraisal]) -> None:
        """Why not, once: seconds change with every block and are no news."""
        for found in turned_down:
            lasting = tuple(reason for reason in found.reasons if " s are left" not in reason)
            key = (found.offer.round_id, lasting)
            if key not in self._said:
                self._said.add(key)
                context.log.info(found.explain(), round_id=found.offer.round_id)


def busy(context: Context) -> bool:
    """Whether the device has work. A round whose data cannot be had does not keep it."""
    return any(
        row.duty.kind in {TRAIN, SEAL} and records.state(context.journal, row.duty.round_id).get("stage") != "waiting"
        for row in context.journal.duties(DutyState.OWED)
    )


def live_rooms(context: Context) -> list[tuple[int, tuple[Room, Round]]]:
    """Rounds that still take commits and that the miner has not taken yet."""
    found = []
    for round_id in live_rounds(context):
        now = context.hub.round(round_id)
        room = find_room(context, round_id) if now.phase in {Phase.SETTLE, Phase.TRAIN} else None
        if room is None or room.anchor != now.anchor:
            continue  # its events are not deep enough in the chain yet
        if context.journal.agenda.find(TRAIN, round_id, subject(room.anchor)) is None:
            found.append((round_id, (room, now)))
    return found


def terms(economy: Economy) -> Terms:
    """What the contracts pay, as the choice needs it."""
    return Terms(
        miner_unit=economy.miner_unit,
        burn_bps=economy.burn_bps,
        validator_bps=economy.validator_bps,
        second_bps=economy.second_bps,
        third_bps=economy.third_bps,
        kappa_bps=economy.kappa_bps,
        emission=economy.initial_emission,
        min_miners=economy.min_miners,
        tip=economy.tip,
    )


def limits(context: Context, options: Options) -> Limits:
    """What the miner asks for, and what its stake allows beside the rounds in progress."""
    journal = context.journal
    promised = {row.duty.round_id for row in journal.duties(DutyState.OWED) if row.duty.kind in {TRAIN, SEAL, COMMIT}}
    units = (int(records.state(journal, round_id).get("unit", "0")) for round_id in promised)
    free = context.hub.account(context.account).free_stake - sum(units)
    spent = int(journal.note_get(records.MINER, "auto_staked", "0"))
    return Limits(
        min_pay=options.min_pay,
        max_parameters=options.max_parameters,
        free_stake=max(0, free),
        auto_stake=max(0, options.auto_stake - spent),
        slash_rate=slash_rate(*rates(journal, context.account)),
    )


def _offer(context: Context, room: Room, found: Round, of_round: Terms) -> Offer:
    journal = context.journal
    return Offer(
        round_id=room.round_id,
        fee=room.spec.fee,
        train_secs=room.spec.train_secs,
        seconds_left=room.commit_end - context.chain.now(),
        net_bytes=room.spec.net_bytes,
        rivals=max(float(found.commits), _usual_rivals(context)),
        reserve=reserve(block_seconds(context), records.costs(journal), room.spec.net_bytes),
        terms=of_round,
        refused=records.refusal(journal, room.round_id),
    )


def _usual_rivals(context: Context) -> float:
    """How many others committed in the rounds that ended last; one where there is no experience yet."""
    journal, account = context.journal, context.account
    counts = []
    for final in journal.latest(RoundFinalized, REMEMBERED_ROUNDS):
        commits = journal.events(ModelCommitted, round_id=final.round_id)
        counts.append(sum(event.miner != account for event in commits))
    return float(mean(counts)) if counts else 1.0
