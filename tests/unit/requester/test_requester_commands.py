"""The command line: what a person types wrong ends in one line and an exit code, never in a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from requester_world import TASK

from dlbc.chain.contracts import Factors, Task
from dlbc.chain.contracts.lens import QueuePage, Score, TaskView
from dlbc.cli import run_main
from dlbc.types import ZERO_BYTES32, Outcome, TaskStatus
from requester.cli import group
from requester.commands.queue import as_json, in_words, ranked
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
    [
        ("appeal",),
        ("appeal", "0"),
        ("queue", "-n", "0"),
        ("status", "zero"),
        ("status", "0"),
        ("download",),
        ("cancel", "-1"),
        ("watch", "--nothing"),
        ("submit",),
    ],
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


ME = "0x" + "44" * 20
PART = 1 << 32


def waiting(task_id: int, status: TaskStatus = TaskStatus.QUEUED) -> TaskView:
    task = Task(ZERO_BYTES32, ME, 60, status, 1000, 1, 0)
    score = Score(total=10 * PART, flops=5 * PART, net=2 * PART, data=-PART, fee=3 * PART, ageing=PART)
    return TaskView(task_id, task, Factors(1, 1, 1, 1, 1, 1, 1), score)


class TwoPages:
    """A queue whose second page is asked for by what the first one says."""

    def queue(self, below: int, n: int) -> QueuePage:
        if below == 0:
            return QueuePage((waiting(7), waiting(5, TaskStatus.CANCELLED)), 77)
        assert below == 77
        return QueuePage((waiting(6),), 0)


def test_queue__several_pages__all_that_wait_in_order_without_the_cancelled() -> None:
    assert [item.task_id for item in ranked(TwoPages())] == [7, 6]  # type: ignore[arg-type]


def test_queue__words__parts_that_add_up_and_whose_task_it_is() -> None:
    lines = in_words([waiting(7), waiting(6)], 2, {6}).splitlines()
    assert lines[2].split() == ["1", "7", "10.0", "5.0", "2.0", "-1.0", "3.0", "1.0", ME]
    assert lines[3].split()[-1] == "you"


def test_queue__nothing_waits__says_so() -> None:
    assert "no task waits" in in_words([], 0, set())


def test_queue__json__amounts_as_text() -> None:
    found = as_json(waiting(7), True)
    assert (found["score"], found["mine"], found["parts"]["data"]) == (str(10 * PART), True, str(-PART))
