"""task.yaml: hostile files first, then exact numbers."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from dlbc.errors import InvalidTask
from dlbc.task import UNIT, default_tolerance, load_task_file, min_score, parse_amount

GOOD = """\
name: handwritten-digits
data: {train: train.npz, test: test.npz}
architecture: {name: resnet, depth: 8, width: 16}
metric: accuracy
minimum: 0.95
training: {seconds: 40}
fee: 100
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    for name in ("train.npz", "test.npz"):
        (folder / name).write_bytes(b"data")
    return folder


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "task.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("fee: 100", "feee: 100", "feee", "did you mean 'fee'"),
        ("fee: 100", "fee: 100\nzzz: 1", "zzz", "the fields are name, data"),
        ("fee: 100", "", "fee", "is missing"),
        ("fee: 100", "fee: -1", "fee", "positive number"),
        ("fee: 100", "fee: .nan", "fee", "not an amount"),
        ("fee: 100", "fee: .inf", "fee", "not an amount"),
        ("fee: 100", "fee: 1e3", "fee", "not an amount"),
        ("fee: 100", "fee: 0x10", "fee", "not an amount"),
        ("fee: 100", "fee: 1_000", "fee", "not an amount"),
        ("fee: 100", "fee: {a: 1}", "fee", "a single value is needed"),
        ("fee: 100", "fee: 1.0000000000000000001", "fee", "18 decimal places"),
        ("fee: 100", "fee: 79228162515", "fee", "at most 79,228,162,514"),
        ("fee: 100", "fee: " + "9" * 5000, "fee", "not an amount"),
        ("fee: 100", "fee: &x 100", "task.yaml", "anchors"),
        ("fee: 100", "fee: *x", "task.yaml", "aliases"),
        ("fee: 100", "fee: !!python/object/apply:os.system [id]", "task.yaml", "the tag"),
        ("fee: 100", "fee: !!float 100", "task.yaml", "the tag"),
        ("fee: 100", "fee: 100\nfee: 1", "task.yaml", "'fee' is written twice"),
        ("fee: 100", "fee: 100\n---\nfee: 1", "task.yaml", "second document"),
        ("fee: 100", "fee: [100]", "task.yaml", "lists are not used"),
        ("fee: 100", "fee: {a: {b: {c: {d: {e: 1}}}}}", "task.yaml", "nested too deeply"),
        ("fee: 100", "fee: " + "[" * 5000, "task.yaml", "lists are not used"),
        ("fee: 100", "fee: 'open", "task.yaml", "not valid YAML"),
        ("fee: 100", "fee: 100\n\tbond: 1", "task.yaml", "line 8"),
        ("fee: 100", "fee: 100\nbond: -0.5", "bond", "positive number"),
        ("fee: 100", "fee: 100\ntolerance: 1", "tolerance", "2 to"),
        ("fee: 100", "fee: 100\ntie_tolerance: 1.5", "tie_tolerance", "whole number"),
        ("fee: 100", "fee: 100\nproof: work", "proof", "choose one of none, trajectory"),
        ("fee: 100", "fee: 100\nprove_seconds: 10", "prove_seconds", "nothing to prove"),
        ("fee: 100", "fee: 100\nproof: trajectory\nprove_seconds: 0", "prove_seconds", "from 1 to 65"),
        ("fee: 100", "fee: 100\nproof: trajectory\nprove_seconds: 66", "prove_seconds", "from 1 to 65"),
        ("0.95", "0", "minimum", "above 0 and at most 1"),
        ("0.95", "-0.1", "minimum", "above 0"),
        ("0.95", "1.01", "minimum", "divide by 100"),
        ("0.95", "95%", "minimum", "divide by 100"),
        ("0.95", ".nan", "minimum", "such as 0.95"),
        ("seconds: 40", "seconds: 0", "training.seconds", "whole number from 1"),
        ("seconds: 40", "seconds: 40.5", "training.seconds", "whole number"),
        ("seconds: 40", "secs: 40", "training.secs", "did you mean 'seconds'"),
        ("{seconds: 40}", "40", "training", "write its fields"),
        ("depth: 8", "depth: " + "9" * 400, "architecture.depth", "whole number"),
        ("depth: 8", "depth: true", "architecture.depth", "whole number"),
        ("name: resnet, ", "", "architecture.name", "is missing"),
        ("name: resnet", "name: ../resnet", "architecture.name", "a name such as resnet"),
        ("accuracy", "f1", "metric", "only accuracy"),
        ("handwritten-digits", "../../etc", "name", "beginning with a letter"),
        ("handwritten-digits", "a" * 65, "name", "1 to 64"),
        ("handwritten-digits", '"\\x1b[2J"', "name", "1 to 64"),
        ("train: train.npz", "train: ../outside.npz", "data.train", "out of the task's folder"),
        ("train: train.npz", "train: /etc/passwd", "data.train", "relative to the folder"),
        ("train: train.npz", "train: missing.npz", "data.train", "no such file"),
        ("train: train.npz", "train: .", "data.train", "npz or .safetensors"),
        ("train: train.npz", "train: ''", "data.train", "the name of a file"),
        ("train: train.npz", "train: train.pkl", "data.train", ".npz or .safetensors"),
        ("train: train.npz, ", "", "data.train", "is missing"),
    ],
)
def test_load_task_file__bad_field__says_where_and_what(
    folder: Path, old: str, new: str, where: str, message: str
) -> None:
    (folder.parent / "outside.npz").write_bytes(b"secret")
    assert GOOD.count(old) == 1
    with pytest.raises(InvalidTask) as caught:
        load_task_file(write(folder, GOOD.replace(old, new)))
    assert caught.value.where == where
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"- a\n- b\n", "lists are not used"),
        (b"just text", "field: value"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a: \x00", "not valid YAML"),
        (b"x" * 16_385, "larger than 16,384 bytes"),
        (b"a: 1\n" + b"".join(b"k%d: 1\n" % i for i in range(300)), "far more entries"),
        (b"a: &a [x]\n" + b"b: [*a, *a, *a, *a, *a, *a, *a]\n", "anchors"),
        (b"? {a: b}\n: c\n", "nested too deeply"),
    ],
)
def test_load_task_file__not_a_task__says_what_it_is(folder: Path, content: bytes, message: str) -> None:
    with pytest.raises(InvalidTask, match=message):
        load_task_file(write(folder, content))


