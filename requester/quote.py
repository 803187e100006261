"""What a task would cost and what the chain would say, asked before anything is paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlbc.chain.client import Chain
from dlbc.chain.contracts import Economy, Hub, Limits, Token
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import InvalidTask, TransactionRefused, UsageError
from dlbc.manifest import modes_of
from dlbc.task import MAX_AMOUNT
from dlbc.types import TaskSpec
from dlbc.wire.fees import part
from dlbc.wire.ranking import Weights, base, queue_key

if TYPE_CHECKING:
    from requester.pack import Prepared

USUAL_TIPS, MOST_TIPS = 3, 7  # opening, draw, finalize; and with two more epochs


@dataclass(frozen=True)
class Quote:
    """Amounts in base units, times in seconds.

    Attributes:
        fee_floor, bond_floor: the least that the chain accepts now.
        credit: what the account has in the hub; None without an account.
        wallet: its tokens outside.
        gas: its native coin, in wei.
        ahead: waiting tasks that would open before; `ahead_exact`: no cancelled ones are counted with them.
        tip: paid of the fee to whoever opens the round, draws a committee, finalizes; `MOST_TIPS` of them at most.
        slot_fee: burned of the fee if nobody delivers a model that is judged.
        cancel_cost: burned if it is taken back from the queue.
        burned: of the fee when it succeeds, after the usual tips.
    """

    spec: TaskSpec
    fee_floor: int
    bond_floor: int
    credit: int | None
    wallet: int | None
    gas: int | None
    waiting: int
    ahead: int
    ahead_exact: bool
    slots: int
    slot_fee: int
    cancel_cost: int
    burned: int
    tip: int
    shortest: int
    longest: int

    @property
    def needed(self) -> int:
        """What is escrowed: fee and bond."""
        return self.spec.fee + self.spec.bond

    @property
    def to_deposit(self) -> int:
        """What must move from the wallet into credit first."""
        return max(0, self.needed - (self.credit or 0))

    def problems(self) -> list[InvalidTask | UsageError]:
        """All that would make the chain refuse the task now, in the words of the task file."""
        found: list[InvalidTask | UsageError] = []
        spec = self.spec
        if not self.shortest <= spec.train_secs <= self.longest:
            found.append(
                InvalidTask(
                    "training.seconds",
                    f"{spec.train_secs}: this chain allows {self.shortest} to {self.longest} s for a network "
                    f"of {spec.flops:,} FLOPs a sample",
                )
            )
        if spec.fee < self.fee_floor:
            found.append(
                InvalidTask(
                    "fee",
                    f"{amount_in_words(spec.fee)} is below this chain's floor of "
                    f"{amount_in_words(self.fee_floor)} for a task of this size; raise it",
                )
            )
        if spec.bond < self.bond_floor:
            found.append(
                InvalidTask(
                    "bond",
                    f"{amount_in_words(spec.bond)} is below this chain's floor of "
                    f"{amount_in_words(self.bond_floor)}; raise it, or leave it out to take the floor",
                )
            )
        if self.wallet is not None and self.to_deposit > self.wallet:
            found.append(
                UsageError(
                    f"too little money: {amount_in_words(self.needed)} are needed; {spec.requester} has "
                    f"{amount_in_words(self.credit or 0)} of credit, {amount_in_words(self.wallet)} in its "
                    f"wallet; {amount_in_words(self.to_deposit - self.wallet)} are missing"
                )
            )
        if self.gas == 0:
            found.append(UsageError("the account has nothing to pay gas with: send it some of the chain's own coin"))
        return found


def make_spec(
    prepared: Prepared,
    requester: str,
    nonce: int,
    *,
    manifest: bytes = bytes(32),
    key_hash: bytes = bytes(32),
    bond: int = 0,
) -> TaskSpec:
    """The spec of a task; with the defaults only good for asking what it would cost."""
    return TaskSpec(
        requester=requester,
        manifest=manifest,
        key_hash=key_hash,
        flops=prepared.measured.flops,
        net_bytes=prepared.measured.model_bytes,
        data_bytes=prepared.data_bytes,
        score_max=prepared.score_max,
        min_score=prepared.min_score,
        tol=prepared.tol,
        tie_tol=prepared.tie_tol,
        modes=modes_of(prepared.task.proof),
        train_secs=prepared.task.train_secs,
        prove_secs=prepared.task.prove_secs,
        fee=prepared.task.fee,
        bond=bond if prepared.task.bond is None else prepared.task.bond,
        nonce=nonce,
    )


def quote(chain: Chain, hub: Hub, token: Token, spec: TaskSpec, *, auto_bond: bool, account: str | None) -> Quote:
    """Asks the chain.

    Args:
        auto_bond: replace the spec's bond by the floor.
        account: whose money is looked at; None looks at nobody's.

    Raises:
        ChainError: no answer.
    """
    floors, limits, economy = hub.floors(spec), hub.limits(), hub.economy()
    if auto_bond:
        spec = with_bond(spec, min(floors.bond, MAX_AMOUNT))
    waiting = hub.queue_length()
    ahead, exact = _ahead(hub, spec, limits, waiting) if waiting else (0, True)
    return Quote(
        spec=spec,
        fee_floor=floors.fee,
        bond_floor=floors.bond,
        credit=None if account is None else hub.account(account).credit,
        wallet=None if account is None else token.balance_of(account),
        gas=None if account is None else int(chain.w3.eth.get_balance(account)),  # type: ignore[arg-type]
        waiting=waiting,
        ahead=ahead,
        ahead_exact=exact,
        slots=economy.slots,
        slot_fee=min(spec.fee, limits.slot_fee_per_sec * spec.train_secs),
        cancel_cost=min(spec.fee, floors.fee // 10),
        burned=_burned(economy, spec),
        tip=economy.tip,
        shortest=limits.min_train_secs,
        longest=longest_training(limits, spec.flops),
    )


def with_bond(spec: TaskSpec, bond: int) -> TaskSpec:
    """The same spec with another bond."""
    values = list(spec.to_tuple())
    values[14] = bond
    return TaskSpec.from_tuple(values)


def longest_training(limits: Limits, flops: int) -> int:
    """Seconds that a network of `flops` a sample may be trained on this chain."""
    return min(limits.max_train_secs, limits.min_train_secs + limits.secs_per_megaflop * -(-flops // 1_000_000))


def simulate(chain: Chain, hub: Hub, spec: TaskSpec) -> None:
    """Lets the chain try the submission. Missing credit passes: it is deposited later.

    Raises:
        TransactionRefused: it would revert for another reason.
    """
    call = hub.submit_task(spec)
    try:
        chain.call(call.to, call.data, sender=spec.requester)
    except TransactionRefused as refusal:
        if refusal.error != "InsufficientCredit":
            raise


def _burned(economy: Economy, spec: TaskSpec) -> int:
    return part(max(0, spec.fee - USUAL_TIPS * economy.tip), economy.burn_bps)


def _ahead(hub: Hub, spec: TaskSpec, limits: Limits, waiting: int) -> tuple[int, bool]:
    """How many waiting tasks have a larger key than `spec` would get now; cancelled ones may still be among them."""
    weights = Weights(limits.weight_flops, limits.weight_net, limits.weight_data, limits.weight_fee)
    own = queue_key(base(weights, spec), hub.queue_clock(), hub.task_count() + 1)
    keys = hub.queue_keys()
    return min(waiting, sum(key > own for key in keys)), len(keys) == waiting
