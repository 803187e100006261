"""How whole-round tests begin, and what they wait for."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from web3 import HTTPProvider
from web3.types import RPCEndpoint

from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.deployment import load_deployment
from scripts.demo.__main__ import make_task
from scripts.demo.market import ROOT, Market
from scripts.demo.story import Story

ROUND_SECONDS = 300.0
APPEAL_SECONDS = 60
VALIDATORS = tuple(f"validator-{number}" for number in (1, 2, 3))


@contextmanager
def opened(folder: Path, others: Sequence[tuple[str, str]], profile: str = "") -> Iterator[tuple[Market, Chain]]:
    """A market with contracts, a requester and three validators at work.

    Args:
        others: name and role of who takes part as well; their programs are the caller's to start.
        profile: as for `Market.deploy`.
    """
    with Market(folder / "market") as market:
        market.start_chain()
        market.start_meeting_point()
        market.add_actors([("requester", "requester"), *((name, "validator") for name in VALIDATORS), *others])
        market.deploy(profile)
        for name in VALIDATORS:
            market.start(name, "dlbc-validator", "start")
        yield market, Chain([market.rpc_url], load_deployment(next(market.deployments.glob("*.json"))))


def profile_with_appeals(folder: Path) -> Path:
    """The development profile, with time to appeal."""
    text = (ROOT / "scripts" / "profiles" / "development.yaml").read_text(encoding="utf-8")
    path = folder / "appeals.yaml"
    path.write_text(re.sub(r"appealSecs: \d+", f"appealSecs: {APPEAL_SECONDS}", text), encoding="utf-8")
    return path


def submit(market: Market, number: int, seconds: int) -> None:
    """The requester's task, for a network large enough for a private key, with so much time to train."""
    folder = market.folder / "requester" / f"task-{number}"
    make_task(folder, number, seconds, architecture="{name: lenet, width: 32}", minimum="0.01")
    command = ("dlbc-request", "submit", str(folder / "task.yaml"), "--yes", "-o", str(folder / "model"))
    market.start("requester", *command)


def votes(story: Story, count: int) -> None:
    """Waits until so many votes were opened, in all."""
    give_up_at = time.monotonic() + ROUND_SECONDS
    while len(story.of(events.VoteRevealed)) < count:
        assert time.monotonic() < give_up_at, "the votes did not come"
        story.step()
        time.sleep(0.1)


def skip_appeal(market: Market) -> None:
    """Nobody disputes any more: the chain's clock goes to the end of the phase."""
    HTTPProvider(market.rpc_url).make_request(RPCEndpoint("evm_increaseTime"), [APPEAL_SECONDS])


def wait_until_running(story: Story, names: Sequence[str], seats: int, seconds: float) -> None:
    """Until so many seats are taken, and every program looks at the chain: who comes late misses a round."""
    give_up_at = time.monotonic() + seconds
    while len(story.of(events.SeatJoined)) < seats or any(
        story.market.actors[name].status().get("state") != "running" for name in names
    ):
        assert time.monotonic() < give_up_at, "the programs did not start"
        story.step()
        time.sleep(0.2)
