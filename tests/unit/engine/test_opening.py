"""What a command finds before it begins: its chain, its data folder, its key, its IPFS node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import ACCOUNT, FakeNode, chain_on, deployment_of

from dlbc.chain.abi_codec import load_abi
from dlbc.cli import opening
from dlbc.config import Settings
from dlbc.errors import IPFSError, UsageError
from dlbc.ipfs import embedded
from dlbc.service import Context

Open = Callable[..., AbstractContextManager[Context]]


@pytest.fixture
def open_with(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(opening, "_deployment", lambda _: deployment_of(node))
    monkeypatch.setattr(opening, "Chain", lambda *_: chain_on(node))
    monkeypatch.setattr(opening, "load_account", lambda *_: ACCOUNT)
    monkeypatch.setenv("DLBC_PASSWORD", "secret")

    @contextmanager
    def opened(
        with_ipfs: bool = False, with_key: bool = True, for_others: bool = False, **settings: Any
    ) -> Iterator[Context]:
        given = Settings(**settings)
        with opening.open_context(given, "miner", with_ipfs, with_key, for_others=for_others) as context:
            yield context

    return opened


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "key-without-suffix"
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 3, "address": ACCOUNT.address}))
    path.chmod(0o600)
    return path


def test_open_context__data_folder_is_a_file__says_so(tmp_path: Path, keystore: Path, open_with: Open) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with (
            pytest.raises(UsageError, match=r"cannot be used as the data folder .*another --data-dir"),
            open_with(keystore=keystore, data_dir=folder),
        ):
            pass


def test_open_context__other_files_beside_the_keystore__not_looked_at(
    tmp_path: Path, keystore: Path, open_with: Open
) -> None:
    (keystore.parent / "package.json").write_text("{}")
    with open_with(with_key=False, keystore=keystore, data_dir=tmp_path / "data") as context:
        assert context.account == ACCOUNT.address


def test_open_context__no_such_keystore__says_so_without_a_key_too(
    tmp_path: Path, keystore: Path, open_with: Open
) -> None:
    keystore.rename(keystore.with_name("key.json"))
    (keystore.parent / "package.json").write_text("{}")
    for path, message in (
        (tmp_path / "none.json", "does not exist"),
        (keystore.parent, "is a directory; name one keystore file in it .*key.json"),
    ):
        with pytest.raises(UsageError, match=message), open_with(with_key=False, keystore=path):
            pass


OWNER = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
OTHER = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"


def appointed(node: FakeNode, operator: str) -> None:
    """What the chain says of every account's operator."""
    selector = load_abi("DLBC").functions["operatorOf"].selector
    node.answers[selector] = bytes(12) + bytes.fromhex(operator.removeprefix("0x"))


def test_open_context__own_key__is_no_operator(tmp_path: Path, keystore: Path, open_with: Open) -> None:
    for account in (None, ACCOUNT.address, ACCOUNT.address.lower()):
        with open_with(keystore=keystore, data_dir=tmp_path / "d", account=account) as context:
            assert context.account.lower() == ACCOUNT.address.lower()
            assert context.signer is ACCOUNT
            assert not context.is_operator


def test_open_context__anothers_account_for_a_command_that_moves_money__refused(
    node: FakeNode, tmp_path: Path, keystore: Path, open_with: Open
) -> None:
    appointed(node, ACCOUNT.address)
    with (
        pytest.raises(UsageError, match=rf"{ACCOUNT.address} is not the key of {OWNER}.*moves no money"),
        open_with(keystore=keystore, data_dir=tmp_path / "d", account=OWNER),
    ):
        pass
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(("operator", "named"), [(OTHER, OTHER), ("0x" + "00" * 20, "none")])
def test_open_context__chain_names_another_operator__refused_with_what_to_do(
    node: FakeNode, tmp_path: Path, keystore: Path, open_with: Open, operator: str, named: str
) -> None:
    appointed(node, operator)
    words = rf"may not work for {OWNER}: .* operator is {named}\..*setOperator\({ACCOUNT.address}\)"
    with (
        pytest.raises(UsageError, match=words),
        open_with(keystore=keystore, data_dir=tmp_path / "d", account=OWNER, for_others=True),
    ):
        pass
    assert not (tmp_path / "d").exists()


def test_open_context__operator__works_for_the_account_with_its_own_key(
    node: FakeNode, keystore: Path, open_with: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appointed(node, ACCOUNT.address)
    monkeypatch.setattr(opening.platformdirs, "user_data_dir", lambda _: str(tmp_path))
    with open_with(keystore=keystore, account=OWNER, for_others=True) as context:
        assert (context.account, context.signer.address, context.is_operator) == (OWNER, ACCOUNT.address, True)
        assert context.transactions.address == ACCOUNT.address
        assert context.workdir == tmp_path / "miner" / f"{OWNER}-by-{ACCOUNT.address}"
        # Beside it, another process may look, with nothing but the keystore's name.
        with open_with(with_key=False, keystore=keystore, account=OWNER) as watching:
            assert (watching.account, watching.workdir) == (OWNER, context.workdir)
    with open_with(keystore=keystore) as own:
        assert own.workdir == tmp_path / "miner" / ACCOUNT.address


def test_open_context__same_folder_for_two_accounts__refused(
    node: FakeNode, tmp_path: Path, keystore: Path, open_with: Open
) -> None:
    """Duties of one account must not be done for another."""
    appointed(node, ACCOUNT.address)
    with open_with(keystore=keystore, data_dir=tmp_path / "d"):
        pass
    with (
        pytest.raises(UsageError, match=rf"this journal's address is {ACCOUNT.address}, .* is {OWNER}"),
        open_with(keystore=keystore, data_dir=tmp_path / "d", account=OWNER, for_others=True),
    ):
        pass


def test_open_context__account_without_a_keystore__can_be_looked_at(tmp_path: Path, open_with: Open) -> None:
    with open_with(with_key=False, account=OWNER, data_dir=tmp_path / "d") as context:
        assert context.account == OWNER


class Node:
    """A daemon that somebody else runs, and one peer that does not answer."""

    asked: tuple[str, str | None] = ("", None)

    def __init__(self, url: str, token: str | None = None) -> None:
        Node.asked = (url, token)
        self.url = url

    def version(self) -> str:
        return "0.30.0"

    def connect(self, multiaddr: str) -> None:
        raise IPFSError(f"{multiaddr} does not answer")


def test_open_context__ipfs_url_and_token_in_the_environment__both_used(
    tmp_path: Path, keystore: Path, open_with: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "IPFS", Node)
    monkeypatch.setenv("DLBC_IPFS_TOKEN", "a token")
    url = "http://127.0.0.1:5001"
    with open_with(True, keystore=keystore, data_dir=tmp_path / "d", ipfs_url=url, ipfs_peers=("/away",)) as context:
        assert isinstance(context.ipfs, Node)  # a peer that is away does not matter
    assert Node.asked == (url, "a token")
