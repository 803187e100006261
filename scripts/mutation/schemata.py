"""All mutants in one text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from solcx.exceptions import SolcError

from scripts import solc
from scripts.mutation.points import Finder, Mutant, Site, Span

SWITCH = "contracts/Mutant.sol"
FIRST_COINBASE = 0xD1BC << 128  # beyond every address that a test may use
SWITCH_SOURCE = f"""// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

library Mutant {{
    function on(uint256 number) internal view returns (bool) {{
        return uint160(address(block.coinbase)) == {FIRST_COINBASE} + number;
    }}
}}
"""

_PURE = re.compile(rb"\bpure\b")
_NUMBER = re.compile(rb"Mutant\.on\((\d+)\)")


def coinbase(number: int) -> str:
    """The block's beneficiary that switches a mutant on; 0 switches none on."""
    return f"0x{FIRST_COINBASE + number:040x}"


def trees(sources: Mapping[str, bytes]) -> dict[str, Any]:
    """The syntax trees of sources, by name.

    Raises:
        SolcError: they do not compile.
    """
    found = _compile(sources)
    return {name: found["sources"][name]["ast"] for name in sources}


def find(sources: Mapping[str, bytes], files: Sequence[str]) -> dict[str, list[Site]]:
    """The sites of some of the sources."""
    parsed = trees(sources)
    first, found = 1, {}
    for file in files:
        found[file] = Finder(file, sources[file], first).find(parsed[file])
        first += sum(len(site.mutants) for site in found[file])
    return found


def instrument(
    sources: Mapping[str, bytes], sites: Mapping[str, Sequence[Site]]
) -> tuple[dict[str, bytes], list[Mutant]]:
    """The sources with their mutants, and those mutants that the compiler refuses: these are not in them.

    `Mutant.on` looks at the block, so no function is `pure` any more, in any of the sources.
    """
    refused: list[Mutant] = []
    left = {file: list(some) for file, some in sites.items()}
    while True:
        written = {name: impure(text) for name, text in sources.items()}
        for file, some in left.items():
            written[file] = impure(with_switch(file, _render(sources[file], some)))
        written[SWITCH] = SWITCH_SOURCE.encode()
        wrong = _refused(written)
        if not wrong:
            return written, refused
        for file, some in left.items():
            refused += [mutant for site in some for mutant in site.mutants if mutant.number in wrong]
            left[file] = [site for site in some if not any(mutant.number in wrong for mutant in site.mutants)]


def impure(text: bytes) -> bytes:
    """The same source without pure functions."""
    return _PURE.sub(b"view", text)


def with_switch(file: str, text: bytes) -> bytes:
    """The same source with the switch imported."""
    up = os.path.relpath(SWITCH, Path(file).parent)
    statement = f'import {{Mutant}} from "{up if up.startswith(".") else "./" + up}";\n'.encode()
    start = text.index(b"\n", text.index(b"pragma solidity")) + 1
    return text[:start] + statement + text[start:]


def _render(source: bytes, sites: Sequence[Site]) -> bytes:
    ordered = sorted(sites, key=lambda site: (site.span.start, site.order))

    def old(span: Span) -> str:
        return source[span.start : span.end].decode()

    def new(span: Span, outer: int) -> str:
        text, at = "", span.start
        for site in ordered:
            if site.order > outer and at <= site.span.start and site.span.end <= span.end:
                text += old(Span(at, site.span.start))
                text += site.build(old, lambda inner, order=site.order: new(inner, order))  # type: ignore[misc]
                at = site.span.end
        return text + old(Span(at, span.end))

    return new(Span(0, len(source)), -1).encode()


def _refused(sources: Mapping[str, bytes]) -> set[int]:
    """Numbers of mutants at which the compiler stops: the last one that is named before each error."""
    errors = [error for error in _compile(sources, check=False).get("errors", []) if error["severity"] == "error"]
    numbers = set()
    for error in errors:
        place = error.get("sourceLocation", {})
        named = _NUMBER.findall(sources.get(place.get("file"), b"")[: place.get("start", 0)])
        if not named:
            raise SystemExit(f"does not compile, and by no mutant: {error['formattedMessage']}")
        numbers.add(int(named[-1]))
    return numbers


def _compile(sources: Mapping[str, bytes], *, check: bool = True) -> dict[str, Any]:
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text.decode()} for name, text in sources.items()},
        "settings": {
            "evmVersion": "cancun",
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "outputSelection": {"*": {"": ["ast"]}},
        },
    }
    try:
        return solc.compile_standard(request)
    except SolcError as error:
        if check:
            raise
        return dict(json.loads(error.stdout_data or "{}"))
