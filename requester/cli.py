"""`dlbc-request`: someone with data and no GPUs types one command and gets a trained model."""

from __future__ import annotations

import click

from dlbc.cli import run_main
from requester.commands.appeal import appeal
from requester.commands.cancel import cancel
from requester.commands.check import check
from requester.commands.download import download
from requester.commands.queue import queue
from requester.commands.status import status
from requester.commands.submit import submit
from requester.commands.watch import watch
from requester.commands.withdraw import withdraw


@click.group(name="dlbc-request")
@click.version_option(package_name="dlbc")
def group() -> None:
    """Have a network trained by miners whom nobody has to trust.

    Write a task.yaml beside your data (see examples/digits), then: check, submit.
    """


for command in (check, submit, watch, status, queue, download, appeal, cancel, withdraw):
    group.add_command(command)


def main() -> None:
    """The program's entry point."""
    run_main(group)


if __name__ == "__main__":
    main()
