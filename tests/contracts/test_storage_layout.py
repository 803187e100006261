"""The hub's three codes read and write one storage (decision 0006): the compiler must lay it out alike in all."""

from __future__ import annotations

import re

from scripts.solc import ROOT, compile_standard


def layout_of(output, path, contract):
    """Name, slot, offset and type of each variable; without the numbers that the compiler gives to what it parsed."""
    found = output["contracts"][path][contract]["storageLayout"]
    types = {
        re.sub(r"\)\d+", ")", name): (entry["label"], entry["numberOfBytes"]) for name, entry in found["types"].items()
    }
    members = {
        re.sub(r"\)\d+", ")", name): [
            (member["label"], member["slot"], member["offset"], re.sub(r"\)\d+", ")", member["type"]))
            for member in entry["members"]
        ]
        for name, entry in found["types"].items()
        if "members" in entry
    }
    variables = [
        (entry["label"], entry["slot"], entry["offset"], re.sub(r"\)\d+", ")", entry["type"]))
        for entry in found["storage"]
    ]
    return variables, types, members


def test_layout__hub_registrar_and_arbiter__are_the_same():
    paths = {
        "DLBC": "contracts/DLBC.sol",
        "Registrar": "contracts/hub/Registrar.sol",
        "Arbiter": "contracts/hub/Arbiter.sol",
    }
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {path: {"content": (ROOT / path).read_text(encoding="utf-8")} for path in paths.values()},
            # Without code to generate the compiler answers in seconds.
            "settings": {
                "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
                "evmVersion": "cancun",
                "outputSelection": {path: {name: ["storageLayout"]} for name, path in paths.items()},
            },
        }
    )
    hub, registrar, arbiter = (layout_of(output, path, name) for name, path in paths.items())
    assert "_rounds" in {variable[0] for variable in hub[0]}
    assert registrar == hub
    assert arbiter == hub
