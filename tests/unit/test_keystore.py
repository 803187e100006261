"""Keys stay encrypted and private; whatever is wrong, the message says what to do."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from dlbc import keystore
from dlbc.commands import keys
from dlbc.errors import UsageError

ONE = (1).to_bytes(32)
ONE_ADDRESS = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DLBC_PASSWORD", "DLBC_PASSWORD_FILE", "DLBC_KEYSTORE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DLBC_SCRYPT_N", "8192")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The keystore of private key 1, password "secret"."""
    return keystore.import_key(tmp_path / "keys", "one", ONE, "secret").path


def private_file(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_load_account__missing_file__says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not exist.*dlbc-keys new"):
        keystore.load_account(tmp_path / "none.json", "x")


def test_load_account__directory__names_the_files_in_it(stored: Path) -> None:
    with pytest.raises(UsageError, match=r"is a directory.*one\.json"):
        keystore.load_account(stored.parent, "secret")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_load_account__open_to_others__gives_the_chmod_to_run(stored: Path, mode: int) -> None:
    stored.chmod(mode)
    with pytest.raises(UsageError, match=rf"mode {mode:04o}.*run chmod 600 {stored}"):
        keystore.load_account(stored, "secret")


def test_load_account__wrong_password__says_so(stored: Path) -> None:
    with pytest.raises(UsageError, match="wrong password for keystore"):
        keystore.load_account(stored, "Secret")


@pytest.mark.parametrize("text", ["", "{", "\x00\xff", "[" * 10_000])
def test_load_account__not_json__says_restore(stored: Path, text: str) -> None:
    stored.write_text(text)
    with pytest.raises(UsageError, match=r"is not JSON.*restore it"):
        keystore.load_account(stored, "secret")


@pytest.mark.parametrize("text", ["[]", "{}", "1", '{"version":1}', '{"version":"3"}'])
def test_load_account__other_json__is_no_keystore(stored: Path, text: str) -> None:
    stored.write_text(text)
    with pytest.raises(UsageError, match="no keystore of version 3"):
        keystore.load_account(stored, "secret")


@pytest.mark.parametrize("address", [None, 5, "", "0x12"])
def test_load_account__no_address__says_restore(stored: Path, address: object) -> None:
    edit(stored, address=address)
    with pytest.raises(UsageError, match="names no address"):
        keystore.load_account(stored, "secret")


@pytest.mark.parametrize(
    "changes",
    [
        {"crypto": None},
        {"crypto": {}},
        {"crypto": {"kdf": "md5"}},
        {"crypto": {"kdf": "scrypt", "kdfparams": {"n": 3, "r": 8, "p": 1, "dklen": 32, "salt": "00"}}},
        {"crypto": {"kdf": "pbkdf2", "kdfparams": {"c": 1, "prf": "x", "dklen": 32, "salt": "zz"}}},
    ],
)
def test_load_account__damaged_fields__say_restore(stored: Path, changes: dict[str, Any]) -> None:
    edit(stored, **changes)
    with pytest.raises(UsageError, match="is damaged"):
        keystore.load_account(stored, "secret")


def test_load_account__address_edited__is_refused(stored: Path) -> None:
    edit(stored, address="0x" + "11" * 20)
    with pytest.raises(UsageError, match=f"holds the key of {ONE_ADDRESS}"):
        keystore.load_account(stored, "secret")


def test_load_account__oversized_file__is_refused(stored: Path) -> None:
    stored.write_text(" " * (keystore.MAX_KEYSTORE_BYTES + 1))
    with pytest.raises(UsageError, match="larger than 16384"):
        keystore.load_account(stored, "secret")


def test_load_account__named_pipe__does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json", 0o600)
    with pytest.raises(UsageError, match="not a regular file"):
        keystore.load_account(tmp_path / "pipe.json", "secret")


def test_load_account__of_import_key__has_key_and_address(stored: Path) -> None:
    account = keystore.load_account(stored, "secret")
    assert (bytes(account.key), account.address) == (ONE, ONE_ADDRESS)


def test_create__twice__makes_two_private_accounts(tmp_path: Path) -> None:
    first, second = (keystore.create(tmp_path / "keys", name, "secret") for name in "ab")
    assert first.address != second.address
    assert keystore.load_account(second.path, "secret").address == second.address
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700


def test_create__name_taken__never_overwrites(stored: Path) -> None:
    before = stored.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        keystore.create(stored.parent, "one", "secret")
    assert stored.read_bytes() == before


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x" * 65, "ä"])
def test_create__name_that_is_no_file_name__is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="keystore name"):
        keystore.create(tmp_path / "keys", name, "secret")
    assert not (tmp_path / "keys").exists()


def test_create__empty_password__is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="password is empty"):
        keystore.create(tmp_path / "keys", "a", "")


def test_create__directory_is_a_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write|exists already"):
        keystore.create(private_file(tmp_path / "file", ""), "a", "secret")


@pytest.mark.parametrize("cost", ["", "x", "0", "1", "8193", "-8192", "33554432"])
def test_create__scrypt_cost_that_is_none__is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: str
) -> None:
    monkeypatch.setenv("DLBC_SCRYPT_N", cost)
    with pytest.raises(UsageError, match="DLBC_SCRYPT_N"):
        keystore.create(tmp_path, "a", "secret")


