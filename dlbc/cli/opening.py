"""From settings to a working context: chain, contracts, key, journal and IPFS, closed again at its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import platformdirs
import structlog
from eth_account.signers.local import LocalAccount

from dlbc.chain.client import Chain, Head, chain_id_of
from dlbc.chain.contracts import Committee, Hub, Lens, Token
from dlbc.chain.deployment import Deployment, deployment_path, load_deployment
from dlbc.chain.transactions import Transactions
from dlbc.config import DEVELOPMENT_CHAINS, Settings
from dlbc.errors import ChainError, UsageError
from dlbc.ipfs.client import IPFS
from dlbc.ipfs.embedded import open_ipfs
from dlbc.journal import Identity, Journal
from dlbc.keystore import describe, load_account, read_password
from dlbc.service import Context, Missing, StatusBoard
from dlbc.types import ZERO_ADDRESS, same_address

MAX_HEAD_AGE = 1800.0  # seconds at the start; later, `Service` watches that blocks arrive
JOURNAL_NAME = "journal.sqlite"

log = structlog.get_logger("dlbc")


@contextmanager
def open_context(
    settings: Settings, program: str, with_ipfs: bool = True, with_key: bool = True, *, for_others: bool = False
) -> Iterator[Context]:
    """The parts of a program, checked: the right chain, contracts that are there, a journal of this key.

    Args:
        program: names the data folder, such as "miner".
        with_ipfs: False for commands that need no files.
        with_key: False for commands that only look: the journal, if there is one, is then opened read-only
            beside its running program.
        for_others: whether an operator's key will do: for what commits and votes, not for what moves money.

    Raises:
        UsageError: settings, keystore, deployment file or journal cannot be used.
        ChainError: the chain cannot be used.
        IPFSError: the IPFS node cannot be used.
    """
    deployment = _deployment(settings)
    chain = Chain(settings.rpc_url, deployment)
    chain.verify()
    _refuse_stale(chain.head(), deployment)
    if deployment.other_abis:
        names = ", ".join(deployment.other_abis)
        log.warning("contracts_differ", contracts=names, hint="deployed from another version than this dlbc")
    key = _key(settings) if with_key else None
    signer = key_address(settings) if key is None else str(key.address)
    account = settings.account or signer
    if key is not None and not same_address(account, signer):
        _refuse_stranger(Hub(chain), account, signer, for_others)
    workdir = data_dir_of(settings, program, account, signer)
    genesis = "0x" + deployment.genesis_hash.hex()
    identity = Identity(deployment.chain_id, genesis, deployment.hub, account, signer)
    with ExitStack() as stack:
        journal = _journal(workdir / JOURNAL_NAME, identity, write=with_key)
        stack.callback(journal.close)
        ipfs: Any = Missing("this command was started without IPFS")
        if with_ipfs:
            ipfs = stack.enter_context(open_node(settings, deployment, workdir / "ipfs"))
        no_key = Missing(f"this needs a key: give --keystore to {program}")
        transactions: Any = no_key
        if key is not None:
            confirmations = settings.confirmations_on(deployment.chain_id)
            transactions = Transactions(chain, key, journal, confirmations=confirmations)
        yield Context(
            settings=settings,
            chain=chain,
            hub=Hub(chain),
            committee=Committee(chain),
            token=Token(chain),
            lens=Lens(chain),
            ipfs=ipfs,
            journal=journal,
            transactions=transactions,
            account=account,
            signer=key if key is not None else cast(LocalAccount, no_key),
            workdir=workdir,
            board=StatusBoard(workdir, program=program, address=account, chain_id=deployment.chain_id),
            log=log.bind(program=program),
        )


def open_node(settings: Settings, deployment: Deployment, repo: Path) -> AbstractContextManager[IPFS]:
    """The daemon that the settings name, or a node of its own on `repo`, which knows the settings' and the deployment's
    peers.

    Raises:
        IPFSError: it cannot be used.
    """
    peers = list(dict.fromkeys((*settings.ipfs_peers, *deployment.ipfs_peers)))
    return open_ipfs(settings.ipfs_url, repo, peers=peers)


def data_dir_of(settings: Settings, program: str, account: str, signer: str = "") -> Path:
    """The folder of a program, an account, and the key that works for it.

    Args:
        signer: the key's address; "" for the account's own.
    """
    if settings.data_dir is not None:
        return settings.data_dir
    name = account if not signer or same_address(account, signer) else f"{account}-by-{signer}"
    return Path(platformdirs.user_data_dir("dlbc")) / program / (name or "watch")


def key_address(settings: Settings) -> str:
    """The address that the keystore file claims, "" where none is given. Needs no password, and proves nothing.

    Raises:
        UsageError: there is no such file, or it is no keystore.
    """
    return "" if settings.keystore is None else describe(settings.keystore).address


def _deployment(settings: Settings) -> Deployment:
    given = settings.deployment
    if given is not None and not given.is_dir():
        return load_deployment(given)
    return load_deployment(deployment_path(given, chain_id_of(settings.rpc_url)))


def _refuse_stale(head: Head, deployment: Deployment) -> None:
    """A node that lags for hours answers every question with the past. Development chains may stand still."""
    age = time.time() - head.timestamp
    if age > MAX_HEAD_AGE and deployment.chain_id not in DEVELOPMENT_CHAINS:
        raise ChainError(
            f"the node's newest block {head.number} is {age / 60:.0f} minutes old: it is syncing, or cut off from its "
            "peers; wait, or use another --rpc-url"
        )


def _refuse_stranger(hub: Hub, account: str, signer: str, for_others: bool) -> None:
    """Before anything is sent or stored: an operator whom the owner replaced finds out now, not at his first vote."""
    if not for_others:
        raise UsageError(
            f"{signer} is not the key of {account}, and this command needs that key: an operator commits and votes, "
            "but moves no money and takes no seat. Give --keystore the account's own, or leave --account out"
        )
    operator = hub.operator_of(account)
    if not same_address(operator, signer):
        named = "none" if operator == ZERO_ADDRESS else operator
        raise UsageError(
            f"{signer} may not work for {account}: the chain says that its operator is {named}. "
            f"Its owner must call setOperator({signer}) first; or leave --account (DLBC_ACCOUNT) out"
        )


def _key(settings: Settings) -> LocalAccount:
    if settings.keystore is None:
        raise UsageError("no key: give --keystore (DLBC_KEYSTORE) an encrypted key file; make one with dlbc-keys new")
    return load_account(settings.keystore, read_password(settings.password_file))


def _journal(path: Path, identity: Identity, *, write: bool) -> Journal:
    if write:
        try:
            return Journal.open(path, identity)
        except OSError as error:  # a file in the folder's place, or a folder of somebody else
            raise UsageError(
                f"{path.parent}: cannot be used as the data folder ({error.strerror or error}): "
                "make it writable, or choose another --data-dir"
            ) from error
    return Journal.read_only(path, identity) if path.exists() else Journal.in_memory(identity)
