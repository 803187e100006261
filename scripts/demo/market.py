"""The processes of the demonstration. Each program gets its own key, data folder and IPFS node."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlbc.errors import DLBCError
from dlbc.processes import Anvil, free_port, log_tail, start_anvil, start_child, stop_child
from dlbc.service import read_status

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.prefix) / "bin"
TOKENS, ETHER = 2_000, 100  # for each actor
FAST_SCRYPT = "8192"  # the keys of a demonstration guard nothing: half a second less for each start


class ActorDied(DLBCError):
    """A process ended that should have gone on."""


@dataclass
class Actor:
    """One person of the market, and his running program.

    Attributes:
        folder: key, data and log, of this actor alone.
        finished: his program has ended as it should.
    """

    name: str
    role: str
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    finished: bool = False

    @property
    def log(self) -> Path:
        """What the program printed."""
        return self.folder / "program.log"

    @property
    def data(self) -> Path:
        """The program's data folder."""
        return self.folder / "data"

    def status(self) -> dict[str, Any]:
        """What the program says of itself; empty before it says anything."""
        return read_status(self.data) or {}


@dataclass
class Market:
    """Chain, meeting point and actors below one folder; a context manager that leaves no process behind."""

    folder: Path
    actors: dict[str, Actor] = field(default_factory=dict)
    chain: Anvil | None = None
    meeting_point: subprocess.Popen[bytes] | None = None
    peer: str = ""

    @property
    def rpc_url(self) -> str:
        """The chain's JSON-RPC."""
        if self.chain is None:
            raise DLBCError("the chain does not run")
        return self.chain.url

    @property
    def deployments(self) -> Path:
        """Where the deployment is recorded."""
        return self.folder / "deployments"

    def __enter__(self) -> Market:
        self.deployments.mkdir(parents=True)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        running = [actor.process for actor in self.actors.values() if actor.process is not None]
        if self.meeting_point is not None:
            running.append(self.meeting_point)
        if running:
            with ThreadPoolExecutor(len(running)) as pool:
                list(pool.map(lambda process: stop_child(process, 8.0), running))
        if self.chain is not None:
            self.chain.stop()

    def start_chain(self) -> None:
        """Anvil with a block each second: its clock must move by itself."""
        self.chain = start_anvil(free_port(), 1, log_file=self.folder / "anvil.log")

    def start_meeting_point(self) -> None:
        """An IPFS node that every other one connects to; it holds nothing itself."""
        log = (self.folder / "meeting-point.log").open("wb")
        command = [str(BIN / "dlbc-ipfs"), "start", "--repo", str(self.folder / "meeting-point"), "--json"]
        self.meeting_point = start_child(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
        assert self.meeting_point.stdout is not None
        line = self.meeting_point.stdout.readline()
        if not line:
            raise DLBCError(f"the IPFS node did not start: {log_tail(self.folder / 'meeting-point.log')}")
        self.peer = json.loads(line)["multiaddr"]

    def add_actors(self, names: Sequence[tuple[str, str]]) -> None:
        """Makes a key for each (name, role) with `dlbc-keys new`."""

        def make(named: tuple[str, str]) -> Actor:
            name, role = named
            folder = self.folder / name
            command = [str(BIN / "dlbc-keys"), "--keystore-dir", str(folder), "new", name, "--json"]
            made = json.loads(self._run(command, f"dlbc-keys new {name}"))
            return Actor(name, role, made["address"], folder)

        with ThreadPoolExecutor(2) as pool:
            for actor in pool.map(make, names):
                self.actors[actor.name] = actor

    def deploy(self, profile: str = "") -> str:
        """`brownie run deploy`, then `fund` for every actor; returns what Brownie printed of the deployment.

        Args:
            profile: a name or file, as the script takes it; "" leaves the choice to it.
        """
        network = ["--network", self.rpc_url]
        chosen = ["main", profile] if profile else []
        printed = self._run([str(BIN / "brownie"), "run", "deploy", *chosen, *network], "brownie run deploy")
        addresses = [actor.address for actor in self.actors.values()]
        fund = ["run", "fund", "main", str(TOKENS), str(ETHER), *addresses, *network]
        self._run([str(BIN / "brownie"), *fund], "brownie run fund")
        return printed

    def start(self, name: str, *command: str) -> Actor:
        """Starts an actor's program: the first word is a console script of the project, or "python"."""
        actor = self.actors[name]
        program = BIN / command[0]
        with actor.log.open("ab") as log:
            actor.process = start_child(
                [str(program), *command[1:]], cwd=ROOT, env=self._environment(actor), stdout=log, stderr=log
            )
        actor.finished = False
        return actor

    def run_once(self, name: str, *command: str) -> str:
        """Runs an actor's command to its end, and returns what it printed."""
        return self._run([str(BIN / command[0]), *command[1:]], name, self._environment(self.actors[name]))

    def look(self) -> None:
        """Notices the dead.

        Raises:
            ActorDied: with the end of the log.
        """
        if self.chain is not None and self.chain.process.poll() is not None:
            raise ActorDied(f"the chain died: {log_tail(self.chain.log)}")
        if self.meeting_point is not None and self.meeting_point.poll() is not None:
            raise ActorDied(f"the IPFS meeting point died: {log_tail(self.folder / 'meeting-point.log')}")
        for actor in self.actors.values():
            if actor.process is None or actor.finished or (code := actor.process.poll()) is None:
                continue
            if code == 0 and actor.role == "requester":
                actor.finished = True
                continue
            raise ActorDied(
                f"{actor.name}'s program ended with code {code}; {actor.log} ends with:\n{log_tail(actor.log)}"
            )

    def wait_for(self, name: str, seconds: float) -> None:
        """Waits until an actor's program has ended by itself, with code 0."""
        end = time.monotonic() + seconds
        actor = self.actors[name]
        while not actor.finished:
            self.look()
            if time.monotonic() > end:
                raise ActorDied(f"{name}'s program did not end within {seconds:.0f} s; see {actor.log}")
            time.sleep(0.2)

    def _environment(self, actor: Actor | None = None) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("DLBC_") or name == "DLBC_ANVIL"
        }
        common = {
            "DLBC_DEPLOYMENT": str(self.deployments),
            "DLBC_PASSWORD_FILE": str(self.folder / "password"),
            "DLBC_SCRYPT_N": FAST_SCRYPT,
            "DLBC_IPFS_PEERS": self.peer,
            "OMP_NUM_THREADS": "1",  # several programs share the cores: more threads make all of them slower
        }
        if self.chain is not None:
            common["DLBC_RPC_URL"] = self.rpc_url
        own = (
            {}
            if actor is None
            else {"DLBC_KEYSTORE": str(actor.folder / f"{actor.name}.json"), "DLBC_DATA_DIR": str(actor.data)}
        )
        return {**kept, **common, **own}

    def _run(self, command: list[str], what: str, env: dict[str, str] | None = None) -> str:
        finished = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise DLBCError(f"{what} failed:\n{(finished.stdout + finished.stderr).strip()[-2000:]}")
        return finished.stdout
