"""Rounds in which everybody does as chance has it: each one ends, and no money is lost or stuck."""

from __future__ import annotations

import contextlib
import random

import brownie
import pytest
from round_play import MISDECLARED, NO_COMMITMENT, OUTCOMES, SKIPPED, UNAVAILABLE

CHANCES = (0.0, 0.5, 0.9, 1.0, 1.0)


class Chance:
    """One round; how willing each kind of actor is was drawn once for all of it."""

    def __init__(self, play, rng, requester, miners):
        self.play, self.rng = play, rng
        self.round = play.open(requester, tieTol=rng.randrange(3))
        self.will = {
            verb: rng.choice(CHANCES) for verb in ("commit", "key", "claim", "enlist", "show", "vote", "reveal")
        }
        self.fault = rng.random() < 0.2
        for miner in miners:
            if self.does("commit"):
                play.commit(self.round, miner)

    def does(self, verb):
        return self.rng.random() < self.will[verb]

    def play_on(self):
        """Up to Final; returns the unclaimed compensation and the miners who may collect it."""
        play, round_ = self.play, self.round
        steps = {
            "Key": self.reveal_key,
            "Claim": self.claim,
            "Enlist": self.enlist,
            "Show": self.show,
            "Seal": lambda: play.draw(round_),
            "VoteCommit": self.commit_votes,
            "VoteReveal": self.reveal_votes,
            "Appeal": self.dispute,
            "Tally": self.finalize,
        }
        seen = []
        while (phase := play.phase(round_)) != "Final":
            seen.append(phase)
            assert len(seen) < 60, f"no end in sight: {seen}"
            steps.get(phase, lambda: None)()
            if play.phase(round_) == phase:
                play.wait(round_)
        outcome = OUTCOMES[play.hub.round(round_.id)["outcome"]]
        if outcome == "KeyWithheld":
            return outcome, round_.models
        return outcome, []

    def reveal_key(self):
        if self.does("key"):
            self.play.reveal_key(self.round)

    def claim(self):
        for model in self.round.models:
            if self.does("claim"):
                self.play.claim(self.round, model, self.rng.randrange(90, 361))

    def enlist(self):
        for model in self.round.models:
            if not self.does("enlist") or self.play.phase(self.round) != "Enlist":
                continue
            # where there is no place for him, he stays outside
            with contextlib.suppress(brownie.exceptions.VirtualMachineError):
                self.play.hub.enlist(self.round.id, model.miner, self.play.by)

    def dispute(self):
        """An appeal, or a challenge of one vote that nobody answers."""
        play, round_ = self.play, self.round
        size = play.committee.ballot(round_.id)["size"]
        by = {"from": self.rng.choice(round_.models).miner}
        with contextlib.suppress(brownie.exceptions.VirtualMachineError):
            if self.rng.random() < 0.5:
                play.hub.challengeVote(round_.id, self.rng.randrange(size), by)
        with contextlib.suppress(brownie.exceptions.VirtualMachineError):
            if self.rng.random() < 0.5:
                play.hub.appeal(round_.id, round_.spec, by)

    def show(self):
        candidates = self.play.hub.candidates(self.round.id)
        listed = {str(candidate[4]) for candidate in candidates if not candidate[3]}
        for model in self.round.models:
            if model.hash in listed and self.does("show"):
                self.play.show(model)

    def word(self):
        scores = {
            candidate[0]: self.rng.choice([candidate[1], candidate[1], 95, SKIPPED, UNAVAILABLE])
            for candidate in self.play.hub.candidates(self.round.id)
        }
        return self.play.word(self.round, scores, MISDECLARED if self.fault else 0)

    def commit_votes(self):
        size = self.play.committee.ballot(self.round.id)["size"]
        self.votes = [self.play.vote(self.round, pos, self.word()) for pos in range(size) if self.does("vote")]
        for vote in self.votes:
            self.play.commit_vote(vote)

    def reveal_votes(self):
        for vote in self.votes:
            if self.does("reveal"):
                self.play.reveal_vote(vote)

    def finalize(self):
        play, round_ = self.play, self.round
        _, commitment_hash, _ = play.hub.preview(round_.id, round_.spec)
        winner = next((m.commitment for m in round_.models if m.hash == str(commitment_hash)), NO_COMMITMENT)
        play.hub.finalize(round_.id, round_.spec, winner, 0, play.by)


@pytest.mark.parametrize("seed", range(3))
def test_any_round__acts_of_chance__ends_and_conserves(play, requester, miners, validators, seed):
    rng = random.Random(seed)  # noqa: S311  # a test that repeats
    outcomes = []
    for _ in range(5):
        chance = Chance(play, rng, requester, rng.sample(miners, rng.randrange(1, 9)))
        outcome, collectors = chance.play_on()
        outcomes.append(outcome)
        for model in collectors:
            play.hub.claimCompensation(chance.round.id, {"from": model.miner})
        committed = [model.miner for model in chance.round.models]
        play.hub.releaseLocks(chance.round.id, committed, play.by)
        assert all(play.hub.account(miner)["locked"] == 0 for miner in miners)
        play.check_conservation()
    # all of it can be taken home
    for actor in (requester, *miners, *validators):
        credit = play.credit(actor)
        if credit:
            play.hub.withdraw(credit, {"from": actor})
    assert all(play.credit(actor) == 0 for actor in brownie.accounts if actor != play.keeper)
    play.check_conservation()
