"""`python -m scripts.mutation FILE...`: mutants of contracts, and which of them tests find.

    python -m scripts.mutation contracts --workers 2
    python -m scripts.mutation contracts/libraries --profile libraries
    python -m scripts.mutation contracts/hub --sample 200 --seed 7

A library's mutants are first tried on the libraries' own tests, which take a second; what survives those, on the
hub's. A run that is broken off goes on where it stopped; one that is done tries the unexplained survivors again. Where
a file's code has changed, its mutants are new. Results are in reports/mutants.csv and reports/mutants.md. Survivors
that no test can or need find are in accepted.toml, with reasons.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.mutation import accepted, order, report, schemata, score, sweep
from scripts.mutation.campaign import ROOT, Copy, Result
from scripts.mutation.points import Mutant


def main() -> int:
    """Exits with 1 unless enough was found and each survivor is accepted."""
    options = _options()
    reasons = accepted.load()
    sources = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for path in sorted((ROOT / "contracts").rglob("*.sol"))
        if "contracts/test/" not in str(path)
    }
    files = _files(options.paths, sources)
    sites = schemata.find(sources, files)
    mutants = [mutant for some in sites.values() for site in some for mutant in site.mutants]
    wanted = [mutant for mutant in mutants if not options.only or re.search(options.only, str(mutant))]
    wanted = score.sample(wanted, options.sample, options.seed)
    if options.list:
        print("\n".join(f"{mutant.number} {mutant}" for mutant in wanted))
        return 0

    written, refused = schemata.instrument(sources, sites)
    record = report.Record(options.report)
    killers = order.Killers()
    for file, function, test in record.kills():
        killers.learn(file, function, test)
    keys = report.keys(mutants, sources)
    record.keep(keys.values(), files)
    for mutant in refused:
        record.add(keys[mutant.number], Result(mutant, "refused", "", 0))

    def settled(mutant: Mutant) -> bool:
        outcome = record.outcome(keys[mutant.number])
        return outcome == "refused" or (
            not options.fresh and (outcome in score.FOUND or (outcome == "survived" and mutant.place in reasons))
        )

    print(f"{len(mutants)} mutants in {len(files)} files, {len(wanted)} wanted", flush=True)
    for profile in [options.profile] if options.profile else order.PROFILES:
        left = [mutant for mutant in wanted if order.belongs(mutant, profile) and not settled(mutant)]
        print(f"profile {profile}: {len(left)} to try", flush=True)
        if left:
            copy = Copy(ROOT / "build" / "mutation" / profile, profile)
            copy.write(written)
            for result in sweep.sweep(copy, left, killers, options.workers, only_short=options.short):
                record.add(keys[result.mutant.number], result)
    options.report.with_suffix(".md").write_text(record.markdown(reasons), encoding="utf-8")

    outcomes = {mutant.place: outcome for mutant in mutants if (outcome := record.outcome(keys[mutant.number]))}
    total = score.count(wanted, outcomes, reasons)
    for line in accepted.stale(reasons, mutants, outcomes):
        print(f"stale in {accepted.FILE.name}: {line}")
    for mutant in total.survivors:
        print(f"survived: {mutant}")
    print(total)
    return 0 if total.good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", metavar="FILE", help="a contract, or a folder of them")
    parser.add_argument("--profile", choices=order.PROFILES, help="only these tests")
    parser.add_argument("--only", metavar="WORDS", help="mutants whose description matches this regular expression")
    parser.add_argument("--sample", type=int, metavar="N", help="only so many of them, by chance")
    parser.add_argument("--seed", default="0xd1bc", help="of the sample")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="runs of Forge at a time")
    parser.add_argument("--short", action="store_true", help="without the long tests: what these alone kill survives")
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    parser.add_argument("--fresh", action="store_true", help="also try again what was killed")
    parser.add_argument("--report", type=Path, default=ROOT / "reports" / "mutants.csv")
    return parser.parse_args()


def _files(paths: Sequence[str], sources: Mapping[str, bytes]) -> list[str]:
    found: list[str] = []
    for path in paths:
        name = str(Path(path).resolve().relative_to(ROOT))
        chosen = [source for source in sources if source == name or source.startswith(f"{name}/")]
        if not chosen:
            raise SystemExit(f"no contract at {path}")
        found += [source for source in chosen if source not in found]
    # interfaces have no code
    return [file for file in found if not file.startswith("contracts/interfaces/")]


if __name__ == "__main__":
    sys.exit(main())
