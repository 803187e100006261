"""What `make setup` installs agrees with itself, and names no place that only one machine can reach."""

from __future__ import annotations

import json
import re
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import solc
from scripts.brownie_cli import CHAIN_COMMAND, network_argument

ROOT = Path(__file__).resolve().parents[2]


def read_json(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in found), "a line that is not an exact pin"
    return {canonicalize_name(name): version for name, version in found}


def test_solc_version__npm_and_brownie__name_the_same() -> None:
    config = yaml.safe_load((ROOT / "brownie-config.yaml").read_text(encoding="utf-8"))
    assert config["compiler"]["solc"]["version"] == solc.wanted_version()
    assert read_json("package-lock.json")["packages"]["node_modules/solc"]["version"] == solc.wanted_version()


def test_npm_packages__are_pinned_exactly() -> None:
    assert all(
        re.fullmatch(r"\d+\.\d+\.\d+", version) for version in read_json("package.json")["dependencies"].values()
    )


def test_package_lock__names_no_registry() -> None:
    packages = read_json("package-lock.json")["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]


@pytest.mark.parametrize("tool", ["anvil", "forge"])
def test_package_lock__has_the_tool_for_every_platform_that_its_package_names(tool: str) -> None:
    packages = read_json("package-lock.json")["packages"]
    wanted = packages[f"node_modules/@foundry-rs/{tool}"]["optionalDependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_constraints__satisfy_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = pins()
    wanted = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["dev"])]
    # A pinned pre-release was chosen on purpose.
    unmet = [
        str(one) for one in wanted if not one.specifier.contains(pinned[canonicalize_name(one.name)], prereleases=True)
    ]
    assert unmet == []


def test_constraints__name_no_build_of_one_machine() -> None:
    assert not [version for version in pins().values() if "+" in version]


def test_chain_command__is_one_that_brownie_takes_for_anvil() -> None:
    assert CHAIN_COMMAND.startswith("anvil")
    assert " " not in CHAIN_COMMAND


@pytest.mark.parametrize(
    ("arguments", "network"),
    [
        ([], None),
        (["run", "deploy"], None),
        (["run", "deploy", "--network", "http://127.0.0.1:8545"], "http://127.0.0.1:8545"),
        (["run", "deploy", "--network=mainnet", "-I"], "mainnet"),
        (["run", "deploy", "--network"], None),
    ],
)
def test_network_argument__as_brownie_reads_it(arguments: list[str], network: str | None) -> None:
    assert network_argument(arguments) == network


def test_sockets__in_unit_tests__are_blocked_also_on_this_machine() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match=r"socket\.connect.* in a unit test"):
        one.connect(("127.0.0.1", 1))
    with socket.socket() as one, pytest.raises(AssertionError, match=r"socket\.bind"):
        one.bind(("127.0.0.1", 0))
    with pytest.raises(AssertionError, match=r"getaddrinfo"):
        socket.create_connection(("localhost", 1), timeout=1)
