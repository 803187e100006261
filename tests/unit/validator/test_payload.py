"""What a vote says of payloads: the round's batch or nothing."""

from __future__ import annotations

from dataclasses import replace

from dlbc.keeper import NO_COMMITMENT
from dlbc.types import ZERO_BYTES32
from dlbc.wire.vote_word import TaskFlag
from validator import payload

BATCH = b"b" * 32


def test_faults__neither_batch_nor_nothing__flagged_by_position() -> None:
    roots = (BATCH, ZERO_BYTES32, b"x" * 32, BATCH, b"y" * 32)
    commitments = [replace(NO_COMMITMENT, payload_root=root) for root in roots]
    assert payload.faults(commitments, BATCH) == TaskFlag.PAYLOAD_BAD_2 | TaskFlag.PAYLOAD_BAD_4
    assert payload.faults(commitments[:1], ZERO_BYTES32) == TaskFlag.PAYLOAD_BAD_0


def test_faults__batch_is_not_known_here__blames_nobody() -> None:
    assert payload.faults([replace(NO_COMMITMENT, payload_root=BATCH)], None) == TaskFlag.NONE
