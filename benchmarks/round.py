"""What the programs add to a round beyond its windows, and what they need to run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.processes import quiet
from benchmarks.tables import Section, Table
from benchmarks.timing import median, seconds_of, short
from benchmarks.watched_market import MINERS, VALIDATORS, WatchedMarket, watched_market
from dlbc.chain import events
from dlbc.chain.contracts import Committee, Hub
from dlbc.journal import Event
from scripts.demo.market import BIN

ROUNDS = 3
TRAIN_SECONDS = 15
COMMAND_REPETITIONS = 3
COMMANDS: dict[str, tuple[str, ...]] = {
    "python -c 'import torch'": (sys.executable, "-c", "import torch"),
    **{f"{name} --help": (str(BIN / name), "--help") for name in ("dlbc-request", "dlbc-miner", "dlbc-validator")},
}

# What is due, from when, and which of the deployment's windows it has; in the order of a round.
STEPS = {
    "submit": ("The requester's command packs, uploads and submits", "its start", None),
    "open": ("openRound", "task submitted", None),
    "commit_first": ("First commitModel, before the deadline", "", None),
    "commit_last": ("Last commitModel, before the deadline", "", None),
    "key": ("revealKey", "guard over", "key_secs"),
    "claims": ("All claimModel", "test key shown", "claim_secs"),
    "shows": ("All showKey", "claims closed", "show_secs"),
    "seal": ("draw, first step", "keys shown", None),
    "pick": ("draw, second step (3 blocks at least)", "first step", None),
    "vote_commits": ("All commitVote: models judged", "committee drawn", "vote_commit_secs"),
    "vote_reveals": ("All revealVote", "votes committed", "vote_reveal_secs"),
    "finalize": ("finalize: the block", "votes revealed", None),
    "download": ("The requester has the model on disk", "the block", None),
}
TOTALS = {
    "from_last_commit": "Last commit to block",
    "from_deadline": "Deadline to block",
    "prescribed": "of which prescribed: guard and seal",
}


def measure() -> dict[str, Any]:
    """Plays rounds in a market of three miners and three validators."""
    quiet()
    starts = {
        name: [_seconds_of_command(words) for _ in range(COMMAND_REPETITIONS)] for name, words in COMMANDS.items()
    }
    with watched_market() as watched:
        watched.start_programs()
        rounds = []
        for number in range(1, ROUNDS + 1):
            began, ended = watched.play(number, TRAIN_SECONDS)
            rounds.append(timeline(watched, number, began, ended))
        timing = Hub(watched.chain).timing()
        return {
            "commands": starts,
            "starts": watched.starts,
            "cpu": watched.cpu,
            "peaks": [[name, what, peak] for (name, what), peak in watched.peaks.items()],
            "rounds": rounds,
            "windows": {window: getattr(timing, window) for _, _, window in STEPS.values() if window},
        }


def timeline(watched: WatchedMarket, number: int, began: float, ended: float) -> dict[str, float]:
    """Seconds of each step of a round, by the clock of its blocks.

    Args:
        began, ended: wall clock of the requester's command; Anvil's blocks carry the same clock, in whole seconds.
    """
    story, chain = watched.story, watched.chain
    facts, ballot = Hub(chain).round(number), Committee(chain).ballot(number)

    def times(kind: type[Event], **filters: object) -> list[int]:
        headers = (chain.header(event.block_number) for event in story.of(kind, **filters))
        return sorted(header.timestamp for header in headers if header is not None)

    (submitted,) = times(events.TaskSubmitted, task_id=facts.task_id)
    (drawn,) = times(events.CommitteeDrawn, round_id=number)
    sealed = times(events.DrawSealed, round_id=number)[-1]
    (final,) = times(events.RoundFinalized, round_id=number)
    commits = times(events.ModelCommitted, round_id=number)
    shown = times(events.ModelKeyShown, round_id=number)[-1]
    # Where one is missing, the next phase begins when the clock says so.
    shows_over = shown if facts.shown == facts.listed else facts.show_end
    guard = facts.key_from - facts.commit_end
    return {
        "submit": submitted - began,
        "open": facts.opened_at - submitted,
        "commit_first": facts.commit_end - commits[0],
        "commit_last": facts.commit_end - commits[-1],
        "key": facts.key_at - facts.key_from,
        "claims": times(events.ModelClaimed, round_id=number)[-1] - facts.key_at,
        "shows": shown - facts.claim_end,
        "seal": sealed - shows_over,
        "pick": drawn - sealed,
        "vote_commits": times(events.VoteCommitted, round_id=number)[-1] - ballot.vote_start,
        "vote_reveals": times(events.VoteRevealed, round_id=number)[-1] - ballot.commit_end,
        "finalize": final - ballot.reveal_end,
        "download": ended - final,
        "from_last_commit": final - commits[-1],
        "from_deadline": final - facts.commit_end,
        "prescribed": guard + 3,
        "listed": facts.listed,
    }


def _seconds_of_command(words: Sequence[str]) -> float:
    def start() -> None:
        subprocess.run(words, check=True, capture_output=True)  # noqa: S603  # our own commands

    return seconds_of(start)


def section(measured: dict[str, Any]) -> Section:
    """The tables."""
    text = TEXT.format(rounds=len(measured["rounds"]), seconds=TRAIN_SECONDS)
    return Section("Round", text, (_steps(measured), _memory(measured), _starts(measured)))


def _steps(measured: Mapping[str, Any]) -> Table:
    rounds, windows = measured["rounds"], measured["windows"]
    rows = []
    for name, (title, since, window) in STEPS.items():
        most = f"{windows[window]} s" if window else "-"
        rows.append([title, since or "-", *_seconds(rounds, name), most])
    for name, title in TOTALS.items():
        rows.append([f"**{title}**", "-", *_seconds(rounds, name), "-"])
    listed = ", ".join(str(played["listed"]) for played in rounds)
    note = (
        f"Listed candidates: {listed}. By the blocks' clock, whole seconds: a block comes each second, so 1 s is the "
        "least that a call can take that becomes possible with another block. The programs look every 0.3 s on a "
        "development chain. The worst commit is the one closest to the deadline; how early a miner stops, it learns "
        "from its own earlier rounds."
    )
    return Table(
        "Seconds from the moment a call is due to its block",
        ["Step", "Due from", "Median", "Worst", "Window"],
        rows,
        note,
    )


def _seconds(rounds: Sequence[Mapping[str, float]], name: str) -> list[str]:
    found = [played[name] for played in rounds]
    worst = min(found) if name.startswith("commit_") else max(found)
    return [f"{median(found):.0f} s", f"{worst:.0f} s"]


def _memory(measured: Mapping[str, Any]) -> Table:
    peaks = {(name, what): peak for name, what, peak in measured["peaks"]}
    rows = []
    for role, names in (("requester", ["requester"]), ("miner", MINERS), ("validator", VALIDATORS)):
        programs = [peaks[name, "program"] for name in names]
        nodes = [peaks[name, "node"] for name in names if (name, "node") in peaks]
        node = max(nodes, default=0.0)
        cells = [f"dlbc-{role}", str(len(names)), f"{max(programs):.0f}", f"{node:.0f}", f"{max(programs) + node:.0f}"]
        rows.append([*cells, short(max(measured["cpu"][name] for name in names))])
    everything = sum(peak for _, _, peak in measured["peaks"])
    note = (
        "Resident memory counts shared libraries in every process again. All peaks together are "
        f"{everything:,.0f} MiB: an upper bound of what this market needs besides Anvil and the meeting point. The "
        "processor's time is that of the whole run: start, training and all rounds; the requester's is of one round."
    )
    columns = ["", "Processes", "Program", "Its IPFS node", "Both", "Processor time of the program"]
    return Table("Memory, MiB at most", columns, rows, note)


def _starts(measured: Mapping[str, Any]) -> Table:
    torch = median(measured["commands"]["python -c 'import torch'"])
    rows = []
    for name, found in measured["commands"].items():
        rows.append([f"`{name}`", short(median(found)), f"{median(found) / torch:.1f}x"])
    for role, seconds in measured["starts"].items():
        rows.append([f"`dlbc-{role} start` to its first look at the chain", short(seconds), f"{seconds / torch:.1f}x"])
    note = "A start includes reading the keystore (a cheap one), the journal, and an IPFS node of its own."
    return Table("Start", ["Command", "Seconds", "To importing torch"], rows, note)


TEXT = """\
A market as `make demo` starts it: Anvil with a block each second, an IPFS meeting point, a requester, three miners and
three validators, each a process with a key and an IPFS node of its own. {rounds} rounds of {seconds} s of training
LeNet on scikit-learn's digits. A phase ends early when everybody has acted, so what counts is the seconds that the
programs take, not the windows that they are given. All of them compete for the cores named below with whatever else
runs there. What takes longest are the requester's start and packing and the judging of models, which all validators do
at once; transactions wait for little but the next block.
"""
