"""No call grows dearer unnoticed."""

from __future__ import annotations

from gas import CEILINGS, measure


def test_gas__whole_round__stays_below_the_ceilings(play, requester, miners):
    found = measure(play, requester, miners)
    assert {call: gas for call, gas in found.items() if gas > CEILINGS[call]} == {}
