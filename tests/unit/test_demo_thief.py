"""The demonstration's thief takes any attack by name, and a wrong name costs nobody two minutes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dlbc.cli import run_main
from scripts import thief
from scripts.demo import __main__ as demo


def test_demo__unknown_thief__lists_the_attacks_and_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "Market", lambda *_: pytest.fail("a market was started"))
    monkeypatch.setattr(sys, "argv", ["demo", "--thief", "permute+melt", "--folder", str(tmp_path / "demo")])
    assert demo.main() == 3
    assert "'melt' is not known; choose of nothing, " in capsys.readouterr().out


@pytest.mark.parametrize("given", ["overwrite", "permute+quantise"])
def test_demo__a_thief_by_name__is_the_one_that_performs(
    given: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    performed = []
    monkeypatch.setattr(demo, "perform", lambda _market, _console, _seconds, method: performed.append(method))
    monkeypatch.setattr(sys, "argv", ["demo", "--thief", given, "--folder", str(tmp_path / "demo")])
    assert demo.main() == 0
    assert performed == [given]


def test_thief__unknown_method__refused_before_it_needs_a_chain(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_main(thief.main, ["--method", "melt", "--rpc-url", "http://127.0.0.1:9"])
    assert ended.value.code == 3
    assert "'melt' is not known" in capsys.readouterr().err
