"""Tasks in words and tables, for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dlbc.appeals import MAX_EPOCHS
from dlbc.chain.refusals import amount_in_words
from dlbc.cli.output import printable
from dlbc.types import Outcome, Phase, TaskStatus
from requester.outcomes import ADVICE, EXPECTED, LAPTOP, PUBLIC, STATUS_WORDS, TABLE
from requester.quote import MOST_TIPS, USUAL_TIPS, Quote
from requester.status import Report

if TYPE_CHECKING:
    from requester.pack import Prepared

PHASES = {
    Phase.SETTLE: "the round settles",
    Phase.TRAIN: "miners train",
    Phase.GUARD: "commits are closed",
    Phase.KEY: "showing the test key",
    Phase.CLAIM: "miners claim scores",
    Phase.ENLIST: "further miners may enter the list",
    Phase.SHOW: "miners show their models",
    Phase.SEAL: "a committee is drawn",
    Phase.DRAW: "a committee is drawn",
    Phase.VOTE_COMMIT: "validators score the models",
    Phase.VOTE_REVEAL: "validators reveal their votes",
    Phase.APPEAL: "the result may be appealed",
    Phase.TALLY: "waiting for the final count",
    Phase.FINAL: "final",
}


def seconds(left: float) -> str:
    """Such as "1:05" or "2:00:05"."""
    whole = max(0, round(left))
    hours, rest = divmod(whole, 3600)
    return (f"{hours}:{rest // 60:02d}" if hours else f"{rest // 60}") + f":{rest % 60:02d}"


def one_line(item: Report, elapsed: float = 0.0) -> str:
    """Where a task stands.

    Args:
        elapsed: seconds since the report was made.
    """
    head = f"task {item.task_id}: "
    if item.status is TaskStatus.QUEUED:
        return f"{head}waiting in the queue, place {item.position} of {item.waiting}"
    if item.round is None or item.over:
        return head + _end(item)
    words = PHASES.get(item.phase, item.phase.name.lower())
    clock = "" if item.phase_left is None else f", {seconds(item.phase_left - elapsed)} left"
    r = item.round
    counts = [f"{r.commits} commits"] * bool(r.commits) + [f"{r.claims} claims"] * bool(r.claims)
    counts += [f"{r.shown} models shown"] * bool(r.shown)
    counts += [f"epoch {r.epoch + 1} of {MAX_EPOCHS}"] * bool(r.epoch)
    counts += [f"{r.appeals} dispute{'s' * (r.appeals > 1)}"] * bool(r.appeals)
    line = f"{head}round {item.round_id}, {words}{clock}" + (f" ({', '.join(counts)})" if counts else "")
    if item.phase is Phase.APPEAL:
        line += f": {EXPECTED.get(item.expected, item.expected.name.lower())}"
        line += f"; `dlbc-request appeal {item.task_id}`" if item.appealable else ""
    return line


def _end(item: Report) -> str:
    back = ", ".join(f"{kind.replace('_', ' ')} {amount_in_words(amount)}" for kind, amount in item.back.items())
    money = f"; back in your credit: {back}" if back else ""
    if item.outcome is Outcome.BLOCK:
        share = f"{item.winner_score} of {item.spec.score_max}"
        return f"done, {share} test samples right (minimum {item.spec.min_score}), block {item.height}{money}"
    if item.outcome in TABLE:
        return f"{TABLE[item.outcome][0]}{money}. {ADVICE.get(item.outcome, '')}".rstrip()
    return STATUS_WORDS[item.status] + money


class Display:
    """What is seen while a program watches: on a terminal a living table, elsewhere a line at each change."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._reports: list[Report] = []
        self._troubles: list[str] = []
        self._at = time.monotonic()
        self._said: dict[int, str] = {}
        self._live: Live | None = None

    @contextmanager
    def running(self) -> Iterator[Callable[[list[Report], list[str]], None]]:
        """Yields what to call with news."""
        if not self._console.is_terminal:
            yield self._lines
            return
        with Live(get_renderable=self._table, console=self._console, refresh_per_second=2) as self._live:
            yield self._update
        self._live = None

    def _update(self, reports: list[Report], troubles: list[str]) -> None:
        self._reports, self._at = reports, time.monotonic()
        self._troubles = [printable(trouble) for trouble in troubles]  # they may quote a stranger

    def _lines(self, reports: list[Report], troubles: list[str]) -> None:
        self._update(reports, troubles)
        for item in reports:
            words = PHASES.get(item.phase, "")  # two phases may be one to a reader
            mark = f"{item.status}{item.position}{words}{item.round.epoch if item.round else 0}"
            if self._said.get(item.task_id) != mark:
                self._said[item.task_id] = mark
                self._console.print(one_line(item), highlight=False, markup=False)
        for trouble in self._troubles:
            if self._said.get(-1) != trouble:
                self._said[-1] = trouble
                self._console.print(f"  {trouble}", highlight=False, markup=False)

    def _table(self) -> RenderableType:
        elapsed = time.monotonic() - self._at
        lines = [Text(one_line(item, elapsed)) for item in self._reports] or [Text("reading the chain …")]
        lines += [Text(f"  {trouble}", style="yellow") for trouble in self._troubles]
        return Group(*lines)


