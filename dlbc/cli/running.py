"""Runs a command line: exit codes, and one line instead of a traceback for what users can cause."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from dlbc.cli.output import say
from dlbc.errors import DLBCError

INTERRUPTED = 130


def run_main(command: click.Command, arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs `command` and exits with its code (see `dlbc/errors.py`).

    A defect of ours still ends in a traceback.
    """
    try:
        result = command.main(args=None if arguments is None else list(arguments), standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DLBCError as error:
        say(f"Error: {error}")
        sys.exit(error.exit_code)
    except sqlite3.OperationalError as error:  # a full disk, a folder that became read-only
        click.echo(f"Error: the journal cannot be written ({error}): check the disk under --data-dir", err=True)
        sys.exit(DLBCError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # `… | head`
        sys.stderr.close()
        sys.exit(0)