@pytest.mark.parametrize("key", [b"", bytes(32), b"\x01" * 31, ORDER.to_bytes(32), b"\xff" * 32])
def test_import_key__no_key_of_the_curve__is_refused(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(UsageError, match="not a private key"):
        keystore.import_key(tmp_path, "a", key, "secret")


@pytest.mark.parametrize("text", ["", "0x", "00" * 31, "00" * 33, "zz" * 32, "0x0x" + "00" * 31])
def test_parse_private_key__other_text__is_refused_without_echo(text: str) -> None:
    with pytest.raises(UsageError, match="64 hex digits") as caught:
        keystore.parse_private_key(text)
    assert len(text) < 3 or text not in str(caught.value)


def test_parse_private_key__prefix_and_blanks__are_allowed() -> None:
    assert keystore.parse_private_key(" 0x" + "00" * 31 + "01\n") == ONE


def test_list_keystores__missing_directory__is_empty(tmp_path: Path) -> None:
    assert keystore.list_keystores(tmp_path / "none") == []


def test_list_keystores__stray_file__names_it(stored: Path) -> None:
    private_file(stored.parent / "stray.json", "{}")
    with pytest.raises(UsageError, match=r"stray\.json is no keystore"):
        keystore.list_keystores(stored.parent)


def test_describe__other_json_beside_it__does_not_matter(stored: Path) -> None:
    private_file(stored.parent / "stray.json", "{}")
    assert keystore.describe(stored) == keystore.Keystore("one", ONE_ADDRESS, stored)


def test_read_password__sources__are_taken_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="give --password-file"):
        keystore.read_password()
    monkeypatch.setenv("DLBC_PASSWORD", "from variable")
    assert keystore.read_password() == "from variable"
    named = private_file(tmp_path / "named", "from named file\n")
    monkeypatch.setenv("DLBC_PASSWORD_FILE", str(named))
    assert keystore.read_password() == "from named file"
    assert keystore.read_password(private_file(tmp_path / "flag", " from flag \r\n")) == " from flag "


def test_read_password__terminal__asks_and_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append(options)
        return "typed"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", prompt)
    assert keystore.read_password(confirm=True) == "typed"
    assert asked[0]["hide_input"]
    assert asked[0]["confirmation_prompt"]


def test_read_password__file_open_to_others_or_empty__is_refused(tmp_path: Path) -> None:
    shared = private_file(tmp_path / "shared", "secret")
    shared.chmod(0o644)
    with pytest.raises(UsageError, match="run chmod 600"):
        keystore.read_password(shared)
    with pytest.raises(UsageError, match="password is empty"):
        keystore.read_password(private_file(tmp_path / "empty", "\n"))
    with pytest.raises(UsageError, match=r"does not exist: check the path$"):
        keystore.read_password(tmp_path / "none")


def dlbc_keys(directory: Path, *arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(keys.group, ["--keystore-dir", str(directory), *arguments], input=text)


def test_dlbc_keys__raw_key_as_argument__has_no_such_option(tmp_path: Path) -> None:
    assert dlbc_keys(tmp_path, "import", "a", "--key", "00" * 32).exit_code == 2


def test_dlbc_keys__name_taken__is_refused_before_the_password_is_asked(stored: Path) -> None:
    for arguments in (("new", "one"), ("import", "one")):
        result = dlbc_keys(stored.parent, *arguments)
        assert isinstance(result.exception, UsageError)
        assert "exists already" in str(result.exception)


def test_dlbc_keys__import_from_file_prompt_and_stdin__give_the_same_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLBC_PASSWORD", "secret")
    key_file = private_file(tmp_path / "key", ONE.hex())
    directory = tmp_path / "keys"
    for result in (
        dlbc_keys(directory, "import", "file", "--key-file", str(key_file), "--json"),
        dlbc_keys(directory, "import", "stdin", "--key-file", "-", "--json", text=ONE.hex()),
        dlbc_keys(directory, "import", "prompt", text=ONE.hex() + "\n"),
    ):
        assert result.exit_code == 0, result.output
        assert ONE_ADDRESS in result.stdout
        assert ONE.hex() not in result.output
    listed = json.loads(dlbc_keys(directory, "list", "--json").stdout)
    assert [(entry["name"], entry["address"]) for entry in listed] == [
        (name, ONE_ADDRESS) for name in ("file", "prompt", "stdin")
    ]


def test_dlbc_keys__new_then_list__shows_the_account(tmp_path: Path) -> None:
    password = private_file(tmp_path / "password", "secret")
    assert "Make one: dlbc-keys new" in dlbc_keys(tmp_path / "keys", "list").stdout
    made = json.loads(dlbc_keys(tmp_path / "keys", "new", "a", "--password-file", str(password), "--json").stdout)
    assert keystore.load_account(Path(made["path"]), "secret").address == made["address"]
    assert made["address"] in dlbc_keys(tmp_path / "keys", "list").stdout


def test_main__user_error__is_a_message_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["dlbc-keys", "--keystore-dir", str(tmp_path), "new", "a"])
    with pytest.raises(SystemExit) as caught:
        keys.main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: no password")
    assert captured.out == ""
