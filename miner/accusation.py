"""What an accusation says, as the one number of an order, and the call that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from eth_utils.address import to_checksum_address

from dlbc import funds
from dlbc.appeals import out_of_time
from dlbc.chain.events import ModelClaimed
from dlbc.errors import UsageError
from dlbc.keeper import spec_of
from dlbc.types import ZERO_ADDRESS, MarkKey, ModelCommitment, Phase
from dlbc.wire import merkle
from miner.secrets import secrets_of

if TYPE_CHECKING:
    from dlbc.chain.contracts import Call, Hub, Round
    from dlbc.service import Context

READ_FIRST = "start dlbc-miner, which reads the chain"


@dataclass(frozen=True)
class Charge:
    """That a candidate's model carries one of the account's own marks.

    Attributes:
        accused: the candidate's address.
        earlier_round: in which the account's own model was shown.
        key: number of the private key that was found, from 0.
    """

    round_id: int
    accused: str
    earlier_round: int
    key: int

    @property
    def value(self) -> int:
        """As an order has it: round(32) ‖ earlier round(32) ‖ key(8) ‖ address(160)."""
        return (self.round_id << 32 | self.earlier_round) << 168 | self.key << 160 | int(self.accused, 16)

    @classmethod
    def of(cls, value: int) -> Self:
        """Of an order's number."""
        accused = to_checksum_address((value & (1 << 160) - 1).to_bytes(20, "big"))
        return cls(value >> 200, str(accused), value >> 168 & (1 << 32) - 1, value >> 160 & 0xFF)

    def __str__(self) -> str:
        return f"accuse {self.accused} in round {self.round_id}"


def why_not(hub: Hub, round_id: int, found: Round) -> str:
    """Why nobody can be accused in the round now, "" if somebody can."""
    subject = f"in round {round_id} nobody can be accused"
    if found.phase is Phase.APPEAL and found.appeals and hub.accusation_of(round_id).accuser != ZERO_ADDRESS:
        return f"{subject} again: somebody was, and one accusation is all that a round has"
    return out_of_time(subject, found)


def call_of(context: Context, charge: Charge) -> Call:
    """The transaction: shows the key, and proves that the earlier commitment holds it.

    Raises:
        UsageError: the journal does not know the models, or the key is not of this account's key file.
    """
    spec = spec_of(context.journal, context.hub.round(charge.round_id).task_id)
    accused = claimed(context, charge.round_id, charge.accused)
    earlier = claimed(context, charge.earlier_round, context.account)
    if spec is None or accused is None or earlier is None:
        raise UsageError(f"the models of rounds {charge.round_id} and {charge.earlier_round} are not known here yet")
    keys = secrets_of(context, earlier).committed_keys(earlier.watermark)
    if charge.key >= len(keys):
        raise UsageError(
            f"the model of round {charge.earlier_round} has {len(keys)} private keys of this key file's, "
            f"and none of number {charge.key}"
        )
    key = keys[charge.key]
    proof = merkle.proof([one.leaf for one in keys], charge.key)
    shown = MarkKey(key.index, key.shares, key.secret)
    return context.hub.accuse(charge.round_id, spec, accused, earlier, shown, proof)


def claimed(context: Context, round_id: int, miner: str) -> ModelCommitment | None:
    """What a miner committed to in a round, once he claimed a score for it."""
    claims = context.journal.events(ModelClaimed, round_id=round_id, miner=miner)
    return claims[-1].commitment if claims else None


def bond_of(context: Context, found: Round) -> int:
    """What an accusation locks, in base units: as much as an appeal."""
    return context.hub.parameters_of(found.version).economy.appeal_bond


def accuse(context: Context, charge: Charge, say: Callable[[str], None]) -> None:
    """Locks the bond, after depositing what the credit lacks, and has a larger committee look for the mark.

    Raises:
        UsageError: it is not possible now, or the wallet holds less than is missing; nothing is sent.
        TransactionRefused: the contracts refuse.
    """
    found = context.hub.round(charge.round_id)
    why = why_not(context.hub, charge.round_id, found)
    if why:
        raise UsageError(why)
    call = call_of(context, charge)
    funds.cover(context, bond_of(context, found), say)
    context.transactions.send_and_wait(f"accuse/{charge.round_id}/{found.epoch}", call, funds.TIMEOUT)
    say(f"accused: a larger committee looks for the mark in the model of {charge.accused}")
