"""`dlbc-miner`: train for pay."""

from __future__ import annotations

import os

import click

from dlbc.cli import Address, chain_options, key_address, open_context, option, run_main, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.funds import parse_amount
from dlbc.types import same_address
from miner import status as status_view
from miner.options import Options
from miner.orders import order, order_accusation, order_appeal, show_operator

amount_argument = click.argument("amount")


class Item(click.ParamType[bytes]):
    """32 bytes in hex."""

    name = "item"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        text = str(value).removeprefix("0x")
        try:
            item = bytes.fromhex(text)
        except ValueError:
            item = b""
        if len(item) != 32:
            self.fail(f"{value!r} is not an item: 64 hex digits are, such as the hash of a file", param, ctx)
        return item


@click.group(name="dlbc-miner", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dlbc")
def group() -> None:
    """Mine: train networks for the rounds of DLBC, and be paid for the best.

    Every setting may be a flag, an environment variable DLBC_<NAME>, or a line in the file given by --config.
    """


@group.command()
@option("--gpu", type=int, help="CUDA device to train on; falls back to the CPU.  [default: the first, if any]")
@option("--device", help="Instead of --gpu: cpu, cuda:1, mps.")
@option("--threads", type=click.IntRange(1, 1024), help="CPU threads.  [default: all cores but one]")
@option("--min-pay", metavar="DLBC", help="Take only rounds with this expected pay or more.")
@option("--max-parameters", type=click.IntRange(0), default=0, help="Take only networks up to this size.")
@option(
    "--max-data", type=click.IntRange(1), default=2000, show_default=True, help="Take only tasks up to this many MB."
)
@option("--auto-stake", metavar="DLBC", help="Stake what a commit lacks, up to this much in all.")
@option("--auto-withdraw", is_flag=True, help="Send pay to the account's own balance after each round.")
@option("--once", is_flag=True, help="Stop after one round.")
@option("--keep/--no-keep", default=True, help="Also open rounds, draw and finalize when due, for the tips.")
@option("--payload/--no-payload", default=True, help="Blocks carry the inbox's items, or nothing.")
@option("--improve", is_flag=True, help="Begin at the latest winner of the same network; its miner shares the fee.")
@chain_options
def start(
    settings: Settings,
    gpu: int | None,
    device: str | None,
    threads: int | None,
    min_pay: str | None,
    max_parameters: int,
    max_data: int,
    auto_stake: str | None,
    auto_withdraw: bool,
    once: bool,
    keep: bool,
    payload: bool,
    improve: bool,
) -> None:
    """Choose rounds by expected pay, train, commit, claim; until stopped. Kill it at any time: it goes on."""
    least, most = parse_amount(min_pay) if min_pay else 0, parse_amount(auto_stake) if auto_stake else 0
    signer = key_address(settings)
    if signer and settings.account and not same_address(settings.account, signer) and (most or auto_withdraw):
        raise UsageError("--auto-stake and --auto-withdraw move money, which needs the account's own key")
    with open_context(settings, "miner", for_others=True) as context:
        # Slow to import, and after the checks: a wrong password or address should not cost seconds.
        from dlbc.ml.device import configure_threads, pick_device  # noqa: PLC0415
        from miner import program  # noqa: PLC0415

        configure_threads(threads or max(1, (os.cpu_count() or 2) - 1))
        chosen, why = pick_device(gpu, device)
        options = Options(
            device=str(chosen),
            min_pay=least,
            max_parameters=max_parameters,
            max_data_bytes=max_data * 1_000_000,
            auto_stake=most,
            auto_withdraw=auto_withdraw,
            once=once,
            payload=payload,
            improve=improve,
        )
        context.log.info(f"{context.account}, {why}")
        context.log.info(status_view.stake_words(context, options))
        program.service(context, options, keep=keep).run()


@group.command()
@amount_argument
@chain_options
def deposit(settings: Settings, amount: str) -> None:
    """Move AMOUNT DLBC from the account's balance to its credit with the hub."""
    order(settings, "deposit", parse_amount(amount))


@group.command()
@amount_argument
@chain_options
def stake(settings: Settings, amount: str) -> None:
    """Stake AMOUNT DLBC from credit, and from the balance what credit lacks. Each commit locks one unit."""
    order(settings, "stake", parse_amount(amount))


@group.command()
@amount_argument
@chain_options
def unstake(settings: Settings, amount: str) -> None:
    """Start to unbond AMOUNT DLBC of free stake. `unbond` makes it credit when its time is over."""
    order(settings, "unstake", parse_amount(amount))


@group.command()
@chain_options
def unbond(settings: Settings) -> None:
    """Turn stake that has finished unbonding into credit."""
    order(settings, "unbond", 0)


@group.command()
@click.argument("amount", required=False)
@click.option("--all", "everything", is_flag=True, help="All credit.")
@chain_options
def withdraw(settings: Settings, amount: str | None, everything: bool) -> None:
    """Send AMOUNT DLBC of credit, or --all of it, to the account's own balance."""
    if (amount is None) != everything:
        raise UsageError("say how much: dlbc-miner withdraw 12.5, or dlbc-miner withdraw --all")
    order(settings, "withdraw", parse_amount(amount) if amount else 0)


@group.command()
@option("--rounds", type=click.IntRange(1, 1000), default=10, help="Ended rounds to show.  [default: 10]")
@chain_options
def status(settings: Settings, rounds: int) -> None:
    """Balance, stake, rounds in progress and what past rounds paid, with reasons."""
    with open_context(settings, "miner", with_ipfs=False, with_key=False) as context:
        if not context.account:
            raise UsageError("whose status? give --keystore (DLBC_KEYSTORE); no password is needed")
        found = status_view.gather(context, rounds, key_address(settings))
        show(settings, found, lambda: status_view.render(found))


@group.command()
@click.argument("round_id", metavar="ROUND", type=click.IntRange(1))
@chain_options
def collect(settings: Settings, round_id: int) -> None:
    """Collect the compensation of ROUND, whose test key was withheld; a running miner does it by itself."""
    order(settings, "collect", round_id)


@group.command()
@click.argument("round_id", metavar="ROUND", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@chain_options
def appeal(settings: Settings, round_id: int, yes: bool) -> None:
    """Have a larger committee judge ROUND again, against a bond; possible while phase Appeal lasts."""
    order_appeal(settings, round_id, lambda question: yes or click.confirm(f"{question}?", err=True))


@group.command()
@click.argument("round_id", metavar="ROUND", type=click.IntRange(1))
@click.argument("miner", type=Address())
@click.option("--yes", is_flag=True, help="Do not ask.")
@chain_options
def accuse(settings: Settings, round_id: int, miner: str, yes: bool) -> None:
    """Say that the model of MINER in ROUND is an earlier one of yours, against a bond; in phase Appeal.

    First looks for your private marks in it, and sends nothing where there is none.
    """
    order_accusation(settings, round_id, miner, lambda question: yes or click.confirm(f"{question}?", err=True))


@group.command()
@click.argument("item", type=Item())
@chain_options
def post(settings: Settings, item: bytes) -> None:
    """Post ITEM, 32 bytes in hex, to the inbox: the next rounds' blocks may carry it."""
    order(settings, "post", int.from_bytes(item, "big"))


@group.group()
def operator() -> None:
    """Who may commit, claim and vote for the account besides its own key. He moves no money."""


@operator.command(name="show")
@chain_options
def operator_show(settings: Settings) -> None:
    """Say who it is."""
    show_operator(settings)


@operator.command(name="set")
@click.argument("address", type=Address())
@chain_options
def operator_set(settings: Settings, address: str) -> None:
    """Let ADDRESS work for the account, instead of who did before; needs the account's own key."""
    order(settings, "operator", int(address, 16))


@operator.command(name="clear")
@chain_options
def operator_clear(settings: Settings) -> None:
    """Let nobody else work for the account."""
    order(settings, "operator", 0)


def main() -> None:
    """Console script."""
    run_main(group)
