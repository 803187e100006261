"""Which experiments are planned."""

from __future__ import annotations

import itertools

import pytest

from dlbc.errors import InvalidTask, UsageError
from dlbc.ml.attacks import ATTACKS, UNTRAINED, attack, epochs_spent
from lab import cells, tasks
from lab.networks import NETWORKS
from lab.owner import blank


def test_plan__quick__all_attacks_on_the_digits_alone() -> None:
    found = cells.plan(cells.choose([]), 1, quick=True)
    assert {cell.task for cell in found} == {"digits"}
    assert {cell.architecture for cell in found} == {"lenet", "resnet", "unet", "transformer"}
    assert {cell.attack for cell in found} > set(ATTACKS)
    assert len(found) == len(set(found))


def test_plan__in_full__both_tasks_and_thieves_of_thirty_epochs() -> None:
    found = cells.plan(cells.choose([]), 2, quick=False)
    assert {cell.task for cell in found} == {"digits", "scenes"}
    assert {cell.seed for cell in found} == {0, 1}
    assert {cell.epochs for cell in found if cell.attack == "diverge"} >= {1, 10, 30}


def test_plan__an_owners_cells__follow_one_another() -> None:
    """Otherwise each would be trained again and again."""
    places = [(cell.task, cell.architecture, cell.seed) for cell in cells.plan(cells.choose([]), 2, quick=False)]
    changes = sum(a != b for a, b in itertools.pairwise(places))
    assert changes == len(set(places)) - 1


def test_choose__words_of_each_kind__narrow_the_plan() -> None:
    found = cells.plan(cells.choose(["scenes", "mlp", "ftal+permute", "quantise"]), 1, quick=True)
    assert found == [cells.Cell("scenes", "mlp", 0, "ftal+permute", 3), cells.Cell("scenes", "mlp", 0, "quantise", 0)]


def test_choose__unknown_word__says_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"'vgg'.*tasks digits, scenes; architectures lenet.*attacks nothing"):
        cells.choose(["vgg"])


def test_epochs_spent__joined_attacks__counts_those_that_train() -> None:
    assert epochs_spent("permute+prune+quantise+ftal", 5) == 10
    with pytest.raises(InvalidTask, match="'x' is not known"):
        epochs_spent("ftal+x", 5)


@pytest.mark.parametrize("name", ATTACKS)
def test_untrained__each_attack__is_listed_just_where_it_needs_no_epoch(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trains(Exception):
        pass

    def refuse(*_: object) -> None:
        raise Trains

    monkeypatch.setattr("dlbc.ml.fit.Batches", refuse)
    task = tasks.load("digits")
    model = blank(NETWORKS["lenet"], task, 0).model
    if name in UNTRAINED:
        attack(name, model, task.train, 1, bytes(32))
    else:
        with pytest.raises(Trains):
            attack(name, model, task.train, 1, bytes(32))
