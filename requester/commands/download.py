"""`dlbc-request download`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlbc.cli import Seconds, chain_options, open_context, say, show
from dlbc.config import Settings
from requester.commands.home import home, log_to_file

if TYPE_CHECKING:
    from requester.winner import Delivered


@click.command()
@click.argument("task", type=click.IntRange(1))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the model.")
@click.option("--timeout", type=Seconds(1), default=120.0, show_default=True, help="Seconds for each file.")
@chain_options
def download(settings: Settings, task: int, output: Path | None, timeout: float) -> None:
    """Fetch the winning model of TASK, check it and score it again. Anyone may; no key is needed."""
    from requester.pack import MANIFEST, SEALED  # noqa: PLC0415  # torch takes seconds to import
    from requester.winner import deliver, find_winner, seed_cache  # noqa: PLC0415

    folder = home(settings)
    # A folder of its own: a running `watch` holds the other one's IPFS repo.
    apart = dataclasses.replace(settings, data_dir=folder / "downloads", keystore=None)
    log_to_file(settings)
    with open_context(apart, "requester", with_key=False, with_ipfs=False) as context:
        winner = find_winner(context.chain, task)
    cache = folder / "downloads" / "materials"
    seed_cache(cache, (file for name in (MANIFEST, SEALED) for file in folder.glob(f"tasks/*/{name}")))
    with open_context(apart, "requester", with_key=False) as context:
        if not settings.json:
            say(f"fetching the model of task {task}")
        got = deliver(context.chain, context.ipfs, winner, output, cache, timeout=timeout)
    show(
        settings,
        {
            "model": str(got.model),
            "card": str(got.card),
            "score": winner.header.score,
            "evaluated": got.evaluated,
            "of": winner.header.score_max,
            "agrees": got.agrees,
        },
        lambda: delivered_words(got),
    )


def delivered_words(got: Delivered) -> str:
    """What was fetched, and whether it is as good as the chain says."""
    header = got.winner.header
    words = f"{got.model}\nscore on chain {header.score} of {header.score_max}"
    if got.evaluated is None:
        return words + "; not scored here: the test set cannot be had just now"
    words += f", scored here {got.evaluated}"
    if not got.agrees:
        words += f": MORE THAN THE TOLERANCE OF {got.winner.spec.tol} APART"
    return words
