"""task.yaml: what a requester writes. Read as if a stranger had written it: people run strangers' examples.

Scalars are kept as text until the field that owns them reads them: amounts and shares stay exact, and YAML's
guesses (`no` → False, `1_0` → 10, `.nan`) never happen. `dlbc.plain_yaml` refuses all but mappings and text.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from dlbc.errors import InvalidTask
from dlbc.manifest import MAX_DATA_BYTES, MAX_TRAIN_SECS, METRICS, PROOFS, Manifest
from dlbc.plain_yaml import Tree, load_plain_yaml, short

__all__ = [
    "Manifest",
    "TaskFile",
    "default_tolerance",
    "load_task_file",
    "min_score",
    "most_prove_secs",
    "parse_amount",
]

DECIMALS = 18  # of the DLBC token
UNIT = 1_000_000_000_000_000_000  # base units of one DLBC
MAX_AMOUNT = (1 << 96) - 1  # base units; the contracts keep fee and bond in 96 bits
DATA_SUFFIXES = (".npz", ".safetensors")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,30})?")

_FIELDS = (
    "name",
    "data",
    "architecture",
    "metric",
    "minimum",
    "training",
    "fee",
    "bond",
    "tolerance",
    "tie_tolerance",
    "proof",
    "prove_seconds",
)
_OPTIONAL = ("bond", "tolerance", "tie_tolerance", "proof", "prove_seconds")


@dataclass(frozen=True)
class TaskFile:
    """A task as written: fields are read and paths found; data and architecture are not looked at yet.

    Attributes:
        path: the task.yaml.
        train, test: data files, resolved, inside the folder of `path`.
        architecture: "name" and its integer arguments.
        minimum: the least share of correct test samples, 0 < minimum <= 1, exact.
        train_secs: seconds that miners train.
        fee: base units.
        bond: base units; None for the least that the chain accepts.
        tolerance: samples by which honest devices may differ; None for the default of the test set's size.
        tie_tolerance: samples; None for half the tolerance.
        proof: what miners prove of their training: "none", or "trajectory".
        prove_secs: seconds that they have for it, and validators as many more; 0 where there is nothing to prove.
    """

    path: Path
    name: str
    train: Path
    test: Path
    architecture: Mapping[str, int | str]
    metric: str
    minimum: Fraction
    train_secs: int
    fee: int
    bond: int | None = None
    tolerance: int | None = None
    tie_tolerance: int | None = None
    proof: str = "none"
    prove_secs: int = 0


def load_task_file(path: Path) -> TaskFile:
    """Reads and checks a task.yaml.

    Raises:
        InvalidTask: with the field or file it is about, what was found, and what to write instead.
    """
    path = path.resolve()
    tree = load_plain_yaml(path)
    _known(tree, _FIELDS, _OPTIONAL, "")
    data = _mapping(tree["data"], "data")
    _known(data, ("train", "test"), (), "data")
    training = _mapping(tree["training"], "training")
    _known(training, ("seconds",), (), "training")
    train_secs = _integer(training["seconds"], "training.seconds", 1, MAX_TRAIN_SECS)
    proof, prove_secs = _proof(tree, train_secs)
    train, test = (_data_path(path.parent, data[part], f"data.{part}") for part in ("train", "test"))
    return TaskFile(
        path=path,
        name=_name(tree["name"]),
        train=train,
        test=test,
        architecture=_architecture(_mapping(tree["architecture"], "architecture")),
        metric=_metric(tree["metric"]),
        minimum=_minimum(tree["minimum"]),
        train_secs=train_secs,
        fee=parse_amount(_scalar(tree["fee"], "fee"), "fee"),
        bond=parse_amount(_scalar(tree["bond"], "bond"), "bond") if "bond" in tree else None,
        tolerance=_integer(tree["tolerance"], "tolerance", 2, (1 << 32) - 1) if "tolerance" in tree else None,
        tie_tolerance=_integer(tree["tie_tolerance"], "tie_tolerance", 0, (1 << 32) - 1)
        if "tie_tolerance" in tree
        else None,
        proof=proof,
        prove_secs=prove_secs,
    )


def parse_amount(text: str, where: str) -> int:
    """DLBC written in decimals → base units, exactly.

    Raises:
        InvalidTask: not a plain positive decimal, more than 18 places, or more than 96 bits.
    """
    if not _DECIMAL.fullmatch(text):
        raise InvalidTask(
            where, f"{short(text)} is not an amount of DLBC; write a positive number such as 100 or 100.5"
        )
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > DECIMALS:
        raise InvalidTask(
            where, f"{short(text)} has more than {DECIMALS} decimal places; DLBC cannot be divided further"
        )
    amount = int(whole) * UNIT + int(fraction[:DECIMALS].ljust(DECIMALS, "0"))
    if amount > MAX_AMOUNT:
        raise InvalidTask(where, f"{short(text)} DLBC is more than a task can hold; at most {MAX_AMOUNT // UNIT:,}")
    return amount


def min_score(minimum: Fraction, samples: int) -> int:
    """The least number of correct samples that reaches `minimum`, rounded up: ceil(minimum · samples).

    Raises:
        InvalidTask: the test set is too small to tell `minimum` from a perfect score.
    """
    needed = math.ceil(minimum * samples)
    if needed == samples and minimum < 1:
        best = Fraction(samples - 1, samples)
        raise InvalidTask(
            "minimum",
            f"{float(minimum):g} of {samples} test samples means all of them. Write 1 if that is meant, "
            f"{_floor_decimal(best)} or less to allow one mistake, or bring a larger test set",
        )
    return needed


def most_prove_secs(train_secs: int) -> int:
    """What the contracts allow for phase Prove (`ParameterBounds.mostProveSecs`)."""
    return train_secs // 8 + 60


def default_tolerance(samples: int) -> int:
    """Samples by which honest devices may differ; the protocol accepts no less: max(2, 0.1 % rounded up)."""
    return max(2, -(-samples // 1000))


def _known(tree: Mapping[str, Tree], fields: tuple[str, ...], optional: tuple[str, ...], where: str) -> None:
    prefix = f"{where}." if where else ""
    for key in tree:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(fields)}"
            raise InvalidTask(f"{prefix}{short(key, quote=False)}", f"is not a known field; {hint}")
    for field in fields:
        if field not in tree and field not in optional:
            raise InvalidTask(f"{prefix}{field}", "is missing; see examples/digits/task.yaml for a whole task")


def _mapping(tree: Tree, where: str) -> dict[str, Tree]:
    if isinstance(tree, str):
        raise InvalidTask(where, f"{short(tree)} is a single value; write its fields, as in examples/digits/task.yaml")
    return tree


def _scalar(tree: Tree, where: str) -> str:
    if not isinstance(tree, str):
        raise InvalidTask(where, "has fields of its own; a single value is needed")
    return tree.strip()


def _name(tree: Tree) -> str:
    name = _scalar(tree, "name")
    if not _NAME.fullmatch(name):
        _refuse("name", name, "use 1 to 64 of A-Z a-z 0-9 space . _ -, beginning with a letter or digit")
    return name


def _metric(tree: Tree) -> str:
    metric = _scalar(tree, "metric")
    if metric not in METRICS:
        _refuse("metric", metric, f"only {' and '.join(METRICS)} can be scored today")
    return metric


def _minimum(tree: Tree) -> Fraction:
    text = _scalar(tree, "minimum")
    if _DECIMAL.fullmatch(text) and 0 < Fraction(text) <= 1:
        return Fraction(text)
    hint = (
        "; for percent, divide by 100"
        if text.endswith("%") or (_DECIMAL.fullmatch(text) and Fraction(text) > 1)
        else ""
    )
    _refuse("minimum", text, f"write a share above 0 and at most 1, such as 0.95{hint}")


def _proof(tree: Mapping[str, Tree], train_secs: int) -> tuple[str, int]:
    """What miners prove, and in how many seconds: by default as many as the contracts allow."""
    proof = _scalar(tree.get("proof", "none"), "proof")
    if proof not in PROOFS:
        _refuse("proof", proof, f"choose one of {', '.join(PROOFS)}")
    if proof == "none":
        if "prove_seconds" in tree:
            raise InvalidTask("prove_seconds", "there is nothing to prove; add `proof: trajectory` or leave it out")
        return proof, 0
    most = most_prove_secs(train_secs)
    return proof, _integer(tree.get("prove_seconds", str(most)), "prove_seconds", 1, most)


def _integer(tree: Tree, where: str, least: int, most: int) -> int:
    text = _scalar(tree, where)
    if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
        _refuse(where, text, f"a whole number from {least:,} to {most:,} is needed")
    return int(text)


def _architecture(tree: Mapping[str, Tree]) -> dict[str, int | str]:
    if "name" not in tree:
        raise InvalidTask("architecture.name", "is missing; e.g. {name: resnet, depth: 8, width: 16}")
    name = _scalar(tree["name"], "architecture.name")
    if not _WORD.fullmatch(name):
        _refuse("architecture.name", name, "a name such as resnet is needed")
    found: dict[str, int | str] = {"name": name}
    for key, value in tree.items():
        if not _WORD.fullmatch(key):
            raise InvalidTask(f"architecture.{short(key, quote=False)}", "is not the name of an argument")
        if key != "name":
            found[key] = _integer(value, f"architecture.{key}", 0, 1 << 20)
    return found


def _data_path(folder: Path, tree: Tree, where: str) -> Path:
    text = _scalar(tree, where)
    if not text or "\0" in text or len(text) > 255:
        _refuse(where, text, "the name of a file beside the task is needed")
    if Path(text).is_absolute():
        _refuse(where, text, "use a path relative to the folder of the task file")
    path = Path(os.path.realpath(folder / text))
    if not path.is_relative_to(folder):
        _refuse(where, text, f"it leads out of the task's folder ({folder}); copy the file there")
    if path.suffix not in DATA_SUFFIXES:
        _refuse(where, text, f"data is read from {' or '.join(DATA_SUFFIXES)} files")
    if not path.is_file():
        _refuse(where, text, f"no such file in {folder}")
    if not 0 < path.stat().st_size <= MAX_DATA_BYTES:
        _refuse(where, text, f"{path.stat().st_size:,} bytes; 1 to {MAX_DATA_BYTES:,} are accepted")
    return path


def _refuse(where: str, found: str, needed: str) -> NoReturn:
    raise InvalidTask(where, f"{short(found)}: {needed}")


def _floor_decimal(share: Fraction) -> str:
    """`share` < 1 rounded down to four places, or as many as show a difference from 1."""
    for places in range(4, 12):
        scaled = share.numerator * 10**places // share.denominator
        if scaled and scaled < 10**places:
            break
    return f"0.{scaled:0{places}d}"
