"""Flags, environment variables and the configuration file, gathered into `Settings`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click
from eth_utils.address import (
    is_checksum_address,
    is_checksum_formatted_address,
    is_hex_address,
    to_checksum_address,
)

from dlbc.cli.output import start_logging
from dlbc.config import Settings, environment_name, read_config

F = TypeVar("F", bound=Callable[..., Any])
LEVELS = ("debug", "info", "warning", "error")


class ItemList(click.ParamType[tuple[str, ...]]):
    """Values separated by commas or blanks; a YAML list as it is."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, list | tuple):
            return tuple(str(item) for item in value)
        return tuple(str(value).replace(",", " ").split())


class ConfigPath(click.Path):
    """A path; ~ is the user's home."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            return Path(str(value)).expanduser()  # a configuration file may hold a number
        except RuntimeError as error:
            self.fail(f"{value}: {error}", param, ctx)


class Address(click.ParamType[str]):
    """An account's address, checksummed."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # YAML reads an address without quotes as a number.
        text = f"0x{value:040x}" if isinstance(value, int) else str(value)
        if not is_hex_address(text) or (is_checksum_formatted_address(text) and not is_checksum_address(text)):
            self.fail(f"{text!r} is not an address: 0x and 40 hex digits, with their EIP-55 checksum.", param, ctx)
        return str(to_checksum_address(text))


class Seconds(click.FloatRange):
    """A number of seconds; NaN, which is neither below nor above any bound, is none."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if seconds != seconds:  # noqa: PLR0124 - what NaN is known by
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


PATH = ConfigPath(path_type=Path)
ITEMS = ItemList()
ADDRESS = Address()


def option(name: str, *more: str, **attributes: Any) -> Callable[[F], F]:
    """A click option that may also stand in DLBC_<NAME> and in the configuration file.

    Args:
        name: such as "--min-fee".
    """
    attributes.setdefault("envvar", environment_name(name.partition("/")[0]))
    attributes.setdefault("show_envvar", True)
    return click.option(name, *more, **attributes)


def _load_config(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    if path is not None:
        options = _options(ctx.find_root().command)
        lists = {name for name, found in options.items() if isinstance(found.type, ItemList)}
        settings = read_config(path, options.keys() - {"config", "help", "version"}, lists)
        ctx.default_map = {**(ctx.default_map or {}), **settings}


def _options(command: click.Command) -> dict[str, click.Option]:
    """Of the command and all below it, by name: one file may serve every command of a program."""
    found = {param.name: param for param in command.params if isinstance(param, click.Option) and param.name}
    if isinstance(command, click.Group):
        for child in command.commands.values():
            found |= _options(child)
    return found


DEFAULTS = Settings()
OPTIONS = (
    option(
        "--config",
        type=PATH,
        is_eager=True,
        expose_value=False,
        callback=_load_config,
        help="YAML file with these settings.",
    ),
    option("--rpc-url", type=ITEMS, default=DEFAULTS.rpc_url, help="JSON-RPC endpoints, the first preferred."),
    option("--deployment", type=PATH, help="Deployment file, or its folder.  [default: ./deployments]"),
    option("--keystore", type=PATH, help="Encrypted key file; make one with dlbc-keys new."),
    option(
        "--account",
        type=ADDRESS,
        help="For whom the key works: an account that made it its operator.  [default: the key's own]",
    ),
    option("--password-file", type=PATH, help="Its password; or DLBC_PASSWORD, or a prompt."),
    option("--data-dir", type=PATH, help="Journal, downloads, IPFS repo.  [default: by program and address]"),
    option("--ipfs-url", help="RPC of a Kubo daemon.  [default: a node of its own]"),
    option("--ipfs-peers", type=ITEMS, default=(), help="Multiaddresses to connect to."),
    option("--confirmations", type=click.IntRange(0, 1000), help="Blocks that make a fact.  [default: 1]"),
    option("--poll-seconds", type=Seconds(0.05, 60), help="Pause between looks.  [default: 2]"),
    option(
        "--stale-seconds",
        type=Seconds(1),
        default=DEFAULTS.stale_seconds,
        show_default=True,
        help="Without a block for so long, say so.",
    ),
    option("--json", is_flag=True, help="Print JSON."),
    option("--log-level", type=click.Choice(LEVELS), default=DEFAULTS.log_level, show_default=True),
    option("--log-file", type=PATH, help="JSON lines go there instead of words to stderr."),
)


def chain_options(function: F) -> F:
    """Gives a click command the common options; its first argument becomes the `Settings`.

    Example:
        @group.command()
        @option("--min-fee", type=int, default=0)
        @chain_options
        def run(settings: Settings, min_fee: int) -> None: ...
    """

    @functools.wraps(function)
    def command(*arguments: Any, **values: Any) -> Any:
        settings = Settings(**{field.name: values.pop(field.name) for field in fields(Settings)})
        start_logging(settings)
        return function(settings, *arguments, **values)

    decorated: Any = command
    for add in reversed(OPTIONS):
        decorated = add(decorated)
    return decorated  # type: ignore[no-any-return]
