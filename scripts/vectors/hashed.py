"""Formats that end in a hash, a secret or bytes."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from dlbc import artifact
from dlbc.ipfs.cid import digest_to_cid
from dlbc.wire import canonical, derivation, inbox, merkle, typed_data
from dlbc.wire.derivation import ArtifactKind
from scripts.vectors.examples import (
    CHAIN_ID,
    CLAIM,
    COMMITMENT,
    DOMAIN,
    HEADER,
    HUB,
    MANIFEST,
    MINER,
    MINER_KEY,
    MODEL_KEY,
    NONCE,
    REQUESTER,
    REQUESTER_KEY,
    ROUND_ID,
    SPEC,
    TEST_KEY,
    VALIDATOR_KEY,
    VOTE,
    cid_digest,
    members,
    repeated,
)


def canonical_json() -> dict[str, Any]:
    """Values with their encoding, and bytes that a reader refuses."""
    values = [
        {},
        [0, -1, canonical.MAX_INTEGER, -canonical.MAX_INTEGER, True, False, None],
        {"b": [], "a": {"z": 1, "y": ""}},
        '\b\t\n\f\r"\\/\x0f\x7f\u2028é€\U0001f600',
        {"\uff21": 1, "\U0001f600": 2, "€": 3, "1": 4},
    ]
    refused = {
        "white space": b'{"a": 1}',
        "unsorted": b'{"b":1,"a":1}',
        "duplicate": b'{"a":1,"a":1}',
        "float": b"1.0",
        "exponent": b"1e2",
        "negative zero": b"-0",
        "2^53": b"9007199254740992",
        "needless escape": b'"\\u0041"',
        "lone surrogate": b'"\\ud800"',
        "not NFC": '"e\u0301"'.encode(),
        "byte-order mark": b"\xef\xbb\xbf{}",
        "not UTF-8": b'"\xff"',
        "17 levels": b"[" * 17 + b"]" * 17,
        "trailing line break": b"{}\n",
    }
    return {
        "valid": [{"value": value, "encoded": canonical.dumps(value)} for value in values],
        "refused": [{"why": why, "encoded": encoded} for why, encoded in refused.items()],
    }


def manifest() -> dict[str, Any]:
    """The example of docs/protocol.md as a file, its CID and the digest in the spec; two well-known CIDs."""
    contents = [b"", b"hello world\n", canonical.dumps(MANIFEST)]
    described = [{"content": content, "cid": digest_to_cid(cid_digest(content))} for content in contents]
    return {"manifest": MANIFEST, "digest": SPEC.manifest, "files": described}


def eip712() -> dict[str, Any]:
    """All structs with their hashes, and the miner's signature."""
    genesis = typed_data.genesis_header(1_700_000_000)
    structs = (SPEC, COMMITMENT, CLAIM, VOTE, HEADER)
    return {
        "domain": {"name": "DLBC", "version": "1", "chainId": CHAIN_ID, "verifyingContract": HUB},
        "domainSeparator": DOMAIN.separator,
        "types": {type(struct).__name__: typed_data.encode_type(type(struct)) for struct in structs},
        "spec": members(SPEC),
        "specHash": typed_data.spec_hash(SPEC),
        "commitment": members(COMMITMENT),
        "commitmentHash": typed_data.commitment_hash(COMMITMENT),
        "commitDigest": typed_data.commit_digest(COMMITMENT),
        "claim": {"score": CLAIM.score},
        "claimDigest": typed_data.claim_digest(DOMAIN, CLAIM),
        "minerKey": MINER_KEY,
        "claimSignature": typed_data.sign_claim(DOMAIN, CLAIM, MINER_KEY),
        "vote": members(VOTE),
        "voteHash": typed_data.vote_hash(VOTE),
        "header": members(HEADER),
        "headerHash": typed_data.header_hash(DOMAIN, HEADER),
        "genesis": members(genesis),
        "genesisHash": typed_data.header_hash(DOMAIN, genesis),
    }


def merkle_trees() -> dict[str, Any]:
    """Trees over the leaves "0", "1", …; every proof of the last one; the two roots that votes and blocks
    carry.
    """
    leaves = [str(index).encode() for index in range(11)]
    salt, predictions = repeated(0x41), [[3, 1, 4], [], [1, -1]]
    hashes = [typed_data.vote_hash(VOTE), bytes(32), repeated(0x51)]
    return {
        "leaves": leaves,
        "roots": [{"count": count, "root": merkle.root(leaves[:count])} for count in range(len(leaves) + 1)],
        "proofs": [{"index": index, "siblings": merkle.proof(leaves, index)} for index in range(len(leaves))],
        "evalRoot": {
            "salt": salt,
            "predictions": predictions,
            "lastLeaf": merkle.eval_leaf(salt, 2, 1, -1),
            "root": merkle.eval_root(salt, predictions),
        },
        "evalOpenings": _openings(),
        "voteRoot": {"voteHashes": hashes, "root": merkle.vote_root(hashes)},
    }


