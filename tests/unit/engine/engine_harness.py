"""One process on the fake chain: a sender of transactions, or a whole service, turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import structlog
from engine_fakes import ACCOUNT, HUB, Clock, FakeNode, chain_on

from dlbc.chain.abi_codec import load_abi
from dlbc.chain.contracts import Call, Committee, Hub, Lens, Token
from dlbc.chain.transactions import Transactions
from dlbc.config import Settings
from dlbc.journal import Journal, TransactionState
from dlbc.service import Action, Context, Missing, Service, StatusBoard

CALL = Call(HUB, b"\x01\x02\x03\x04", "claimModel")
OTHER = Call(HUB, b"\x05\x06\x07\x08", "showKey")
ALREADY = load_abi("DLBC").errors["AlreadyClaimed"].selector + bytes(12) + b"\x11" * 20


class Sender:
    """Chain and transactions of one process."""

    def __init__(self, node: FakeNode, journal: Journal, **options: int) -> None:
        self.chain = chain_on(node)
        self.journal = journal
        self.transactions = Transactions(self.chain, ACCOUNT, journal, **options)

    def turn(self) -> None:
        """What the loop does once a block."""
        self.chain.head()
        self.transactions.pump()

    def state(self, name: str) -> TransactionState:
        stored = self.journal.outbox.find(name)
        assert stored is not None
        return stored.state


class Harness:
    """A service on a fake chain, turned by hand; one turn is one block and one second."""

    def __init__(self, node: FakeNode, journal: Journal, folder: Path, clock: Clock | None = None) -> None:
        self.node, self.journal, self.clock = node, journal, clock or Clock()
        chain = chain_on(node, self.clock)
        self.context = Context(
            settings=Settings(),
            chain=chain,
            hub=Hub(chain),
            committee=Committee(chain),
            token=Token(chain),
            lens=Lens(chain),
            ipfs=cast(Any, Missing("no IPFS here")),
            journal=journal,
            transactions=Transactions(chain, ACCOUNT, journal),
            signer=ACCOUNT,
            account=ACCOUNT.address,
            workdir=folder,
            board=StatusBoard(folder, clock=self.clock),
            log=structlog.get_logger(),
        )
        self.actions: dict[str, Action] = {}
        self.handlers: dict[Any, Any] = {}
        self.long: set[str] = set()
        self.hooks: list[Callable[[Context], None]] = []
        self.outages: list[str] = []

    def service(self) -> Service:
        return Service(
            "tester",
            self.context,
            self.handlers,
            self.actions,
            every_block=self.hooks,
            long_actions=self.long,
            on_outage=self.outages.append,
        )

    def turns(self, service: Service, count: int) -> None:
        for _ in range(count):
            self.node.mine()
            self.clock.move(1)
            service.step()

    def duty(self, kind: str = "work") -> Any:
        row = self.journal.agenda.find(kind, 5)
        assert row is not None
        return row