def prepared_table(prepared: Prepared) -> Table:
    """What was found in a task's data."""
    table = Table.grid(padding=(0, 2))
    task, measured = prepared.task, prepared.measured
    shape = "x".join(map(str, prepared.train.sample_shape))
    arguments = ", ".join(f"{k} {v}" for k, v in task.architecture.items() if k != "name")
    for name, value in (
        ("task", task.name),
        ("training set", f"{len(prepared.train):,} samples of {shape}, {prepared.classes} classes, public"),
        ("test set", f"{len(prepared.test):,} samples, encrypted until miners have committed"),
        ("network", f"{task.architecture['name']} ({arguments})"),
        ("size", f"{measured.parameters:,} parameters, {measured.flops:,} FLOPs a sample"),
        (
            "bytes",
            f"{measured.model_bytes:,} a model, {prepared.train_bytes:,} train, {prepared.test_bytes:,} test",
        ),
        ("minimum", f"{prepared.min_score} of {prepared.score_max} test samples right"),
        (
            "tolerance",
            f"devices may differ by {prepared.tol} samples; within {prepared.tie_tol} the earliest wins",
        ),
        ("training time", f"{task.train_secs} s"),
        ("fee", amount_in_words(task.fee)),
    ):
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def quote_table(offer: Quote) -> Table:
    """What the chain says to a task."""
    table = Table.grid(padding=(0, 2))
    place = f"{offer.ahead + 1} of {offer.waiting + 1}" + ("" if offer.ahead_exact else " or earlier")
    rows = [
        ("place in the queue", f"{place}, {offer.slots} rounds run at once"),
        ("fee", f"{amount_in_words(offer.spec.fee)} (at least {amount_in_words(offer.fee_floor)})"),
        ("bond", f"{amount_in_words(offer.spec.bond)} (at least {amount_in_words(offer.bond_floor)})"),
        ("in escrow", amount_in_words(offer.needed)),
    ]
    if offer.wallet is not None:
        rows.append(
            (
                "you have",
                f"{amount_in_words(offer.credit or 0)} credit, {amount_in_words(offer.wallet)} wallet",
            )
        )
        rows.append(("to deposit", amount_in_words(offer.to_deposit)))
    rows += [
        ("burned if it succeeds", f"{amount_in_words(offer.burned)} of the fee"),
        ("slot fee", f"{amount_in_words(offer.slot_fee)}, burned if nobody delivers"),
        *_tips(offer),
        ("cancelling", f"{amount_in_words(offer.cancel_cost)}, while it waits in the queue"),
    ]
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def _tips(offer: Quote) -> list[tuple[str, str]]:
    if not offer.tip:
        return []
    usual, most = (amount_in_words(count * offer.tip) for count in (USUAL_TIPS, MOST_TIPS))
    each = amount_in_words(offer.tip)
    return [("tips", f"{usual}, {most} at most, of the fee: {each} to whoever opens, draws, finalizes the round")]


def outcome_table() -> Table:
    """All that can become of a task."""
    table = Table(title="What can happen", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("when", "model", "fee", "bond"):
        table.add_column(heading, overflow="fold")
    for row in TABLE.values():
        table.add_row(*map(Text, row))
    return table


def duties_text() -> Sequence[Text]:
    """What a requester must know before he pays."""
    return (Text(PUBLIC), Text(LAPTOP, style="yellow"))
