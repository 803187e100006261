"""A stranger's words reach terminals as words: nothing moves the cursor, clears the screen or forges a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog

from dlbc.cli import run_main, say, show, start_logging
from dlbc.cli.output import printable
from dlbc.config import Settings
from dlbc.errors import InvalidArtifact
from dlbc.wire import canonical

HOSTILE = "\x1b[2J\x1b]0;title\x07\u202eevil\rover"


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\r", "\x9b", "\u202e", "\x00"])
def test_printable__control_character__replaced(character: str) -> None:
    assert printable(f"a{character}b\nc") == "a\N{REPLACEMENT CHARACTER}b\nc"


def test_say__and_show__strangers_words__without_their_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    show(Settings(), {}, lambda: HOSTILE)
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "evil" in shown.out


def test_start_logging__hostile_sentence__one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(Settings())
    try:
        structlog.get_logger().warning(f"{HOSTILE}\n10:00:00 [info] paid", why=HOSTILE)
    finally:
        structlog.reset_defaults()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_start_logging__to_a_file__json_keeps_the_words(tmp_path: Path) -> None:
    start_logging(Settings(log_file=tmp_path / "log"))
    try:
        structlog.get_logger().warning(HOSTILE)
    finally:
        structlog.reset_defaults()
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["event"] == HOSTILE
    assert "\x1b" not in line


def test_loads__names_that_are_escape_sequences__quoted_in_the_complaint() -> None:
    name = "\\u001b[2J" + "x" * 5000
    with pytest.raises(InvalidArtifact) as caught:
        canonical.loads(f'{{"{name}":[9007199254740993]}}'.encode())
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_run_main__hostile_error__printed_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    import click

    @click.command()
    def command() -> None:
        raise InvalidArtifact(HOSTILE)

    with pytest.raises(SystemExit):
        run_main(command, [])
    assert "\x1b" not in capsys.readouterr().err
