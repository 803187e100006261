"""tests/vectors through Solidity: what the contracts compute is what the files, and so the programs, say.

`Harness` (contracts/test/Harness.sol) opens the libraries' internal functions; hub and committee hash for
themselves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "vectors"
NOBODY = 2**256 - 1


@pytest.fixture(scope="module")
def harness(Harness, accounts):
    return accounts[0].deploy(Harness)


@pytest.fixture
def hub_of_vectors(hub, DLBC, web3):
    """The hub's code at the address that the vectors' domain names: OpenZeppelin's EIP712 then rebuilds its
    separator.
    """
    address = load("eip712")["domain"]["verifyingContract"]
    web3.provider.make_request("anvil_setCode", [address, web3.eth.get_code(hub.address).to_0x_hex()])
    # By web3, because Brownie remembers what else it has seen at an address.
    return web3.eth.contract(address=address, abi=DLBC.abi).functions


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))


def values(members: dict[str, Any]) -> tuple[Any, ...]:
    """A struct as Brownie takes it: members in order, hex as it stands, big integers from their decimal
    text.
    """
    return tuple(int(value) if isinstance(value, str) and value.isdecimal() else value for value in members.values())


def test_hash_spec__vector__is_the_spec_hash(hub):
    vectors = load("eip712")
    assert hub.hashSpec(values(vectors["spec"])) == vectors["specHash"]


def test_hash_commitment__vector__is_the_commitment_hash(hub):
    vectors = load("eip712")
    assert hub.hashCommitment(values(vectors["commitment"])) == vectors["commitmentHash"]


def test_hash_vote__vector__is_the_vote_hash(committee):
    vectors = load("eip712")
    assert committee.hashVote(values(vectors["vote"])) == vectors["voteHash"]


def test_hash_claim__vector__is_what_the_miner_signed(hub_of_vectors, chain):
    vectors = load("eip712")
    assert chain.id == vectors["domain"]["chainId"]
    claim = (values(vectors["commitment"]), vectors["claim"]["score"])
    assert "0x" + hub_of_vectors.hashClaim(claim).call().hex() == vectors["claimDigest"]


@pytest.mark.parametrize(("header", "digest"), [("header", "headerHash"), ("genesis", "genesisHash")])
def test_hash_header__vector__is_the_block_hash(hub_of_vectors, header, digest):
    vectors = load("eip712")
    assert "0x" + hub_of_vectors.hashHeader(values(vectors[header])).call().hex() == vectors[digest]


def test_announced__vector__is_the_commit_digest(harness):
    vectors = load("eip712")
    commitment = vectors["commitment"]
    digest = harness.announced(vectors["commitmentHash"], commitment["artifact"], commitment["artifactBytes"])
    assert digest == vectors["commitDigest"]


def test_vote_tree__vectors__have_these_roots(harness):
    vote_root = load("merkle")["voteRoot"]
    assert harness.voteRoot(vote_root["voteHashes"]) == vote_root["root"]
    assert harness.voteRoot([]) == "0x" + "00" * 32


def test_climb__openings_of_predictions__lead_to_the_eval_root(harness):
    for case in load("merkle")["evalOpenings"]:
        leaf = case["leaf"]
        data = bytes.fromhex(case["salt"][2:]) + leaf["candidate"].to_bytes(1) + leaf["sample"].to_bytes(8)
        data += leaf["prediction"].to_bytes(4, signed=True)
        place = (case["index"], len(case["evaluated"]) * case["samples"])
        assert harness.climb(data, *place, case["proof"]) == case["root"]
        assert harness.climb(data, *place, [*case["proof"], case["root"]]) != case["root"]
        if case["proof"]:
            assert harness.climb(data, *place, case["proof"][:-1]) != case["root"]


def test_inbox__vectors__have_these_batch_roots(harness):
    vectors = load("inbox")
    items = [posted["item"] for posted in vectors["posted"]]
    for batch in vectors["batches"]:
        assert harness.voteRoot(items[batch["from"] - 1 : batch["to"]]) == batch["root"]


def votes_of(harness, case: dict[str, Any]) -> tuple[Any, ...]:
    """A ballot as `Tally` takes it, in the ABI's order: zero but for what it looks at."""
    abi = next(entry for entry in harness.abi if entry["name"] == "verdicts")
    empty = {"failed": False, "seed": "0x" + "00" * 32}
    given = {"size": len(case["words"]), "words": [int(word, 16) for word in case["words"]]}
    given |= {name: case[name] for name in ("quorum", "revealed")}
    return tuple((empty | given).get(member["name"], 0) for member in abi["inputs"][0]["components"])