def test_load_task_file__missing__names_the_file(folder: Path) -> None:
    with pytest.raises(InvalidTask, match=r"nowhere\.yaml: cannot be read"):
        load_task_file(folder / "nowhere.yaml")


def test_load_task_file__folder_instead_of_file__refused(folder: Path) -> None:
    with pytest.raises(InvalidTask, match="is not a regular file"):
        load_task_file(folder)


def test_load_task_file__named_pipe__refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    with pytest.raises(InvalidTask, match=r"pipe\.yaml: is not a regular file"):
        load_task_file(folder / "pipe.yaml")


@pytest.mark.parametrize("link_folder", [False, True])
def test_load_task_file__symlink_out_of_folder__refused(folder: Path, link_folder: bool) -> None:
    outside = folder.parent / "elsewhere"
    outside.mkdir()
    (outside / "secret.npz").write_bytes(b"secret")
    (folder / "link").symlink_to(outside if link_folder else outside / "secret.npz")
    if not link_folder:
        (folder / "link").rename(folder / "link.npz")
    text = "link/secret.npz" if link_folder else "link.npz"
    with pytest.raises(InvalidTask, match="out of the task's folder"):
        load_task_file(write(folder, GOOD.replace("train.npz", text)))


def test_load_task_file__empty_data_file__refused(folder: Path) -> None:
    (folder / "test.npz").write_bytes(b"")
    with pytest.raises(InvalidTask, match=r"data\.test: .*0 bytes"):
        load_task_file(write(folder, GOOD))


def test_load_task_file__good__every_field_is_exact(folder: Path) -> None:
    text = GOOD.replace("fee: 100", "fee: 100.5\nbond: 0.000000000000000001\ntolerance: 4\ntie_tolerance: 0")
    task = load_task_file(write(folder, text))
    assert (task.name, task.metric, task.train_secs) == ("handwritten-digits", "accuracy", 40)
    assert task.architecture == {"name": "resnet", "depth": 8, "width": 16}
    assert task.minimum == Fraction(95, 100)
    assert (task.fee, task.bond) == (100_500_000_000_000_000_000, 1)
    assert (task.tolerance, task.tie_tolerance) == (4, 0)
    assert (task.train, task.test) == (folder.resolve() / "train.npz", folder.resolve() / "test.npz")


def test_load_task_file__byte_order_mark_and_optional_fields_left_out__accepted(folder: Path) -> None:
    task = load_task_file(write(folder, b"\xef\xbb\xbf" + GOOD.encode()))
    assert (task.bond, task.tolerance, task.tie_tolerance) == (None, None, None)


def test_load_task_file__yaml_would_guess_a_bool__stays_text(folder: Path) -> None:
    assert load_task_file(write(folder, GOOD.replace("handwritten-digits", "no"))).name == "no"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("100.5", 100 * UNIT + UNIT // 2),
        ("0.1", UNIT // 10),
        ("1.10000000000000000000", UNIT + UNIT // 10),
        ("79228162514.264337593543950335", 2**96 - 1),
    ],
)
def test_parse_amount__decimal__exact_to_the_last_unit(text: str, amount: int) -> None:
    assert parse_amount(text, "fee") == amount


def test_parse_amount__one_unit_over_96_bits__refused() -> None:
    with pytest.raises(InvalidTask, match="more than a task can hold"):
        parse_amount("79228162514.264337593543950336", "fee")


@pytest.mark.parametrize(
    ("minimum", "samples", "expected"),
    [("0.95", 360, 342), ("0.951", 360, 343), ("1", 360, 360), ("0.0001", 360, 1), ("0.1", 10, 1)],
)
def test_min_score__share_of_samples__rounded_up(minimum: str, samples: int, expected: int) -> None:
    assert min_score(Fraction(minimum), samples) == expected


def test_min_score__finer_than_one_sample__refused_with_the_nearest_value() -> None:
    with pytest.raises(InvalidTask, match=r"0\.999 of 360 .* 0\.9972 or less"):
        min_score(Fraction("0.999"), 360)
    assert min_score(Fraction("0.9972"), 360) == 359


@pytest.mark.parametrize(("samples", "tol"), [(10, 2), (2000, 2), (2001, 3), (10_000, 10), (10_001, 11)])
def test_default_tolerance__samples__a_thousandth_rounded_up_and_at_least_two(samples: int, tol: int) -> None:
    assert default_tolerance(samples) == tol


@pytest.mark.parametrize(
    ("lines", "proof", "seconds"),
    [
        ("", "none", 0),
        ("proof: none\n", "none", 0),
        ("proof: trajectory\n", "trajectory", 65),
        ("proof: trajectory\nprove_seconds: 12\n", "trajectory", 12),
    ],
)
def test_load__proof__has_as_long_as_the_contracts_allow_unless_said(
    folder: Path, lines: str, proof: str, seconds: int
) -> None:
    task = load_task_file(write(folder, GOOD + lines))
    assert (task.proof, task.prove_secs) == (proof, seconds)
