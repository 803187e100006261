"""The Solidity compiler: the native one where it can be downloaded, elsewhere npm's WebAssembly build of it.

Either lies where py-solc-x and Brownie look for compilers, so whoever compiles cannot tell which one it is.
`docs/decisions/0001-compiler-launcher.md` says why. `python -m scripts.solc` installs it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import solcx
from solcx.install import SOLCX_BINARY_PATH_VARIABLE

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "scripts" / "solc.js"

# A machine without internet refuses at once or swallows packets; py-solc-x would wait minutes for the latter.
DOWNLOAD_SECONDS = 60
DOWNLOAD = """
import socket, sys, solcx
socket.setdefaulttimeout(5)
solcx.install_solc(sys.argv[1], solcx_binary_path=sys.argv[2])
"""


def wanted_version() -> str:
    """The version that package.json pins, for npm and for py-solc-x alike."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return str(package["dependencies"]["solc"])


def folder() -> Path:
    """Where this project's compilers lie: in its virtual environment, where they disturb no other project."""
    return Path(os.environ.get(SOLCX_BINARY_PATH_VARIABLE) or Path(sys.prefix) / "solcx")


def executable() -> Path:
    return folder() / f"solc-v{wanted_version()}"


def reported_version(compiler: Path) -> str | None:
    """What `compiler --version` answers, up to the commit; None where it cannot be run."""
    try:
        return solcx.wrapper.get_version_str_from_solc_binary(compiler)
    except (OSError, subprocess.SubprocessError, solcx.exceptions.SolcError):
        return None


def install(native: bool = True) -> Path:
    """Make sure that a compiler of the wanted version is installed, and return its path.

    One that answers is kept. Otherwise a native one is downloaded if `native` and the network permit it, and
    where they do not, or what came does not run, the launcher of npm's build is put in its place.
    """
    target = executable()
    if reported_version(target) is None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (native and _download() and reported_version(target) is not None):
            _write_launcher(target)
    found = reported_version(target)
    if found is None or not found.startswith(f"{wanted_version()}+"):
        raise SystemExit(
            f"solc {wanted_version()} does not run (it answers {found!r}): is node installed, npm ci done?"
        )
    return target


def compile_standard(standard_input: dict[str, Any]) -> dict[str, Any]:
    """Compile, with imports looked up from the repository's root.

    Raises solcx's SolcError with the compiler's messages.
    """
    output: dict[str, Any] = solcx.compile_standard(
        standard_input, solc_binary=install(), base_path=ROOT, allow_paths=ROOT
    )
    return output


def write_program(path: Path, script: str) -> None:
    """Put a shell script in the place of whatever is there."""
    path.unlink(missing_ok=True)  # a running one keeps its file
    path.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    path.chmod(0o755)


def _download() -> bool:
    """py-solc-x sets no time limits, so it works in a process that has one."""
    command = [sys.executable, "-c", DOWNLOAD, wanted_version(), str(folder())]
    try:
        finished = subprocess.run(command, capture_output=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return finished.returncode == 0


def _write_launcher(target: Path) -> None:
    """Brownie asks for the version once a contract: that answer must not cost a start of the WebAssembly."""
    launch = f'exec node {shlex.quote(str(LAUNCHER))} "$@"\n'
    write_program(target, launch)
    version = reported_version(target)
    if version is None:
        target.unlink()
    else:
        write_program(target, f'[ "$*" = --version ] && echo "Version: {version}" && exit\n{launch}')


if __name__ == "__main__":
    path = install(native="--wasm" not in sys.argv[1:])
    print(f"solc {reported_version(path)}")
