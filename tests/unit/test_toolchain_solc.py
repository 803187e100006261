"""The launcher behaves like the native compiler wherever py-solc-x, Brownie and Forge can tell."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import solcx

from scripts import export_abi, solc

LICENCE = "// SPDX-License-Identifier: MIT\n"
SOURCE = LICENCE + 'pragma solidity ^0.8.28; import "lib/Base.sol"; contract Child is Base {}'
BASE = LICENCE + "pragma solidity ^0.8.28; contract Base { error Broken(uint256 found); }"


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The launcher, as installed on a machine without internet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLCX_BINARY_PATH", str(tmp_path_factory.mktemp("solcx")))
        return solc.install(native=False)


@pytest.fixture
def installed(compiler: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where py-solc-x and `solc.install` look for it."""
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(compiler.parent))
    return compiler


def standard_input(**sources: str) -> dict[str, Any]:
    return {
        "language": "Solidity",
        "sources": {f"{name}.sol": {"content": text} for name, text in sources.items()},
        "settings": {"outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}}},
    }


def run(compiler: Path, *arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(compiler), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=cwd, check=False)  # noqa: S603


def test_install__no_native_compiler__py_solc_x_finds_the_launcher(installed: Path) -> None:
    assert [str(version) for version in solcx.get_installed_solc_versions()] == [solc.wanted_version()]
    assert solcx.wrapper.get_solc_version(installed, with_commit_hash=True).local is not None


def test_install__again__keeps_what_answers(installed: Path) -> None:
    before = installed.stat().st_mtime_ns
    assert solc.install() == installed
    assert installed.stat().st_mtime_ns == before


def test_install__compiler_that_does_not_run__is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))
    solc.executable().write_text("half a download")
    assert solc.reported_version(solc.executable()) is None
    assert str(solc.reported_version(solc.install(native=False))).startswith(solc.wanted_version())


def test_install__download_hangs__gives_up_and_uses_the_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))
    monkeypatch.setattr(solc, "DOWNLOAD", "import time; time.sleep(60)")
    monkeypatch.setattr(solc, "DOWNLOAD_SECONDS", 0.2)
    assert solc.LAUNCHER.name in solc.install().read_text()


def test_install__download_works__is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))
    native = f"#!/bin/sh\\necho Version: {solc.wanted_version()}+commit.0badcafe.Linux.g++"
    monkeypatch.setattr(
        solc,
        "DOWNLOAD",
        f"import pathlib, sys; p = pathlib.Path(sys.argv[2], 'solc-v' + sys.argv[1]); "
        f"p.write_text('{native}'); p.chmod(0o755)",
    )
    assert solc.reported_version(solc.install()) == f"{solc.wanted_version()}+commit.0badcafe"


def test_install__without_node__says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match="is node installed"):
        solc.install(native=False)
    assert list(tmp_path.iterdir()) == []


def test_version__through_the_launcher__is_what_the_compiler_itself_says(compiler: Path) -> None:
    command = ["node", str(solc.LAUNCHER), "--version"]
    itself = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    version = run(compiler, "--version").stdout.split()[-1]
    assert version in itself


def test_standard_json__imports_from_disk__as_py_solc_x_calls_it(compiler: Path, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "Base.sol").write_text(BASE)
    output = solcx.compile_standard(
        standard_input(Child=SOURCE), solc_binary=compiler, base_path=tmp_path, allow_paths=[tmp_path, "/elsewhere"]
    )
    child = output["contracts"]["Child.sol"]["Child"]
    assert [entry["name"] for entry in child["abi"]] == ["Broken"]
    assert child["evm"]["bytecode"]["object"]


@pytest.mark.parametrize("flags", [("--base-path", "."), ("--base-path=.",), ("--allow-paths", ".,/tmp"), ()])
def test_standard_json__input_in_a_file__like_forge(compiler: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "Base.sol").write_text(BASE)
    (tmp_path / "input.json").write_text(json.dumps(standard_input(Child=SOURCE)))
    finished = run(compiler, *flags, "--standard-json", "input.json", cwd=tmp_path)
    assert "errors" not in {key for key, value in json.loads(finished.stdout).items() if value}
    assert finished.returncode == 0


def test_standard_json__missing_import__is_the_compilers_own_error(compiler: Path) -> None:
    finished = run(compiler, "--standard-json", stdin=json.dumps(standard_input(Child=SOURCE)))
    assert finished.returncode == 0
    assert 'Source "lib/Base.sol" not found' in json.loads(finished.stdout)["errors"][0]["formattedMessage"]


def test_standard_json__error_in_a_source__py_solc_x_raises(compiler: Path) -> None:
    with pytest.raises(solcx.exceptions.SolcError, match="Expected"):
        solcx.compile_standard(standard_input(Child="pragma solidity ^0.8.28; contract {"), solc_binary=compiler)


@pytest.mark.parametrize("arguments", [("--optimise", "--standard-json"), ("contract.sol",), ()])
def test_what_it_does_not_know__is_refused(compiler: Path, arguments: tuple[str, ...]) -> None:
    finished = run(compiler, *arguments)
    assert finished.returncode == 1
    assert finished.stderr


def entry(name: str, *inputs: Any, kind: str = "function") -> dict[str, Any]:
    return {"type": kind, "name": name, "inputs": list(inputs)}


def test_render__declared_twice_and_in_any_order__is_one_text() -> None:
    first, second = entry("first"), entry("second", {"type": "uint256", "name": "amount"})
    text = export_abi.render([first, second])
    assert export_abi.render([second, first, dict(reversed(first.items()))]) == text
    assert json.loads(text) == [first, second]


def test_render__overloads__are_all_kept() -> None:
    overloads = [entry("send"), entry("send", {"type": "address", "name": "to"}), entry("send", kind="event")]
    assert len(json.loads(export_abi.render(overloads))) == 3


def test_signature__struct_array__is_canonical() -> None:
    pair = {
        "type": "tuple[2][]",
        "name": "pairs",
        "components": [{"type": "uint8", "name": "a"}, {"type": "bytes", "name": "b"}],
    }
    assert export_abi.signature(entry("put", pair)) == ("function", "put((uint8,bytes)[2][])")


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("DLBC", {"submitTask", "TaskSubmitted", "WrongPhase", "timing"}),
        ("Committee", {"draw", "VoteRevealed", "NotDrawn"}),
        ("DLBCToken", {"transfer", "permit", "Transfer", "ERC20InsufficientBalance"}),
    ],
)
def test_packaged_abis__have_functions_events_and_errors(name: str, entries: set[str]) -> None:
    abi = json.loads((export_abi.TARGET / f"{name}.json").read_text(encoding="utf-8"))
    assert entries <= {one.get("name") for one in abi}
