"""Writes the ABIs that the programs load: `python -m scripts.export_abi`; with `--check` it only compares.

An exported ABI is the contract's own together with its interface's: errors and events that only a library
raises are part of the specification, and the programs must be able to name them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.solc import ROOT, compile_standard

TARGET = ROOT / "dlbc" / "chain" / "abi"

Entry = dict[str, Any]

# Contract name to the sources whose ABIs make up the exported one. What two of them declare is taken from the last: an
# interface names the parameters that its contract, where it only passes a call on, leaves unnamed.
SOURCES: dict[str, tuple[str, ...]] = {
    "DLBC": ("contracts/DLBC.sol:DLBC", "contracts/interfaces/IDLBC.sol:IDLBC"),
    "Committee": ("contracts/Committee.sol:Committee", "contracts/interfaces/ICommittee.sol:ICommittee"),
    "DLBCToken": ("contracts/DLBCToken.sol:DLBCToken",),
    "Lens": ("contracts/Lens.sol:Lens", "contracts/interfaces/ILens.sol:ILens"),
    "AccessManager": ("contracts/Authority.sol:Authority",),
}


def exported() -> dict[str, str]:
    """File name to content, from the sources as they are now."""
    wanted = {name: [source.split(":") for source in sources] for name, sources in SOURCES.items()}
    files = sorted({file for sources in wanted.values() for file, _ in sources})
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {file: {"content": (ROOT / file).read_text(encoding="utf-8")} for file in files},
            # Nothing but ABIs: the compiler then generates no code, and answers in seconds.
            "settings": {
                "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
                "evmVersion": "cancun",
                "outputSelection": {"*": {"*": ["abi"]}},
            },
        }
    )["contracts"]
    return {
        f"{name}.json": render(entry for file, contract in sources for entry in output[file][contract]["abi"])
        for name, sources in wanted.items()
    }


def render(entries: Iterable[Entry]) -> str:
    """One entry a line, none twice, in an order that does not depend on where a thing was declared."""
    lines = {signature(entry): json.dumps(entry, sort_keys=True) for entry in entries}
    return "[\n" + ",\n".join(lines[key] for key in sorted(lines)) + "\n]\n"


def signature(entry: Entry) -> tuple[str, str]:
    return str(entry["type"]), f"{entry.get('name', '')}({','.join(map(_canonical, entry.get('inputs', [])))})"


def _canonical(parameter: Entry) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_canonical, parameter['components']))}){kind.removeprefix('tuple')}"


def abi_sha256(name: str) -> str:
    """The hash by which a deployment names the ABI it was made with: of the packaged file's bytes."""
    return hashlib.sha256((TARGET / f"{name}.json").read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a packaged ABI is out of date"
    )
    check = parser.parse_args().check
    stale = [(TARGET / name, text) for name, text in exported().items() if _read(TARGET / name) != text]
    for path, text in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'out of date, run `make abi`' if check else 'written'}")
    return 1 if check and stale else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
