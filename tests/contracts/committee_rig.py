"""A committee whose hub believes what a test tells it: many seats and slots, and every phase, without a round played.

`Play` (round_play.py) plays the same with the real hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import brownie
from round_play import DLBC, PHASES, ZERO, Spec, keccak, wait_until

from dlbc.wire import merkle

SEAT = 50 * DLBC
SEAL = PHASES.index("Seal")


class Vote(NamedTuple):
    roundId: int
    epoch: int
    pos: int
    validator: str
    word: int
    evalRoot: str
    salt: str


def spec_of(samples: int = 20) -> Spec:
    return Spec(brownie.ZERO_ADDRESS, keccak("manifest"), keccak("key"), scoreMax=samples)


def leaves(salt: str, predictions: Sequence[Sequence[int]]) -> list[bytes]:
    """What a validator's `evalRoot` is made of, as `dlbc.wire.merkle.eval_root` orders it."""
    return [
        merkle.eval_leaf(bytes.fromhex(salt[2:]), candidate, sample, prediction)
        for candidate, of_candidate in enumerate(predictions)
        for sample, prediction in enumerate(of_candidate)
    ]


def root_of(salt: str, predictions: Sequence[Sequence[int]]) -> str:
    return "0x" + merkle.root(leaves(salt, predictions)).hex()


class Rig:
    def __init__(self, stub: Any, committee: Any, keeper: Any) -> None:
        self.stub, self.committee, self.by = stub, committee, {"from": keeper}
        self.stub.setCommittee(committee, self.by)
        brownie.web3.provider.make_request("anvil_autoImpersonateAccount", [True])
        self.rounds = 0

    # SEATS AND ROUNDS

    def seat(self, *owners: Any) -> list[int]:
        return [self.committee.joinSeat({"from": owner}).return_value for owner in owners]

    def rules(self, wanted: int, committee_size: int = 0, quorum: int = 0) -> None:
        size = committee_size or wanted
        self.stub.setRules(wanted, size, quorum or 2 * size // 3 + 1, self.by)

    def round(self, slot: int = 0, phase: int = SEAL, listed: int = 2, spec: Spec | None = None, epoch: int = 0) -> int:
        self.rounds += 1
        self.set_phase(self.rounds, slot, phase, listed, spec, epoch)
        return self.rounds

    def set_phase(
        self, round_id: int, slot: int, phase: int, listed: int = 2, spec: Spec | None = None, epoch: int = 0
    ) -> None:
        spec_hash = self.stub.hashSpec(spec) if spec else ZERO
        self.stub.setRound(round_id, phase, slot, epoch, listed, spec_hash, self.by)

    # DRAWS

    def draw(self, round_id: int) -> Any:
        self.committee.draw(round_id, self.by)
        brownie.chain.mine(3)
        return self.committee.draw(round_id, self.by)

    def drawn(self, slot: int = 0, **changes: Any) -> int:
        round_id = self.round(slot, **changes)
        self.draw(round_id)
        return round_id

    # VOTES

    def vote(self, round_id: int, pos: int, word: int = 0, **changes: Any) -> Vote:
        owner = self.committee.members(round_id)[pos][1]
        epoch = self.committee.ballot(round_id)["epoch"]
        return Vote(round_id, epoch, pos, owner, word, ZERO, keccak(f"salt {pos}"))._replace(**changes)

    def commit(self, vote: Vote, sender: Any = None) -> Any:
        """Sent by its validator, who may be nobody's account."""
        by = sender or brownie.accounts.at(vote.validator, force=True)
        return self.committee.commitVote(vote.roundId, vote.pos, self.committee.hashVote(vote), {"from": by})

    def reveal(self, vote: Vote) -> Any:
        return self.committee.revealVote(vote, self.by)

    def judge(self, round_id: int, *words: int, predictions: Sequence[Sequence[int]] = ()) -> list[Vote]:
        """Each position votes one of these words, with these predictions; the others stay absent."""
        votes = []
        for pos, word in enumerate(words):
            vote = self.vote(round_id, pos, word)
            votes.append(vote._replace(evalRoot=root_of(vote.salt, predictions)))
        for vote in votes:
            self.commit(vote)
        self.pass_phase(round_id, "VoteCommit")
        for vote in votes:
            self.reveal(vote)
        return votes

    def phase(self, round_id: int) -> str:
        return str(PHASES[self.stub.phase(round_id)[0]])

    def pass_phase(self, round_id: int, phase: str) -> None:
        """Lets the clock end this phase, if it is not over."""
        if self.phase(round_id) == phase:
            wait_until(self.stub.phase(round_id)[1])

    def close(
        self,
        round_id: int,
        *,
        again: bool = False,
        absent: int = 0,
        off: int = 0,
        off_bps: int = 0,
        unit: int = SEAT,
    ) -> Any:
        return self.stub.close(round_id, again, absent, off, off_bps, unit, self.by)


def closing(transaction: Any) -> tuple[list[str], list[int], list[str], str]:
    """(owners, penalties, challengers, voteRoot) of `close`."""
    found = transaction.events["BallotClosed"]["closing"]
    return [str(one) for one in found[0]], [int(one) for one in found[1]], [str(one) for one in found[2]], str(found[3])
