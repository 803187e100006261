"""What must have happened, checked where it lies: on chain, in IPFS, on disk."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from dlbc.chain import events
from dlbc.chain.client import Chain
from dlbc.chain.contracts import Hub, Token
from dlbc.errors import DLBCError
from dlbc.ipfs.embedded import embedded_node
from dlbc.materials import fetch_manifest
from dlbc.ml.data import Dataset
from dlbc.ml.evaluate import score
from dlbc.ml.model_file import load_model
from dlbc.types import Payment, Reason, same_address
from dlbc.wire.typed_data import Domain, header_hash
from dlbc.wire.vote_word import CandidateFlag, unpack
from scripts.demo.story import Story


class NotProven(DLBCError):
    """The demonstration did not show what it promises."""


@dataclass(frozen=True)
class Downloaded:
    """A winning model as the requester got it."""

    path: Path
    correct: int
    total: int


def require(fact: bool, words: str) -> None:
    """Raises NotProven with `words` unless `fact`."""
    if not fact:
        raise NotProven(words)


def blocks_are_linked(story: Story, chain: Chain, genesis: bytes) -> list[events.BlockAppended]:
    """Two blocks, each header's hash computed here and equal to the contract's, each naming the one before."""
    blocks = story.of(events.BlockAppended)
    blocks = [block for block in blocks if block.height > 0]
    require(len(blocks) == 2, f"{len(blocks)} blocks were made, not 2")
    domain, parent = Domain(chain.deployment.chain_id, chain.deployment.hub), genesis
    for block in blocks:
        require(header_hash(domain, block.header) == block.head, f"block {block.height}: its hash is not its header's")
        require(block.header.parent == parent, f"block {block.height} does not name the block before it")
        parent = block.head
    require(Hub(chain).head() == parent, "the chain's head is another block")
    return blocks


def thief_was_caught(story: Story, round_id: int, thief: str) -> int:
    """The thief's model was opened and flagged by the vote of a majority; he was paid nothing. Returns his claim."""
    listed = story.listed(round_id)
    places = [place for place, claim in enumerate(listed) if same_address(claim.miner, thief)]
    require(bool(places), "the thief's model was not listed, so nobody judged it")
    votes = story.of(events.VoteRevealed, round_id=round_id)
    flagged = [vote for vote in votes if CandidateFlag.LINEAGE in unpack(vote.word)[0][places[0]].flags]
    require(2 * len(flagged) > len(votes), f"{len(flagged)} of {len(votes)} validators saw the theft")
    paid = [event for event in story.of(events.Paid, round_id=round_id) if same_address(event.account, thief)]
    require(not paid, "the thief was paid")
    return listed[places[0]].score


def content_travels(folder: Path, peer: str, story: Story, task_id: int) -> str:
    """A node that never held the task's manifest gets it from its peers, byte for byte. Returns the CID."""
    from dlbc.ipfs.cid import digest_to_cid

    spec = story.of(events.TaskSubmitted, task_id=task_id)[0].spec
    cid = digest_to_cid(spec.manifest)
    with embedded_node(folder / "stranger-ipfs", peers=[peer]) as node:
        require(not node.has(cid), f"{cid} was there before it was fetched")
        fetch_manifest(node, spec, folder / "stranger-files", 20.0)
        require(node.has(cid), f"{cid} is not there after it was fetched")
    return cid


def model_is_good(folder: Path, task: Path, test: Dataset, block: events.BlockAppended, tolerance: int) -> Downloaded:
    """The downloaded file is a network of the task's architecture and scores what the block says."""
    from dlbc.task import load_task_file

    path = next(folder.glob("*.safetensors"), None)
    if path is None:
        raise NotProven(f"no model was downloaded to {folder}")
    architecture = load_task_file(task).architecture
    model = load_model(path, architecture, test.sample_shape, int(test.y.max()) + 1, 1 << 30)
    found = score(model, test)
    require(
        abs(found.correct - block.header.score) <= tolerance,
        f"the downloaded model has {found.correct} correct, the block says {block.header.score}",
    )
    return Downloaded(path, found.correct, found.total)


def payments(story: Story) -> dict[str, dict[str, int]]:
    """Account → kind of payment → base units, of both rounds."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for event in story.of(events.Paid):
        totals[event.account][event.kind.name.lower()] += event.amount
    return {account: dict(kinds) for account, kinds in totals.items()}


def supply_adds_up(story: Story, chain: Chain, genesis_supply: int) -> tuple[int, int, int]:
    """Supply is what there was, plus what was emitted, less what was burned: (supply, emitted, burned)."""
    supply, emitted = Token(chain).total_supply(), Hub(chain).emitted()
    burned = genesis_supply + emitted - supply
    stated = sum(event.burned for event in story.of(events.RoundFinalized))
    require(burned >= stated >= 0, f"{burned} were burned, the rounds say {stated}")
    return supply, emitted, burned


def rounds_add_up(story: Story) -> int:
    """What came into a round, and what it slashed, is what it paid and burned: exactly. Returns the tips."""
    tips = 0
    for final in story.of(events.RoundFinalized):
        (spec,) = (event.spec for event in story.of(events.TaskSubmitted, task_id=final.task_id))
        paid = story.of(events.Paid, round_id=final.round_id)
        tips += sum(event.amount for event in paid if event.kind is Payment.TIP)
        if any(story.of(kind, round_id=final.round_id) for kind in (events.EpochEnded, events.VoteChallenged)):
            continue  # bonds of others are among the payments, and earlier epochs burned what they slashed
        slashes = story.of(events.Slashed, round_id=final.round_id)
        # An unopened commit is slashed, and its finder paid, after the round.
        slashed = sum(event.amount for event in slashes if event.reason is not Reason.UNOPENED)
        ours = [event.amount for event in paid if event.kind not in {Payment.EMISSION, Payment.FINDER}]
        went = sum(ours) + final.burned
        came = spec.fee + spec.bond + slashed
        require(came == went, f"round {final.round_id}: {came} base units came in, {went} went out")
    return tips


def save(path: Path, facts: dict[str, object]) -> None:
    """Leaves the outcome where a script can read it."""
    path.write_text(json.dumps(facts, indent=2, default=str) + "\n", encoding="utf-8")
