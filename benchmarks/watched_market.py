"""A market of real programs, as `make demo` starts it, whose starts and memory are watched while it plays rounds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.processes import children, command, cpu_seconds, memory
from benchmarks.results import FOLDER
from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.deployment import load_deployment
from dlbc.errors import DLBCError
from dlbc.types import Outcome
from scripts.demo.__main__ import make_task
from scripts.demo.market import Actor, Market
from scripts.demo.story import Story

MINERS = ("miner-1", "miner-2", "miner-3")
VALIDATORS = ("validator-1", "validator-2", "validator-3")
REQUESTER = "requester"
VALIDATOR_COMMAND = ("dlbc-validator", "start", "--threads", "1")
MINER_COMMAND = ("dlbc-miner", "start", "--device", "cpu", "--threads", "1", "--auto-stake", "50")
# Any network will do: it is the programs that are timed, and a poor one must not end the round.
ARCHITECTURE, MINIMUM = "{name: lenet, width: 32}", "0.1"
START_SECONDS = 120.0
ROUND_SECONDS = 300.0
LOOK_SECONDS = 0.1


@dataclass
class WatchedMarket:
    """The market, its story, and what was noted.

    Attributes:
        starts: seconds from the start of a program to its first look at the chain, by role.
        cpu: seconds that the program of each actor had a core, the last time that we looked.
        peaks: MiB that each process ever had resident, by actor and "program" or "node".
    """

    market: Market
    story: Story
    chain: Chain
    starts: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    peaks: dict[tuple[str, str], float] = field(default_factory=dict)

    def start_programs(self) -> None:
        """All validators and miners, the first of each alone so that its start can be timed."""
        for names, words in ((VALIDATORS, VALIDATOR_COMMAND), (MINERS, MINER_COMMAND)):
            began = time.monotonic()
            first = self.market.start(names[0], *words)
            self._wait(partial(_runs, first), START_SECONDS, f"{names[0]} to run")
            self.starts[first.role] = time.monotonic() - began
            for name in names[1:]:
                self.market.start(name, *words)
        seats = len(VALIDATORS)
        self._wait(lambda: len(self.story.of(events.SeatJoined)) >= seats, START_SECONDS, "the validators' seats")

    def play(self, number: int, seconds: int) -> tuple[float, float]:
        """One task from submission to the model on the requester's disk.

        Returns:
            When the requester's command was started, and when it ended: wall clock, as blocks have it.

        Raises:
            DLBCError: the round did not end with a block.
        """
        folder = self.market.folder / REQUESTER / f"task-{number}"
        make_task(folder, number, seconds, architecture=ARCHITECTURE, minimum=MINIMUM)
        began = time.time()
        output = ("--yes", "-o", str(folder / "model"))
        actor = self.market.start(REQUESTER, "dlbc-request", "submit", str(folder / "task.yaml"), *output)
        self._wait(lambda: actor.finished, seconds + ROUND_SECONDS, f"round {number} to end")
        ended = time.time()
        self.story.step()
        (final,) = self.story.of(events.RoundFinalized, round_id=number)
        if final.outcome is not Outcome.BLOCK:
            raise DLBCError(f"round {number} ended with {final.outcome.name}, not with a block")
        return began, ended

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise DLBCError(f"waited {seconds:.0f} s in vain for {what}; see {self.market.folder}")
            self.story.step()
            self._look_at_processes()
            time.sleep(LOOK_SECONDS)

    def _look_at_processes(self) -> None:
        for actor in self.market.actors.values():
            if actor.process is None or actor.process.poll() is not None:
                continue
            with suppress(OSError, ProcessLookupError):  # it ends while we look
                self._note(actor.name, "program", actor.process.pid)
                self.cpu[actor.name] = cpu_seconds([actor.process.pid])
                for child in children(actor.process.pid):
                    if "dlbc.ipfs.node" in command(child):
                        self._note(actor.name, "node", child)

    def _note(self, name: str, what: str, pid: int) -> None:
        self.peaks[name, what] = max(self.peaks.get((name, what), 0.0), memory(pid).peak)


@contextmanager
def watched_market() -> Iterator[WatchedMarket]:
    """Chain, contracts, meeting point and accounts; no program runs yet. Logs stay in build/benchmarks/market."""
    folder = FOLDER / "market"
    shutil.rmtree(folder, ignore_errors=True)
    with Market(folder) as market:
        market.start_chain()
        market.start_meeting_point()
        cast = [(REQUESTER, "requester")]
        cast += [(name, "miner") for name in MINERS] + [(name, "validator") for name in VALIDATORS]
        market.add_actors(cast)
        market.deploy()
        chain = Chain([market.rpc_url], load_deployment(_only(market.deployments)))
        with Story(market, chain, Console(quiet=True)) as story:
            yield WatchedMarket(market, story, chain)


def _runs(actor: Actor) -> bool:
    return actor.status().get("state") == "running"


def _only(folder: Path) -> Path:
    (path,) = folder.glob("*.json")
    return path
