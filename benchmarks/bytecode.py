"""The contracts' bytecode, compiled once for all parts that deploy them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from benchmarks.results import FOLDER, ROOT
from scripts.solc import compile_standard

# In the order of scripts/deploy.py; and where they lie.
CONTRACTS = {
    "DLBCToken": "contracts/DLBCToken.sol",
    "Committee": "contracts/Committee.sol",
    "Authority": "contracts/Authority.sol",
    "Registrar": "contracts/hub/Registrar.sol",
    "Arbiter": "contracts/hub/Arbiter.sol",
    "DLBC": "contracts/DLBC.sol",
    "Lens": "contracts/Lens.sol",
}


@dataclass(frozen=True)
class Compiled:
    """One contract.

    Attributes:
        init: creation bytecode, hexadecimal.
        runtime_bytes: size of the code that stays on the chain.
    """

    abi: list[dict[str, Any]]
    init: str
    runtime_bytes: int

    @property
    def init_bytes(self) -> int:
        return len(self.init) // 2


def compiled() -> dict[str, Compiled]:
    """The contracts compiled with the settings of brownie-config.yaml; kept until a source changes."""
    digest, kept = source_digest(), FOLDER / "contracts.json"
    if kept.is_file():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["digest"] == digest:
            return {name: Compiled(**found) for name, found in content["contracts"].items()}
    contracts = _compile(compiler_settings())
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = {"digest": digest, "contracts": {name: vars(found) for name, found in contracts.items()}}
    kept.write_text(json.dumps(content), encoding="utf-8")
    return contracts


def source_digest() -> str:
    """SHA-256 of whatever decides the bytecode: the compiler's settings, its version, the sources."""
    digest = hashlib.sha256(json.dumps(compiler_settings(), sort_keys=True).encode())
    sources = (path for path in (ROOT / "contracts").rglob("*.sol") if "test" not in path.parts)
    for path in sorted([*sources, ROOT / "package-lock.json"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compiler_settings() -> dict[str, Any]:
    """Those of brownie-config.yaml, as the compiler takes them."""
    configured = yaml.safe_load((ROOT / "brownie-config.yaml").read_text(encoding="utf-8"))["compiler"]
    solc = configured["solc"]
    return {
        "remappings": solc["remappings"],
        "evmVersion": configured["evm_version"],
        "viaIR": solc["viaIR"],
        "optimizer": solc["optimizer"],
        "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
    }


def _compile(settings: Mapping[str, Any]) -> dict[str, Compiled]:
    sources = {path: {"content": (ROOT / path).read_text(encoding="utf-8")} for path in CONTRACTS.values()}
    output = compile_standard({"language": "Solidity", "sources": sources, "settings": dict(settings)})
    found = {}
    for contracts in output["contracts"].values():
        for name, contract in contracts.items():
            if name in CONTRACTS:
                code = contract["evm"]
                runtime_bytes = len(code["deployedBytecode"]["object"]) // 2
                found[name] = Compiled(contract["abi"], code["bytecode"]["object"], runtime_bytes)
    return found
