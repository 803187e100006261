"""An account's operator is changed by its owner, once, in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from engine_fakes import ACCOUNT, HUB

from dlbc.errors import UsageError
from dlbc.operators import appoint
from dlbc.types import ZERO_ADDRESS

OWNER, OTHER = ACCOUNT.address, HUB


class Owner:
    """Attributes:
    sent: names and calls.
    said: words for the person.
    """

    def __init__(self, operator: str) -> None:
        self.sent: list[tuple[str, object]] = []
        self.said: list[str] = []
        self.context: Any = SimpleNamespace(
            account=OWNER,
            hub=SimpleNamespace(operator_of=lambda _: operator, set_operator=lambda given: ("set_operator", given)),
            transactions=SimpleNamespace(
                fresh_name=lambda prefix, _: f"{prefix}/1",
                send_and_wait=lambda name, call, _: self.sent.append((name, call)),
            ),
        )

    def appoint(self, operator: str) -> None:
        appoint(self.context, operator, self.said.append)


def test_appoint__the_account_itself__refused() -> None:
    owner = Owner(ZERO_ADDRESS)
    with pytest.raises(UsageError, match="is the account itself"):
        owner.appoint(OWNER.lower())
    assert owner.sent == []


@pytest.mark.parametrize(("operator", "words"), [(OTHER, "works for it already"), (ZERO_ADDRESS, "nobody works")])
def test_appoint__nothing_to_change__sends_nothing(operator: str, words: str) -> None:
    owner = Owner(operator)
    owner.appoint(operator)
    assert owner.sent == []
    assert words in owner.said[0]


def test_appoint__another__sends_and_says_what_he_may() -> None:
    owner = Owner(ZERO_ADDRESS)
    owner.appoint(OTHER)
    assert owner.sent == [("operator/1", ("set_operator", OTHER))]
    assert owner.said == [f"{OTHER} may commit, vote and claim for {OWNER}; it moves no money"]


def test_appoint__nobody__sends_and_names_who_worked() -> None:
    owner = Owner(OTHER)
    owner.appoint(ZERO_ADDRESS)
    assert owner.sent == [("operator/1", ("set_operator", ZERO_ADDRESS))]
    assert owner.said[0].startswith(f"{OTHER} no longer works for {OWNER}")
