"""Writes tests/vectors/*.json, one example of every wire format: `python -m scripts.make_vectors`;
`--check` only compares.

Bytes are 0x-prefixed hex, integers from 2^53 on are decimal strings, struct members have their Solidity
names. The tests read the files as a stranger would, hold constants against them that were computed
elsewhere, and pass them through Solidity.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlbc.wire.canonical import MAX_INTEGER
from scripts.vectors import computed, hashed

FOLDER = Path(__file__).parents[1] / "tests" / "vectors"

VECTORS: dict[str, Callable[[], dict[str, Any]]] = {
    "canonical_json": hashed.canonical_json,
    "manifest": hashed.manifest,
    "eip712": hashed.eip712,
    "votes": computed.votes,
    "merkle": hashed.merkle_trees,
    "inbox": hashed.inboxes,
    "derivation": hashed.derivations,
    "ciphertext": hashed.ciphertexts,
    "ranking": computed.rankings,
    "fees": computed.fee_splits,
}


def plain(value: Any) -> Any:
    """A value as JSON holds it without loss."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value) if abs(value) <= MAX_INTEGER else str(int(value))
    return value


def rendered(name: str) -> str:
    """The text of one file."""
    return json.dumps(plain(VECTORS[name]()), indent=1, ensure_ascii=True) + "\n"


def main() -> int:
    """Writes or checks all files."""
    parser = argparse.ArgumentParser(description="Writes tests/vectors/*.json.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    check = parser.parse_args().check
    drifted = []
    for name in VECTORS:
        path, text = FOLDER / f"{name}.json", rendered(name)
        if not path.exists() or path.read_text(encoding="ascii") != text:
            drifted.append(path.name)
            if not check:
                path.write_text(text, encoding="ascii")
    if check and drifted:
        print(
            f"differ from the code: {', '.join(drifted)}. "
            "If a wire format was meant to change: python -m scripts.make_vectors"
        )
        return 1
    print(f"{len(VECTORS)} files, {len(drifted)} written" if not check else f"{len(VECTORS)} files agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
