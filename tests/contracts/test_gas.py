"""No call grows dearer unnoticed."""

from __future__ import annotations

import pytest
from gas import CEILINGS, measure

SIZE, QUORUM = 5, 6  # where Economy has them


@pytest.mark.parametrize("size", CEILINGS)
def test_gas__whole_round__stays_below_the_ceilings(play, profile, requester, miners, validators, governor, size):
    economy = [*profile.economy[:SIZE], size, 2 * size // 3 + 1, *profile.economy[QUORUM + 1 :]]
    play.hub.setParams(profile.timing, economy, profile.limits, {"from": governor})
    # four seats each: enough for the largest committee
    play.fund(*validators)
    play.seat(*validators * 3)

    found = measure(play, requester, miners, size)

    assert {call: gas for call, gas in found.items() if gas > CEILINGS[size][call].held} == {}
    raised = {call: most.design for call, most in CEILINGS[size].items() if most.raised and most.design}
    assert {call: design for call, design in raised.items() if found[call] <= design} == {}, (
        "the design's ceiling holds"
    )
