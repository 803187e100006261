"""Gas of every call, beside the ceilings that the protocol's design set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.bytecode import compiled, compiler_settings, source_digest
from benchmarks.gas_plays import ASIDE, FULL, MINERS, PLAYS, QUEUE, Spent, all_plays, full_queue
from benchmarks.hub_on_anvil import anvil, node_version
from benchmarks.processes import quiet
from benchmarks.tables import Section, Table
from benchmarks.timing import median, percentile


@dataclass(frozen=True)
class Ceiling:
    """A line of the design's gas table.

    Attributes:
        calls: names as noted; where there are several, what a round took for each is added up.
        prototype: what the throw-away prototype took, as text.
        most: the ceiling, of the 95th percentile.
        peers: what comparable contracts' own code takes, as text.
        scenario: the only one that counts; None for all but the full queue.
    """

    title: str
    calls: tuple[str, ...]
    prototype: str
    most: int
    peers: str = "-"
    scenario: str | None = None


DRAW = ("draw: seal", "draw: pick")
CEILINGS = (
    Ceiling("submitTask", ("submitTask",), "155-166k", 180_000, "UMA 226-243k, iExec 211-231k"),
    Ceiling("submitTask, 4,096 queued", ("submitTask",), "213k worst", 230_000, scenario=FULL),
    Ceiling("openRound", ("openRound",), "111k", 200_000),
    Ceiling("openRound, 4,096 queued", ("openRound",), "191k", 200_000, scenario=FULL),
    Ceiling("commitModel", ("commitModel",), "54k", 64_000, "iExec 257-376k, UMA 105-139k"),
    Ceiling("revealKey", ("revealKey",), "35k", 40_000),
    Ceiling("claimModel, ECDSA", ("claimModel",), "68-88k", 96_000, "iExec 48-85k, unsigned"),
    Ceiling("showKey", ("showKey",), "-", 45_000),
    Ceiling("draw, both steps, k = 7", DRAW, "88-110k", 130_000, "-", "k = 7"),
    Ceiling("commitVote", ("commitVote",), "57k", 62_000, "UMA 105-139k"),
    Ceiling("revealVote", ("revealVote",), "36k", 42_000, "UMA 81k"),
    Ceiling("finalize, k = 3", ("finalize",), "175k", 210_000, "iExec 355k", "k = 3"),
    Ceiling("finalize, k = 7", ("finalize",), "260k", 300_000, "iExec 468k", "k = 7"),
    Ceiling("finalize, k = 15", ("finalize",), "398k", 460_000, "-", "k = 15"),
)
BLOCK = "k = 7"  # the scenario whose rounds are added up
BLOCK_CALLS = (
    *("submitTask", "openRound", "commitModel", "revealKey", "claimModel", "showKey", "draw: seal", "draw: pick"),
    *("commitVote", "revealVote", "finalize", "releaseLocks"),
)
BLOCK_PROTOTYPE, BLOCK_CEILING, BLOCK_PEERS = "2.13M, without showKey and locks", 2_600_000, "iExec, 7 workers: 3.02M"
CODE_LIMIT, INIT_LIMIT = 24_576, 49_152  # EIP-170, EIP-3860


def measure() -> dict[str, Any]:
    """Plays all rounds, and fills a queue, on one Anvil."""
    quiet()
    contracts, sources = compiled(), source_digest()
    with anvil() as url:
        spent, deployment = all_plays(url)
        spent += full_queue(url)
        node = node_version(url)
    return {
        "spent": spent,
        "deployment": deployment,
        "node": node,
        "sources": sources,
        "optimizer_runs": compiler_settings()["optimizer"]["runs"],
        "sizes": {name: [found.runtime_bytes, found.init_bytes] for name, found in contracts.items()},
    }


def section(measured: dict[str, Any]) -> Section:
    """The tables."""
    spent = [(call, gas, scenario) for call, gas, scenario in measured["spent"]]
    rounds = sum(kind.rounds for kind in PLAYS)
    named = {"runs": measured["optimizer_runs"], "node": measured["node"], "sources": measured["sources"][:12]}
    text = TEXT.format(rounds=rounds, calls=f"{len(spent):,}", **named)
    exceeded = [ceiling.title for ceiling in CEILINGS if percentile(values(spent, ceiling), 0.95) > ceiling.most]
    if percentile(block_totals(spent), 0.95) > BLOCK_CEILING:
        exceeded.append("a whole block")
    verdict = "No ceiling is exceeded."
    if exceeded:
        verdict = f"**{len(exceeded)} of {len(CEILINGS) + 1} ceilings are exceeded: {'; '.join(exceeded)}.**"
    tables = (_ceilings(spent), _block(spent), _others(spent), _sizes(measured))
    return Section("Gas", f"{text}\n{verdict}\n", tables)


def values(spent: Iterable[Spent], ceiling: Ceiling) -> list[int]:
    """Gas of the calls that a ceiling is about; the n-th seal and the n-th pick of a draw are of one round."""
    chosen = [
        [
            gas
            for call, gas, scenario in spent
            if call == name and (scenario == ceiling.scenario if ceiling.scenario else scenario != FULL)
        ]
        for name in ceiling.calls
    ]
    return [sum(parts) for parts in zip(*chosen, strict=True)]


def block_totals(spent: Iterable[Spent]) -> list[int]:
    """Gas of each round with 6 miners and 7 validators, from its submission to its released locks."""
    totals: list[int] = []
    for call, gas, scenario in spent:
        if scenario == BLOCK:
            if call == "submitTask":
                totals.append(0)
            totals[-1] += gas
    return totals


def judged(found: float, most: int) -> str:
    """How the 95th percentile stands to its ceiling."""
    share = 100 * (found / most - 1)
    return f"**{share:+.1f} %**" if found > most else f"{share:+.1f} %"


def _ceilings(spent: list[Spent]) -> Table:
    rows = []
    for ceiling in CEILINGS:
        found = values(spent, ceiling)
        p95 = percentile(found, 0.95)
        cells = [ceiling.title, str(len(found)), f"{median(found):,.0f}", f"{p95:,}", f"{max(found):,}"]
        rows.append([*cells, f"{ceiling.most:,}", judged(p95, ceiling.most), ceiling.prototype, ceiling.peers])
    totals = block_totals(spent)
    p95 = percentile(totals, 0.95)
    cells = [f"a block, {MINERS} miners, 7 validators", str(len(totals)), f"{median(totals):,.0f}", f"{p95:,}"]
    cells += [f"{max(totals):,}", f"{BLOCK_CEILING:,}", judged(p95, BLOCK_CEILING), BLOCK_PROTOTYPE, BLOCK_PEERS]
    rows.append(cells)
    columns = ["Call", "Calls", "p50", "p95", "Worst", "Ceiling", "p95 to ceiling", "Prototype", "Peers' own code"]
    note = (
        "A ceiling is one of the 95th percentile; bold is above it. Of few calls that percentile is the worst. With a "
        "full queue every other task submitted goes the whole way to the top of the heap."
    )
    return Table("Calls with a ceiling", columns, rows, note)


def _block(spent: list[Spent]) -> Table:
    rounds = len(block_totals(spent))
    rows = []
    total = 0.0
    for name in BLOCK_CALLS:
        found = [gas for call, gas, scenario in spent if call == name and scenario == BLOCK]
        total += sum(found) / rounds
        rows.append([name, f"{len(found) / rounds:.0f}", f"{median(found):,.0f}", f"{sum(found) / rounds:,.0f}"])
    without = sum(
        gas
        for call, gas, scenario in spent
        if scenario == BLOCK and call in BLOCK_CALLS and call not in {"showKey", "releaseLocks"}
    )
    rows.append(["all", "", "", f"{total:,.0f}"])
    rows.append(["without showKey and releaseLocks", "", "", f"{without / rounds:,.0f}"])
    return Table(f"A block with {MINERS} miners and 7 validators", ["Call", "Calls", "p50", "Gas of a block"], rows)


def _others(spent: list[Spent]) -> Table:
    rows = []
    for kind in PLAYS:
        if kind.scenario not in {ceiling.scenario for ceiling in CEILINGS}:
            found = [gas for call, gas, scenario in spent if call == "finalize" and scenario == kind.scenario]
            rows.append(_row(f"finalize, {kind.scenario}", found))
    for kind in PLAYS:
        if kind.scenario in {"k = 3", "k = 15"}:
            found = values(spent, Ceiling("", DRAW, "", 0, scenario=kind.scenario))
            rows.append(_row(f"draw, both steps, {kind.scenario}", found))
    for title, miners in (("6 miners", MINERS), ("12 miners", 2 * MINERS)):
        scenarios = {kind.scenario for kind in PLAYS if kind.miners == miners}
        found = [gas for call, gas, scenario in spent if call == "releaseLocks" and scenario in scenarios]
        rows.append(_row(f"releaseLocks, {title}", found))
    names = dict.fromkeys(call for call, _, scenario in spent if scenario == ASIDE)
    for name in names:
        found = [gas for call, gas, scenario in spent if call == name and scenario == ASIDE]
        if name != "submitTask":
            rows.append(_row(name, found))
    note = (
        "Troubles: a listed candidate withholds his key, the committee finds the best claim's model invalid, and one "
        "validator does not reveal."
    )
    return Table("Calls without a ceiling", ["Call", "Calls", "p50", "p95", "Worst"], rows, note)


def _row(title: str, found: list[int]) -> list[str]:
    return [title, str(len(found)), f"{median(found):,.0f}", f"{percentile(found, 0.95):,}", f"{max(found):,}"]


def _sizes(measured: dict[str, Any]) -> Table:
    rows = []
    for name, (runtime, init) in measured["sizes"].items():
        cells = [name, f"{runtime:,}", f"{100 * runtime / CODE_LIMIT:.0f} %", f"{init:,}"]
        rows.append([*cells, f"{100 * init / INIT_LIMIT:.0f} %"])
    columns = ["Contract", "Runtime bytes", "of 24,576", "Creation bytes", "of 49,152"]
    note = (
        "`DLBC` forwards to `Registrar` and `Arbiter`, which run on its storage. A deployment of all takes "
        f"{measured['deployment']:,} gas."
    )
    return Table("Bytecode", columns, rows, note)


TEXT = f"""\
The real contracts (SHA-256 of settings and sources `{{sources}}…`), compiled with {{runs}} optimizer runs and
deployed in the order of `scripts/deploy.py`, on {{node}}. {{rounds}} whole rounds with claims in
random order, {{calls}} calls in all; the clock is moved between phases. Committees of 3, 7 and 15 have contracts of
their own, so that first writes to fresh storage are among the calls. A queue is filled to {QUEUE:,} tasks once. Gas
does not depend on the machine.

The figures of prototype and peers and the ceilings are those of the design: solc 0.8.37 with 10,000 optimizer runs,
isolated transactions; the prototype had no epochs, no parameters to read and no compensation.
"""
