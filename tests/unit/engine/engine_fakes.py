"""A chain without sockets: blocks, logs, a pool and reorganisations in memory, behind web3's provider interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from eth_abi.abi import encode
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.providers.base import BaseProvider

from dlbc.chain.abi_codec import load_abi, type_of
from dlbc.chain.client import Chain
from dlbc.chain.deployment import Deployment
from dlbc.chain.provider import ChainUnavailable
from dlbc.journal import Identity

CHAIN_ID = 31337
HUB = "0x1111111111111111111111111111111111111111"
COMMITTEE = "0x2222222222222222222222222222222222222222"
TOKEN = "0x3333333333333333333333333333333333333333"
ACCOUNT = Account.from_key(b"\x01" * 32)
GENESIS_TIME = 1_000_000


class Crash(BaseException):
    """The process dies here."""


class Clock:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.value = 500.0

    def __call__(self) -> float:
        return self.value

    def move(self, seconds: float) -> None:
        self.value += seconds


@dataclass
class Mined:
    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    logs: list[dict[str, Any]] = field(default_factory=list)
    transactions: list[dict[str, Any]] = field(default_factory=list)


def log_of(event: str, *arguments: object) -> dict[str, Any]:
    """Topics and data of one of our events, arguments in the order of its declaration."""
    entry = {**load_abi("DLBC").events, **load_abi("Committee").events}[event]
    topics, types, values = [entry.topic], [], []
    for parameter, value in zip(entry.inputs, arguments, strict=True):
        if parameter["indexed"]:
            topics.append(encode([type_of(parameter)], [value]))
        else:
            types.append(type_of(parameter))
            values.append(value)
    return {"topics": topics, "data": encode(types, values)}


class FakeNode(BaseProvider):
    """A node and its chain.

    Attributes:
        pool: transactions by nonce, as decoded dictionaries with "raw" and "hash".
        answers: what calls return, by the function's selector; others return nothing.
        refuse: revert bytes for every call and estimate, None for success.
        max_range: longest range of blocks that eth_getLogs serves.
        on_send: called with the raw bytes before the node sees them.
        sent: all raw bytes that arrived.
        hidden: hashes whose receipts it does not know yet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [Mined(0, keccak(b"genesis"), bytes(32), GENESIS_TIME)]
        self.pool: dict[int, dict[str, Any]] = {}
        self.answers: dict[bytes, bytes] = {}
        self.refuse: bytes | None = None
        self.fail_in_block: bool = False
        self.down = False
        self.max_range: int | None = None
        self.on_send: Callable[[bytes], None] = lambda raw: None
        self.on_logs: Callable[[], None] = lambda: None
        self.sent: list[bytes] = []
        self.hidden: set[bytes] = set()
        self.requests: list[tuple[str, Any]] = []
        self.code = True
        self.chain_id = CHAIN_ID
        self.base_fee = 10**9
        self.balance = 10**18

    # What a test does to the chain

    def mine(self, *logs: dict[str, Any], salt: bytes = b"", include: bool = True) -> Mined:
        """Appends a block one second later with `logs`, and with the pool's transactions in nonce order."""
        parent = self.blocks[-1]
        number = parent.number + 1
        block = Mined(number, keccak(parent.hash + salt), parent.hash, parent.timestamp + 1)
        while include and self.used_nonces() + len(block.transactions) in self.pool:
            transaction = self.pool.pop(self.used_nonces() + len(block.transactions))
            block.transactions.append(transaction | {"status": 0 if self.fail_in_block else 1})
        for index, log in enumerate(logs):
            block.logs.append(
                log
                | {
                    "address": HUB,
                    "blockNumber": number,
                    "blockHash": block.hash,
                    "logIndex": index,
                    "transactionHash": bytes(32),
                    "transactionIndex": 0,
                    "removed": False,
                }
            )
        self.blocks.append(block)
        return block

    def mine_empty(self, count: int) -> None:
        for _ in range(count):
            self.mine()

    def fork(self, number: int) -> None:
        """Cuts the chain back to `number`; the lost transactions are nowhere."""
        del self.blocks[number + 1 :]

    def used_nonces(self) -> int:
        return sum(len(block.transactions) for block in self.blocks)

    # JSON-RPC

    def make_request(self, method: Any, params: Any) -> Any:
        if self.down:
            raise ChainUnavailable("http://fake: connection refused or lost")
        self.requests.append((method, params))
        try:
            return {"jsonrpc": "2.0", "id": 1, "result": getattr(self, method)(*params)}
        except Refused as error:
            fault: dict[str, Any] = {"code": error.code, "message": error.message}
            if error.data is not None:
                fault["data"] = "0x" + error.data.hex()
            return {"jsonrpc": "2.0", "id": 1, "error": fault}

    def eth_chainId(self) -> str:
        return hex(self.chain_id)

    def eth_getCode(self, address: str, _block: Any) -> str:
        return "0x00" if self.code else "0x"

    def eth_getBlockByNumber(self, number: Any, _full: bool) -> Any:
        if number in ("latest", "pending"):
            block = self.blocks[-1]
        else:
            index = int(number, 16)
            if index >= len(self.blocks):
                return None
            block = self.blocks[index]
        return {
            "number": hex(block.number),
            "hash": HexBytes(block.hash).to_0x_hex(),
            "parentHash": HexBytes(block.parent).to_0x_hex(),
            "timestamp": hex(block.timestamp),
            "baseFeePerGas": hex(self.base_fee),
            "extraData": "0x",
        }

    def eth_getLogs(self, query: Any) -> Any:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if self.max_range is not None and last - first + 1 > self.max_range:
            raise Refused(-32005, "query returned more than 10000 results")
        found = [_log(log) for block in self.blocks[first : last + 1] for log in block.logs]
        self.on_logs()
        return found

    def eth_call(self, request: Any, _block: Any) -> str:
        self._refuse()
        selector = bytes(HexBytes(request["data"]))[:4]
        return "0x" + self.answers.get(selector, b"").hex()

    def eth_estimateGas(self, _request: Any, *_block: Any) -> str:
        self._refuse()
        return hex(50_000)

    def eth_maxPriorityFeePerGas(self) -> str:
        return hex(10**8)

    def eth_getBalance(self, _address: str, _block: Any) -> str:
        return hex(self.balance)

    def eth_getTransactionCount(self, _address: str, block: str) -> str:
        used = self.used_nonces()
        while block == "pending" and used in self.pool:
            used += 1
        return hex(used)

    def eth_sendRawTransaction(self, raw: str) -> str:
        data = bytes(HexBytes(raw))
        self.on_send(data)
        self.sent.append(data)
        transaction = TypedTransaction.from_bytes(HexBytes(data)).as_dict() | {"raw": data, "hash": keccak(data)}
        nonce = int(transaction["nonce"])
        waiting = self.pool.get(nonce)
        if nonce < self.used_nonces():
            raise Refused(-32000, "nonce too low")
        if waiting is not None and waiting["hash"] == transaction["hash"]:
            raise Refused(-32000, "already known")
        if waiting is not None and transaction["maxFeePerGas"] * 10 < waiting["maxFeePerGas"] * 11:
            raise Refused(-32000, "replacement transaction underpriced")
        self.pool[nonce] = transaction
        return HexBytes(transaction["hash"]).to_0x_hex()

    def eth_getTransactionReceipt(self, tx_hash: Any) -> Any:
        for block in self.blocks:
            for transaction in block.transactions:
                if transaction["hash"] == bytes(HexBytes(tx_hash)) and transaction["hash"] not in self.hidden:
                    return {
                        "transactionHash": HexBytes(tx_hash).to_0x_hex(),
                        "blockNumber": hex(block.number),
                        "blockHash": HexBytes(block.hash).to_0x_hex(),
                        "gasUsed": hex(40_000),
                        "status": hex(transaction["status"]),
                        "logs": [],
                    }
        return None

    def _refuse(self) -> None:
        if self.refuse is not None:
            raise Refused(3, "execution reverted", self.refuse)


class Refused(Exception):
    def __init__(self, code: int, message: str, data: bytes | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def _log(log: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": log["address"],
        "topics": [HexBytes(topic).to_0x_hex() for topic in log["topics"]],
        "data": HexBytes(log["data"]).to_0x_hex(),
        "blockNumber": hex(log["blockNumber"]),
        "blockHash": HexBytes(log["blockHash"]).to_0x_hex(),
        "logIndex": hex(log["logIndex"]),
        "transactionHash": HexBytes(log["transactionHash"]).to_0x_hex(),
        "transactionIndex": "0x0",
        "removed": False,
    }


def deployment_of(node: FakeNode) -> Deployment:
    return Deployment(CHAIN_ID, node.blocks[0].hash, 1, HUB, COMMITTEE, TOKEN)


def chain_on(node: FakeNode, clock: Clock | None = None) -> Chain:
    return Chain(("http://fake",), deployment_of(node), provider=node, clock=clock or Clock())


def identity_of(node: FakeNode) -> Identity:
    return Identity(CHAIN_ID, "0x" + node.blocks[0].hash.hex(), HUB, ACCOUNT.address)


def offline(*_: Any, **__: Any) -> None:
    raise requests.ConnectionError("unit tests open no sockets")
