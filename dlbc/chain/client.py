"""The EVM chain as a program sees it: checked to be the right one, its head, its clock, its logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.base import BaseProvider

from dlbc.chain.deployment import Deployment
from dlbc.chain.provider import ChainUnavailable, FailoverProvider
from dlbc.chain.refusals import revert_reason
from dlbc.errors import ChainError


@dataclass(frozen=True)
class Head:
    """The newest block.

    Attributes:
        timestamp: chain seconds.
        parent: hash of the block before.
        base_fee: wei per gas, 0 on a chain without EIP-1559.
        received_at: when we first saw it, on the local monotonic clock.
    """

    number: int
    hash: bytes
    timestamp: int
    parent: bytes
    base_fee: int
    received_at: float


class WrongChain(ChainError):
    """The node serves another chain than the deployment's. Final: waiting does not help."""


class RPCRefused(ChainError):
    """The node answers a request with an error.

    Attributes:
        text: the node's message.
        code: its JSON-RPC code, 0 if it gave none.
    """

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(f"the node refuses: {text}" + (f" (code {code})" if code else ""))
        self.text = text
        self.code = code


@contextmanager
def translated() -> Iterator[None]:
    """Turns web3's exceptions into ours.

    Raises:
        TransactionRefused: a call reverted.
        RPCRefused: the node refused the request for another reason.
        ChainUnavailable: no answer.
    """
    try:
        yield
    except ContractLogicError as error:
        raise revert_reason(error) from error
    except Web3Exception as error:
        response = getattr(error, "rpc_response", None) or {}
        fault = response.get("error") if isinstance(response, dict) else None
        if isinstance(fault, dict):
            raise RPCRefused(str(fault.get("message", "")), int(fault.get("code") or 0)) from error
        raise RPCRefused(str(error)) from error
    except requests.RequestException as error:
        raise ChainUnavailable(f"no answer from the node ({error})") from error


class Chain:
    """One EVM chain with our contracts on it.

    Attributes:
        w3: for what this class has no method for; its ENS is off.
        latest: the head as last read, None before the first.
    """

    def __init__(
        self,
        rpc_urls: Sequence[str],
        deployment: Deployment,
        *,
        provider: BaseProvider | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deployment = deployment
        self.latest: Head | None = None
        self._clock = clock
        self._provider = provider or FailoverProvider(rpc_urls)
        self.w3 = connect(self._provider)
        if isinstance(self._provider, FailoverProvider):
            self._provider.on_switch = self.verify

    def verify(self) -> None:
        """Makes sure that the node serves the deployment's chain.

        Raises:
            WrongChain: another chain id or genesis.
        ChainError: no code at an address, or no answer.
        """
        expected = self.deployment
        with translated():
            chain_id = self.w3.eth.chain_id
        if chain_id != expected.chain_id:
            raise WrongChain(
                f"the node serves chain {chain_id}, but the deployment is on chain {expected.chain_id}: "
                "use that chain's --rpc-url, or this chain's --deployment"
            )
        genesis = self.block_hash(0)
        if genesis != expected.genesis_hash:
            raise WrongChain(
                f"the node serves chain {chain_id} with genesis {_short(genesis)}, but the deployment was "
                f"made on one with genesis {_short(expected.genesis_hash)}: a development chain that was "
                "started anew needs a new deployment"
            )
        for name in ("hub", "committee", "token"):
            address = getattr(expected, name)
            with translated():
                code = self.w3.eth.get_code(address)
            if not code:
                raise ChainError(
                    f"no contract at {address}, where the deployment has the {name}: the node may still be "
                    "syncing, or the deployment file is of another chain"
                )

    def head(self) -> Head:
        """Reads the newest block.

        Raises:
            ChainUnavailable: no answer.
        """
        with translated():
            block = self.w3.eth.get_block("latest")
        found = _head(block, self._clock())
        if self.latest is None or self.latest.hash != found.hash:
            self.latest = found
        return self.latest

    def now(self) -> float:
        """Estimated chain time in seconds: the newest block's timestamp, and the time since it arrived.

        Asks the node only the first time.
        """
        head = self.latest or self.head()
        return head.timestamp + (self._clock() - head.received_at)

    def silence(self) -> float:
        """Seconds since a new block last arrived."""
        return 0.0 if self.latest is None else self._clock() - self.latest.received_at

    def header(self, number: int) -> Head | None:
        """The block at that height, None if there is none yet."""
        with translated():
            try:
                block = self.w3.eth.get_block(number)
            except BlockNotFound:
                return None
        return _head(block, self._clock())

    def block_hash(self, number: int) -> bytes | None:
        """The hash of the canonical block at that height, None if there is none."""
        header = self.header(number)
        return None if header is None else header.hash

    def logs(self, first: int, last: int, addresses: Sequence[str]) -> list[Any]:
        """Logs of the closed range of blocks, in order.

        Raises:
            RPCRefused: the range is too long for the provider, or another refusal.
        """
        query: Any = {"fromBlock": first, "toBlock": last, "address": list(addresses)}
        with translated():
            logs = self.w3.eth.get_logs(query)
        return sorted(logs, key=lambda log: (log["blockNumber"], log["logIndex"]))

    def receipt(self, tx_hash: bytes) -> Any | None:
        """A transaction's receipt, None while it is not in a block."""
        with translated():
            try:
                return self.w3.eth.get_transaction_receipt(HexBytes(tx_hash))
            except TransactionNotFound:
                return None

    def call(self, to: str, data: bytes, *, sender: str | None = None, value: int = 0, at: Any = "latest") -> bytes:
        """What the call would return in block `at`, without sending anything.

        Raises:
            TransactionRefused: it would revert.
        """
        request: Any = {"to": to, "data": data, "value": value} | ({"from": sender} if sender else {})
        with translated():
            return bytes(self.w3.eth.call(request, at))

    def use_next_endpoint(self) -> bool:
        """Goes on with another RPC endpoint; False if there is only one."""
        if isinstance(self._provider, FailoverProvider) and len(self._provider.urls) > 1:
            self._provider.rotate()
            return True
        return False


def connect(provider: BaseProvider) -> Web3:
    """A web3 without ENS and CCIP-read, that can read proof-of-authority headers."""
    # CCIP-read would let a contract's answer make this machine open any URL.
    provider.global_ccip_read_enabled = False
    w3 = Web3(provider)
    w3.ens = None  # web3's own way to turn it off
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return w3


def chain_id_of(rpc_urls: Sequence[str]) -> int:
    """The chain id that the node names, before a deployment is known.

    Raises:
        ChainUnavailable: no answer.
    """
    with translated():
        return int(connect(FailoverProvider(rpc_urls)).eth.chain_id)


def _head(block: Any, received_at: float) -> Head:
    return Head(
        number=int(block["number"]),
        hash=bytes(block["hash"]),
        timestamp=int(block["timestamp"]),
        parent=bytes(block["parentHash"]),
        base_fee=int(block.get("baseFeePerGas") or 0),
        received_at=received_at,
    )


def _short(digest: bytes | None) -> str:
    return "none" if digest is None else "0x" + digest.hex()[:12] + "…"
