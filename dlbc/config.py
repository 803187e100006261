"""What every program on the chain can be told, and the file it may be told in.

Layers: flags over `DLBC_*` environment variables over the file of `--config` over the defaults here. The
order is click's own; this module knows the names, the defaults and how to read the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dlbc.errors import UsageError

MAX_CONFIG_BYTES = 64 * 1024
ENVIRONMENT_PREFIX = "DLBC_"
DEVELOPMENT_CHAINS = frozenset({1337, 31337})

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Settings:
    """Common settings of the programs, as `dlbc.cli.chain_options` gathers them.

    Attributes:
        rpc_url: JSON-RPC endpoints, the first preferred.
        deployment: file, or folder with `<chainid>.json`; None for ./deployments.
        keystore: encrypted key file.
        account: for whom the key works, where that is not the key's own address: who made it his operator.
        data_dir: journal, IPFS repo, downloads; None for <user data>/dlbc/<program>/<account>.
        ipfs_url: RPC of a Kubo daemon; None starts an embedded node.
        ipfs_peers: multiaddresses to connect to, besides the deployment's.
        confirmations: blocks above an event or receipt before it counts; None for 1, on development chains 0.
        poll_seconds: pause between looks at the chain; None for 2, on development chains 0.3.
        stale_seconds: say so when no block has arrived for so long.
        json: print machine-readable output.
        log_file: JSON lines go there instead of words to stderr.
    """

    rpc_url: tuple[str, ...] = ("http://127.0.0.1:8545",)
    deployment: Path | None = None
    keystore: Path | None = None
    account: str | None = None
    password_file: Path | None = None
    data_dir: Path | None = None
    ipfs_url: str | None = None
    ipfs_peers: tuple[str, ...] = ()
    confirmations: int | None = None
    poll_seconds: float | None = None
    stale_seconds: float = 120.0
    json: bool = False
    log_level: str = "info"
    log_file: Path | None = None

    def confirmations_on(self, chain_id: int) -> int:
        """Confirmations to wait for on that chain."""
        if self.confirmations is not None:
            return self.confirmations
        return 0 if chain_id in DEVELOPMENT_CHAINS else 1

    def poll_seconds_on(self, chain_id: int) -> float:
        """Pause between looks at that chain, in seconds."""
        if self.poll_seconds is not None:
            return self.poll_seconds
        return 0.3 if chain_id in DEVELOPMENT_CHAINS else 2.0


def environment_name(option: str) -> str:
    """`rpc_url` or `--rpc-url` is DLBC_RPC_URL."""
    return ENVIRONMENT_PREFIX + option.strip("-").replace("-", "_").upper()


def read_config(path: Path, known: Collection[str], lists: Collection[str] = ()) -> dict[str, Scalar | list[Scalar]]:
    """The settings in a YAML file: one flat mapping, names as the flags have them (`rpc_url` or `rpc-url`).

    Args:
        known: names that a command of the program takes.
        lists: those of them that take several values.

    Raises:
        UsageError: unreadable, oversized, no flat mapping, or a name that no command knows.
    """
    try:
        if path.exists() and not path.is_file():  # opening a named pipe would wait for a writer
            raise UsageError(f"{path}: not a regular file; check --config")
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check --config") from error
    if len(raw) > MAX_CONFIG_BYTES:
        raise UsageError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes: not a configuration file")
    try:
        content: Any = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not YAML ({str(error).splitlines()[0]})") from error
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise UsageError(f"{path}: expected lines such as `rpc_url: http://127.0.0.1:8545`, found a {_kind(content)}")
    values: dict[str, Scalar | list[Scalar]] = {}
    for key, value in content.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise UsageError(f"{path}: unknown setting {key!r}; known are {', '.join(sorted(known))}")
        if name in values:
            raise UsageError(f"{path}: {name} is given twice")
        if value is None:
            continue
        if not _fits(value, name in lists):
            wanted = "a value or a list of values" if name in lists else "one value"
            raise UsageError(f"{path}: {key}: expected {wanted}, found a {_kind(value)}")
        values[name] = value
    return values


def _fits(value: object, several: bool) -> bool:
    if isinstance(value, list):
        return several and all(isinstance(item, str | int | float | bool) for item in value)
    return isinstance(value, str | int | float | bool)


def _kind(value: object) -> str:
    return type(value).__name__.replace("dict", "mapping").replace("str", "text")
