"""Builds that no longer fit the sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import stale_builds


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one library and one contract, built and stamped."""
    for name, content in {
        "brownie-config.yaml": "compiler: {}",
        "contracts/Hub.sol": "contract Hub {}",
        "contracts/libraries/Heap.sol": "library Heap {}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    stale_builds.forget(tmp_path)
    builds = tmp_path / "build" / "contracts"
    builds.mkdir(parents=True)
    (builds / "Hub.json").write_text("{}")
    return tmp_path


def test_forget__nothing_changed__keeps_the_builds(project: Path) -> None:
    assert not stale_builds.forget(project)
    assert (project / "build/contracts/Hub.json").exists()


@pytest.mark.parametrize("changed", ["brownie-config.yaml", "contracts/libraries/Heap.sol", "contracts/New.sol"])
def test_forget__a_source_or_the_settings_changed__removes_the_builds(project: Path, changed: str) -> None:
    (project / changed).write_text("changed")

    assert stale_builds.forget(project)
    assert not (project / "build/contracts/Hub.json").exists()
    assert not stale_builds.forget(project)


def test_forget__a_source_removed__removes_the_builds(project: Path) -> None:
    (project / "contracts/libraries/Heap.sol").unlink()

    assert stale_builds.forget(project)
