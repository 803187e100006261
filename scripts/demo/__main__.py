"""The plot: an honest round, then a round with a thief. Exit code 0 only if all of it happened."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from pathlib import Path

import numpy as np
import structlog
from rich.console import Console
from rich.table import Table

from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Hub, Token
from dlbc.chain.deployment import load_deployment
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import DLBCError, InvalidTask
from dlbc.ml.attacks import chosen
from dlbc.ml.data import Dataset
from dlbc.types import Outcome, same_address
from scripts.demo import proof
from scripts.demo.market import BIN, ROOT, Market
from scripts.demo.story import Story
from scripts.thief import USUAL

MINERS = ("miner-1", "miner-2", "miner-3")
VALIDATORS = ("validator-1", "validator-2", "validator-3")
REQUESTER, THIEF = "requester", "thief"
START_SECONDS = 90.0  # for programs to start and take their seats
AFTER_SECONDS = 240.0  # from the end of training to the block
TASK = """\
# Handwritten digits, 8x8 pixels, {split}.
name: {name}
data: {{train: train.npz, test: test.npz}}        # the test set is encrypted before it leaves this machine
architecture: {architecture}
metric: accuracy
minimum: {minimum}
training: {{seconds: {seconds}}}
fee: {fee}          # DLBC
"""


def main() -> int:
    """Runs the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--seconds", type=int, default=18, help="of training in each round (default: 18)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo" / time.strftime("%Y%m%d-%H%M%S"))
    parser.add_argument("--thief", metavar="METHOD", default=USUAL, help="what he does (default: %(default)s)")
    arguments = parser.parse_args()
    console, began = Console(highlight=False, soft_wrap=True), time.monotonic()
    # What the demonstration's own node says is not part of the story.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        chosen(arguments.thief)
    except InvalidTask as error:
        console.print(f"THIEF={error}", markup=False)
        return error.exit_code
    try:
        with Market(arguments.folder) as market:
            perform(market, console, arguments.seconds, arguments.thief)
    except KeyboardInterrupt:
        console.print("\nInterrupted; every process is stopped.")
        return 130
    except (DLBCError, TimeoutError) as error:
        console.print(f"\n[bold red]The demonstration failed:[/] {error}", markup=True, soft_wrap=True)
        console.print(f"Logs and journals lie in {arguments.folder}")
        return 1
    console.print(f"\n[dim]{time.monotonic() - began:.0f} s in all. Everything lies in {arguments.folder}[/]")
    return 0


def perform(market: Market, console: Console, seconds: int, method: str) -> None:
    """Both rounds, and the proof that they went as told.

    Args:
        method: what the thief does to the model, a name of `dlbc.ml.attacks.ATTACKS` or several.
    """
    console.rule("[bold]DLBC: mining is training")
    console.print(
        "[bold]1[/] a chain, an IPFS meeting point, keys, contracts (the first run compiles them: a minute or two)"
    )
    market.start_chain()
    market.start_meeting_point()
    cast = [(REQUESTER, "requester"), (THIEF, "thief")]
    cast += [(name, "miner") for name in MINERS] + [(name, "validator") for name in VALIDATORS]
    market.add_actors(cast)
    for line in market.deploy().splitlines():
        if " gas, block " in line or "Deployed" in line:
            console.print(f"  {line}", markup=False)
    deployment = load_deployment(next(market.deployments.glob("*.json")))
    chain = Chain([market.rpc_url], deployment)
    chain.verify()
    genesis, supply = Hub(chain).head(), Token(chain).total_supply()

    console.print("[bold]2[/] three validators, three miners, each a process with its own key and IPFS node")
    for name in VALIDATORS:
        market.start(name, "dlbc-validator", "start", "--threads", "1")
    for name in MINERS:
        market.start(name, "dlbc-miner", "start", "--gpu", "0", "--threads", "1", "--auto-stake", "50")
    with Story(market, chain, console) as story:
        wait_for_seats(story)
        console.print("[bold]3[/] a requester with data and no GPU: dlbc-request submit task.yaml")
        first = play_round(story, market, 1, seconds)
        console.print(f"[bold]4[/] a second task; a thief resubmits the published winner, changed by {method}")
        market.start(THIEF, "python", "-m", "scripts.thief", "--auto-stake", "50", "--method", method)
        second = play_round(story, market, 2, seconds)
        console.print("[bold]5[/] was it all true?")
        prove(story, market, chain, genesis, supply, (first, second))


def wait_for_seats(story: Story) -> None:
    """Until every validator has a seat: the committee is drawn among them."""
    end = time.monotonic() + START_SECONDS
    while len(story.of(events.SeatJoined)) < len(VALIDATORS):
        if time.monotonic() > end:
            raise TimeoutError(f"the validators did not take their seats within {START_SECONDS:.0f} s")
        story.step()
        time.sleep(0.25)


