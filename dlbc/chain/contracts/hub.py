"""The hub contract; `contracts/interfaces/IDLBC.sol` says what each function does."""

from __future__ import annotations

from collections.abc import Sequence

from dlbc.chain.client import Chain
from dlbc.chain.contracts.binding import Binding, Call
from dlbc.chain.contracts.views import (
    Account,
    Accusation,
    AppealCase,
    Candidate,
    Commit,
    DrawRules,
    Economy,
    ExcludedClaim,
    Factors,
    Floors,
    Inbox,
    Limits,
    Parameters,
    PhaseNow,
    Preview,
    Rank,
    Round,
    Task,
    Timing,
)
from dlbc.types import BlockHeader, MarkKey, ModelClaim, ModelCommitment, TaskSpec


class Hub(Binding):
    """Accounts, tasks, rounds and the chain of blocks. Getters raise ChainError where there is no answer."""

    def __init__(self, chain: Chain, block: int | str = "latest") -> None:
        super().__init__(chain, "DLBC", chain.deployment.hub, block)

    def at(self, block: int | str) -> Hub:
        """The same contract, its state read at another block."""
        return Hub(self._chain, block)

    # Accounts

    def account(self, owner: str) -> Account:
        return self.read(Account, "account", owner)  # type: ignore[no-any-return]

    def deposit(self, amount: int) -> Call:
        return self.call("deposit", amount)

    def deposit_with_permit(self, amount: int, deadline: int, signature: bytes) -> Call:
        """`signature` is the 65 bytes r, s, v over the token's ERC-2612 permit."""
        r, s, v = signature[:32], signature[32:64], signature[64]
        return self.call("depositWithPermit", amount, deadline, v, r, s)

    def set_operator(self, operator: str) -> Call:
        """`operator` may be `ZERO_ADDRESS`: nobody."""
        return self.call("setOperator", operator, what=f"setOperator {operator}")

    def operator_of(self, owner: str) -> str:
        """Who may work for `owner` besides himself, or `ZERO_ADDRESS`."""
        return str(self.read(str, "operatorOf", owner))

    def withdraw(self, amount: int) -> Call:
        return self.call("withdraw", amount)

    def stake(self, amount: int) -> Call:
        return self.call("stake", amount)

    def request_unbond(self, amount: int) -> Call:
        return self.call("requestUnbond", amount)

    def unbond(self) -> Call:
        return self.call("unbond")

    # Tasks

    def task(self, task_id: int) -> Task:
        return self.read(Task, "task", task_id)  # type: ignore[no-any-return]

    def task_count(self) -> int:
        return int(self.read(int, "taskCount"))

    def task_id_of(self, spec_hash: bytes) -> int:
        return int(self.read(int, "taskIdOf", spec_hash))

    def queue_length(self) -> int:
        return int(self.read(int, "queueLength"))

    def next_task(self) -> int:
        return int(self.read(int, "nextTask"))

    def rank(self, task_id: int) -> Rank:
        return self.read(Rank, "rank", task_id)  # type: ignore[no-any-return]

    def factors(self, task_id: int) -> Factors:
        return self.read(Factors, "factors", task_id)  # type: ignore[no-any-return]

    def queue_clock(self) -> int:
        return int(self.read(int, "queueClock"))

    def queue_keys(self) -> tuple[int, ...]:
        """In no order, those of cancelled tasks included; `dlbc.wire.ranking.task_id_of` reads one."""
        return tuple(self.read(tuple[int, ...], "queueKeys"))

    def floors(self, spec: TaskSpec) -> Floors:
        return self.read(Floors, "floors", spec)  # type: ignore[no-any-return]

    def submit_task(self, spec: TaskSpec) -> Call:
        return self.call("submitTask", spec)

    def cancel_task(self, task_id: int, spec: TaskSpec) -> Call:
        return self.call("cancelTask", task_id, spec, what=f"cancelTask {task_id}")

    def open_round(self, slot: int) -> Call:
        return self.call("openRound", slot, what=f"openRound in slot {slot}")

    def prune(self, n: int) -> Call:
        return self.call("prune", n)

    # Rounds

    def round(self, round_id: int) -> Round:
        return self.read(Round, "round", round_id)  # type: ignore[no-any-return]

    def round_count(self) -> int:
        return int(self.read(int, "roundCount"))

    def round_in_slot(self, slot: int) -> int:
        return int(self.read(int, "roundInSlot", slot))

    def phase(self, round_id: int) -> PhaseNow:
        return self.read(PhaseNow, "phase", round_id)  # type: ignore[no-any-return]

    def candidates(self, round_id: int) -> list[Candidate]:
        return list(self.read(tuple[Candidate, ...], "candidates", round_id))

    def commit_of(self, round_id: int, miner: str) -> Commit:
        return self.read(Commit, "commitOf", round_id, miner)  # type: ignore[no-any-return]

    def preview(self, round_id: int, spec: TaskSpec) -> Preview:
        return self.read(Preview, "preview", round_id, spec)  # type: ignore[no-any-return]

    def draw_rules(self, round_id: int) -> DrawRules:
        return self.read(DrawRules, "drawRules", round_id)  # type: ignore[no-any-return]

    def excluded_of(self, round_id: int, miner: str) -> ExcludedClaim:
        return self.read(ExcludedClaim, "excludedOf", round_id, miner)  # type: ignore[no-any-return]

    def appeals_of(self, round_id: int) -> list[AppealCase]:
        return list(self.read(tuple[AppealCase, ...], "appealsOf", round_id))

    def accusation_of(self, round_id: int) -> Accusation:
        return self.read(Accusation, "accusationOf", round_id)  # type: ignore[no-any-return]

    def commit_model(
        self,
        round_id: int,
        miner: str,
        commitment: bytes,
        artifact: bytes,
        artifact_bytes: int,
        anchor: bytes,
        spec_hash: bytes,
    ) -> Call:
        """`commitment` is the digest that `dlbc.wire.typed_data.commit_digest` computes; `miner` the sender, or who
        made the sender his operator.
        """
        return self.call(
            "commitModel",
            round_id,
            miner,
            commitment,
            artifact,
            artifact_bytes,
            anchor,
            spec_hash,
            what=f"commitModel in round {round_id}",
        )

    def reveal_key(self, round_id: int, spec: TaskSpec, key: bytes) -> Call:
        return self.call("revealKey", round_id, spec, key, what=f"revealKey of round {round_id}")

    def claim_model(
        self,
        commitment: ModelCommitment,
        score: int,
        spec: TaskSpec,
        signature: bytes,
        parent_round: int = 0,
    ) -> Call:
        """`parent_round`: the final round in which `commitment.parent` was shown; without a parent it is ignored."""
        what = f"claimModel in round {commitment.round_id}, score {score}"
        return self.call("claimModel", commitment, score, spec, parent_round, signature, what=what)

    def enlist(self, round_id: int, miner: str) -> Call:
        return self.call("enlist", round_id, miner, what=f"enlist {miner} in round {round_id}")

    def show_key(self, commitment: ModelCommitment, key: bytes) -> Call:
        return self.call("showKey", commitment, key, what=f"showKey in round {commitment.round_id}")

    def show_trajectory(self, round_id: int, miner: str, artifact: bytes, artifact_bytes: int) -> Call:
        what = f"showTrajectory in round {round_id}"
        return self.call("showTrajectory", round_id, miner, artifact, artifact_bytes, what=what)

    def appeal(self, round_id: int, spec: TaskSpec) -> Call:
        return self.call("appeal", round_id, spec, what=f"appeal in round {round_id}")

    def accuse(  # which round's whom, of whose, and how it is known
        self,
        round_id: int,
        spec: TaskSpec,
        accused: ModelCommitment,
        earlier: ModelCommitment,
        key: MarkKey,
        proof: Sequence[bytes],
    ) -> Call:
        """`proof` as `dlbc.wire.merkle.proof` makes it over the leaves of the keys that `earlier.watermark` holds."""
        what = f"accuse {accused.miner} in round {round_id}"
        return self.call("accuse", round_id, spec, accused, earlier, key, list(proof), what=what)

    def challenge_vote(self, round_id: int, pos: int) -> Call:
        return self.call("challengeVote", round_id, pos, what=f"challengeVote {pos} in round {round_id}")

    def finalize(self, round_id: int, spec: TaskSpec, winner: ModelCommitment, parent_round: int = 0) -> Call:
        """`parent_round`: as in `claim_model`, for the winner's parent."""
        return self.call("finalize", round_id, spec, winner, parent_round, what=f"finalize round {round_id}")

    def release_locks(self, round_id: int, miners: Sequence[str]) -> Call:
        return self.call("releaseLocks", round_id, list(miners), what=f"releaseLocks of round {round_id}")

    def claim_compensation(self, round_id: int) -> Call:
        return self.call("claimCompensation", round_id, what=f"claimCompensation of round {round_id}")

    # The inbox

    def post(self, item: bytes) -> Call:
        return self.call("post", item, what=f"post 0x{item.hex()}")

    def inbox(self) -> Inbox:
        return self.read(Inbox, "inbox")  # type: ignore[no-any-return]

    # Governance

    def set_params(self, timing: Timing, economy: Economy, limits: Limits) -> Call:
        return self.call("setParams", timing, economy, limits)

    def pause(self, secs: int) -> Call:
        return self.call("pause", secs, what=f"pause for {secs} s")

    def paused_until(self) -> int:
        return int(self.read(int, "pausedUntil"))

    def authority(self) -> str:
        return str(self.read(str, "authority"))

    def version(self) -> int:
        """Of the parameters for tasks submitted now."""
        return int(self.read(int, "version"))

    def parameters_of(self, version: int) -> Parameters:
        """Those that tasks submitted under that version keep, and their rounds (`Round.version`)."""
        return self.read(Parameters, "parametersOf", version)  # type: ignore[no-any-return]

    # The chain of blocks, parameters, hashes

    def head(self) -> bytes:
        return bytes(self.read(bytes, "head"))

    def height(self) -> int:
        return int(self.read(int, "height"))

    def chain_score(self) -> int:
        return int(self.read(int, "chainScore"))

    def emitted(self) -> int:
        return int(self.read(int, "emitted"))

    def timing(self) -> Timing:
        return self.read(Timing, "timing")  # type: ignore[no-any-return]

    def economy(self) -> Economy:
        return self.read(Economy, "economy")  # type: ignore[no-any-return]

    def limits(self) -> Limits:
        return self.read(Limits, "limits")  # type: ignore[no-any-return]

    def token(self) -> str:
        return str(self.read(str, "token"))

    def committee(self) -> str:
        return str(self.read(str, "committee"))

    def hash_spec(self, spec: TaskSpec) -> bytes:
        return bytes(self.read(bytes, "hashSpec", spec))

    def hash_commitment(self, commitment: ModelCommitment) -> bytes:
        return bytes(self.read(bytes, "hashCommitment", commitment))

    def hash_claim(self, claim: ModelClaim) -> bytes:
        return bytes(self.read(bytes, "hashClaim", claim))

    def hash_header(self, header: BlockHeader) -> bytes:
        return bytes(self.read(bytes, "hashHeader", header))
