"""Runs the tests against each mutant, in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.mutation import schemata
from scripts.mutation.order import LONG_RUN
from scripts.mutation.points import Mutant

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("node_modules", ".venv", "scripts", "dlbc")
FORGE = Path(sys.prefix) / "bin" / "forge"
# A loop that a mutant lets run for ever is over in seconds. Only the longest tests need more.
GAS_LIMITS = {"libraries": "100000000", "default": "500000000"}
COPIED = ("contracts", "tests/forge", "foundry.toml")

_FAILED = re.compile(r"^\[FAIL[^\n]*\] (\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What became of a mutant: `killed` by a test, `survived`, `timeout` (the tests took far longer: found), or
    `refused` by the compiler.
    """

    mutant: Mutant
    outcome: str
    test: str
    seconds: float


class Copy:
    """The tree with all mutants in it, and Forge in that."""

    def __init__(self, folder: Path, profile: str) -> None:
        self._folder = folder
        self._profile = profile

    def write(self, sources: Mapping[str, bytes]) -> None:
        """Lay the tree out, with these sources in place of its own. What was compiled before is kept."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            target = self._folder / name
            if (ROOT / name).is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(ROOT / name, target)
            else:
                shutil.copy2(ROOT / name, target)
        for name in LINKED:
            link = self._folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(ROOT / name)
        for path in (self._folder / "tests").rglob("*.sol"):
            path.write_bytes(schemata.impure(path.read_bytes()))
        for name, text in sources.items():
            (self._folder / name).write_bytes(text)

    def build(self) -> None:
        """Compile everything that the tests need.

        Raises:
            SystemExit: it does not compile.
        """
        finished = self._forge(["test", "--list"], 0, None)
        if finished.returncode != 0:
            raise SystemExit(f"the mutants do not compile:\n{finished.stdout[-4000:]}")

    def check(self, arguments: Sequence[str]) -> float:
        """The tests with no mutant switched on, in seconds.

        Raises:
            SystemExit: one fails.
        """
        outcome, test, seconds = self._run(0, arguments, None)
        if outcome != "survived":
            raise SystemExit(f"without any mutant: {outcome} {test}")
        return seconds

    def run(self, mutant: Mutant, stages: Sequence[Sequence[str]], limit: float) -> Result:
        """The tests with a mutant switched on, stage after stage until one fails; `limit` is in seconds, of a stage."""
        total = 0.0
        for arguments in stages:
            outcome, test, seconds = self._run(mutant.number, arguments, limit)
            total += seconds
            if outcome != "survived":
                return Result(mutant, outcome, test, total)
        return Result(mutant, "survived", "", total)

    def _run(self, number: int, arguments: Sequence[str], limit: float | None) -> tuple[str, str, float]:
        """Outcome, the test that failed first, seconds."""
        start = time.monotonic()
        try:
            finished = self._forge(["test", "--fail-fast", *arguments], number, limit)
        except subprocess.TimeoutExpired:
            return "timeout", "", time.monotonic() - start
        seconds = time.monotonic() - start
        if finished.returncode == 0:
            return "survived", "", seconds
        failed = _FAILED.search(finished.stdout)
        if "Compiler run failed" in finished.stdout or (not failed and "FAIL" not in finished.stdout):
            raise SystemExit(f"Forge stopped with mutant {number}:\n{finished.stdout[-4000:]}")
        return "killed", failed.group(1) if failed else "setUp", seconds

    def _forge(self, arguments: list[str], number: int, limit: float | None) -> subprocess.CompletedProcess[str]:
        failures = self._folder / "failures" / str(number)
        environment = {
            **os.environ,
            "FOUNDRY_BLOCK_COINBASE": schemata.coinbase(number),
            "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
            **({} if arguments[-2:] == LONG_RUN else {"FOUNDRY_GAS_LIMIT": GAS_LIMITS[self._profile]}),
            # what one mutant fails with is not tried first on the next
            "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": str(failures),
            "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(failures),
            "FOUNDRY_PROFILE": self._profile,
        }
        try:
            return subprocess.run(
                [str(FORGE), *arguments],
                cwd=self._folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=limit,
                check=False,
            )
        finally:
            shutil.rmtree(failures, ignore_errors=True)
