"""The committee contract; `contracts/interfaces/ICommittee.sol` says what each function does."""

from __future__ import annotations

from collections.abc import Sequence

from dlbc.chain.client import Chain
from dlbc.chain.contracts.binding import Binding, Call
from dlbc.chain.contracts.views import Ballot, LeafAsked, Member, Seat, Verdicts, Votes
from dlbc.types import Leaf, TaskSpec, Vote


class Committee(Binding):
    """Seats, draw, votes. Getters raise ChainError where there is no answer."""

    def __init__(self, chain: Chain, block: int | str = "latest") -> None:
        super().__init__(chain, "Committee", chain.deployment.committee, block)

    def at(self, block: int | str) -> Committee:
        """The same contract, its state read at another block."""
        return Committee(self._chain, block)

    def join_seat(self) -> Call:
        return self.call("joinSeat")

    def leave_seat(self, seat_id: int) -> Call:
        return self.call("leaveSeat", seat_id, what=f"leaveSeat {seat_id}")

    def draw(self, round_id: int) -> Call:
        return self.call("draw", round_id, what=f"draw for round {round_id}")

    def commit_vote(self, round_id: int, pos: int, vote_hash: bytes) -> Call:
        what = f"commitVote in round {round_id}, position {pos}"
        return self.call("commitVote", round_id, pos, vote_hash, what=what)

    def reveal_vote(self, vote: Vote) -> Call:
        return self.call("revealVote", vote, what=f"revealVote in round {vote.round_id}, position {vote.pos}")

    def open_leaf(self, vote: Vote, spec: TaskSpec, leaf: Leaf, proof: Sequence[bytes]) -> Call:
        """`proof` as `dlbc.wire.merkle.eval_proof` makes it."""
        what = f"openLeaf in round {vote.round_id}, position {vote.pos}"
        return self.call("openLeaf", vote, spec, leaf, list(proof), what=what)

    def challenged_leaf(self, round_id: int, pos: int, spec: TaskSpec) -> LeafAsked:
        """Refused (TransactionRefused) where the vote of that position is not challenged."""
        return self.read(LeafAsked, "challengedLeaf", round_id, pos, spec)  # type: ignore[no-any-return]

    def hub(self) -> str:
        return str(self.read(str, "hub"))

    def seat(self, seat_id: int) -> Seat:
        return self.read(Seat, "seat", seat_id)  # type: ignore[no-any-return]

    def seat_count(self) -> int:
        return int(self.read(int, "seatCount"))

    def seats_of(self, owner: str) -> tuple[int, ...]:
        return tuple(self.read(tuple[int, ...], "seatsOf", owner))

    def available_seats(self) -> int:
        return int(self.read(int, "availableSeats"))

    def ballot(self, round_id: int) -> Ballot:
        return self.read(Ballot, "ballot", round_id)  # type: ignore[no-any-return]

    def members(self, round_id: int) -> list[Member]:
        return list(self.read(tuple[Member, ...], "members", round_id))

    def verdicts(self, round_id: int, candidates: int, tol: int) -> Verdicts:
        """`tol` is the task's (`TaskSpec.tol`)."""
        return self.read(Verdicts, "verdicts", round_id, candidates, tol)  # type: ignore[no-any-return]

    def votes(self, round_id: int) -> Votes:
        return self.read(Votes, "votes", round_id)  # type: ignore[no-any-return]

    def hash_vote(self, vote: Vote) -> bytes:
        return bytes(self.read(bytes, "hashVote", vote))
