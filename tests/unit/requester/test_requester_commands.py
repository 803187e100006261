"""The command line: what a person types wrong ends in one line and an exit code, never in a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from requester_world import TASK

from dlbc.cli import run_main
from dlbc.types import Outcome, TaskStatus
from requester.cli import group
from requester.display import seconds
from requester.outcomes import ADVICE, STATUS_WORDS, TABLE


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        run_main(group, arguments)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("just words", "field: value"),
        (TASK.replace("fee: 100", "fee: -1"), "fee: '-1' is not an amount"),
        (TASK.replace("metric", "metrik"), "did you mean 'metric'"),
        (TASK.replace("mlp", "gpt"), "choose one of"),
        (TASK.replace("train.npz", "../train.npz"), "out of the task's folder"),
    ],
)
def test_check__bad_task__one_line_and_exit_code_3(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    (folder / "task.yaml").write_text(content)
    code, _, err = run(capsys, "check", str(folder / "task.yaml"), "--offline")
    assert (code, err.count("\n")) == (3, 1)
    assert message in err


def test_check__no_such_file__exit_code_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check", str(folder / "nothing.yaml"), "--offline")
    assert code == 3
    assert "cannot be read" in err


def test_check__offline__tells_sizes_outcomes_and_duties(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", str(folder / "task.yaml"), "--offline")
    assert code == 0
    for words in ("40 samples, encrypted", "36 of 40", "LOST", "becomes public", "the bond is lost"):
        assert words in out


def test_check__offline_json__machine_readable(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", str(folder / "task.yaml"), "--offline", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["minimum_score"], found["test_samples"], found["tolerance"]) == (36, 40, 2)
    assert found["chain"]["asked"] is False


@pytest.mark.parametrize(
    "arguments",
    [("status", "zero"), ("status", "0"), ("download",), ("cancel", "-1"), ("watch", "--nothing"), ("submit",)],
)
def test_commands__bad_arguments__exit_code_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert run(capsys, *arguments)[0] == 2


@pytest.mark.parametrize("amount", ["-1", "nan", "1e999999999", "0", "ten"])
def test_withdraw__bad_amount__exit_code_2(capsys: pytest.CaptureFixture[str], amount: str) -> None:
    assert run(capsys, "withdraw", "--", amount)[0] == 2


def test_outcomes__every_end_of_a_round__has_words_and_advice() -> None:
    ends = set(Outcome) - {Outcome.NONE}
    assert set(TABLE) == ends
    assert set(ADVICE) == ends
    assert set(STATUS_WORDS) == set(TaskStatus)


@pytest.mark.parametrize(("left", "words"), [(0, "0:00"), (-5, "0:00"), (65.4, "1:05"), (7205, "2:00:05")])
def test_seconds__any_time_left__as_a_clock(left: float, words: str) -> None:
    assert seconds(left) == words
