"""scripts/govern.py: what a governor, a guardian and a stranger are told, and that nothing is sent in vain."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from round_play import wait_until

from scripts import deploy as deploying
from scripts import govern, profiles

DELAY = 600


@pytest.fixture
def chain_with_delay(
    accounts: Any, profile: profiles.Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, DLBC: Any
) -> Any:
    """A hub of its own, recorded where the script looks for it."""
    roles = dataclasses.replace(profile.governance, delay_secs=DELAY)
    made = deploying.deploy(accounts[15], dataclasses.replace(profile, governance=roles))
    deploying.write(made, tmp_path / "31337.json")
    monkeypatch.setenv("DLBC_DEPLOYMENT", str(tmp_path))
    return DLBC.at(made.hub)


@pytest.fixture
def act_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    return lambda account: monkeypatch.setattr(govern, "deployer", lambda: account)


@pytest.fixture
def dearer(tmp_path: Path) -> str:
    """The development profile with another fee unit, long enough to unbond under the tests' parameters."""
    text = (profiles.FOLDER / "development.yaml").read_text(encoding="utf-8")
    path = tmp_path / "dearer.yaml"
    path.write_text(text.replace('feeUnit: "0.5"', 'feeUnit: "0.75"'), encoding="utf-8")
    return str(path)


def test_govern__stranger__is_told_that_he_may_not(
    chain_with_delay: Any, act_as: Any, stranger: Any, dearer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    act_as(stranger)
    before = stranger.nonce
    for command in (lambda: govern.schedule(dearer), lambda: govern.execute(dearer)):
        with pytest.raises(SystemExit, match="is not a governor of this hub"):
            command()
    with pytest.raises(SystemExit, match="is not a guardian of this hub"):
        govern.pause("60")
    with pytest.raises(SystemExit, match="there is nothing to cancel"):
        govern.cancel(dearer)
    govern.show()
    shown = capsys.readouterr().out
    assert f"Account {stranger.address} may set parameters: never" in shown
    assert "It may pause: never" in shown
    assert "economy.feeUnit: 0.5 DLBC" in shown
    assert stranger.nonce == before


def test_govern__governor__announces_waits_and_sets(
    chain_with_delay: Any, act_as: Any, governor: Any, dearer: str, capsys: pytest.CaptureFixture[str], chain: Any
) -> None:
    act_as(governor)
    with pytest.raises(SystemExit, match="not announced, or it is too long ago"):
        govern.execute(dearer)
    govern.schedule(dearer)
    assert "economy.feeUnit: 0.5 DLBC -> 0.75 DLBC" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="announced already: execute them from"):
        govern.schedule(dearer)
    with pytest.raises(SystemExit, match=r"may be set from .* on: try again then"):
        govern.execute(dearer)
    wait_until(chain[-1].timestamp + DELAY)
    govern.execute(dearer)
    assert "Set: version 2" in capsys.readouterr().out
    assert (chain_with_delay.version(), chain_with_delay.economy()["feeUnit"]) == (2, 75 * 10**16)
    with pytest.raises(SystemExit, match="goes by the parameters of 'dearer' already"):
        govern.execute(dearer)


def test_govern__governor_and_guardian__take_an_announcement_back(
    chain_with_delay: Any, act_as: Any, governor: Any, guardian: Any, stranger: Any, dearer: str
) -> None:
    act_as(governor)
    govern.schedule(dearer)
    govern.cancel(dearer)
    govern.schedule(dearer)
    act_as(stranger)
    with pytest.raises(SystemExit, match="is not a guardian"):
        govern.cancel(dearer, str(governor))
    act_as(guardian)
    with pytest.raises(SystemExit, match="'nobody' is not an address"):
        govern.cancel(dearer, "nobody")
    govern.cancel(dearer, str(governor))
    act_as(governor)
    with pytest.raises(SystemExit, match="not announced"):
        govern.execute(dearer)


def test_govern__parameters_out_of_bounds__are_refused_before_the_delay(
    chain_with_delay: Any, act_as: Any, governor: Any, dearer: str
) -> None:
    path = Path(dearer)
    path.write_text(path.read_text(encoding="utf-8").replace('tip: "0.02"', 'tip: "5"'), encoding="utf-8")
    act_as(governor)
    before = governor.nonce
    with pytest.raises(SystemExit, match="the parameter tip is out of its bounds"):
        govern.schedule(dearer)
    assert governor.nonce == before


def test_govern__guardian__pauses_and_ends_it(
    chain_with_delay: Any, act_as: Any, guardian: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    act_as(guardian)
    with pytest.raises(SystemExit, match=r"'1\.5' is not a number of seconds"):
        govern.pause("1.5")
    with pytest.raises(SystemExit, match="a pause of 604801 s is longer than the 604800 s allowed"):
        govern.pause("604801")
    govern.pause("3600")
    assert "Everything that has begun goes on" in capsys.readouterr().out
    assert chain_with_delay.pausedUntil() > 0
    govern.show()
    assert "Paused until" in capsys.readouterr().out
    govern.pause("0")
    govern.show()
    assert "Not paused" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="the next pause may begin at"):
        govern.pause("60")


def test_govern__no_delay__sets_at_once(
    deployment: Any, hub: Any, act_as: Any, governor: Any, dearer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploying.write(deployment, tmp_path / "31337.json")
    monkeypatch.setenv("DLBC_DEPLOYMENT", str(tmp_path))
    act_as(governor)
    with pytest.raises(SystemExit, match="no delay applies to this account: `execute` sets"):
        govern.schedule(dearer)
    govern.execute(dearer)
    assert hub.economy()["feeUnit"] == 75 * 10**16


def test_govern__wrong_arguments__are_explained(chain_with_delay: Any, act_as: Any, governor: Any) -> None:
    act_as(governor)
    with pytest.raises(SystemExit, match=r"see the head of scripts/govern\.py"):
        govern.pause()
    with pytest.raises(SystemExit, match="no profile 'grand': name one of development, standard"):
        govern.schedule("grand")
