"""Plays rounds: what requester, miners, validators and passers-by do, so that a test tells only what is special in it.

Phase names are those of `IDLBCTypes.Phase`. Time is moved, never waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import brownie

PHASES = [
    "None",
    "Settle",
    "Train",
    "Guard",
    "Key",
    "Claim",
    "Enlist",
    "Show",
    "Seal",
    "Draw",
    "Prove",
    "VoteCommit",
    "VoteReveal",
    "Appeal",
    "Tally",
    "Final",
]
OUTCOMES = ["None", "Block", "NoCommit", "KeyWithheld", "NoClaim", "BelowThreshold", "NoModel", "TaskFault", "NoQuorum"]
KINDS = [
    "Refund",
    "Bond",
    "Winner",
    "Second",
    "Third",
    "Parent",
    "Validator",
    "Emission",
    "Compensation",
    "Finder",
    "Tip",
    "AppealBond",
    "ChallengeBond",
    "AccusationBond",
]
REASONS = ["Unopened", "Unavailable", "Invalid", "Absent", "Overclaimed", "OffMedian", "Stolen"]
CAUSES = ["NoQuorum", "Appeal", "Excluded", "Accusation"]
DLBC = 10**18
ZERO = "0x" + "00" * 32
SKIPPED = (1 << 40) - 1
UNAVAILABLE, INVALID, LINEAGE, MARK = (1 << bit for bit in range(35, 39))
MISDECLARED = 1 << 242
PAYLOAD_BAD = 1 << 243  # of candidate 0; those of the others follow
STOLEN = 1 << 249  # likewise


class Spec(NamedTuple):
    requester: str
    manifest: str
    keyHash: str
    flops: int = 50_000_000
    netBytes: int = 400_000
    dataBytes: int = 10_000_000
    scoreMax: int = 360
    minScore: int = 100
    tol: int = 4
    tieTol: int = 0
    modes: int = 0
    trainSecs: int = 60
    proveSecs: int = 0
    fee: int = 200 * DLBC
    bond: int = 100 * DLBC
    nonce: int = 0


class Commitment(NamedTuple):
    roundId: int
    anchor: str
    specHash: str
    modelHash: str
    artifact: str
    artifactBytes: int
    keyHash: str
    watermark: str
    trajectory: str
    parent: str
    payloadRoot: str
    miner: str
    salt: str


NO_COMMITMENT = Commitment(0, ZERO, ZERO, ZERO, ZERO, 0, ZERO, ZERO, ZERO, ZERO, ZERO, "0x" + "00" * 20, ZERO)

COMMITMENT_TYPES = {
    "roundId": "uint256",
    "artifactBytes": "uint64",
    "miner": "address",
}


@dataclass
class Model:
    """A miner's work in one round."""

    miner: Any
    commitment: Commitment
    key: str
    hash: str


@dataclass
class Round:
    id: int
    task_id: int
    spec: Spec
    key: str
    anchor: str
    spec_hash: str
    models: list[Model] = field(default_factory=list)
    ballots: list[Any] = field(default_factory=list)

    def model_of(self, commitment_hash: Any) -> Model:
        return next(model for model in self.models if model.hash == str(commitment_hash))


def wait_until(timestamp: int) -> None:
    """Mines a block of this time. Anvil does not know the parameter that Brownie's `mine` sends."""
    _ask("evm_setNextBlockTimestamp", int(timestamp))
    _ask("evm_mine")


@contextmanager
def clock_stopped() -> Iterator[None]:
    """Blocks take no time meanwhile, however slow the machine: what is begun within a phase ends within it."""
    _ask("anvil_setBlockTimestampInterval", 0)
    try:
        yield
    finally:
        _ask("anvil_removeBlockTimestampInterval")


def _ask(method: str, *parameters: int) -> None:
    answer = brownie.web3.provider.make_request(method, list(parameters))
    assert "error" not in answer, answer


def keccak(text: str) -> str:
    return brownie.web3.keccak(text=text).to_0x_hex()


def hash_of_key(key: str) -> str:
    return brownie.web3.keccak(hexstr=key).to_0x_hex()


def refused(error: str, *found: Any) -> Any:
    """The block must revert with this custom error; with these members, if any are given."""
    if not found:
        return brownie.reverts(revert_pattern=rf"{error}: .*")
    return brownie.reverts(f"{error}: " + ", ".join(_as_found(part) for part in found))


def wrong_phase(found: str) -> Any:
    """The block must revert because the round is in this phase."""
    return refused("WrongPhase", PHASES.index(found))