def _openings() -> list[dict[str, Any]]:
    """Every leaf that a challenge may ask for of some trees, with its proof."""
    salt, found = repeated(0x42), []
    for predictions in (
        [[7]],
        [[3, 1, 4], [], [1, -1, 2]],
        [[], [5, 5, 5, 5, 6], [9, 2, 6, 5, 3], [], [1, 2, 3, 4, 5]],
    ):
        evaluated = [position for position, of_candidate in enumerate(predictions) if of_candidate]
        samples = max(map(len, predictions))
        for number in range(2**96 - len(evaluated) * samples, 2**96):
            candidate, sample = merkle.challenged(number, evaluated, samples)
            leaf, proof = merkle.eval_opening(salt, predictions, candidate, sample)
            found.append(
                {
                    "salt": salt,
                    "predictions": predictions,
                    "evaluated": evaluated,
                    "samples": samples,
                    "root": merkle.eval_root(salt, predictions),
                    "number": number,
                    "index": merkle.eval_index(evaluated, samples, candidate, sample),
                    "leaf": members(leaf),
                    "proof": proof,
                }
            )
    return found


def inboxes() -> dict[str, Any]:
    """A chain of items, and the roots of batches of it."""
    senders, head, posted = [MINER, REQUESTER, MINER, MINER, REQUESTER], inbox.EMPTY_HEAD, []
    items = [repeated(0x70 + index) for index, _ in enumerate(senders, start=1)]
    for index, (sender, item) in enumerate(zip(senders, items, strict=True), start=1):
        head = inbox.follow(head, sender, item)
        posted.append({"index": index, "sender": sender, "item": item, "head": head})
    batches = [(1, 0), (1, 1), (1, 5), (2, 4), (5, 5)]
    return {
        "posted": posted,
        "batches": [
            {
                "from": first,
                "to": last,
                "root": inbox.batch_root(items[first - 1 : last]),
            }
            for first, last in batches
        ],
    }


def derivations() -> dict[str, Any]:
    """The seed, every secret, their hashes, and both contexts."""
    purposes = {
        derivation.TEST_KEY: (REQUESTER_KEY, NONCE),
        derivation.MODEL_KEY: (MINER_KEY, ROUND_ID),
        derivation.COMMIT_SALT: (MINER_KEY, ROUND_ID),
        derivation.WATERMARK: (MINER_KEY, ROUND_ID),
        derivation.vote_salt(0, 0): (VALIDATOR_KEY, ROUND_ID),
        derivation.vote_salt(1, 14): (VALIDATOR_KEY, ROUND_ID),
    }
    secrets = []
    for purpose, (account_key, id_) in purposes.items():
        secret = derivation.derive(account_key, CHAIN_ID, HUB, id_, purpose)
        secrets.append({"accountKey": account_key, "id": id_, "purpose": purpose, "secret": secret})
    anchor = COMMITMENT.anchor
    contexts = [(ArtifactKind.TEST_SET, NONCE, REQUESTER), (ArtifactKind.MODEL, ROUND_ID, MINER)]
    return {
        "chainId": CHAIN_ID,
        "hub": HUB,
        "seed": {
            "specHash": COMMITMENT.spec_hash,
            "roundId": ROUND_ID,
            "miner": MINER,
            "anchor": anchor,
            "seed": derivation.seed(CHAIN_ID, HUB, COMMITMENT.spec_hash, ROUND_ID, MINER, anchor),
        },
        "secrets": secrets,
        "keyHashes": [{"key": key, "keyHash": derivation.key_hash(key)} for key in (bytes(32), TEST_KEY, MODEL_KEY)],
        "contexts": [
            {
                "kind": kind,
                "id": id_,
                "owner": owner,
                "context": derivation.artifact_context(CHAIN_ID, HUB, kind, id_, owner),
            }
            for kind, id_, owner in contexts
        ],
    }


def ciphertexts() -> dict[str, Any]:
    """Whole ciphertexts of small files with a fixed salt, and the hash of one of two chunks."""
    key, context, salt = repeated(0x61), repeated(0x62), repeated(0x63)
    plains = [b"", b"a DLBC model", bytes(artifact.CHUNK_BYTES + 1)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        plain, sealed = Path(folder, "plain"), Path(folder, "sealed")
        for content in plains:
            plain.write_bytes(content)
            artifact.encrypt_file(plain, sealed, key, context, salt=salt)
            encrypted = sealed.read_bytes()
            found.append(
                {
                    "plainBytes": len(content),
                    "plain": content if len(content) < 100 else "zero bytes",
                    "header": encrypted[: artifact.HEADER_BYTES],
                    "ciphertext": encrypted if len(content) < 100 else None,
                    "ciphertextBytes": len(encrypted),
                    "ciphertextSha256": hashlib.sha256(encrypted).digest(),
                    "ciphertextCid": digest_to_cid(cid_digest(encrypted)),
                }
            )
    return {"key": key, "context": context, "salt": salt, "files": found}
