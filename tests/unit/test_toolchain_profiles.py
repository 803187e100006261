"""Parameter files say amounts in DLBC and times in seconds, and nothing that a struct does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dlbc.chain.contracts.views import Economy
from dlbc.errors import UsageError
from scripts import profiles

DLBC = 10**18


@pytest.fixture
def content() -> dict[str, Any]:
    """The development profile, to be damaged."""
    values = yaml.safe_load((profiles.FOLDER / "development.yaml").read_text(encoding="utf-8"))
    assert isinstance(values, dict)
    return values


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(content: Any) -> profiles.Profile:
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content))
        return profiles.load(str(path))

    return load


def test_load__fields_in_any_order__come_in_the_structs(content: dict[str, Any], load: Any) -> None:
    fields = ["settle", "guard", "key", "claim", "show", "voteCommit", "voteReveal", "appeal"]
    content["timing"] = {f"{name}Secs": number for number, name in reversed(list(enumerate(fields)))}
    assert load(content).timing == tuple(range(8))


def test_load__amounts__are_in_base_units(content: dict[str, Any], load: Any) -> None:
    content |= {"genesis_supply": "1000000"}
    content["economy"] |= {"feeUnit": "0.5", "minerUnit": "10"}
    content["limits"]["slotFeePerSec"] = "0.001"
    profile = load(content)
    assert profile.genesis_supply == 1_000_000 * DLBC
    assert profile.economy[:2] == (DLBC // 2, 10 * DLBC)
    assert profile.limits[4] == DLBC // 1000


@pytest.mark.parametrize("name", sorted(file.stem for file in profiles.FOLDER.glob("*.yaml")))
def test_load__every_profile__outlasts_its_longest_round(name: str) -> None:
    profile = profiles.load(name)
    settle, guard, key, *of_each_epoch = profile.timing
    longest = settle + profile.limits[1] + guard + key + 3 * sum(of_each_epoch)
    assert profile.limits[3] > longest


@pytest.mark.parametrize("name", sorted(file.stem for file in profiles.FOLDER.glob("*.yaml")))
def test_load__every_profile__pays_the_winner_most(name: str) -> None:
    economy = Economy(*profiles.load(name).economy)
    others = (economy.second_bps, economy.third_bps, economy.parent_bps)
    assert 10_000 - economy.burn_bps - economy.validator_bps - sum(others) > max(others)
    assert economy.kappa_bps <= 9000
    assert economy.committee_size % 2 == 1
    assert economy.quorum * 2 > economy.committee_size >= economy.quorum


def test_load__unknown_name__lists_the_known() -> None:
    with pytest.raises(UsageError, match="no profile 'mainnet': name one of development, standard"):
        profiles.load("mainnet")


@pytest.mark.parametrize("missing", ["genesis_supply", "timing", "economy", "limits"])
def test_load__section_missing__is_named(content: dict[str, Any], load: Any, missing: str) -> None:
    del content[missing]
    with pytest.raises(UsageError, match=f"{missing}' is missing"):
        load(content)


def test_load__field_missing__is_named(content: dict[str, Any], load: Any) -> None:
    del content["timing"]["keySecs"]
    with pytest.raises(UsageError, match=r"timing\.keySecs is missing"):
        load(content)


def test_load__field_that_the_struct_lacks__is_refused(content: dict[str, Any], load: Any) -> None:
    content["economy"]["finderBps"] = 1
    with pytest.raises(UsageError, match="economy has no field finderBps"):
        load(content)


@pytest.mark.parametrize("amount", [0.1, 5, True, "ten", "-1", "NaN", "inf", "0.1234567890123456789", None])
def test_load__amount_that_is_not_exact__is_refused(content: dict[str, Any], load: Any, amount: object) -> None:
    content["economy"]["feeUnit"] = amount
    with pytest.raises(UsageError, match=r"economy\.feeUnit is .*, not a quoted amount of DLBC"):
        load(content)


@pytest.mark.parametrize("seconds", ["30", 1.5, True, None])
def test_load__time_that_is_not_an_integer__is_refused(content: dict[str, Any], load: Any, seconds: object) -> None:
    content["timing"]["keySecs"] = seconds
    with pytest.raises(UsageError, match=r"timing\.keySecs is .*, not an integer"):
        load(content)


def test_load__smallest_amount__is_one_base_unit(content: dict[str, Any], load: Any) -> None:
    content["economy"]["feeUnit"] = "0.000000000000000001"
    assert load(content).economy[0] == 1


@pytest.mark.parametrize("text", ["- a list", "just text", ""])
def test_load__not_a_mapping__is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match="not a mapping"):
        profiles.load(str(path))
