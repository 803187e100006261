"""What the three contract classes share: reading through typed results, and calls to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from dlbc.chain.abi_codec import Entry, load_abi
from dlbc.chain.client import Chain
from dlbc.errors import ChainError
from dlbc.journal.records import revive


@dataclass(frozen=True)
class Call:
    """A call to a contract, ready to be simulated, signed and sent.

    Attributes:
        what: in words, for logs.
        value: wei sent along.
    """

    to: str
    data: bytes
    what: str
    value: int = 0


class Binding:
    """One contract at one address.

    Attributes:
        block: the block whose state is read; "latest", or a number.
    """

    def __init__(self, chain: Chain, contract: str, address: str, block: int | str = "latest") -> None:
        self.address = address
        self.block = block
        self._chain = chain
        self._functions: Mapping[str, Entry] = load_abi(contract).functions

    def read(self, hint: Any, function: str, *arguments: object) -> Any:
        """A view function's result, as the type `hint`; several results as a NamedTuple.

        Raises:
            TransactionRefused: the function reverts.
            ChainError: no answer, or one that does not fit the ABI.
        """
        entry = self._functions[function]
        answer = self._chain.call(self.address, entry.encode(arguments), at=self.block)
        try:
            values = entry.decode_outputs(answer)
            return revive(hint, values[0] if len(entry.outputs) == 1 else values)
        except (DecodingError, ValueError) as error:
            raise ChainError(
                f"{self.address} does not answer {entry.signature} as expected ({error}): the deployment is "
                "of another version, or the address has no contract"
            ) from error

    def call(self, function: str, *arguments: object, what: str = "") -> Call:
        """A call for `Transactions.send`.

        Raises:
            UsageError: an argument does not fit its type.
        """
        return Call(self.address, self._functions[function].encode(arguments), what or function)
