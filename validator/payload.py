"""Whether a candidate's payload is the round's inbox batch. A wrong one costs its miner nothing but the payload."""

from __future__ import annotations

from collections.abc import Sequence

from dlbc.types import ZERO_BYTES32, ModelCommitment
from dlbc.wire.vote_word import TaskFlag, payload_bad


def faults(commitments: Sequence[ModelCommitment], expected: bytes | None) -> TaskFlag:
    """A flag for each candidate, by position, who would carry something else.

    Args:
        expected: the root over the round's batch; None where it is not known here, and nobody is blamed.
    """
    flags = TaskFlag.NONE
    for position, commitment in enumerate(commitments):
        if expected is not None and commitment.payload_root not in (ZERO_BYTES32, expected):
            flags |= payload_bad(position)
    return flags
