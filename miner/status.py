"""`dlbc-miner status`: what the account has, what is in progress, what the past brought."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from dlbc.appeals import MAX_EPOCHS, why_not
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import ChainError
from dlbc.service import read_status
from dlbc.types import Phase, same_address
from miner import records, words
from miner.choose import tokens
from miner.errands import running
from miner.history import result_of, tips

if TYPE_CHECKING:
    from dlbc.service import Context
    from miner.options import Options

WIDTH = 120


def gather(context: Context, rounds: int, signer: str = "") -> dict[str, Any]:
    """Everything as JSON values; amounts in base units, as text.

    Args:
        rounds: how many ended rounds to list, the newest first.
        signer: address of the key, which is paid the tips; "" for the account's own.
    """
    operator = signer if signer and not same_address(signer, context.account) else ""
    account = context.hub.account(context.account)
    board = read_status(context.workdir) or {}
    known = [_round(context, round_id) for round_id in reversed(records.rounds(context.journal))]
    return {
        "address": context.account,
        "operator": operator or None,
        "operator_credit": str(context.hub.account(operator).credit) if operator else None,
        "tips": str(tips(context.journal, operator or context.account)),
        "running": running(context.workdir),
        "state": board.get("state"),
        "last": (board.get("last") or {}).get("message"),
        "balance": str(context.token.balance_of(context.account)),
        "credit": str(account.credit),
        "stake": str(account.stake),
        "locked": str(account.locked),
        "free_stake": str(max(0, account.free_stake)),
        "unbonding": str(account.unbonding),
        "unbond_at": account.unbond_at,
        "in_progress": [found for found in known if found["outcome"] is None],
        "history": [found for found in known if found["outcome"] is not None][:rounds],
    }


def _round(context: Context, round_id: int) -> dict[str, Any]:
    found = result_of(context.journal, round_id, context.account)
    state = records.state(context.journal, round_id)
    facts: dict[str, Any] = {"round_id": round_id, **state, **found.to_json(), "income": str(found.income)}
    facts["why"] = found.why or state.get("why", "")
    facts["sentence"] = found.sentence()
    if found.outcome is None:
        facts.update(_live(context, round_id))
    return facts


def _live(context: Context, round_id: int) -> dict[str, Any]:
    """Phase and time left now; a round that a reorganisation took away has none."""
    try:
        found = context.hub.round(round_id)
    except ChainError:
        return {"phase": None, "phase_words": "unknown", "seconds_left": None}
    left = found.phase_ends_at - context.chain.now() if found.phase_ends_at else None
    return {
        "phase": found.phase.name.lower(),
        "phase_words": words.STAGES.get(found.phase, found.phase.name.lower()),
        "seconds_left": None if left is None else round(max(0.0, left), 1),
        "ended": found.phase is Phase.FINAL,
        "round_epoch": found.epoch,
        "appeals": found.appeals,
        "appealable": not why_not(context.hub, round_id, found),
        "excluded": found.excluded,
    }


def render(found: dict[str, Any]) -> str:
    """The same for people."""
    target = io.StringIO()
    console = Console(file=target, width=WIDTH, force_terminal=False, highlight=False)
    running_words = f"runs: {found['last'] or found['state']}" if found["running"] else "does not run"
    console.print(f"{found['address']} · dlbc-miner {running_words}")
    console.print(
        f"balance {_dlbc(found['balance'])} · credit {_dlbc(found['credit'])} · stake {_dlbc(found['stake'])}, of it "
        f"{_dlbc(found['locked'])} locked and {_dlbc(found['unbonding'])} unbonding{_until(found)}"
    )
    if found["operator"]:
        console.print(f"its operator {found['operator']} has {_dlbc(found['operator_credit'])} of credit of its own")
    if int(found["tips"]):
        console.print(f"tips for opening, drawing and finalizing so far: {_dlbc(found['tips'])}")
    if found["in_progress"]:
        console.print(_progress_table(found["in_progress"]))
    if found["history"]:
        console.print(_history_table(found["history"]))
    if not found["in_progress"] and not found["history"]:
        console.print("no rounds yet")
    return target.getvalue().rstrip()


def _progress_table(rounds: list[dict[str, Any]]) -> Table:
    table = Table("round", "phase", "left", "stage", "progress", title="In progress", title_justify="left")
    for found in rounds:
        left = found.get("seconds_left")
        progress = found.get("why") or ""
        if found.get("epoch") is not None:
            progress = f"epoch {found['epoch']} · {words.percent(found['accuracy'])} on held-out data"
        if found.get("score") is not None:
            progress = f"{found['score']} correct on the test set"
        table.add_row(
            str(found["round_id"]),
            _phase_words(found),
            "" if left is None else words.seconds(left),
            found.get("stage", ""),
            progress,
        )
    return table


def _phase_words(found: dict[str, Any]) -> str:
    shown = str(found["phase_words"])
    if found.get("appealable"):
        shown += f": dlbc-miner appeal {found['round_id']}"
    return shown + (f" (epoch {found['round_epoch'] + 1} of {MAX_EPOCHS})" if found.get("round_epoch") else "")


def _history_table(rounds: list[dict[str, Any]]) -> Table:
    table = Table("round", "income", "what happened", title="Past rounds", title_justify="left")
    for found in rounds:
        income = int(found["income"])
        sign = "-" if income < 0 else "+" if income else ""
        table.add_row(str(found["round_id"]), f"{sign}{tokens(abs(income))} DLBC", found["sentence"])
    return table


def _until(found: dict[str, Any]) -> str:
    if not int(found["unbonding"]):
        return ""
    return f" until {datetime.fromtimestamp(found['unbond_at'], UTC):%Y-%m-%d %H:%M} UTC"


def _dlbc(amount: str) -> str:
    return f"{tokens(int(amount))} DLBC"


def stake_words(context: Context, options: Options) -> str:
    """What the account can lock and what a commit puts at risk: said when the program starts."""
    account, unit = context.hub.account(context.account), context.hub.economy().miner_unit
    free = max(0, account.free_stake)
    message = f"stake {amount_in_words(account.stake)}, {amount_in_words(free)} free; each commit locks "
    message += f"{amount_in_words(unit)} until its round is final, and risks it if it is never claimed"
    if free < unit and not options.auto_stake:
        missing = amount_in_words(unit - free).removesuffix(" DLBC")
        message += f". Too little to commit: dlbc-miner stake {missing}, or start with --auto-stake {missing}"
    return message
