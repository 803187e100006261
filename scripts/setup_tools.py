"""Puts the project's chain, compiler, `brownie` and `forge` into its virtual environment, at the end of `make setup`.

Nothing is written outside the virtual environment.
"""

from __future__ import annotations

import shlex
import sys
import sysconfig
from pathlib import Path

from dlbc.processes import anvil_binary
from scripts import foundry, solc
from scripts.brownie_cli import CHAIN_COMMAND

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.prefix) / "bin"

# py-solc-x keeps compilers in the user's home unless told otherwise. A .pth file tells it in every process of
# this environment: brownie, pytest and scripts alike.
SOLCX_PTH = 'import os, sys; os.environ.setdefault("SOLCX_BINARY_PATH", os.path.join(sys.prefix, "solcx"))\n'


def install() -> None:
    anvil = anvil_binary().resolve()
    (BIN / "anvil").unlink(missing_ok=True)
    (BIN / "anvil").symlink_to(anvil)
    # Brownie's chain must not outlive a Brownie that is killed. Where setpriv is missing, it ends only with
    # one that ends in order.
    solc.write_program(
        BIN / CHAIN_COMMAND,
        f"anvil={shlex.quote(str(anvil))}\n"
        'command -v setpriv >/dev/null && exec setpriv --pdeathsig KILL "$anvil" "$@"\n'
        'exec "$anvil" "$@"\n',
    )
    launcher = shlex.quote(str(ROOT / "scripts" / "brownie_cli.py"))
    solc.write_program(BIN / "brownie", f'exec {shlex.quote(str(BIN / "python"))} {launcher} "$@"\n')
    (Path(sysconfig.get_path("purelib")) / "dlbc-solcx.pth").write_text(SOLCX_PTH, encoding="utf-8")
    forge = foundry.npm_program("forge")
    (BIN / "forge").unlink(missing_ok=True)
    if forge is None:
        print("npm has no forge for this platform: `make test` and `make fuzz` need one on PATH")
    else:
        (BIN / "forge").symlink_to(forge)
    print(f"anvil, brownie, forge, solc {solc.reported_version(solc.install())}: ready")


if __name__ == "__main__":
    install()
