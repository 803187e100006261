"""What whole-round tests wait for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dlbc.chain import events
from scripts.demo.story import Story


def wait_until_running(story: Story, names: Sequence[str], seats: int, seconds: float) -> None:
    """Until so many seats are taken, and every program looks at the chain: who comes late misses a round."""
    give_up_at = time.monotonic() + seconds
    while len(story.of(events.SeatJoined)) < seats or any(
        story.market.actors[name].status().get("state") != "running" for name in names
    ):
        assert time.monotonic() < give_up_at, "the programs did not start"
        story.step()
        time.sleep(0.2)
