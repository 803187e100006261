"""`python -m benchmarks [part ...]`: measures, prints the tables, and writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks import document, results, tables

PARTS = (
    *("signature", "network", "gas", "scale", "self_dealing"),
    *("embedding", "uchida", "distillation", "trajectory", "lab", "gpu", "round"),
)


def main() -> int:
    """Runs the parts named, or all of them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--write", action="store_true", help="measure nothing: write what earlier runs measured")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    written = {}
    for part in arguments.parts or PARTS:
        module = importlib.import_module(f"benchmarks.{part}")  # each needs other packages
        if not arguments.write and (lack := getattr(module, "missing", str)()):
            print(f"{part} is left out: {lack}")
            continue
        result = results.load(part) if arguments.write else results.run(part, module.measure)
        if result is None:
            continue
        section = module.section(result.measured)
        written[part] = (section, result)
        tables.show(section)
        document.write(PARTS, written)  # at once: a later part may fail
    return 0


if __name__ == "__main__":
    sys.exit(main())
