"""What handlers and actions are given, instead of globals."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import structlog
from eth_account.signers.local import LocalAccount

from dlbc.chain.client import Chain
from dlbc.chain.contracts import Committee, Hub, Lens, Token
from dlbc.chain.transactions import Transactions
from dlbc.config import Settings
from dlbc.errors import UsageError
from dlbc.ipfs.client import IPFS
from dlbc.journal import Journal
from dlbc.service.status import StatusBoard
from dlbc.types import same_address


class Missing:
    """Stands for what a command was opened without; any use says so."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __getattr__(self, name: str) -> NoReturn:
        raise UsageError(self._message)


@dataclass
class Context:
    """The parts of a running program.

    Attributes:
        account: whose stake, seats, models and money the program works with: the key's own address, or the
            owner who made the key his operator (`--account`). "" in commands that name nobody. Commitments, votes,
            seeds and contexts name it.
        signer: the key. It signs transactions and claims, pays their gas, and secrets derive from it.
        workdir: folder of this program, account and key: journal, IPFS repo, downloads, status.json.
        stopping: set by the first SIGTERM or SIGINT; a long action that sees it returns `Retry`.
        board: keeps status.json.
    """

    settings: Settings
    chain: Chain
    hub: Hub
    committee: Committee
    token: Token
    lens: Lens
    ipfs: IPFS
    journal: Journal
    transactions: Transactions
    account: str
    signer: LocalAccount
    workdir: Path
    board: StatusBoard
    log: Any = field(default_factory=lambda: structlog.get_logger("dlbc"))
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def is_operator(self) -> bool:
        """Whether the key works for another's account: it commits, votes and claims, and moves no money."""
        return bool(self.account) and not same_address(str(self.signer.address), self.account)

    def report(self, event: Mapping[str, Any]) -> None:
        """Says what happened, in the log and in status.json. May be called from any thread.

        Args:
            event: JSON values; "event" names it, such as {"event": "epoch", "round_id": 5}. A "level" of
                "debug" keeps it out of an ordinary log.
        """
        details = {str(key): value for key, value in event.items() if key not in ("event", "level")}
        name = str(event.get("event", "report"))
        getattr(self.log, str(event.get("level", "info")))(name, **details)
        self.board.report({"event": name, **details})
