"""Words for people, JSON for programs. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any, TextIO, cast

import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from dlbc.config import Settings


class Stderr:
    """Whatever `sys.stderr` is when a line is written: tests and progress bars replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def printable(text: str) -> str:
    """Text that may hold a stranger's words, for a terminal: lines stay, escape sequences and the like do not."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _plain_event(_logger: Any, _method: str, event: Any) -> Any:
    """A sentence on one line: the renderer escapes what stands beside it, and not the sentence itself."""
    event["event"] = printable(str(event.get("event", ""))).replace("\n", " ")
    return event


def start_logging(settings: Settings) -> None:
    """Sends structlog's events to stderr as words, or to `settings.log_file` as JSON lines.

    Raises:
        click.FileError: the log file cannot be opened.
    """
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if settings.log_file else "%H:%M:%S", utc=True),
    ]
    target: TextIO = cast(TextIO, Stderr())
    if settings.log_file is not None:
        try:
            settings.log_file.parent.mkdir(parents=True, exist_ok=True)
            target = settings.log_file.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise click.FileError(str(settings.log_file), error.strerror or "") from error
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    else:
        processors.append(_plain_event)
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )


def show(settings: Settings, result: Any, words: Callable[[], str]) -> None:
    """Prints a command's result: JSON with --json, else `words()`.

    Args:
        result: JSON values; bytes, enumerations and dataclasses are turned into them.
    """
    click.echo(json.dumps(_plain(result), indent=2) if settings.json else printable(words()))


def say(text: str) -> None:
    """A line to the person who waits, on stderr."""
    click.echo(printable(text), err=True)


@contextmanager
def progress(description: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal; elsewhere a line at each tenth, so that logs stay readable.

    Yields:
        What to call with the amount done so far, out of `total`.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    tenths = 0

    def line(done: float) -> None:
        nonlocal tenths
        reached = int(10 * done / total) if total > 0 else 10
        if reached > tenths:
            tenths = reached
            say(f"{description}: {min(reached, 10) * 10} %")

    yield line


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, Enum):
        return value.name.lower()
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
