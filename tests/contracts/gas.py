"""Gas of each call of a round with six miners, and what it may be: held by test_gas.py, printed by whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from round_play import Play

MINERS = 6


@dataclass(frozen=True)
class Ceiling:
    """What a call may take.

    Attributes:
        design: the ceiling that the protocol's design set; None where it set none.
        raised: ours, just above what was measured, where the design's is exceeded or there is none.
            docs/decisions/0018-gas-against-the-design.md says why.
    """

    design: int | None
    raised: int | None = None

    @property
    def held(self) -> int:
        """What the test holds."""
        most = self.raised or self.design
        assert most is not None
        return most


# Whatever the committee's size.
ANY_SIZE = {
    "submitTask": Ceiling(180_000),
    "openRound": Ceiling(200_000),
    "commitModel": Ceiling(64_000, raised=72_000),
    "revealKey": Ceiling(40_000),
    "claimModel": Ceiling(96_000),
    "showKey": Ceiling(45_000, raised=46_000),
    "commitVote": Ceiling(62_000),
    "revealVote": Ceiling(42_000),
    "releaseLocks": Ceiling(None, raised=19_000),
}
# By committee size, then by call. Which seats are drawn is chance, and five validators have four each: some are paid
# twice into one word. Where each has one, `python -m benchmarks gas` prints an eighth more for finalize.
CEILINGS = {
    3: ANY_SIZE | {"draw": Ceiling(None, raised=145_000), "finalize": Ceiling(210_000, raised=305_000)},
    7: ANY_SIZE | {"draw": Ceiling(130_000, raised=170_000), "finalize": Ceiling(300_000, raised=370_000)},
    15: ANY_SIZE | {"draw": Ceiling(None, raised=220_000), "finalize": Ceiling(460_000, raised=495_000)},
}


def measure(play: Play, requester: Any, miners: list[Any], size: int, rounds: int = 2) -> dict[str, int]:
    """The most that each call costs in the last of some rounds in one slot; releaseLocks for each miner.

    From a slot's second round on the committee writes over words that held something; the first round pays about
    70k more for the draw and 20k more for each vote.
    """
    worst: dict[str, int] = {}
    for _ in range(rounds):
        worst = _one_round(play, requester, miners[:MINERS], size)
    return worst


def _one_round(play: Play, requester: Any, miners: list[Any], size: int) -> dict[str, int]:
    worst: dict[str, int] = {}

    def used(call: str, *transactions: Any) -> None:
        for transaction in transactions:
            worst[call] = max(worst.get(call, 0), transaction.gas_used)

    spec, key = play.spec(requester)
    used("submitTask", play.hub.submitTask(spec, {"from": requester}))
    opened = play.hub.openRound(0, play.by)
    used("openRound", opened)
    round_ = play.opened(opened, spec, key)
    play.wait_for(round_, "Train")
    for miner in miners:
        model = play.model(round_, miner)
        arguments = play.commit_arguments(round_, model)
        used("commitModel", play.hub.commitModel(*arguments, {"from": miner}))
        round_.models.append(model)
    used("revealKey", play.reveal_key(round_))
    for number, model in enumerate(round_.models):
        used("claimModel", play.claim(round_, model, 300 + number))
    for model in round_.models:
        used("showKey", play.show(model))
    sealed = play.committee.draw(round_.id, play.by)
    play.mine(3)
    drawn = play.committee.draw(round_.id, play.by)
    worst["draw"] = sealed.gas_used + drawn.gas_used
    votes = [play.vote(round_, pos, play.word(round_, {})) for pos in range(size)]
    used("commitVote", *[play.commit_vote(vote) for vote in votes])
    used("revealVote", *[play.reveal_vote(vote) for vote in votes])
    winner = round_.model_of(play.hub.preview(round_.id, round_.spec)[1])
    used("finalize", play.finalize(round_, winner))
    released = play.hub.releaseLocks(round_.id, miners, play.by)
    worst["releaseLocks"] = released.gas_used // len(miners)
    return worst
