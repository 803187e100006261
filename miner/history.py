"""What a round brought: pay and slashes, from the chain's own events, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlbc.chain.events import (
    Appealed,
    BlockAppended,
    CandidateRemoved,
    ClaimEnlisted,
    LockReleased,
    ModelAccused,
    ModelClaimed,
    ModelCommitted,
    Paid,
    RoundFinalized,
    Slashed,
)
from dlbc.journal import Journal
from dlbc.types import Outcome, Payment, Reason, same_address
from miner import records, words
from miner.choose import tokens

# Not for a model: chores, and bonds of one's own that come back.
BONDS = frozenset({Payment.APPEAL_BOND, Payment.CHALLENGE_BOND, Payment.ACCUSATION_BOND})
BESIDES = BONDS | {Payment.TIP, Payment.FINDER}
REMEMBERED_ROUNDS = 50  # looked at on every block: a journal grows for ever


@dataclass(frozen=True)
class RoundResult:
    """Amounts in base units.

    Attributes:
        outcome: None while the round is not final.
        released: whether the stake that the commit locked is free again.
        why: why the model was paid nothing, "" otherwise.
        lost_appeals: appeals of the account whose bond did not come back.
        lost_accusations: likewise.
    """

    round_id: int
    outcome: Outcome | None
    paid: tuple[tuple[Payment, int], ...]
    slashed: tuple[tuple[Reason, int], ...]
    released: bool
    why: str
    lost_appeals: int = 0
    lost_accusations: int = 0

    @property
    def income(self) -> int:
        """Pay less slashes; bonds are left out, they were the account's own."""
        earned = sum(amount for kind, amount in self.paid if kind not in BONDS)
        return earned - sum(amount for _, amount in self.slashed)

    def sentence(self) -> str:
        """What happened, in one line."""
        if self.outcome is None:
            return "not final yet"
        parts = [f"{words.PAYMENTS[kind]}: {tokens(amount)} DLBC" for kind, amount in self.paid]
        parts += [f"slashed {tokens(amount)} DLBC: {words.REASONS[reason]}" for reason, amount in self.slashed]
        if self.why and self.why != words.OUTCOMES[self.outcome]:
            parts.append(f"no pay: {self.why}")
        if self.lost_appeals:
            parts.append("the appeal changed nothing: its bond went to the validators")
        if self.lost_accusations:
            parts.append("the mark was not found in the accused model: the bond went to the validators")
        return "; ".join([words.OUTCOMES[self.outcome], *parts])

    def to_json(self) -> dict[str, Any]:
        """For `status --json`: amounts as decimal text of base units."""
        return {
            "outcome": None if self.outcome is None else self.outcome.name,
            "paid": [{"kind": kind.name, "amount": str(amount)} for kind, amount in self.paid],
            "slashed": [{"reason": reason.name, "amount": str(amount)} for reason, amount in self.slashed],
            "released": self.released,
            "why": self.why,
            "lost_appeals": self.lost_appeals,
            "lost_accusations": self.lost_accusations,
        }


def result_of(journal: Journal, round_id: int, account: str) -> RoundResult:
    """What the round brought `account`, as far as the journal's events tell."""
    final = journal.events(RoundFinalized, round_id=round_id)
    paid = tuple((e.kind, e.amount) for e in journal.events(Paid, round_id=round_id, account=account))
    slashed = tuple((e.reason, e.amount) for e in journal.events(Slashed, round_id=round_id, account=account))
    outcome = final[-1].outcome if final else None
    unpaid = outcome is not None and not any(kind not in BESIDES for kind, _ in paid)
    why = _why_unpaid(journal, round_id, account, outcome) if unpaid and outcome is not None else ""
    released = bool(journal.events(LockReleased, round_id=round_id, miner=account))
    lost = lost_accusations = 0
    if outcome is not None:
        appeals = len(journal.events(Appealed, round_id=round_id, appellant=account))
        accusations = len(journal.events(ModelAccused, round_id=round_id, accuser=account))
        lost = max(0, appeals - sum(kind is Payment.APPEAL_BOND for kind, _ in paid))
        lost_accusations = max(0, accusations - sum(kind is Payment.ACCUSATION_BOND for kind, _ in paid))
    return RoundResult(round_id, outcome, paid, slashed, released, why, lost, lost_accusations)


def tips(journal: Journal, *accounts: str) -> int:
    """What the accounts were ever paid for chores, in base units."""
    found = {account.lower(): account for account in accounts if account}.values()
    return sum(paid.amount for account in found for paid in journal.events(Paid, account=account, kind=Payment.TIP))


def rates(journal: Journal, account: str) -> tuple[int, int]:
    """How many of the miner's last rounds ended, and how many of those slashed the account."""
    lately = records.rounds(journal)[-REMEMBERED_ROUNDS:]
    ended = [round_id for round_id in lately if journal.events(RoundFinalized, round_id=round_id)]
    slashed = [round_id for round_id in ended if journal.events(Slashed, round_id=round_id, account=account)]
    return len(ended), len(slashed)


def _why_unpaid(  # noqa: PLR0911  # one reason each
    journal: Journal, round_id: int, account: str, outcome: Outcome
) -> str:
    if not journal.events(ModelCommitted, round_id=round_id, miner=account):
        return records.state(journal, round_id).get("why") or "no model was committed"
    if outcome is not Outcome.BLOCK:
        return words.OUTCOMES[outcome]
    claims = journal.events(ModelClaimed, round_id=round_id, miner=account)
    if not claims:
        return words.REASONS[Reason.UNOPENED]
    if journal.events(CandidateRemoved, round_id=round_id, miner=account):
        return records.state(journal, round_id).get("why") or "the committee disqualified the model"
    if not claims[-1].listed and not journal.events(ClaimEnlisted, round_id=round_id, miner=account):
        return f"the claim of {claims[-1].score} was not listed: below the minimum, or six others were better"
    for block in journal.events(BlockAppended):
        header = block.header
        if header.round_id == round_id and not same_address(header.miner, account):
            won = f"{header.miner} won with {header.score} of {header.score_max}"
            return f"{won}, claimed here were {claims[-1].score}"
    return "others were better, or the committee disqualified the model"
