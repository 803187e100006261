"""How whole-round tests begin, and what they wait for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from web3 import HTTPProvider
from web3.types import RPCEndpoint

from dlbc.chain import events
from scripts.demo.__main__ import make_task
from scripts.demo.market import ROOT, Market
from scripts.demo.story import Story

ROUND_SECONDS = 300.0
APPEAL_SECONDS = 60


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
