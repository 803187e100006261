"""Gas of each call of a round with six miners and three validators: held by test_gas.py, printed by whoever asks."""

from __future__ import annotations

from typing import Any

from round_play import Play

# What the test holds.
CEILINGS = {
    "submitTask": 164_000,
    "openRound": 171_000,
    "commitModel": 73_000,
    "revealKey": 41_000,
    "claimModel": 113_000,
    "showKey": 47_000,
    "draw": 140_000,
    "commitVote": 48_000,
    "revealVote": 43_000,
    "finalize": 307_000,
    "releaseLocks": 19_000,
}


def measure(play: Play, requester: Any, miners: list[Any], rounds: int = 2) -> dict[str, int]:
    """The most that each call costs in the last of some rounds in one slot.

    From a slot's second round on the committee writes over words that held something; the first round pays about
    70k more for the draw and 20k more for each vote.
    """
    worst: dict[str, int] = {}
    for _ in range(rounds):
        worst = _one_round(play, requester, miners[:6])
    return worst


def _one_round(play: Play, requester: Any, miners: list[Any]) -> dict[str, int]:
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
    votes = [play.vote(round_, pos, play.word(round_, {})) for pos in range(3)]
    used("commitVote", *[play.commit_vote(vote) for vote in votes])
    used("revealVote", *[play.reveal_vote(vote) for vote in votes])
    winner = round_.model_of(play.hub.preview(round_.id, round_.spec)[1])
    used("finalize", play.finalize(round_, winner))
    released = play.hub.releaseLocks(round_.id, miners, play.by)
    worst["releaseLocks"] = released.gas_used // len(miners)
    return worst
