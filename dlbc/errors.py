"""One tree for every failure that a user, a peer or a chain can cause.

Each message says what was found, what was expected, and what to do about it. A program prints the message and
exits with `exit_code`; a traceback means a defect of ours, never bad input.
"""

from __future__ import annotations


class DLBCError(Exception):
    """Root of all failures expected in normal operation.

    Attributes:
        exit_code: what a command line program returns to its shell (documented in README).
    """

    exit_code = 1


class UsageError(DLBCError):
    """The user's flags, environment, configuration file or keystore cannot be used as given."""

    exit_code = 2


class InvalidTask(DLBCError):
    """A task.yaml, a manifest or the data beside it breaks a rule; `where` names the field or file."""

    exit_code = 3

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where


class InvalidArtifact(DLBCError):
    """Bytes from a stranger (ciphertext, model file, data file) are not what was announced."""

    exit_code = 4


class ChainError(DLBCError):
    """The chain cannot be used: unreachable, another chain id or genesis, no contract at the address, stale head."""

    exit_code = 5


class TransactionRefused(ChainError):
    """The contracts refuse a call; the message is the decoded custom error in words.

    Attributes:
        error: the Solidity error's name, "" when it carried none.
        arguments: its decoded arguments, in order.
    """

    def __init__(self, message: str, error: str = "", arguments: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.error = error
        self.arguments = arguments


class IPFSError(DLBCError):
    """The IPFS node cannot be used, or content cannot be had from it."""

    exit_code = 6


class ContentUnavailable(IPFSError):
    """A CID did not arrive in the time or size allowed. It may arrive later: worth another try."""


class ContentInvalid(IPFSError):
    """What arrived for a CID is not it, is larger than allowed, or is not a plain file. Final: do not try again."""
