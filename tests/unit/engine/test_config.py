"""Settings: which layer wins, and what a file may not say."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dlbc.cli import chain_options, option, run_main
from dlbc.config import MAX_CONFIG_BYTES, Settings, read_config
from dlbc.errors import InvalidTask, UsageError

KNOWN = {"rpc_url", "min_fee"}


@click.group()
def group() -> None:
    """A program."""


@group.command()
@option("--min-fee", type=int, default=1)
@chain_options
def run(settings: Settings, min_fee: int) -> None:
    click.echo(f"{','.join(settings.rpc_url)} {settings.confirmations} {min_fee} {settings.ipfs_peers}")


@group.command()
@option("--other", type=int, default=1)
def unrelated(other: int) -> None:
    raise InvalidTask("task.yaml: fee", f"{other} is too low")


@group.command()
@chain_options
def whose(settings: Settings) -> None:
    click.echo(settings.account)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rpc_ur: x", "unknown setting 'rpc_ur'; known are min_fee, rpc_url"),
        ("- a\n- b", "expected lines such as"),
        ("rpc_url: {a: b}", "expected a value or a list of values, found a mapping"),
        ("min_fee: [1, 2]", "min_fee: expected one value, found a list"),
        ("rpc_url: [[a]]", "found a list"),
        ("rpc_url: a\nrpc-url: b", "given twice"),
        ("rpc_url: !!python/object/apply:os.getpid []", "not YAML"),
        ("rpc_url: [", "not YAML"),
        ("x" * (MAX_CONFIG_BYTES + 1), "larger than"),
    ],
)
def test_read_config__bad_file__refused(config: Path, content: str, message: str) -> None:
    config.write_text(content)
    with pytest.raises(UsageError, match=r"config\.yaml") as raised:
        read_config(config, KNOWN, {"rpc_url"})
    assert message in str(raised.value)


def test_read_config__missing__refused(config: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read .No such file"):
        read_config(config, KNOWN)


def test_read_config__named_pipe__refused_without_waiting(config: Path) -> None:
    os.mkfifo(config)
    with pytest.raises(UsageError, match=r"config\.yaml: not a regular file"):
        read_config(config, KNOWN)


def test_read_config__empty_and_null__no_settings(config: Path) -> None:
    config.write_text("# nothing\n")
    assert read_config(config, KNOWN) == {}
    config.write_text("rpc-url:\nmin_fee: 3\n")
    assert read_config(config, KNOWN) == {"min_fee": 3}


def test_layers__flag_over_environment_over_file_over_default(config: Path) -> None:
    config.write_text("rpc_url: [http://file:1, http://file:2]\nmin-fee: 2\nother: 5\n")
    runner = CliRunner()
    arguments = ["run", "--config", str(config)]
    default = runner.invoke(group, ["run"], env={"DLBC_RPC_URL": None})
    assert default.output == "http://127.0.0.1:8545 None 1 ()\n"
    assert runner.invoke(group, arguments).output == "http://file:1,http://file:2 None 2 ()\n"
    environment = {"DLBC_MIN_FEE": "3", "DLBC_RPC_URL": "http://env:1", "DLBC_IPFS_PEERS": "/a, /b"}
    assert runner.invoke(group, arguments, env=environment).output == "http://env:1 None 3 ('/a', '/b')\n"
    flags = [*arguments, "--min-fee", "4", "--rpc-url", "http://flag:1,http://flag:2"]
    assert runner.invoke(group, flags, env=environment).output.startswith("http://flag:1,http://flag:2 None 4")


def test_layers__config_by_environment__read(config: Path) -> None:
    config.write_text("min_fee: 9")
    assert CliRunner().invoke(group, ["run"], env={"DLBC_CONFIG": str(config)}).output.split()[2] == "9"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("poll_seconds: .nan", "nan is not a number of seconds"),
        ("poll_seconds: [1, 2]", "poll_seconds: expected one value"),
        ("keystore: [a, b]", "keystore: expected one value"),
        ("confirmations: soon", "'soon' is not a valid integer"),
        ("json: perhaps", "'perhaps' is not a valid boolean"),
        ("keystore: ~nobody-of-that-name/key.json", "home directory"),
        ("version: true", "unknown setting 'version'"),
    ],
)
def test_layers__value_of_another_kind__refused_in_words(
    config: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    config.write_text(content)
    with pytest.raises(SystemExit) as raised:
        run_main(group, ["run", "--config", str(config)])
    assert raised.value.code == 2
    assert message in capsys.readouterr().err


def test_layers__number_for_a_path__a_path(config: Path) -> None:
    config.write_text("data_dir: 2026")
    assert CliRunner().invoke(group, ["run", "--config", str(config)]).exit_code == 0


def test_confirmations_on__default__none_on_development_chains_only() -> None:
    assert (Settings().confirmations_on(31337), Settings().confirmations_on(1)) == (0, 1)
    assert Settings(confirmations=3).confirmations_on(31337) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["unrelated"], 3, "Error: task.yaml: fee: 1 is too low"),
        (["run", "--min-fee", "x"], 2, "not a valid integer"),
        (["nothing"], 2, "No such command"),
        (["run"], 0, ""),
        (["run", "--help"], 0, ""),
    ],
)
def test_run_main__failure__message_and_exit_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    with pytest.raises(SystemExit) as raised:
        run_main(group, arguments)
    assert raised.value.code == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_run_main__interrupted__130(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as raised:
        run_main(interrupted, [])
    assert raised.value.code == 130


ADDRESS = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


@pytest.mark.parametrize("text", ["0x1234", "7E5F", ADDRESS.replace("B", "b"), "me"])
def test_account__not_an_address__refused_by_name(text: str) -> None:
    result = CliRunner().invoke(group, ["whose", "--account", text])
    assert result.exit_code == 2
    assert "is not an address: 0x and 40 hex digits" in result.output


@pytest.mark.parametrize("line", [f"account: {ADDRESS}", f'account: "{ADDRESS.lower()}"', f"account: '{ADDRESS}'"])
def test_account__in_the_file_with_or_without_quotes__is_read(config: Path, line: str) -> None:
    """YAML takes one without quotes for a number."""
    config.write_text(line)
    result = CliRunner().invoke(group, ["whose", "--config", str(config)])
    assert result.output.strip() == ADDRESS


def test_account__in_the_environment__is_read() -> None:
    result = CliRunner().invoke(group, ["whose"], env={"DLBC_ACCOUNT": ADDRESS.lower()})
    assert result.output.strip() == ADDRESS
