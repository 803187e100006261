"""Which tests are tried on a mutant first.

What killed a mutant of a function mostly kills the next one of it, in a fraction of the time that all tests take.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scripts.mutation.points import Mutant

LIBRARIES = "contracts/libraries/"
# Foundry's profiles, each with tests of its own, in the order in which they are tried.
PROFILES = ("libraries", "default")
# Tests that take longer than all others together: only what nothing else kills is tried on them.
LONG = "MarketTest|DifferentialTest"
SHORT_RUN, LONG_RUN = ["--no-match-contract", LONG], ["--match-contract", LONG]
OF_FUNCTION, OF_FILE = 3, 6


class Killers:
    """The tests that killed mutants so far, by the function and the file of these."""

    def __init__(self) -> None:
        self._of_function: dict[tuple[str, str], Counter[str]] = {}
        self._of_file: dict[str, Counter[str]] = {}

    def learn(self, file: str, function: str, test: str) -> None:
        """A test killed a mutant of this function."""
        if test.startswith("test_"):
            self._of_function.setdefault((file, function), Counter())[test] += 1
            self._of_file.setdefault(file, Counter())[test] += 1

    def likely(self, mutant: Mutant) -> list[str]:
        """The tests that most likely kill it, the likeliest first; none where nothing is known."""
        of_function = self._of_function.get((mutant.file, mutant.function), Counter()).most_common(OF_FUNCTION)
        of_file = self._of_file.get(mutant.file, Counter()).most_common(OF_FILE)
        return list(dict.fromkeys(test for test, _ in of_function + of_file))[:OF_FILE]


def belongs(mutant: Mutant, profile: str) -> bool:
    """Whether a profile's tests run the mutant's code."""
    return profile != "libraries" or mutant.file.startswith(LIBRARIES)


def short(mutant: Mutant, killers: Killers) -> list[list[str]]:
    """Forge's arguments for one run after another: the likely tests, a library's own, then all but the long ones."""
    likely = killers.likely(mutant)
    first = [["--match-test", rf"^({'|'.join(likely)})\("]] if likely else []
    if mutant.file.startswith(LIBRARIES):
        first.append(["--match-contract", f"^{Path(mutant.file).stem}Test$"])
    return [*first, SHORT_RUN]
