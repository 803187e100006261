"""Gas of every call as the market grows: nothing loops over miners, over the queue or over the pool of seats."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.bytecode import compiler_settings, source_digest
from benchmarks.hub_on_anvil import anvil, node_version
from benchmarks.processes import quiet
from benchmarks.scale_plays import AXES, BASE, EVERYTHING, REPEATS, WAVES, Size, Spent, World, along, sizes
from benchmarks.tables import Section, Table
from benchmarks.timing import median

TITLES = {
    "queue": "Tasks in the queue",
    "slots": "Live rounds",
    "miners": "Miners who commit in one round",
    "seats": "Seats in the pool",
    "committee": "Validators of a round",
}
NOTES = {
    "queue": (
        "The heap has four children to a node: 4,096 tasks are six levels deep. Each task submitted here goes from the "
        "bottom to the top, and each one opened or pruned has the last one sink again."
    ),
    "slots": (
        "A draw passes over the seats that judge other rounds: it reads the bench of each slot, 16 at most. Seats "
        "neither come nor go while a seed is known: who joins or leaves has the ballot of each slot looked at."
    ),
    "miners": (
        "A list has six places, however many claim one. The best six of a crowd claim the same score, and the "
        "settlement has all their ties to break: six miners with equal scores cost as much."
    ),
    "seats": "A draw looks at as many seats as it needs, and keeps two bytes of memory for each that is in the pool.",
    "committee": "Draw and settlement go over the committee, which has 15 members at most.",
}


def measure() -> dict[str, Any]:
    """Plays a market of every size, on one Anvil."""
    quiet()
    sources = source_digest()
    with anvil() as url:
        world = World(url)
        played = [{"size": asdict(size), "spent": world.play(size)} for size in sizes()]
        node = node_version(url)
    return {
        "played": played,
        "node": node,
        "sources": sources,
        "optimizer_runs": compiler_settings()["optimizer"]["runs"],
    }


def section(measured: dict[str, Any]) -> Section:
    """The tables: one an axis, and one of everything at once."""
    spent = {Size(**found["size"]): by_call(found["spent"]) for found in measured["played"]}
    tables = [_axis(axis, spent) for axis in AXES]
    named = {"runs": measured["optimizer_runs"], "node": measured["node"], "sources": measured["sources"][:12]}
    text = TEXT.format(calls=f"{sum(len(found['spent']) for found in measured['played']):,}", **named)
    return Section("Scale", f"{text}\n{_verdict(spent)}\n", [*tables, _everything(spent)])


def by_call(spent: list[Spent]) -> dict[str, list[int]]:
    """Gas of each call's instances, the calls in the order in which they first came."""
    found: dict[str, list[int]] = {}
    for call, gas in spent:
        found.setdefault(call, []).append(gas)
    return found


def growth(before: list[int], after: list[int]) -> float:
    """How many times the median became."""
    return median(after) / median(before)


def _axis(axis: str, spent: dict[Size, dict[str, list[int]]]) -> Table:
    calls = [spent[size] for size in along(axis)]
    rows = []
    for call in calls[0]:
        cells = [f"{median(found[call]):,.0f} / {max(found[call]):,}" for found in calls]
        rows.append([call, *cells, f"x{growth(calls[0][call], calls[-1][call]):.2f}"])
    columns = ["Call", *(f"{value:,}" for value in AXES[axis]), "Growth of p50"]
    return Table(TITLES[axis], columns, rows, f"{NOTES[axis]} Cells: p50 / worst.")


def _everything(spent: dict[Size, dict[str, list[int]]]) -> Table:
    rows = []
    for call, found in spent[EVERYTHING].items():
        base = spent[BASE][call]
        cells = [call, f"{median(base):,.0f}", str(len(found)), f"{median(found):,.0f}", f"{max(found):,}"]
        rows.append([*cells, f"x{growth(base, found):.2f}"])
    columns = ["Call", "p50 in the small market", "Calls", "p50", "Worst", "Growth of p50"]
    note = (
        f"{EVERYTHING.queue:,} tasks wait, {EVERYTHING.slots} rounds are live in the same phase, {EVERYTHING.miners} "
        f"miners commit in one of them and {BASE.miners} in each other, {EVERYTHING.seats:,} seats are in the pool, "
        f"{EVERYTHING.committee} validators judge each round. All {WAVES * EVERYTHING.slots} rounds ended with a block."
    )
    return Table("Everything at once", columns, rows, note)


def _verdict(spent: dict[Size, dict[str, list[int]]]) -> str:
    """For each axis the call that grows most."""
    parts = []
    for axis, values in AXES.items():
        first, *_, last = (spent[size] for size in along(axis))
        most, call = max((growth(first[call], last[call]), call) for call in first)
        parts.append(f"{TITLES[axis].lower()}, {values[0]:,} to {values[-1]:,}: {call} x{most:.2f}")
    return f"**What grows most: {'; '.join(parts)}.**"


TEXT = f"""\
The real contracts (SHA-256 of settings and sources `{{sources}}…`, {{runs}} optimizer runs) on {{node}},
{{calls}} calls. One number grows at a time, from a small market: an empty queue, one live round with {BASE.miners}
miners and a committee of {BASE.committee}, {BASE.seats} seats, each of another owner. In a market of each size
{WAVES} waves of rounds are played from the submission to the released locks, all live rounds in the same phase; then a
round whose test key is withheld, so that every miner is compensated; {REPEATS} tasks are cancelled and pruned,
{REPEATS} seats join and leave. A worst that stands out is a first write to storage. Gas does not depend on the machine.
"""
