"""`dlbc-validator`: judge the models of every round that the seat is drawn for."""

from __future__ import annotations

from typing import Any

import click

from dlbc import appeals, funds, operators
from dlbc.chain.refusals import amount_in_words
from dlbc.cli import Address, chain_options, open_context, option, run_main, say, show
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.keeper import spec_of
from dlbc.service import Context, read_status
from dlbc.types import ZERO_ADDRESS, TaskSpec

PROGRAM = "validator"


@click.group(name="dlbc-validator")
def group() -> None:
    """Score opened models, vote, and keep rounds moving.

    A validator stakes a seat, is drawn at random, checks each listed model (hash, watermark, lineage, score) and
    votes. Voters share a part of each task's fee; a drawn seat that does not vote loses a part of its stake.
    """


@group.command()
@option("--gpu", type=int, help="CUDA device to score on.  [default: one if there is any, else the CPU]")
@option("--device", help="cpu, cuda:1, mps.")
@option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="CPU threads of torch.")
@option("--join/--no-join", default=True, show_default=True, help="Take a seat if the account has none.")
@chain_options
def start(settings: Settings, gpu: int | None, device: str | None, threads: int, join: bool) -> None:
    """Join a seat and judge rounds until stopped."""
    from dlbc.ml.device import configure_threads, pick_device  # noqa: PLC0415  # torch takes seconds to import
    from validator import seats  # noqa: PLC0415
    from validator.program import service  # noqa: PLC0415

    configure_threads(threads)
    chosen, why = pick_device(gpu, device)
    say(why)
    with open_context(settings, PROGRAM, for_others=True) as context:
        held = seats.seats(context)
        if not held and join and not context.is_operator:
            held = [seats.join(context, say)]
        if held:
            say(f"judging as {context.account}, seat {', '.join(map(str, held))}")
        elif context.is_operator:
            say(f"{context.account} has no seat, and an operator takes none: its owner must; chores are done meanwhile")
        else:
            say("no seat: chores are done, but nothing is judged; start with --join to take one")
        service(context, chosen).run()


@group.command()
@chain_options
def join(settings: Settings) -> None:
    """Take a seat without judging here: for an account whose operator runs the program elsewhere."""
    from validator import seats  # noqa: PLC0415

    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        say(f"seat {seats.join(context, say)} is {context.account}'s")


@group.command()
@chain_options
def leave(settings: Settings) -> None:
    """Leave every seat. Their stake unlocks at once, or when the round they serve is final."""
    from validator import seats  # noqa: PLC0415

    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        held = seats.seats(context)
        for seat_id in held:
            seats.leave(context, seat_id, say)
        if not held:
            say(f"{context.account} has no seat")
            return
        unbond = context.hub.limits().unbond_secs
        say(f"the stake can be taken out with dlbc-validator unstake; that takes {unbond} s")


