"""`dlbc-keys`: accounts in encrypted keystore files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from dlbc import keystore
from dlbc.cli import run_main

PASSWORD_HELP = "File with the password; else DLBC_PASSWORD_FILE, DLBC_PASSWORD or a prompt."  # noqa: S105  # a help text


@click.group("dlbc-keys", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--keystore-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DLBC_KEYSTORE_DIR",
    default=keystore.default_directory,
    help="Directory of keystores (DLBC_KEYSTORE_DIR).",
)
@click.pass_context
def group(context: click.Context, keystore_dir: Path) -> None:
    """Make, import and list accounts. Keys lie encrypted (keystore version 3); back up the files and the
    passwords.
    """
    context.obj = keystore_dir


_password_file = click.option("--password-file", type=click.Path(path_type=Path, dir_okay=False), help=PASSWORD_HELP)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@group.command()
@click.argument("name")
@_password_file
@_as_json
@click.pass_obj
def new(directory: Path, name: str, password_file: Path | None, as_json: bool) -> None:
    """Make an account NAME."""
    keystore.free_path(directory, name)
    _report(keystore.create(directory, name, keystore.read_password(password_file, confirm=True)), as_json)


@group.command("import")
@click.argument("name")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File with the private key in hex, - for standard input; else a prompt.",
)
@_password_file
@_as_json
@click.pass_obj
def import_(directory: Path, name: str, key_file: Path | None, password_file: Path | None, as_json: bool) -> None:
    """Encrypt an existing private key as account NAME."""
    keystore.free_path(directory, name)
    if key_file is None:
        text = click.prompt("Private key (64 hex digits)", hide_input=True, err=True)
    elif str(key_file) == "-":
        text = sys.stdin.read(keystore.MAX_SECRET_BYTES)
    else:
        text = keystore.read_secret_file(key_file)
    private_key = keystore.parse_private_key(text)
    password = keystore.read_password(password_file, confirm=True)
    _report(keystore.import_key(directory, name, private_key, password), as_json)


@group.command("list")
@_as_json
@click.pass_obj
def list_(directory: Path, as_json: bool) -> None:
    """Show names and addresses; no password needed."""
    found = keystore.list_keystores(directory)
    if as_json:
        click.echo(json.dumps([_described(entry) for entry in found], indent=2))
    elif not found:
        click.echo(f"No keystores in {directory}. Make one: dlbc-keys new NAME")
    else:
        table = Table("Name", "Address")
        for entry in found:
            table.add_row(entry.name, entry.address)
        Console().print(table)


def main() -> None:
    """Entry point of the console script."""
    run_main(group)


def _report(entry: keystore.Keystore, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_described(entry)))
        return
    click.echo(f"Account {entry.name}: {entry.address}")
    click.echo(f"Back up {entry.path} and its password: nobody can restore them.")


def _described(entry: keystore.Keystore) -> dict[str, str]:
    return {"name": entry.name, "address": entry.address, "path": str(entry.path)}
