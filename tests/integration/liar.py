"""A miner that claims another score than its model has: the miner's own program with one duty replaced."""

from __future__ import annotations

from typing import Any
from unittest import mock

import click

from dlbc.chain.events import TaskSubmitted
from dlbc.cli import chain_options, open_context, run_main
from dlbc.config import Settings
from dlbc.funds import parse_amount
from miner import claim, program
from miner.options import SCORE, Options

BOAST = 7


def boast(duty: Any, context: Any, options: Options) -> Any:
    """Counts honestly, and signs `BOAST` more; where that is more than there are samples, as many less."""
    honest = claim._points

    def more(*arguments: Any) -> tuple[int, str]:
        points, why = honest(*arguments)
        most = context.journal.events(TaskSubmitted)[-1].spec.score_max
        return (points + BOAST if points + BOAST <= most else points - BOAST), why

    with mock.patch.object(claim, "_points", more):
        return claim.score(duty, context, options)


@click.command()
@chain_options
def main(settings: Settings) -> None:
    with open_context(settings, "miner") as context:
        options = Options(auto_stake=parse_amount("50"))
        program.service(context, options, keep=False, instead={SCORE: boast}).run()


if __name__ == "__main__":
    run_main(main)