def play_round(story: Story, market: Market, number: int, seconds: int) -> events.BlockAppended:
    """One task from submission to the requester's download."""
    folder = market.folder / REQUESTER / f"task-{number}"
    make_task(folder, number, seconds)
    market.start(REQUESTER, "dlbc-request", "submit", str(folder / "task.yaml"), "--yes", "-o", str(folder / "model"))
    story.until(events.RoundOpened, START_SECONDS, round_id=number)
    final = story.until(events.RoundFinalized, seconds + AFTER_SECONDS, round_id=number)
    if final.outcome is not Outcome.BLOCK:
        raise proof.NotProven(f"round {number} ended with {Outcome(final.outcome).name}, not with a block")
    while not market.actors[REQUESTER].finished:
        story.step()
        time.sleep(0.25)
    story.say(f"{story.name(market.actors[REQUESTER].address)} has the model: {folder / 'model'}")
    (block,) = [b for b in story.of(events.BlockAppended) if b.header.round_id == number]
    return block  # type: ignore[no-any-return]


def make_task(
    folder: Path,
    number: int,
    seconds: int,
    architecture: str = "{name: resnet, depth: 8, width: 16}",
    minimum: str = "0.90",
) -> None:
    """Scikit-learn's digits in a random split, and the task.yaml beside them."""
    from examples.digits.make_data import make_data

    folder.mkdir(parents=True)
    make_data(folder, seed=int(time.time()) + number)
    text = TASK.format(
        split=f"split {number}",
        name=f"handwritten-digits-{number}",
        seconds=seconds,
        fee=100,
        architecture=architecture,
        minimum=minimum,
    )
    (folder / "task.yaml").write_text(text, encoding="utf-8")


def prove(
    story: Story,
    market: Market,
    chain: Chain,
    genesis: bytes,
    supply: int,
    rounds: tuple[events.BlockAppended, events.BlockAppended],
) -> None:
    """Checks every promise and says so; raises where one does not hold."""
    say = story.console.print

    def holds(text: str) -> None:
        say(f"  [green]✓[/] {text}")

    blocks = proof.blocks_are_linked(story, chain, genesis)
    holds(
        f"two blocks, hashes recomputed, linked: 0x{genesis.hex()[:8]} ← "
        + " ← ".join(f"0x{block.head.hex()[:8]}" for block in blocks)
    )
    thief = market.actors[THIEF].address
    claimed = proof.thief_was_caught(story, 2, thief)
    winner = rounds[1].header
    proof.require(not same_address(winner.miner, thief), "the thief won")
    holds(
        f"the thief claimed {claimed} of {winner.score_max}, was flagged LINEAGE by the committee and paid nothing; "
        f"{story.name(winner.miner)} won with {winner.score}"
    )
    cid = proof.content_travels(market.folder, market.peer, story, 2)
    holds(f"{cid} was absent on a new IPFS node, then fetched from its peers and checked")
    for number, block in enumerate(rounds, start=1):
        folder = market.folder / REQUESTER / f"task-{number}"
        with np.load(folder / "test.npz", allow_pickle=False) as data:
            test = Dataset(data["x"], data["y"])
        model = proof.model_is_good(folder / "model", folder / "task.yaml", test, block, tolerance=2)
        holds(f"model {number}: {100 * model.correct / model.total:.1f} % of the test set, as on chain: {model.path}")
    tips = proof.rounds_add_up(story)
    holds(
        "fees and bonds are paid out or burned to the last base unit, "
        f"{amount_in_words(tips)} of them to those who opened, drew and finalized"
    )
    left, emitted, burned = proof.supply_adds_up(story, chain, supply)
    holds(f"supply {amount_in_words(left)}: {amount_in_words(emitted)} emitted, {amount_in_words(burned)} burned")

    # Without lines it fits into eighty columns.
    table = Table(title="Who was paid what, in DLBC", title_justify="left", box=None, padding=(0, 2, 0, 0))
    totals = proof.payments(story)
    kinds = sorted({kind for paid in totals.values() for kind in paid})
    table.add_column("")
    for kind in (*kinds, "total"):
        table.add_column(kind, justify="right")
    for actor in market.actors.values():
        paid = next((paid for account, paid in totals.items() if same_address(account, actor.address)), {})
        amounts = [paid.get(kind, 0) for kind in kinds]
        cells = [_short(amount) for amount in (*amounts, sum(amounts))]
        table.add_row(story.name(actor.address), *cells)
    say(table)
    facts = {
        "blocks": [
            {"height": b.height, "head": b.head.hex(), "miner": b.header.miner, "score": b.header.score} for b in blocks
        ],
        "payments": totals,
        "emitted": emitted,
        "burned": burned,
    }
    proof.save(market.folder / "outcome.json", facts)
    say(f"Try it yourself: {BIN / 'dlbc-request'} --help, {BIN / 'dlbc-miner'} --help, {BIN / 'dlbc-validator'} --help")


def _short(amount: int) -> str:
    return f"{amount / 10**18:,.2f}" if amount else "-"


if __name__ == "__main__":
    sys.exit(main())