def _as_found(part: Any) -> str:
    """Brownie prints a bytes32 as Python prints bytes, and an address without its checksum."""
    text = str(part)
    if not text.startswith("0x"):
        return text
    return str(bytes.fromhex(text[2:])) if len(text) == len(ZERO) else text.lower()


def plain(value: Any) -> Any:
    """What a call returned, as Python's own types: Brownie's refuse to be compared with them inside a tuple."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(part) for part in value)
    if isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else str(value)


class Ledger:
    """What happens to everybody's money from here on."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.before = self._now()

    def _now(self) -> dict[str, dict[str, int]]:
        accounts = {str(actor): self.play.hub.account(actor) for actor in brownie.accounts}
        return {
            "credit": {actor: int(account["credit"]) for actor, account in accounts.items()},
            "stake": {actor: int(account["stake"]) for actor, account in accounts.items()},
            "locked": {actor: int(account["locked"]) for actor, account in accounts.items()},
            "supply": {"": int(self.play.token.totalSupply())},
        }

    def change(self, what: str) -> dict[str, int]:
        """By account, only where there is a change."""
        now = self._now()[what]
        return {actor: now[actor] - then for actor, then in self.before[what].items() if now[actor] != then}

    @property
    def credits(self) -> dict[str, int]:
        return self.change("credit")

    @property
    def stakes(self) -> dict[str, int]:
        return self.change("stake")

    @property
    def supply(self) -> int:
        return self.change("supply").get("", 0)


