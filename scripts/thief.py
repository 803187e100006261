"""A thief: takes the newest block's published model, attacks it, marks it as its own, trains it on, and submits it.

It uses nothing that a stranger could not: chain events, IPFS, and the miner's own program with one duty replaced.
Started like a miner: `python -m scripts.thief --auto-stake 20 --method prune+ftal`, with the same DLBC_* settings.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import click
import torch

from dlbc.chain.events import BlockAppended
from dlbc.cli import chain_options, open_context, option, run_main
from dlbc.config import Settings
from dlbc.funds import parse_amount
from dlbc.journal import Duty
from dlbc.library import Library, winner_of
from dlbc.materials import fetch_manifest, fetch_train
from dlbc.ml import training
from dlbc.ml.attacks import attack, chosen
from dlbc.ml.channels import Network
from dlbc.ml.device import configure_threads
from dlbc.ml.model_file import save_model
from dlbc.ml.watermark import embed
from dlbc.service import Done, Drop
from miner import program, records
from miner.options import GRACE_SECONDS, SEAL, TRAIN, Options, tell
from miner.room import open_room

if TYPE_CHECKING:
    from dlbc.service import Context
    from dlbc.service import Outcome as Result

USUAL = "permute"
EPOCHS = 3  # for each attack that trains, and for the thief's own mark to settle
FETCH_SECONDS = 20.0
GENTLE = training.Settings(rate=4e-4)  # enough to move every weight, not enough to lose what was stolen


def steal(duty: Duty, context: Context, options: Options, method: str) -> Result:
    """Instead of training: the last winner, attacked, marked as the thief's own, fine-tuned."""
    room = open_room(context, duty.round_id)
    blocks = context.journal.events(BlockAppended)
    victim = winner_of(context.journal, blocks[-1].header.round_id) if blocks else None
    if victim is None:
        return Drop("there is no published model to steal yet")
    deployment = context.chain.deployment
    manifest = fetch_manifest(context.ipfs, room.spec, room.cache, FETCH_SECONDS)
    data = fetch_train(context.ipfs, manifest, room.cache, FETCH_SECONDS)
    library = Library(context.ipfs, room.cache, deployment.chain_id, deployment.hub, FETCH_SECONDS)
    model = library.load(victim.model, manifest)
    if model is None:
        return Drop("the published model cannot be had, or is of another architecture")
    secrets = room.secrets(context)
    words = f"took the model of block {victim.height}; changing it ({method}), training it on"
    tell(context, "stolen", words, round_id=room.round_id)
    model = attack(method, model, data, EPOCHS, secrets.seed)

    def mark(network: Network) -> None:
        embed(network, (secrets.public_key, *secrets.private_keys(network)))

    result = training.train(
        model,
        data,
        seed=secrets.seed,
        epochs=EPOCHS,
        mark=mark,
        settings=GENTLE,
        device=torch.device(options.device),
        should_stop=context.stopping.is_set,
    )
    save_model(model.to("cpu"), room.model)
    accuracy = 0.0 if math.isnan(result.accuracy) else result.accuracy
    trained = records.Trained(
        path=room.model,
        anchor=room.anchor,
        watermark=secrets.watermark_root(model),
        accuracy=accuracy,
        epochs=result.epochs,
    )
    records.save_trained(context.journal, room.round_id, trained)
    deadline = room.commit_end + GRACE_SECONDS
    context.journal.owe(Duty(SEAL, room.round_id, duty.subject, deadline=deadline))
    return Done()


@click.command(name="thief")
@option("--auto-stake", metavar="DLBC", default="0", help="Stake what a commit lacks, up to this much in all.")
@option("--method", default=USUAL, show_default=True, help="What it does to the model; see dlbc-lab methods.")
@chain_options
def main(settings: Settings, auto_stake: str, method: str) -> None:
    """Steal and resubmit, in every round, until stopped."""
    chosen(method)  # a wrong name shall not wait for the first model
    configure_threads(1)
    options = Options(auto_stake=parse_amount(auto_stake))
    with open_context(settings, "thief") as context:
        program.service(context, options, keep=False, instead={TRAIN: partial(steal, method=method)}).run()


if __name__ == "__main__":
    run_main(main)
