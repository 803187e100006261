"""tests/vectors, read as a stranger would, against the code and against constants from elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import base58
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from dlbc import artifact
from dlbc.errors import InvalidArtifact
from dlbc.manifest import Manifest
from dlbc.types import BlockHeader, ModelClaim, ModelCommitment, Struct, TaskSpec, Vote
from dlbc.wire import canonical, derivation, fees, inbox, merkle, ranking, tally, typed_data, vote_word
from dlbc.wire.typed_data import Domain

FOLDER = Path(__file__).parents[2] / "vectors"


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))


def octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def struct(kind: type[Struct], described: dict[str, Any]) -> Any:
    """A struct from its members by Solidity name; the ABI type says how each is written."""
    members = {}
    for (name, value), (_, abi_type, _) in zip(described.items(), kind.abi_fields(), strict=True):
        members[name] = octets(value) if abi_type == "bytes32" else value if abi_type == "address" else int(value)
    return kind.from_tuple(members)


def test_make_vectors__files_in_the_repository__have_not_drifted() -> None:
    """In a process of its own: `scripts` is no installed package."""
    command = [sys.executable, "-m", "scripts.make_vectors", "--check"]
    done = subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def test_canonical_json__valid__is_the_one_encoding() -> None:
    for case in load("canonical_json")["valid"]:
        assert canonical.dumps(case["value"]) == octets(case["encoded"])
        assert canonical.loads(octets(case["encoded"])) == case["value"]


def test_canonical_json__refused__is_refused() -> None:
    for case in load("canonical_json")["refused"]:
        with pytest.raises(InvalidArtifact):
            canonical.loads(octets(case["encoded"]))


def test_manifest__cids__are_kubos_and_the_digest_is_the_specs() -> None:
    vectors = load("manifest")
    empty, hello, manifest = vectors["files"]
    # What every Kubo answers for `ipfs add --cid-version=0` of these two.
    assert empty["cid"] == "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
    assert hello["cid"] == "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"
    content = octets(manifest["content"])
    assert content == canonical.dumps(vectors["manifest"])
    # dag-pb of a file of one chunk, written out: UnixFS{type file, data, size} inside PBNode{data}.
    size = bytes([len(content) & 0x7F | 0x80, len(content) >> 7])
    unixfs = b"\x08\x02\x12" + size + content + b"\x18" + size
    node = b"\x0a" + bytes([len(unixfs) & 0x7F | 0x80, len(unixfs) >> 7]) + unixfs
    digest = hashlib.sha256(node).digest()
    assert octets(vectors["digest"]) == digest == octets(load("eip712")["spec"]["manifest"])
    assert manifest["cid"] == base58.b58encode(b"\x12\x20" + digest).decode()


def test_manifest__example_of_the_documentation__is_read_and_written_back() -> None:
    content = octets(load("manifest")["files"][2]["content"])
    assert Manifest.from_bytes(content).to_bytes() == content


def test_eip712__structs__have_these_hashes() -> None:
    vectors = load("eip712")
    domain = Domain(vectors["domain"]["chainId"], vectors["domain"]["verifyingContract"])
    assert domain.separator == octets(vectors["domainSeparator"])
    commitment = struct(ModelCommitment, vectors["commitment"])
    claim = ModelClaim(commitment, vectors["claim"]["score"])
    header, genesis = (struct(BlockHeader, vectors[name]) for name in ("header", "genesis"))
    found = {
        "specHash": typed_data.spec_hash(struct(TaskSpec, vectors["spec"])),
        "commitmentHash": typed_data.commitment_hash(commitment),
        "commitDigest": typed_data.commit_digest(commitment),
        "claimDigest": typed_data.claim_digest(domain, claim),
        "claimSignature": typed_data.sign_claim(domain, claim, octets(vectors["minerKey"])),
        "voteHash": typed_data.vote_hash(struct(Vote, vectors["vote"])),
        "headerHash": typed_data.header_hash(domain, header),
        "genesisHash": typed_data.header_hash(domain, genesis),
    }
    assert {name: vectors[name] for name in found} == {name: "0x" + value.hex() for name, value in found.items()}
    assert typed_data.recover_claim(domain, claim, octets(vectors["claimSignature"])) == commitment.miner
    assert header.parent == octets(vectors["genesisHash"])


def test_eip712__spec_hash__is_keccak_of_the_written_out_words() -> None:
    """Once by hand: type hash, then each member as a 32-byte word."""
    vectors = load("eip712")
    words = [keccak(text=vectors["types"]["TaskSpec"])]
    for value in vectors["spec"].values():
        is_hex = isinstance(value, str) and value.startswith("0x")
        words.append(octets(value).rjust(32, b"\0") if is_hex else int(value).to_bytes(32))
    assert keccak(b"".join(words)) == octets(vectors["specHash"])


def test_votes__words__read_and_write() -> None:
    for case in load("votes")["words"]:
        candidates, task_flags = vote_word.unpack(int(case["word"], 16))
        assert [(vote.score, vote.flags) for vote in candidates] == [
            (vote["score"], vote["flags"]) for vote in case["candidates"]
        ]
        assert task_flags == case["taskFlags"]
        assert vote_word.pack(candidates, task_flags) == int(case["word"], 16)


def positions(mask: int) -> set[int]:
    return {position for position in range(16) if mask >> position & 1}


def test_votes__committees__say_this() -> None:
    for case in load("votes")["verdicts"]:
        revealed = positions(case["revealed"])
        words = [int(word, 16) if position in revealed else None for position, word in enumerate(case["words"])]
        claims, tol = case["claims"], case["tol"]
        found, task_flags = tally.verdicts(words, len(claims), tol=tol, quorum=case["quorum"])
        assert [asdict(verdict) for verdict in found] == case["verdicts"], case["why"]
        assert task_flags == case["taskFlags"]
        claimed = list(zip(found, claims, strict=True))
        assert [verdict.qualifies(claim, case["minScore"], tol) for verdict, claim in claimed] == case["qualifies"]
        assert [verdict.overclaimed(claim, tol) for verdict, claim in claimed] == case["overclaimed"]
        shown, placed = positions(case["shown"]), positions(case["placed"])
        against = tally.dissent(words, found, shown=shown, placed=placed, tol=tol)
        assert against == tally.Dissent(frozenset(positions(case["off"])), frozenset(positions(case["incoherent"])))


def test_votes__boundaries__are_those_of_the_protocol() -> None:
    """By hand: what decides about money, at its very edge."""
    cases = {case["why"]: case for case in load("votes")["verdicts"]}
    around = cases["claims around tol and 4 tol above the median"]
    assert around["qualifies"] == [True, True, False, False, False]
    assert around["overclaimed"] == [False, False, False, False, True]
    for why, off, incoherent in (
        ("agreement at exactly the tolerance", 0, 0),
        ("the same with a quorum of two: stable, the third unpaid", 0, 4),
        ("unstable: nobody is off, nobody over-claims", 0, 0),
        ("off by exactly four tolerances: unpaid only", 0, 4),
        ("off by one more: slashed", 4, 4),
        ("a skip where he takes no place", 0, 0),
        ("two scores and a skip of a placed candidate", 0, 4),
        ("unavailable to one", 0, 4),
        ("unavailable to most: the one who scored him contradicts nobody", 0, 0),
    ):
        assert (cases[why]["off"], cases[why]["incoherent"]) == (off, incoherent), why


def test_votes__medians__are_these() -> None:
    for case in load("votes")["medians"]:
        assert tally.lower_median(case["scores"]) == case["median"]


def test_votes__podium__is_this() -> None:
    podium = load("votes")["podium"]
    entries = [tally.Entry(**entry | {"commitment": octets(entry["commitment"])}) for entry in podium["entries"]]
    for case in podium["cases"]:
        rules = tally.Rules(**case["rules"] | {"seed": octets(case["rules"]["seed"])})
        assert tally.podium(entries, rules) == case["places"]
    # By hand: 350, 349 and 348 are within 2 of the best; late commits go by sequence 2, 3, 5.
    assert podium["cases"][0]["places"] == [2, 3, 0]


def test_merkle__trees__have_these_roots_and_proofs() -> None:
    vectors = load("merkle")
    leaves = [octets(leaf) for leaf in vectors["leaves"]]
    for case in vectors["roots"]:
        assert merkle.root(leaves[: case["count"]]) == octets(case["root"])
    for case in vectors["proofs"]:
        index, siblings = case["index"], [octets(sibling) for sibling in case["siblings"]]
        assert merkle.verify(octets(vectors["roots"][-1]["root"]), leaves[index], index, len(leaves), siblings)
    # By hand: three leaves.
    first, second, third = (keccak(b"\x00" + leaf) for leaf in leaves[:3])
    by_hand = keccak(b"\x01" + keccak(b"\x01" + first + second) + third)
    assert octets(vectors["roots"][3]["root"]) == by_hand


def test_merkle__roots_of_votes_and_predictions__are_these() -> None:
    vectors = load("merkle")
    evaluation, votes = vectors["evalRoot"], vectors["voteRoot"]
    salt = octets(evaluation["salt"])
    assert octets(evaluation["lastLeaf"]) == salt + bytes.fromhex("02" + "00" * 7 + "01" + "ffffffff")
    assert merkle.eval_root(salt, evaluation["predictions"]) == octets(evaluation["root"])
    assert merkle.vote_root([octets(vote) for vote in votes["voteHashes"]]) == octets(votes["root"])


def test_merkle__openings_of_predictions__verify_where_a_challenge_asks() -> None:
    for case in load("merkle")["evalOpenings"]:
        salt, leaf, samples = octets(case["salt"]), case["leaf"], case["samples"]
        number = int(case["number"]) % (len(case["evaluated"]) * samples)
        assert number == case["index"]
        assert merkle.challenged(int(case["number"]), case["evaluated"], samples) == (leaf["candidate"], leaf["sample"])
        assert (leaf["candidate"], leaf["sample"]) == (case["evaluated"][number // samples], number % samples)
        assert leaf["prediction"] == case["predictions"][leaf["candidate"]][leaf["sample"]]
        data = salt + leaf["candidate"].to_bytes(1) + leaf["sample"].to_bytes(8)
        data += leaf["prediction"].to_bytes(4, signed=True)
        proof = [octets(sibling) for sibling in case["proof"]]
        assert merkle.verify(octets(case["root"]), data, number, len(case["evaluated"]) * samples, proof)


def test_inbox__heads_and_batches__are_these() -> None:
    vectors = load("inbox")
    head, items = bytes(32), []
    for posted in vectors["posted"]:
        item = octets(posted["item"])
        items.append(item)
        assert octets(posted["head"]) == keccak(head + bytes(12) + octets(posted["sender"]) + item)
        assert octets(posted["head"]) == inbox.follow(head, posted["sender"], item)
        head = octets(posted["head"])
    for batch in vectors["batches"]:
        assert inbox.batch_root(items[batch["from"] - 1 : batch["to"]]) == octets(batch["root"])
    # By hand: items 2, 3 and 4.
    second, third, fourth = (keccak(b"\x00" + item) for item in items[1:4])
    assert octets(vectors["batches"][3]["root"]) == keccak(b"\x01" + keccak(b"\x01" + second + third) + fourth)


def test_derivation__secrets__are_hkdfs() -> None:
    vectors = load("derivation")
    for case in vectors["secrets"]:
        info = encode(["uint256", "address", "uint256"], [vectors["chainId"], vectors["hub"], case["id"]])
        extracted = hmac.digest(keccak(text="DLBC/keys/v1"), octets(case["accountKey"]), "sha256")
        expanded = hmac.digest(extracted, info + case["purpose"].encode() + b"\x01", "sha256")
        assert expanded == octets(case["secret"])
        arguments = (
            octets(case["accountKey"]),
            vectors["chainId"],
            vectors["hub"],
            case["id"],
            case["purpose"],
        )
        assert derivation.derive(*arguments) == expanded
    for case in vectors["keyHashes"]:
        assert derivation.key_hash(octets(case["key"])) == octets(case["keyHash"])


def test_derivation__seed_and_contexts__are_these() -> None:
    vectors = load("derivation")
    chain_id, hub, case = vectors["chainId"], vectors["hub"], vectors["seed"]
    seed = derivation.seed(
        chain_id, hub, octets(case["specHash"]), case["roundId"], case["miner"], octets(case["anchor"])
    )
    assert seed == octets(case["seed"])
    for case in vectors["contexts"]:
        context = derivation.artifact_context(chain_id, hub, case["kind"], case["id"], case["owner"])
        assert context == octets(case["context"])


def test_ciphertext__small_file__is_aes_gcm_as_documented() -> None:
    vectors = load("ciphertext")
    key, context, salt = (octets(vectors[name]) for name in ("key", "context", "salt"))
    case = vectors["files"][1]
    header = octets("444c4243" + "0101" + "0000" + "00100000") + len(b"a DLBC model").to_bytes(8) + salt + context
    assert octets(case["header"]) == header
    extracted = hmac.digest(salt, key, "sha256")
    content_key = hmac.digest(extracted, b"DLBC/artifact/v1" + context + b"\x01", "sha256")
    sealed = AESGCM(content_key).encrypt(bytes(3) + b"\x01" + bytes(8), b"a DLBC model", header + bytes(8) + b"\x01")
    assert octets(case["ciphertext"]) == header + sealed


def test_ciphertext__every_file__is_what_the_code_writes_and_opens(tmp_path: Path) -> None:
    vectors = load("ciphertext")
    key, context, salt = (octets(vectors[name]) for name in ("key", "context", "salt"))
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    for case in vectors["files"]:
        content = bytes(case["plainBytes"]) if case["plain"] == "zero bytes" else octets(case["plain"])
        plain.write_bytes(content)
        artifact.encrypt_file(plain, sealed, key, context, salt=salt)
        assert sealed.stat().st_size == case["ciphertextBytes"] == artifact.cipher_size(len(content))
        assert artifact.sha256_file(sealed) == octets(case["ciphertextSha256"])
        artifact.decrypt_file(sealed, opened, key, context, max_plain_bytes=len(content))
        assert opened.read_bytes() == content


def test_ranking__tables__are_these() -> None:
    vectors = load("ranking")
    table = {int(case["x"]): case["lg"] for case in vectors["lg"]}
    for x, logarithm in table.items():
        assert ranking.lg(x) == logarithm
    # By hand: 256 * log2(3) = 405.75, of 1000 = 2551.24.
    assert (table[1], table[2], table[3], table[1000], table[2**255]) == (0, 256, 405, 2551, 255 * 256)
    spec = struct(TaskSpec, vectors["spec"])
    assert ranking.base(ranking.Weights(**vectors["base"]["weights"]), spec) == vectors["base"]["base"]
    for case in vectors["clockRates"]:
        assert ranking.clock_rate(case["alpha"], case["gamma"], case["waiting"]) == case["rate"]
    for case in vectors["keys"]:
        assert ranking.queue_key(case["base"], int(case["clock"]), case["taskId"]) == int(case["key"])
    for case in vectors["floors"]:
        assert ranking.fee_floor(int(case["feeUnit"]), spec, case["queued"]) == int(case["floor"])


def test_fees__splits_and_emissions__are_these() -> None:
    vectors = load("fees")
    rates = fees.FeeRates(**vectors["rates"])
    for case in vectors["splits"]:
        fee, shares = int(case["fee"]), {name: int(share) for name, share in case["shares"].items()}
        sharers = {name: case[name] for name in ("second", "third", "parent")}
        found = fees.split(rates, fee, case["validators"], **sharers, advanced=int(case["advanced"]))
        assert found == fees.FeeShares(**shares)
    for case in vectors["advances"]:
        fee, advanced = int(case["fee"]), int(case["advanced"])
        assert fees.advance(rates, fee, advanced, case["validators"]) == int(case["perValidator"])
    for case in vectors["afterTips"]:
        assert fees.after_tips(int(case["fee"]), int(case["tip"]), case["tips"]) == int(case["left"])
    schedule = vectors["schedule"]
    for case in vectors["emissions"]:
        amount = fees.emission(
            schedule["initial"],
            schedule["halvingSecs"],
            schedule["kappaBps"],
            elapsed=case["elapsed"],
            fee_burned=int(case["burned"]),
            left=int(case["left"]),
        )
        assert amount == case["amount"]