class Play:
    def __init__(self, hub: Any, committee: Any, token: Any, keeper: Any) -> None:
        self.hub, self.committee, self.token, self.keeper = hub, committee, token, keeper
        self.by = {"from": keeper}
        self.nonce = 0
        self.specs: dict[int, Spec] = {}
        self.genesis = token.totalSupply()
        self.tip = int(hub.economy()["tip"])

    # MONEY

    def fund(self, *actors: Any, stake: int = 100 * DLBC) -> None:
        """Deposits 5,000 DLBC for each, and stakes some of it."""
        for actor in actors:
            if self.token.balanceOf(actor) < 5_000 * DLBC:
                self.token.transfer(actor, 5_000 * DLBC, {"from": brownie.accounts[0]})
                self.token.approve(self.hub, 2**256 - 1, {"from": actor})
            self.hub.deposit(5_000 * DLBC, {"from": actor})
            if stake:
                self.hub.stake(stake, {"from": actor})

    def seat(self, *validators: Any) -> list[int]:
        return [self.committee.joinSeat({"from": validator}).return_value for validator in validators]

    def watch(self) -> Ledger:
        return Ledger(self)

    def credit(self, actor: Any) -> int:
        return int(self.hub.account(actor)["credit"])

    def check_conservation(self, unclaimed: int = 0) -> None:
        """The hub holds exactly what it owes, and the supply is what was minted less what was burned.

        Args:
            unclaimed: what it holds besides: compensation that nobody took yet, bonds of open challenges.
        """
        owed = unclaimed
        for actor in brownie.accounts:
            account = self.hub.account(actor)
            owed += account["credit"] + account["stake"]
            assert account["locked"] + account["unbonding"] <= account["stake"]
        for task_id, spec in self.specs.items():
            task = self.hub.task(task_id)
            if task["status"] in (1, 2):
                owed += spec.fee + spec.bond
            if task["status"] == 2:  # Open
                round_ = self.hub.round(task["roundId"])
                owed -= round_["tips"] * self.tip + round_["advanced"]
                owed += sum(case["bond"] for case in self.hub.appealsOf(task["roundId"]))
                owed += self.hub.accusationOf(task["roundId"])["bond"]
        assert self.token.balanceOf(self.hub) == owed
        burned = sum(
            log["args"]["value"]
            for log in brownie.web3.eth.contract(address=self.token.address, abi=self.token.abi)
            .events.Transfer()
            .get_logs(from_block=0, argument_filters={"to": brownie.ZERO_ADDRESS})
        )
        assert self.token.totalSupply() == self.genesis + self.hub.emitted() - burned

    # TIME

    def phase(self, round_: Round) -> str:
        return PHASES[self.hub.phase(round_.id)[0]]

    def wait(self, round_: Round) -> str:
        """Lets the clock end the present phase."""
        ends = self.hub.phase(round_.id)[1]
        assert ends, f"the clock does not end {self.phase(round_)}"
        wait_until(ends)
        return self.phase(round_)

    def wait_for(self, round_: Round, phase: str) -> None:
        while self.phase(round_) != phase:
            self.wait(round_)

    def mine(self, blocks: int) -> None:
        brownie.chain.mine(blocks)

    # VERBS

    def spec(self, requester: Any, **changes: Any) -> tuple[Spec, str]:
        self.nonce += 1
        key = keccak(f"test key {self.nonce}")
        spec = Spec(requester=str(requester), manifest=keccak("manifest"), keyHash=hash_of_key(key), nonce=self.nonce)
        return spec._replace(**changes), key

    def submit(self, requester: Any, **changes: Any) -> tuple[int, Spec, str]:
        spec, key = self.spec(requester, **changes)
        task_id = self.hub.submitTask(spec, {"from": requester}).events["TaskSubmitted"]["taskId"]
        self.specs[task_id] = spec
        return task_id, spec, key

    def open(self, requester: Any, slot: int = 0, **changes: Any) -> Round:
        """A new task, which must be the top of the queue, in training."""
        task_id, spec, key = self.submit(requester, **changes)
        round_ = self.opened(self.hub.openRound(slot, self.by), spec, key)
        assert round_.task_id == task_id
        self.wait_for(round_, "Train")
        return round_

    def opened(self, transaction: Any, spec: Spec, key: str) -> Round:
        event = transaction.events["RoundOpened"]
        return Round(event["roundId"], event["taskId"], spec, key, str(event["anchor"]), str(event["specHash"]))

    def model(self, round_: Round, miner: Any, **changes: Any) -> Model:
        key = keccak(f"model key {miner} {round_.id}")
        commitment = Commitment(
            roundId=round_.id,
            anchor=round_.anchor,
            specHash=round_.spec_hash,
            modelHash=keccak(f"model {miner}"),
            artifact=keccak(f"artifact {miner}"),
            artifactBytes=400_084,
            keyHash=hash_of_key(key),
            watermark=keccak("watermark"),
            trajectory=ZERO,
            parent=ZERO,
            payloadRoot=ZERO,
            miner=str(miner),
            salt=keccak(f"salt {miner}"),
        )._replace(**changes)
        return Model(miner, commitment, key, str(self.hub.hashCommitment(commitment)))

    def announced(self, model: Model) -> str:
        packed = bytes.fromhex(model.hash[2:]) + bytes.fromhex(model.commitment.artifact[2:])
        packed += model.commitment.artifactBytes.to_bytes(32, "big")
        return brownie.web3.keccak(packed).to_0x_hex()

    def commit_arguments(self, round_: Round, model: Model) -> tuple[Any, ...]:
        commitment = model.commitment
        return (
            round_.id,
            model.miner,
            self.announced(model),
            commitment.artifact,
            commitment.artifactBytes,
            round_.anchor,
            round_.spec_hash,
        )

    def commit(self, round_: Round, *miners: Any, **changes: Any) -> list[Model]:
        models = [self.model(round_, miner, **changes) for miner in miners]
        for model in models:
            self.hub.commitModel(*self.commit_arguments(round_, model), {"from": model.miner})
        round_.models += models
        return models

    def reveal_key(self, round_: Round) -> Any:
        self.wait_for(round_, "Key")
        return self.hub.revealKey(round_.id, round_.spec, round_.key, self.by)

    def sign(self, model: Model, score: int, signer: Any = None, hub: Any = None, chain_id: int = 0) -> str:
        fields = [{"name": name, "type": COMMITMENT_TYPES.get(name, "bytes32")} for name in Commitment._fields]
        domain = {
            "name": "DLBC",
            "version": "1",
            "chainId": chain_id or brownie.chain.id,
            "verifyingContract": str(hub or self.hub.address),
        }
        typed = {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "ModelClaim": [
                    {"name": "commitment", "type": "ModelCommitment"},
                    {"name": "score", "type": "uint40"},
                ],
                "ModelCommitment": fields,
            },
            "primaryType": "ModelClaim",
            "domain": domain,
            "message": {"commitment": model.commitment._asdict(), "score": score},
        }
        answer = brownie.web3.provider.make_request("eth_signTypedData_v4", [str(signer or model.miner), typed])
        return str(answer["result"])

    def claim(self, round_: Round, model: Model, score: int, parent_round: int = 0) -> Any:
        signature = self.sign(model, score)
        return self.hub.claimModel(model.commitment, score, round_.spec, parent_round, signature, self.by)

    def show(self, model: Model) -> Any:
        return self.hub.showKey(model.commitment, model.key, self.by)

    def draw(self, round_: Round) -> Any:
        self.committee.draw(round_.id, self.by)
        brownie.chain.mine(3)
        return self.committee.draw(round_.id, self.by)

    def owners(self, round_: Round) -> list[str]:
        """Of the drawn seats, by position."""
        return [str(member[1]) for member in self.committee.members(round_.id)]

    def vote(self, round_: Round, pos: int, word: int, **changes: Any) -> tuple[Any, ...]:
        ballot = self.committee.ballot(round_.id)
        owner = self.committee.members(round_.id)[pos][1]
        vote = {
            "roundId": round_.id,
            "epoch": ballot["epoch"],
            "pos": pos,
            "validator": owner,
            "word": word,
            "evalRoot": ZERO,
            "salt": keccak(f"vote salt {pos}"),
        }
        return tuple({**vote, **changes}.values())

    def commit_vote(self, vote: tuple[Any, ...]) -> Any:
        return self.committee.commitVote(vote[0], vote[2], self.committee.hashVote(vote), {"from": vote[3]})

    def reveal_vote(self, vote: tuple[Any, ...]) -> Any:
        return self.committee.revealVote(vote, {"from": vote[3]})

    def judge(self, round_: Round, *words: int) -> None:
        """Each position votes one of these words; a position without a word stays absent."""
        votes = [self.vote(round_, pos, word) for pos, word in enumerate(words)]
        for vote in votes:
            self.commit_vote(vote)
        self.wait_for(round_, "VoteReveal")
        for vote in votes:
            self.reveal_vote(vote)

    def word(self, round_: Round, scores: dict[Any, int], task_flags: int = 0) -> int:
        """A vote by miner; those who are not named are given their claim."""
        word = task_flags
        for position, candidate in enumerate(self.hub.candidates(round_.id)):
            word |= scores.get(candidate[0], candidate[1]) << (40 * position)
        return word

    def finalize_arguments(self, round_: Round, winner: Model | None = None, parent_round: int = 0) -> tuple[Any, ...]:
        return round_.id, round_.spec, winner.commitment if winner else NO_COMMITMENT, parent_round

    def finalize(self, round_: Round, winner: Model | None = None, parent_round: int = 0) -> Any:
        self.wait_for(round_, "Tally")
        return self.hub.finalize(*self.finalize_arguments(round_, winner, parent_round), self.by)

    def fee_left(self, round_: Round) -> int:
        """F: the fee less the tips paid so far."""
        return int(round_.spec.fee - self.hub.round(round_.id)["tips"] * self.tip)

    # STRETCHES

    def claimed(self, requester: Any, claims: dict[Any, int], **changes: Any) -> Round:
        """A round in which these miners committed and claimed these scores."""
        round_ = self.open(requester, **changes)
        self.commit(round_, *claims)
        self.reveal_key(round_)
        for model in round_.models:
            self.claim(round_, model, claims[model.miner])
        return round_

    def shown(self, requester: Any, claims: dict[Any, int], **changes: Any) -> Round:
        round_ = self.claimed(requester, claims, **changes)
        listed = {str(candidate[4]) for candidate in self.hub.candidates(round_.id)}
        for model in round_.models:
            if model.hash in listed:
                self.show(model)
        return round_

    def drawn(self, requester: Any, claims: dict[Any, int], **changes: Any) -> Round:
        round_ = self.shown(requester, claims, **changes)
        self.draw(round_)
        return round_

    def judged(
        self, requester: Any, claims: dict[Any, int], words: Sequence[int] | None = None, **changes: Any
    ) -> Round:
        """A round whose committee votes; by default just what was claimed."""
        round_ = self.drawn(requester, claims, **changes)
        size = self.committee.ballot(round_.id)["size"]
        self.judge(round_, *(words if words is not None else [self.word(round_, {})] * size))
        return round_


def paid(transaction: Any, tips: bool = False) -> list[tuple[str, str, int]]:
    """(account, kind, amount) of each Paid event; of tips only where they are asked for."""
    events = transaction.events["Paid"] if "Paid" in transaction.events else []  # noqa: SIM401  # no mapping
    found = [(event["account"], KINDS[event["kind"]], event["amount"]) for event in events]
    return [payment for payment in found if tips or payment[1] != "Tip"]


def slashed(transaction: Any) -> list[tuple[str, str, int]]:
    events = transaction.events["Slashed"] if "Slashed" in transaction.events else []  # noqa: SIM401  # no mapping
    return [(event["account"], REASONS[event["reason"]], event["amount"]) for event in events]


def ended(transaction: Any) -> tuple[int, str] | None:
    """(epoch, cause) of the EpochEnded event, if there is one."""
    if "EpochEnded" not in transaction.events:
        return None
    event = transaction.events["EpochEnded"]
    return event["epoch"], CAUSES[event["cause"]]
