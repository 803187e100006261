"""The writer of docs/benchmarks.md: a run of one part must not lose what the others measured."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from benchmarks import document, gpu, scale
from benchmarks.gpu_runs import Case, Scale
from benchmarks.pictures import pictures
from benchmarks.results import Result
from benchmarks.scale_plays import AXES, BASE, EVERYTHING, sizes
from benchmarks.tables import Section, Table, markdown
from benchmarks.timing import percentile, ratio, short

PARTS = ("first", "second")
MACHINE = {
    "processor": "Abacus",
    "cores": 2,
    "memory_gib": 8,
    "system": "Linux x86_64",
    "python": "3.11",
    "load": 0.5,
}


def result(part: str) -> Result:
    return Result(part, f"python -m benchmarks {part}", "2026-01-02", 3.0, MACHINE, 0.7, {})


def section(number: str) -> Section:
    return Section("A title", "Some text.", (Table("A table", ("what", "seconds"), [("a|b", number)]),))


def test_write__first_time__names_the_command_of_what_was_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    document.write(PARTS, {"first": (section("17 s"), result("first"))}, path)
    text = path.read_text(encoding="utf-8")
    assert "| a\\|b | 17 s |" in text
    assert "**A table** · `python -m benchmarks first`" in text
    assert "Not measured yet: `python -m benchmarks second`" in text


def test_write__one_part_again__leaves_the_others_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    both = {part: (section(f"{part} 17 s"), result(part)) for part in PARTS}
    document.write(PARTS, both, path)
    before = document.sections(path.read_text(encoding="utf-8"))
    document.write(PARTS, {"second": (section("18 s"), result("second"))}, path)
    after = document.sections(path.read_text(encoding="utf-8"))
    assert after["first"] == before["first"]
    assert "18 s" in after["second"] and "17 s" not in after["second"]


def test_write__twice_the_same__gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    both = {part: (section("17 s"), result(part)) for part in PARTS}
    document.write(PARTS, both, path)
    once = path.read_bytes()
    document.write(PARTS, {}, path)
    assert path.read_bytes() == once


def test_render__machine__says_where_and_how_busy() -> None:
    text = document.render(section("1 s"), result("first"))
    assert "2 cores of an Abacus, 8 GiB" in text
    assert "load average 0.5 before and 0.7 after" in text


def test_table__row_too_short__is_refused() -> None:
    with pytest.raises(ValueError, match="2 columns, but a row has 1"):
        Table("A table", ("what", "seconds"), [("a",)])


def test_markdown__note__stands_below_the_table() -> None:
    assert markdown(Table("T", ("a",), [("b",)], "A note."), "c").endswith("| b |\n\nA note.\n")


@pytest.mark.parametrize(
    ("values", "share", "expected"), [([1], 0.95, 1), (range(1, 21), 0.95, 19), (range(1, 101), 0.5, 50)]
)
def test_percentile__nearest_rank__is_one_of_the_values(values: list[int], share: float, expected: int) -> None:
    assert percentile(list(values), share) == expected


def test_ratio__one_disturbed_pair__hardly_moves_it() -> None:
    assert ratio([2.0, 2.0, 900.0], [1.0, 1.0, 1.0]) == 2.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.000_012, "12 µs"), (0.0123, "12.3 ms"), (0.999, "999 ms"), (61.24, "61.2 s"), (1234.0, "1234 s")],
)
def test_short__any_size__keeps_three_digits(seconds: float, text: str) -> None:
    assert short(seconds) == text


def test_sizes__along_the_axes__grow_one_number_at_a_time() -> None:
    *along, last = sizes()
    changed = [{axis for axis in AXES if getattr(size, axis) != getattr(BASE, axis)} for size in along]
    assert all(len(axes) <= 1 for axes in changed)
    assert changed.count(set()) == 1
    assert last == EVERYTHING and all(getattr(last, axis) == max(values) for axis, values in AXES.items())


def test_scale__one_call_that_grows__is_seen_in_its_row_and_named() -> None:
    played = [
        {"size": asdict(size), "spent": [["flat", 100], ["finalize", 100 * size.committee], ["finalize", 10]]}
        for size in sizes()
    ]
    named = {"node": "anvil", "sources": "0" * 64, "optimizer_runs": 200}
    found = scale.section(json.loads(json.dumps({"played": played, **named})))
    by_title = {table.title: table for table in found.tables}
    # of 3, 7 and 15 validators: medians 155, 355 and 755
    assert by_title["Validators of a round"].rows[1] == ["finalize", "155 / 300", "355 / 700", "755 / 1,500", "x4.87"]
    assert [row[-1] for row in by_title["Tasks in the queue"].rows] == ["x1.00", "x1.00"]
    assert by_title["Everything at once"].rows[1] == ["finalize", "155", "2", "755", "1,500", "x4.87"]
    assert "validators of a round, 3 to 15: finalize x4.87" in found.text
    assert "tasks in the queue, 0 to 4,095: flat x1.00" in found.text


def test_pictures__same_seed__same_pictures_and_others_for_the_test() -> None:
    first, again, other = (pictures(50, (1, 8, 8), 7, first=first) for first in (0, 0, 9))
    assert (first.x == again.x).all() and (first.y == again.y).all()
    assert not (first.x == other.x).all()
    assert set(first.y) <= set(range(10))


def test_gpu__processor_on_both_sides__fills_every_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part can be tried where there is no GPU, and then finds that the processor agrees with itself."""
    monkeypatch.setattr(gpu, "pick_device", lambda: (torch.device("cpu"), ""))
    monkeypatch.setattr(gpu, "threads", lambda: 1)  # more are far slower on a busy machine
    case = Case({"name": "lenet", "width": 8}, (1, 8, 8), 120, 32, 2)
    scale = Scale(test=64, window=0.01, turns=1, seeds=1, deadline=0.1)
    section = gpu.section(json.loads(json.dumps(gpu.measure((case,), (case,), scale))))
    assert "differ in 0 at most" in section.text
    assert "gave equal model files" in section.text
    assert section.tables[0].title == "Training"
    assert all(table.rows for table in section.tables)
