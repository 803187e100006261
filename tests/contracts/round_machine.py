"""A market in which Hypothesis decides what happens next, for Brownie's `state_machine`.

Each rule does something that is allowed now, and must not revert. One of them goes on with a live round: those who have
to do something in its phase do it, or do not, or do it badly. However a run went, at its end everything that lives is
brought to its end, every lock must be free, and the hub must hold what it owes to the last unit.

Committees are drawn by block hashes, which differ each time: a failure may not come again when Hypothesis repeats the
run. Its first report is what counts.
"""

from __future__ import annotations

import random
from typing import Any

import brownie
from brownie.test import strategy
from round_play import (
    DLBC,
    INVALID,
    LINEAGE,
    MISDECLARED,
    NO_COMMITMENT,
    OUTCOMES,
    SKIPPED,
    UNAVAILABLE,
    Play,
    Round,
    clock_stopped,
    wait_until,
)

MOST_STEPS_OF_A_ROUND = 60
WEEK = 7 * 24 * 3600
TRAIN_SECS = 600


def chance(*seeds: int) -> random.Random:
    """The same acts again when Hypothesis repeats a run. Small seeds, which it likes, are no less random."""
    return random.Random(f"acts of {seeds}")  # noqa: S311  # no secret


class Machine:
    st_seed = strategy("uint32")
    st_part = strategy("uint8", min_value=1)
    st_who = strategy("uint8")
    st_verb = strategy("uint8")

    # Brownie runs this once, on the class
    def __init__(
        cls, play: Play, requester: Any, miners: list[Any], validators: list[Any], governor: Any, guardian: Any
    ) -> None:
        cls.play, cls.hub, cls.committee, cls.token = play, play.hub, play.committee, play.token
        cls.requester, cls.miners, cls.validators = requester, miners, validators
        cls.governor, cls.guardian = governor, guardian
        cls.seen: dict[str, int] = {}

    def setup(self) -> None:
        self.play.specs = {}
        self.keys: dict[int, str] = {}
        self.rounds: list[Round] = []
        self.votes: dict[tuple[int, int], list[Any]] = {}
        self.seed = self.acts = 0
        self.heights = 0
        self.posted = 0

    def initialize(self, st_seed: int) -> None:
        """Two rounds, so that no run is empty, however little Hypothesis does."""
        self.seed = st_seed
        for number in range(2):
            self.rule_submit(st_seed + number)
            self.rule_open(st_seed)

    # RULES

    def rule_submit(self, st_seed: int) -> None:
        if self.paused() or self.hub.queueLength() > 3:
            return
        rng = chance(st_seed)
        changes = {
            "minScore": rng.choice([1, 100, 300]),
            "tieTol": rng.randrange(3),
            "trainSecs": rng.choice([600, 900]),
        }
        fee = rng.choice([150, 200]) * DLBC
        if self.play.credit(self.requester) < fee + 100 * DLBC:
            return
        task_id, _, key = self.play.submit(self.requester, fee=fee, **changes)
        self.keys[task_id] = key
        self.note("submit")

    def rule_open(self, st_seed: int) -> None:
        free = [slot for slot in range(self.hub.economy()["slots"]) if not self.hub.roundInSlot(slot)]
        if self.paused() or not self.hub.queueLength() or not free:
            self.rule_submit(st_seed)
            return
        task_id = self.hub.nextTask()
        opened = self.hub.openRound(free[st_seed % len(free)], self.play.by)
        round_ = self.play.opened(opened, self.play.specs[task_id], self.keys[task_id])
        assert round_.task_id == task_id, "another task than the best was opened"
        self.rounds.append(round_)
        self.note("open")

    def rule_go_on(self, st_seed: int) -> None:
        live = self.live()
        if not live:
            self.rule_open(st_seed)
            return
        self.go_on(live[st_seed % len(live)], st_seed)

    def rule_go_on_with_the_most_urgent(self, st_seed: int) -> None:
        for _ in range(3):
            if live := self.live():
                self.go_on(self.most_urgent(live), st_seed)

    def rule_cancel(self, st_who: int) -> None:
        waiting = [task_id for task_id in self.play.specs if self.hub.task(task_id)["status"] == 1]
        if not waiting:
            self.hub.prune(st_who % 5, self.play.by)
            return
        task_id = waiting[st_who % len(waiting)]
        self.hub.cancelTask(task_id, self.play.specs[task_id], {"from": self.requester})
        self.note("cancel")

    def rule_move_money(self, st_who: int, st_part: int, st_verb: int) -> None:
        who = self.actors()[st_who % len(self.actors())]
        account, by = self.hub.account(who), {"from": who}
        free = account["stake"] - account["locked"] - account["unbonding"]
        verbs = [
            (self.hub.deposit, min(self.token.balanceOf(who), self.token.allowance(who, self.hub))),
            (self.hub.withdraw, account["credit"]),
            (self.hub.stake, account["credit"]),
            (self.hub.requestUnbond, free),
        ]
        verb, most = verbs[st_verb % len(verbs)]
        # a small part: who has nothing left does nothing more
        amount = most * st_part // 2048
        if amount:
            verb(amount, by)
            self.note(verb._name.split(".")[-1])

    def rule_seat(self, st_who: int, st_verb: int) -> None:
        if any(self.play.phase(round_) == "Draw" for round_ in self.live()):
            return
        who = self.validators[st_who % len(self.validators)]
        staying = [seat for seat in self.committee.seatsOf(who) if not self.committee.seat(seat)["leaving"]]
        account = self.hub.account(who)
        if staying and st_verb % 3 == 0:
            self.committee.leaveSeat(staying[0], {"from": who})
            self.note("leave")
        elif account["stake"] - account["locked"] - account["unbonding"] >= self.hub.economy()["seatUnit"]:
            self.committee.joinSeat({"from": who})
            self.note("join")

    def rule_post(self, st_who: int) -> None:
        who = self.actors()[st_who % len(self.actors())]
        self.hub.post("0x" + st_who.to_bytes(32, "big").hex(), {"from": who})
        self.posted += 1

    def rule_govern(self, st_seed: int) -> None:
        rng = chance(st_seed)
        until, now = self.hub.pausedUntil(), self.now()
        if rng.random() < 0.3:
            if not until or now >= until + WEEK:
                self.hub.pause(rng.randrange(1, 300), {"from": self.guardian})
                self.note("pause")
            return
        timing, economy, limits = self.hub.timing(), self.hub.economy().dict(), self.hub.limits()
        economy["burnBps"], economy["validatorBps"] = rng.randrange(3000), rng.randrange(3000)
        economy["tip"] = rng.choice([0, economy["feeUnit"] // 8, economy["feeUnit"] // 50])
        economy["slots"] = rng.randrange(1, 5)
        self.hub.setParams(tuple(timing), tuple(economy.values()), tuple(limits), {"from": self.governor})
        self.note("setParams")

    def rule_release(self, st_who: int) -> None:
        final = [round_ for round_ in self.rounds if self.outcome(round_) != "None" and round_.models]
        if final:
            round_ = final[st_who % len(final)]
            miner = round_.models[st_who % len(round_.models)].miner
            self.hub.releaseLocks(round_.id, [miner], {"from": self.actors()[st_who % len(self.actors())]})
            self.note("release")

    def rule_wait(self, st_part: int) -> None:
        wait_until(self.now() + st_part)

    # WHAT HOLDS AFTER EACH

    def invariant_blocks_are_numbered(self) -> None:
        height = self.hub.height()
        assert self.heights <= height <= self.heights + 1
        self.heights = height

    def invariant_slots_hold_live_rounds(self) -> None:
        held = {int(self.hub.roundInSlot(slot)) for slot in range(16)} - {0}
        assert held == {round_.id for round_ in self.live()}

    def invariant_supply_is_within_genesis_and_emission(self) -> None:
        assert self.token.totalSupply() <= self.play.genesis
        assert self.hub.inbox()["posted"] == self.posted

    # AT THE END OF A RUN

    def teardown(self) -> None:
        for _ in range(MOST_STEPS_OF_A_ROUND * len(self.rounds)):
            if live := self.live():
                self.go_on(self.most_urgent(live), self.seed)
        assert not self.live(), "rounds that do not end"
        for round_ in self.rounds:
            if round_.models:
                self.hub.releaseLocks(round_.id, [model.miner for model in round_.models], self.play.by)
            for model in round_.models if self.outcome(round_) == "KeyWithheld" else []:
                self.hub.claimCompensation(round_.id, {"from": model.miner})
            self.note(self.outcome(round_))
        for validator in self.validators:
            for seat in self.committee.seatsOf(validator):
                self.committee.leaveSeat(seat, {"from": validator})
        assert all(self.hub.account(actor)["locked"] == 0 for actor in brownie.accounts)
        self.play.check_conservation()
        for actor in brownie.accounts:
            if credit := self.play.credit(actor):
                self.hub.withdraw(credit, {"from": actor})
        self.play.check_conservation()

    # Brownie runs this once, on the class
    def teardown_final(cls) -> None:
        print("What the runs did:", dict(sorted(cls.seen.items())))  # noqa: T201  # for `brownie test -s`

    # ONE STEP OF A ROUND

    def go_on(self, round_: Round, seed: int) -> None:
        """What the round's phase asks of people, by most of them; then the clock, where only it leads on."""
        self.acts += 1
        # rounds are seconds apart: with another's wait, this one may have only one of them left
        with clock_stopped():
            self.act(round_, chance(seed, self.seed, self.acts))

    def act(self, round_: Round, rng: random.Random) -> None:
        """As `go_on`, in no time."""
        phase = self.play.phase(round_)
        self.note(phase)
        acts = {
            "Train": self.commit,
            "Key": self.reveal_key,
            "Claim": self.claim,
            "Enlist": self.enlist,
            "Show": self.show,
            "Seal": lambda round_, _: self.play.draw(round_),
            "Draw": lambda round_, _: (self.play.mine(3), self.committee.draw(round_.id, self.play.by)),
            "VoteCommit": self.commit_votes,
            "VoteReveal": self.reveal_votes,
            "Appeal": self.dispute,
            "Tally": self.finalize,
        }
        if phase in acts:
            acts[phase](round_, rng)
        if self.play.phase(round_) == phase and self.hub.phase(round_.id)[1]:
            self.play.wait(round_)

    def commit(self, round_: Round, rng: random.Random) -> None:
        if self.paused():
            return
        # now and then so many that the list has no place for all
        crowd = self.miners if rng.random() < 0.3 else rng.sample(self.miners, rng.choice([0, 1, 2, 2, 3, 4]))
        for miner in crowd:
            account = self.hub.account(miner)
            free = account["stake"] - account["locked"] - account["unbonding"]
            if free >= self.economy_of(round_)["minerUnit"] and not self.hub.commitOf(round_.id, miner)[0]:
                self.play.commit(round_, miner)

    def reveal_key(self, round_: Round, rng: random.Random) -> None:
        if rng.random() < 0.9:
            self.play.reveal_key(round_)

    def claim(self, round_: Round, rng: random.Random) -> None:
        crowded = len(round_.models) > 6
        for model in round_.models:
            if not self.hub.commitOf(round_.id, model.miner)[1] and rng.random() < 0.9:
                self.play.claim(round_, model, 360 if crowded and rng.random() < 0.8 else rng.randrange(90, 360))

    def enlist(self, round_: Round, _: random.Random) -> None:
        waiting = []
        for model in round_.models:
            commitment_hash, score = self.hub.excludedOf(round_.id, model.miner)
            if int(str(commitment_hash), 16):
                waiting.append((-score, self.hub.commitOf(round_.id, model.miner)[0], model.miner))
        for *_, miner in sorted(waiting, key=lambda entry: entry[:2])[: 6 - self.hub.round(round_.id)["listed"]]:
            self.hub.enlist(round_.id, miner, self.play.by)
            self.note("enlist")

    def show(self, round_: Round, rng: random.Random) -> None:
        for candidate in self.hub.candidates(round_.id):
            if not candidate["shown"] and rng.random() < 0.9:
                self.play.show(round_.model_of(candidate["commitment"]))

    def commit_votes(self, round_: Round, rng: random.Random) -> None:
        # those who do not over-claim are about as good as they say
        real = {
            candidate["miner"]: candidate["score"] if candidate["score"] != 360 else 180
            for candidate in self.hub.candidates(round_.id)
        }
        for pos, member in enumerate(self.committee.members(round_.id)):
            if int(str(member["voteHash"]), 16) or rng.random() < 0.1:
                continue
            odd = rng.random()
            scores = dict(real)
            if odd < 0.2:
                scores = {miner: rng.choice([0, SKIPPED, UNAVAILABLE, INVALID, LINEAGE | 5]) for miner in real}
            word = self.play.word(round_, scores, MISDECLARED if odd > 0.93 else 0)
            vote = self.play.vote(round_, pos, word)
            self.play.commit_vote(vote)
            self.votes.setdefault((round_.id, vote[1]), []).append(vote)

    def reveal_votes(self, round_: Round, rng: random.Random) -> None:
        members = self.committee.members(round_.id)
        for vote in self.votes.get((round_.id, self.hub.round(round_.id)["epoch"]), []):
            if not members[vote[2]]["revealed"] and rng.random() < 0.9:
                self.play.reveal_vote(vote)

    def dispute(self, round_: Round, rng: random.Random) -> None:
        state, who = self.hub.round(round_.id), rng.choice(self.miners)
        if rng.random() > 0.5 or self.play.credit(who) < self.economy_of(round_)["appealBond"]:
            return
        listed = state["listed"]
        pos = rng.randrange(len(self.committee.members(round_.id)))
        member = self.committee.members(round_.id)[pos]
        fields = [int(member["word"]) >> (40 * i) & SKIPPED for i in range(listed)]
        scores = any(field != SKIPPED and not field & (UNAVAILABLE | INVALID) for field in fields)
        if member["revealed"] and scores:
            self.hub.challengeVote(round_.id, pos, {"from": who})
            self.note("challenge")
        if state["appeals"] == 0 and state["epoch"] < 2 and rng.random() < 0.5:
            self.hub.appeal(round_.id, round_.spec, {"from": rng.choice(self.rich(round_))})
            self.note("appeal")

    def finalize(self, round_: Round, _: random.Random) -> None:
        outcome, commitment_hash, _ = self.hub.preview(round_.id, round_.spec)
        winner = NO_COMMITMENT
        if OUTCOMES[outcome] == "Block":
            winner = round_.model_of(commitment_hash).commitment
        self.hub.finalize(round_.id, round_.spec, winner, 0, self.play.by)
        assert self.hub.round(round_.id)["outcome"] == outcome, "preview and finalize disagree"
        self.note(f"finalize: {OUTCOMES[outcome]}")

    # SMALL THINGS

    def actors(self) -> list[Any]:
        return [self.requester, *self.miners, *self.validators]

    def rich(self, round_: Round) -> list[Any]:
        bond = self.economy_of(round_)["appealBond"]
        return [actor for actor in self.actors() if self.play.credit(actor) >= bond]

    def economy_of(self, round_: Round) -> Any:
        return self.hub.parametersOf(self.hub.round(round_.id)["version"])[1]

    def most_urgent(self, live: list[Round]) -> Round:
        """Whose phase ends first, or waits for a call: so that no round is slept through because of another."""
        ends = {round_.id: self.hub.phase(round_.id)[1] for round_ in live}
        # a draw that waits for seats which serve another round must not keep that one from its end
        timed = [round_ for round_ in live if ends[round_.id]] if self.acts % 4 == 0 else []
        return min(timed or live, key=lambda round_: ends[round_.id])

    def live(self) -> list[Round]:
        return [round_ for round_ in self.rounds if self.outcome(round_) == "None"]

    def outcome(self, round_: Round) -> str:
        return OUTCOMES[self.hub.round(round_.id)["outcome"]]

    def now(self) -> int:
        return int(brownie.web3.eth.get_block("pending")["timestamp"])

    def paused(self) -> bool:
        return bool(self.now() < self.hub.pausedUntil())

    def note(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1