def test_verdicts__vectors__are_these(harness):
    for case in load("votes")["verdicts"]:
        verdicts, task_flags = harness.verdicts(votes_of(harness, case), len(case["claims"]), case["tol"])
        found = [{"median": median, "flags": flags, "stable": stable} for median, flags, stable in verdicts]
        assert found == case["verdicts"], case["why"]
        assert task_flags == case["taskFlags"]


def test_qualifies_and_overclaimed__vectors__are_these(harness):
    for case in load("votes")["verdicts"]:
        for verdict, claim, qualifies, overclaimed in zip(
            case["verdicts"], case["claims"], case["qualifies"], case["overclaimed"], strict=True
        ):
            found = tuple(verdict.values())
            assert harness.qualifies(found, claim, case["minScore"], case["tol"]) is qualifies, case["why"]
            assert harness.overclaimed(found, claim, case["tol"]) is overclaimed, case["why"]


def test_dissent__vectors__are_these(harness):
    for case in load("votes")["verdicts"]:
        candidates = len(case["verdicts"])
        found = harness.dissent(votes_of(harness, case), candidates, case["shown"], case["placed"], case["tol"])
        assert tuple(found) == (case["off"], case["incoherent"]), case["why"]


def test_podium__vectors__are_these(harness):
    podium = load("votes")["podium"]
    entries = [
        (entry["qualified"], entry["median"], entry["sequence"], entry["commitment"]) for entry in podium["entries"]
    ]
    for case in podium["cases"]:
        rules = (case["rules"]["early"], case["rules"]["tie_tol"], case["rules"]["seed"])
        assert [place for place in harness.podium(entries, rules) if place != NOBODY] == case["places"]


def test_lg__table__is_this(harness):
    for case in load("ranking")["lg"]:
        assert harness.lg(int(case["x"])) == case["lg"]


def test_difficulty__vectors__are_these(harness):
    vectors = load("ranking")
    spec, weights = vectors["spec"], vectors["base"]["weights"]
    lgs = [harness.lg(spec[name]) for name in ("flops", "netBytes", "dataBytes")]
    order = [weights[name] for name in ("flops", "net", "data", "fee")]
    assert harness.base(order, *lgs, int(spec["fee"])) == vectors["base"]["base"]
    for case in vectors["clockRates"]:
        assert harness.rate(case["alpha"], case["gamma"], case["waiting"]) == case["rate"]
    for case in vectors["keys"]:
        assert harness.key(case["base"], int(case["clock"]), case["taskId"]) == int(case["key"])
    for case in vectors["floors"]:
        assert harness.floor(int(case["feeUnit"]), sum(lgs), case["queued"]) == int(case["floor"])


def economy(harness, **given: int) -> tuple[int, ...]:
    """An Economy in the ABI's order, zero but for what is given."""
    abi = next(entry for entry in harness.abi if entry["name"] == "split")
    return tuple(given.get(member["name"], 0) for member in abi["inputs"][0]["components"])


def test_split__vectors__are_these(harness):
    vectors = load("fees")
    rates = {f"{name}Bps": bps for name, bps in vectors["rates"].items()}
    for case in vectors["splits"]:
        sharers = (case["validators"], case["second"], case["third"], case["parent"])
        shares = harness.split(economy(harness, **rates), int(case["fee"]), int(case["advanced"]), sharers)
        assert tuple(shares) == tuple(int(share) for share in case["shares"].values())


def test_advance__vectors__are_these(harness):
    vectors = load("fees")
    rates = economy(harness, **{f"{name}Bps": bps for name, bps in vectors["rates"].items()})
    for case in vectors["advances"]:
        fee, advanced, validators = int(case["fee"]), int(case["advanced"]), case["validators"]
        assert harness.advance(rates, fee, advanced, validators) == int(case["perValidator"])


def test_emission__vectors__are_these(harness):
    vectors = load("fees")
    schedule = vectors["schedule"]
    parameters = economy(
        harness,
        initialEmission=schedule["initial"],
        halvingSecs=schedule["halvingSecs"],
        kappaBps=schedule["kappaBps"],
    )
    for case in vectors["emissions"]:
        amount = harness.emission(parameters, case["elapsed"], int(case["burned"]), int(case["left"]))
        assert amount == case["amount"]
