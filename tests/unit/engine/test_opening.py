"""What a command finds before it begins: its chain, its data folder, its key, its IPFS node."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import ACCOUNT, FakeNode, chain_on, deployment_of

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
    def opened(with_ipfs: bool = False, with_key: bool = True, **settings: Any) -> Iterator[Context]:
        with opening.open_context(Settings(**settings), "miner", with_ipfs, with_key) as context:
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
