"""`dlbc-request check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from dlbc.chain.client import WrongChain
from dlbc.cli import chain_options, open_context, show
from dlbc.config import Settings
from dlbc.errors import ChainError, UsageError
from dlbc.task import load_task_file
from dlbc.types import ZERO_ADDRESS
from requester.display import duties_text, outcome_table, prepared_table, quote_table
from requester.quote import Quote, make_spec, quote, simulate

if TYPE_CHECKING:
    from requester.pack import Prepared


@click.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("--offline", is_flag=True, help="Ask no chain.")
@chain_options
def check(settings: Settings, task: Path, offline: bool) -> None:
    """Check a TASK file and its data, and say what it would cost. Nothing is paid or sent."""
    from requester.pack import prepare  # noqa: PLC0415  # torch takes seconds to import

    prepared = prepare(load_task_file(task))
    offer, why = (None, "offline") if offline else _ask(settings, prepared)
    problems = [] if offer is None else offer.problems()
    if settings.json:
        show(settings, _json(prepared, offer, [str(p) for p in problems], why), str)
    else:
        _print(prepared, offer, why)
    for problem in problems:
        raise problem


def _ask(settings: Settings, prepared: Prepared) -> tuple[Quote | None, str]:
    try:
        with open_context(settings, "requester", with_ipfs=False, with_key=False) as context:
            account = context.account or None
            spec = make_spec(prepared, account or ZERO_ADDRESS, nonce=1)
            offer = quote(
                context.chain,
                context.hub,
                context.token,
                spec,
                auto_bond=prepared.task.bond is None,
                account=account,
            )
            if account is not None and not offer.problems():
                simulate(context.chain, context.hub, offer.spec)
            return offer, ""
    except WrongChain:
        raise
    except (ChainError, UsageError) as error:
        if getattr(error, "error", None):  # a refusal of the contracts is about the task
            raise
        return None, str(error)


def _print(prepared: Prepared, offer: Quote | None, why: str) -> None:
    console = Console(soft_wrap=True)
    console.print(prepared_table(prepared))
    for warning in prepared.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    if offer is None:
        console.print(f"\nThe task is well formed. No chain was asked ({why}).", highlight=False, markup=False)
    else:
        console.print()
        console.print(quote_table(offer))
    console.print()
    console.print(outcome_table())
    console.print()
    console.print(*duties_text(), sep="\n")


def _json(prepared: Prepared, offer: Quote | None, problems: list[str], why: str) -> dict[str, Any]:
    return {
        "name": prepared.task.name,
        "parameters": prepared.measured.parameters,
        "flops": prepared.measured.flops,
        "model_bytes": prepared.measured.model_bytes,
        "data_bytes": prepared.data_bytes,
        "test_samples": prepared.score_max,
        "minimum_score": prepared.min_score,
        "tolerance": prepared.tol,
        "warnings": list(prepared.warnings),
        "chain": {"asked": False, "why": why}
        if offer is None
        else {
            "asked": True,
            "fee_floor": str(offer.fee_floor),
            "bond_floor": str(offer.bond_floor),
            "escrow": str(offer.needed),
            "to_deposit": str(offer.to_deposit),
            "ahead_in_queue": offer.ahead,
            "slot_fee": str(offer.slot_fee),
            "tip": str(offer.tip),
        },
        "problems": problems,
    }
