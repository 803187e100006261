"""A challenge of another's vote, where a person asked for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dlbc import funds
from dlbc.chain.refusals import amount_in_words
from dlbc.errors import UsageError
from dlbc.types import Phase, same_address

if TYPE_CHECKING:
    from dlbc.service import Context


def challenge(context: Context, round_id: int, position: int, say: Callable[[str], None]) -> None:
    """Locks the bond, after depositing what the credit lacks, and has the vote's validator asked for one leaf.

    Raises:
        UsageError: it is not the time, or there is no such vote; nothing is sent.
        TransactionRefused: the contracts refuse, such as when half the phase is over.
    """
    found = context.hub.round(round_id)
    if found.phase is not Phase.APPEAL:
        name = found.phase.name.replace("_", " ").lower()
        raise UsageError(
            f"round {round_id} is in phase {name}: votes are challenged in the first half of phase appeal, after they "
            "were opened"
        )
    members = context.committee.members(round_id)
    if position >= len(members) or not members[position].revealed:
        raise UsageError(f"nobody opened a vote at position {position}: the committee has {len(members)} positions")
    owner = members[position].owner
    if same_address(owner, context.account):
        raise UsageError(f"the vote at position {position} is your own")
    bond = context.hub.parameters_of(found.version).economy.challenge_bond
    missing = bond - context.hub.account(context.account).credit
    if missing > 0:
        funds.deposit(context, missing, say)
    call = context.hub.challenge_vote(round_id, position)
    context.transactions.send_and_wait(f"challenge/{round_id}/{found.epoch}/{position}", call, funds.TIMEOUT)
    say(
        f"{owner} must show a leaf before phase appeal ends; {amount_in_words(bond)} are locked, and return with a "
        "part of his pay if he does not"
    )
