"""One value of each struct, with fields that differ from one another so that a swapped pair shows."""

from __future__ import annotations

import random

from dlbc.types import BlockHeader, ModelCommitment, TaskSpec, Vote
from dlbc.wire.typed_data import Domain

# The accounts of the private keys 1 and 2, which anybody can recompute.
MINER_KEY = (1).to_bytes(32)
MINER = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
REQUESTER_KEY = (2).to_bytes(32)
REQUESTER = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"
HUB = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
DOMAIN = Domain(31337, HUB)


def repeatable_random(seed: int) -> random.Random:
    """The same numbers in every run."""
    return random.Random(seed)  # noqa: S311  # a test needs repeatable numbers, not secret ones


def word(byte: int) -> bytes:
    """32 equal bytes."""
    return bytes([byte]) * 32


SPEC = TaskSpec(
    requester=REQUESTER,
    manifest=word(0x11),
    key_hash=word(0x12),
    flops=1_000_003,
    net_bytes=311_296,
    data_bytes=123_456,
    score_max=360,
    min_score=300,
    tol=4,
    tie_tol=2,
    modes=0,
    train_secs=60,
    prove_secs=0,
    fee=25 * 10**18,
    bond=5 * 10**18,
    nonce=7,
)
COMMITMENT = ModelCommitment(
    round_id=3,
    anchor=word(0x21),
    spec_hash=word(0x22),
    model_hash=word(0x23),
    artifact=word(0x24),
    artifact_bytes=311_412,
    key_hash=word(0x25),
    watermark=word(0x26),
    trajectory=bytes(32),
    parent=bytes(32),
    payload_root=word(0x29),
    miner=MINER,
    salt=word(0x2A),
)
HEADER = BlockHeader(
    version=1,
    height=2,
    parent=word(0x31),
    anchor=word(0x32),
    round_id=3,
    spec_hash=word(0x33),
    commitment=word(0x34),
    model_hash=word(0x35),
    score=351,
    score_max=360,
    vote_root=word(0x36),
    miner=MINER,
    payload_root=word(0x37),
    emission=10**18,
    chain_score=123_456_789,
    timestamp=1_700_000_000,
)
VOTE = Vote(
    round_id=3,
    epoch=1,
    pos=2,
    validator="0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69",  # of the private key 3
    word=0x0102030405060708090A0B0C0D0E0F10,
    eval_root=word(0x41),
    salt=word(0x42),
)
