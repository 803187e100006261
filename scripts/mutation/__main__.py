"""`python -m scripts.mutation FILE... [-- FORGE ARGUMENTS]`: mutants of contracts, and which of them tests find.

    python -m scripts.mutation contracts/libraries
    python -m scripts.mutation contracts/libraries/Tally.sol -- --match-path 'tests/forge/libraries/Tally.t.sol'
    python -m scripts.mutation contracts/hub/Settlement.sol -- --match-path 'tests/forge/hub/*'

A run that is broken off goes on where it stopped; one that is done tries the survivors again, unless a file has
changed: its mutants are new. Results are in reports/mutants.csv and reports/mutants.md.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.mutation import report, schemata
from scripts.mutation.campaign import ROOT, Copy, Result
from scripts.mutation.points import Mutant

LIBRARIES = "contracts/libraries/"


def main() -> int:
    """Exits with 1 if a mutant survived."""
    ours, forge = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(prog="python -m scripts.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", metavar="FILE", help="a contract, or a folder of them")
    parser.add_argument("--profile", help="Foundry's; `libraries` by default where all files are libraries")
    parser.add_argument("--only", metavar="WORDS", help="mutants whose description matches this regular expression")
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    parser.add_argument("--fresh", action="store_true", help="also try again what was killed")
    parser.add_argument("--report", type=Path, default=ROOT / "reports" / "mutants.csv")
    options = parser.parse_args(ours)

    sources = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for path in sorted((ROOT / "contracts").rglob("*.sol"))
        if "contracts/test/" not in str(path)
    }
    files = _files(options.paths, sources)
    profile = options.profile
    if profile is None and all(file.startswith(LIBRARIES) for file in files):
        profile = "libraries"

    sites = schemata.find(sources, files)
    mutants = [mutant for some in sites.values() for site in some for mutant in site.mutants]
    wanted = [mutant for mutant in mutants if not options.only or re.search(options.only, _name(mutant))]
    if options.list:
        print("\n".join(f"{mutant.number} {_name(mutant)}" for mutant in wanted))
        return 0

    written, refused = schemata.instrument(sources, sites)
    record = report.Record(options.report)
    keys = report.keys(mutants, sources)
    record.keep(keys.values(), files)
    for mutant in refused:
        record.add(keys[mutant.number], Result(mutant, "refused", "", 0))
    left = [
        mutant
        for mutant in wanted
        if mutant not in refused and (options.fresh or record.outcome(keys[mutant.number]) not in report.FOUND)
    ]
    print(
        f"{len(mutants)} mutants in {len(files)} files, {len(refused)} do not compile, {len(left)} to try", flush=True
    )
    if left:
        copy = Copy(ROOT / "build" / "mutation" / (profile or "default"), forge, profile)
        copy.write(written)
        survived = _try(copy, left, record, keys)
    else:
        survived = 0
    table = options.report.with_suffix(".md")
    table.write_text(record.markdown(), encoding="utf-8")
    print(f"{survived} survived; {table}")
    return 1 if survived else 0


def _try(copy: Copy, mutants: Sequence[Mutant], record: report.Record, keys: Mapping[int, str]) -> int:
    copy.build()
    outcome, test, seconds = copy.run(0)
    if outcome != "survived":
        raise SystemExit(f"without any mutant: {outcome} {test}")
    print(f"without any mutant the tests pass in {seconds:.1f} s", flush=True)
    copy.limit = 20 + 4 * seconds
    survived = 0
    for place, mutant in enumerate(mutants, 1):
        outcome, test, seconds = copy.run(mutant.number)
        record.add(keys[mutant.number], Result(mutant, outcome, test, seconds))
        survived += outcome == "survived"
        print(f"{place}/{len(mutants)} {outcome} {seconds:.1f} s  {_name(mutant)}  {test}", flush=True)
    return survived


def _name(mutant: Mutant) -> str:
    return f"{mutant.file}:{mutant.line} {mutant.function}: {mutant.change}"


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


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return list(arguments[:at]), list(arguments[at + 1 :])


if __name__ == "__main__":
    sys.exit(main())
