"""Who pays for what a Brownie script sends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from brownie import accounts

from dlbc.errors import UsageError


def deployer() -> Any:
    """The account of DLBC_KEYSTORE (a file) or DLBC_BROWNIE_ACCOUNT (a name in `brownie accounts list`), else the
    first that the node itself holds.

    The password comes from DLBC_PASSWORD or the file that DLBC_PASSWORD_FILE names, else from a prompt.
    """
    chosen = os.environ.get("DLBC_KEYSTORE") or os.environ.get("DLBC_BROWNIE_ACCOUNT")
    if chosen:
        return accounts.load(chosen, password=_password())
    if len(accounts) == 0:
        raise UsageError(
            "this node holds no accounts: name a keystore in DLBC_KEYSTORE, or one of "
            "`brownie accounts list` in DLBC_BROWNIE_ACCOUNT"
        )
    return accounts[0]


def _password() -> str | None:
    file = os.environ.get("DLBC_PASSWORD_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    return os.environ.get("DLBC_PASSWORD")
