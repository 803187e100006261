"""One round's structs, manifest to block, with fields that differ so that a swapped pair shows."""

from __future__ import annotations

from typing import Any

from dlbc import artifact
from dlbc.ipfs.cid import digest_to_cid
from dlbc.ipfs.unixfs import FileHasher
from dlbc.types import BlockHeader, ModelClaim, ModelCommitment, Struct, TaskSpec, Vote, camel_case
from dlbc.wire import canonical, derivation, fees, merkle, ranking, typed_data, vote_word
from dlbc.wire.typed_data import Domain
from dlbc.wire.vote_word import SKIPPED, CandidateFlag, CandidateVote, TaskFlag

# The accounts of the private keys 1 to 3; the hub is where a fresh Anvil account would deploy first.
MINER, MINER_KEY = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", (1).to_bytes(32)
REQUESTER, REQUESTER_KEY = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF", (2).to_bytes(32)
VALIDATOR, VALIDATOR_KEY = "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69", (3).to_bytes(32)
CHAIN_ID, HUB = 31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3"
DOMAIN = Domain(CHAIN_ID, HUB)
NONCE, ROUND_ID = 7, 3

WEIGHTS = ranking.Weights(flops=4, net=2, data=1, fee=8)
RATES = fees.FeeRates(burn=1000, validator=1000, second=500, third=500, parent=300)


def repeated(byte: int) -> bytes:
    """32 equal bytes, which a reader recognises."""
    return bytes([byte]) * 32


TEST_KEY = derivation.derive(REQUESTER_KEY, CHAIN_ID, HUB, NONCE, derivation.TEST_KEY)
MODEL_KEY = derivation.derive(MINER_KEY, CHAIN_ID, HUB, ROUND_ID, derivation.MODEL_KEY)

MANIFEST = {
    "version": 1,
    "name": "handwritten-digits",
    "architecture": {"name": "resnet", "depth": 8, "width": 16},
    "input_shape": [1, 8, 8],
    "classes": 10,
    "metric": "accuracy",
    "training": {"seconds": 40},
    "init": {"mode": "own"},
    "proof": "none",
    "model": {"parameters": 77706, "max_bytes": 400000},
    "data": {
        "train": {
            "shards": [{"cid": digest_to_cid(repeated(1)), "bytes": 380000, "sha256": repeated(2).hex()}],
            "samples": 1437,
        },
        "test": {
            "cid": digest_to_cid(repeated(3)),
            "bytes": artifact.cipher_size(96000),
            "plain_bytes": 96000,
            "sha256": repeated(4).hex(),
            "samples": 360,
            "samples_root": repeated(5).hex(),
        },
    },
}


def cid_digest(content: bytes) -> bytes:
    """The digest of a file's CIDv0."""
    hasher = FileHasher()
    hasher.update(content)
    return hasher.digest()


SPEC = TaskSpec(
    requester=REQUESTER,
    manifest=cid_digest(canonical.dumps(MANIFEST)),
    key_hash=derivation.key_hash(TEST_KEY),
    flops=1_000_003,
    net_bytes=400_000,
    data_bytes=380_000 + artifact.cipher_size(96_000),
    score_max=360,
    min_score=300,
    tol=4,
    tie_tol=2,
    modes=0,
    train_secs=40,
    prove_secs=0,
    fee=25 * 10**18,
    bond=5 * 10**18,
    nonce=NONCE,
)
COMMITMENT = ModelCommitment(
    round_id=ROUND_ID,
    anchor=repeated(0x21),
    spec_hash=typed_data.spec_hash(SPEC),
    model_hash=repeated(0x22),
    artifact=repeated(0x23),
    artifact_bytes=artifact.cipher_size(311_296),
    key_hash=derivation.key_hash(MODEL_KEY),
    watermark=repeated(0x24),
    trajectory=repeated(0),
    parent=repeated(0),
    payload_root=repeated(0x25),
    miner=MINER,
    salt=derivation.derive(MINER_KEY, CHAIN_ID, HUB, ROUND_ID, derivation.COMMIT_SALT),
)
CLAIM = ModelClaim(COMMITMENT, 351)
WORDS = [
    vote_word.pack([CandidateVote(351), CandidateVote(340), CandidateVote(0, CandidateFlag.INVALID)]),
    vote_word.pack([CandidateVote(349), SKIPPED, CandidateVote(0, CandidateFlag.INVALID)], TaskFlag.MISDECLARED),
    vote_word.pack([CandidateVote(350), CandidateVote(342), CandidateVote(299, CandidateFlag.MARK)]),
]
VOTE = Vote(
    round_id=ROUND_ID,
    epoch=1,
    pos=2,
    validator=VALIDATOR,
    word=WORDS[0],
    eval_root=merkle.eval_root(repeated(0x41), [[3, 1, 4], [], [1, -1]]),
    salt=derivation.derive(VALIDATOR_KEY, CHAIN_ID, HUB, ROUND_ID, derivation.vote_salt(1, 2)),
)
HEADER = BlockHeader(
    version=1,
    height=1,
    parent=typed_data.header_hash(DOMAIN, typed_data.genesis_header(1_700_000_000)),
    anchor=COMMITMENT.anchor,
    round_id=ROUND_ID,
    spec_hash=COMMITMENT.spec_hash,
    commitment=typed_data.commitment_hash(COMMITMENT),
    model_hash=COMMITMENT.model_hash,
    score=350,
    score_max=360,
    vote_root=merkle.vote_root([typed_data.vote_hash(VOTE), bytes(32), repeated(0x51)]),
    miner=MINER,
    payload_root=COMMITMENT.payload_root,
    emission=225 * 10**16,
    chain_score=ranking.base(WEIGHTS, SPEC),
    timestamp=1_700_000_300,
)


def members(struct: Struct) -> dict[str, Any]:
    """A struct by Solidity names, nested ones as objects."""
    found = {}
    for name, _, nested in struct.abi_fields():
        value = getattr(struct, name)
        found[camel_case(name)] = members(value) if nested else value
    return found
