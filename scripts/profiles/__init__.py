"""The parameters of a deployment, one YAML file for each kind of chain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from eth_utils.address import is_address, to_checksum_address

from dlbc.errors import UsageError

FOLDER = Path(__file__).resolve().parent
HUB_ABI = FOLDER.parent.parent / "dlbc" / "chain" / "abi" / "DLBC.json"

DLBC = 10**18

# Amounts are the only fields of this type in the structs.
AMOUNT = "uint96"

ROLES = ("admin", "governor", "guardian")


@dataclass(frozen=True)
class Governance:
    """Who may decide what, and how long it is announced before. None: the deployer."""

    delay_secs: int = 0
    admin: str | None = None
    governor: str | None = None
    guardian: str | None = None


@dataclass(frozen=True)
class Profile:
    """What the constructors take: amounts in base units, structs as tuples in the order of their fields."""

    name: str
    genesis_supply: int
    timing: tuple[int, ...]
    economy: tuple[int, ...]
    limits: tuple[int, ...]
    governance: Governance = Governance()


def load(name: str) -> Profile:
    """Read the profile `name`, or the YAML file of that path. UsageError says what is wrong in it."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise UsageError(f"no profile {name!r}: name one of {known}, or a YAML file")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise UsageError(f"{path}: not a mapping of names to values")
    try:
        return Profile(
            name=path.stem,
            genesis_supply=_amount(content["genesis_supply"], "genesis_supply"),
            timing=_struct(content["timing"], "timing"),
            economy=_struct(content["economy"], "economy"),
            limits=_struct(content["limits"], "limits"),
            governance=_governance(content.get("governance") or {}),
        )
    except KeyError as missing:
        raise UsageError(f"{path}: {missing} is missing") from missing
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def _governance(values: dict[str, Any]) -> Governance:
    unknown = set(values) - {"delaySecs", *ROLES}
    if unknown:
        raise ValueError(f"governance has no field {', '.join(sorted(unknown))}")
    delay = values.get("delaySecs", 0)
    if not isinstance(delay, int) or isinstance(delay, bool) or not 0 <= delay < 2**32:
        raise ValueError(f"governance.delaySecs is {delay!r}, not a number of seconds below 2^32")
    for role in ROLES:
        if values.get(role) is not None and not is_address(values[role]):
            raise ValueError(f"governance.{role} is {values[role]!r}, not a quoted address")
    return Governance(delay, *(values.get(role) and to_checksum_address(values[role]) for role in ROLES))


def _struct(values: dict[str, Any], name: str) -> tuple[int, ...]:
    """The values in the struct's order; a field too many is as wrong as one too few."""
    members = fields(name)
    unknown = set(values) - {member["name"] for member in members}
    if unknown:
        raise ValueError(f"{name} has no field {', '.join(sorted(unknown))}")
    return tuple(_field(member, values, name) for member in members)


def _field(field: dict[str, Any], values: dict[str, Any], struct: str) -> int:
    where = f"{struct}.{field['name']}"
    if field["name"] not in values:
        raise ValueError(f"{where} is missing")
    value = values[field["name"]]
    if field["type"] == AMOUNT:
        return _amount(value, where)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{where} is {value!r}, not an integer")
    return value


def _amount(value: object, where: str) -> int:
    """Base units of an amount in DLBC, which must be quoted: YAML would read 0.1 as a binary fraction."""
    try:
        units = Decimal(value) * DLBC if isinstance(value, str) else None
    except InvalidOperation:
        units = None
    if units is None or not units.is_finite() or units < 0 or units != int(units):
        raise ValueError(f"{where} is {value!r}, not a quoted amount of DLBC")
    return int(units)


def fields(struct: str) -> list[dict[str, Any]]:
    """The struct that the hub's view of the same name returns."""
    abi = json.loads(HUB_ABI.read_text(encoding="utf-8"))
    view = next(entry for entry in abi if entry["type"] == "function" and entry["name"] == struct)
    components: list[dict[str, Any]] = view["outputs"][0]["components"]
    return components