@group.command()
@click.argument("round_id", metavar="ROUND", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@chain_options
def appeal(settings: Settings, round_id: int, yes: bool) -> None:
    """Ask for a larger committee, against a bond: it returns if another result comes of it.

    Stop the program before, as for all that moves money, and start it again: it will be drawn as ever.
    """
    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        spec = _spec(context, round_id)
        found = appeals.decision(context, round_id, spec)
        if not yes and not click.confirm(found.question(), err=True):
            raise UsageError("nothing was sent")
        appeals.appeal(context, found, spec, say)


@group.command()
@click.argument("round_id", metavar="ROUND", type=int)
@click.argument("position", type=click.IntRange(0, 14))
@chain_options
def challenge(settings: Settings, round_id: int, position: int) -> None:
    """Ask the validator at POSITION of a committee to show one of the predictions behind his vote, against a bond.

    If he cannot, the bond returns with a part of his pay; if he can, it is his. Stop the program before, as to appeal.
    """
    from validator import disputes  # noqa: PLC0415

    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        disputes.challenge(context, round_id, position, say)


@group.group()
def operator() -> None:
    """The key that may commit votes for the account, and move no money."""


@operator.command(name="show")
@chain_options
def operator_show(settings: Settings) -> None:
    """Who works for the account besides its own key."""
    with open_context(settings, PROGRAM, with_ipfs=False, with_key=False) as context:
        if not context.account:
            raise UsageError("whose operator? give --keystore (DLBC_KEYSTORE) or --account")
        found = context.hub.operator_of(context.account)
        named = None if found == ZERO_ADDRESS else found
        show(
            settings,
            {"account": context.account, "operator": named},
            lambda: f"{named} works for {context.account}" if named else f"nobody works for {context.account}",
        )


@operator.command(name="set")
@click.argument("address", type=Address())
@chain_options
def operator_set(settings: Settings, address: str) -> None:
    """Let the key of ADDRESS work for the account, instead of who did before."""
    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        operators.appoint(context, address, say)


@operator.command(name="clear")
@chain_options
def operator_clear(settings: Settings) -> None:
    """Take it back: only the account's own key works for it then."""
    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        operators.appoint(context, ZERO_ADDRESS, say)


@group.command()
@click.argument("amount", required=False)
@chain_options
def unstake(settings: Settings, amount: str | None) -> None:
    """Turn free stake into credit: run once to begin unbonding AMOUNT DLBC (default: all), again when it is over."""
    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        account = context.hub.account(context.account)
        transactions = context.transactions
        if account.unbonding and amount is None:
            call = context.hub.unbond()
            transactions.send_and_wait(transactions.fresh_name("unbond", call), call, funds.TIMEOUT)
            say(
                f"{amount_in_words(account.unbonding)} are credit now; dlbc-validator withdraw sends them to the wallet"
            )
            return
        wanted = account.free_stake if amount is None else funds.parse_amount(amount)
        if wanted == 0 or wanted > account.free_stake:
            raise UsageError(
                f"{amount_in_words(account.free_stake)} of stake are free, {amount_in_words(account.locked)} are "
                "locked by seats and commits: leave the seat first, or unstake less"
            )
        call = context.hub.request_unbond(wanted)
        transactions.send_and_wait(transactions.fresh_name("request-unbond", call), call, funds.TIMEOUT)
        seconds = context.hub.limits().unbond_secs
        say(f"{amount_in_words(wanted)} unbond for {seconds} s; run dlbc-validator unstake again then")


@group.command()
@click.argument("amount", required=False)
@chain_options
def withdraw(settings: Settings, amount: str | None) -> None:
    """Send AMOUNT DLBC of credit (default: all) to the account's wallet."""
    with open_context(settings, PROGRAM, with_ipfs=False) as context:
        funds.withdraw(context, None if amount is None else funds.parse_amount(amount), say)


@group.command()
@chain_options
def status(settings: Settings) -> None:
    """Seats, money, and what was judged. Works while the program runs."""
    from validator import records  # noqa: PLC0415

    with open_context(settings, PROGRAM, with_ipfs=False, with_key=False) as context:
        if not context.account:
            raise UsageError("whose status? give --keystore (DLBC_KEYSTORE); no password is needed")
        facts = _facts(context)
        facts["program"] = read_status(context.workdir)
        facts["rounds"] = records.history(context.journal)
        show(settings, facts, lambda: _words(facts))


def _spec(context: Context, round_id: int) -> TaskSpec:
    spec = spec_of(context.journal, context.hub.round(round_id).task_id)
    if spec is None:
        raise UsageError(
            f"this journal does not know the task of round {round_id}: start dlbc-validator once, to read it"
        )
    return spec


def _facts(context: Context) -> dict[str, Any]:
    account = context.hub.account(context.account)
    committee = context.committee
    return {
        "address": context.account,
        "wallet": str(context.token.balance_of(context.account)),
        "credit": str(account.credit),
        "stake": str(account.stake),
        "locked": str(account.locked),
        "unbonding": str(account.unbonding),
        "seats": [
            {
                "seat": seat_id,
                "serving_round": seat.serving,
                "leaving": seat.leaving,
                "bonded": str(seat.bonded),
            }
            for seat_id in committee.seats_of(context.account)
            for seat in [committee.seat(seat_id)]
        ],
    }


def _words(facts: dict[str, Any]) -> str:
    def money(name: str) -> str:
        return amount_in_words(int(facts[name]))

    program = facts["program"]
    running = (
        "not running" if not program or not program["alive"] else f"{program['state']}, written {program['age']} s ago"
    )
    lines = [
        f"{facts['address']}  ({running})",
        f"wallet {money('wallet')} · credit {money('credit')} · stake {money('stake')}, of it locked {money('locked')}",
    ]
    for seat in facts["seats"]:
        serving = f"serves round {seat['serving_round']}" if seat["serving_round"] else "waits to be drawn"
        lines.append(f"seat {seat['seat']}: {'leaving, ' if seat['leaving'] else ''}{serving}")
    for judged in facts["rounds"]:
        paid = f", paid {amount_in_words(int(judged['paid']))}" if int(judged.get("paid", 0)) else ""
        tips = f", tips {amount_in_words(int(judged['tips']))}" if int(judged.get("tips", 0)) else ""
        lost = f", slashed {amount_in_words(int(judged['slashed']))}" if int(judged.get("slashed", 0)) else ""
        lines.append(f"round {judged['round']}: {judged.get('outcome', 'voting')}{paid}{tips}{lost}")
        lines += [f"  the task is flagged: {reason}" for reason in judged.get("task_reasons", [])]
        for one in judged.get("candidates", []):
            flags = f"  {one['flags']}: {'; '.join(one['reasons'])}" if one["flags"] != "NONE" else ""
            lines.append(f"  {one['miner']}  claimed {one['claimed']}, measured {one['measured']}{flags}")
    return "\n".join(lines)


def main() -> None:
    """Entry point of the console script."""
    run_main(group)
