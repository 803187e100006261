// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "../libraries/BitMask.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {HubState} from "./HubState.sol";

/// @title Whose work a model builds on
abstract contract Parents is HubState {
    /// @dev The miner of an earlier model. Its key was shown in a round that is final: what it is, is known, and who made it.
    function _parentsMiner(bytes32 parent, uint256 roundId) internal view returns (address) {
        RoundState storage r = _rounds[roundId];
        uint256 shown = r.outcome == Outcome.None ? 0 : r.shown;
        CandidateList.List storage list = _lists[roundId];
        for (uint256 index; shown >> index != 0; ++index) {
            if (!BitMask.has(shown, index)) continue;
            CandidateList.Place memory place = list.places[index];
            // nearly always its top tells it from the others, and their commits stay cold
            if (place.hashTop == CommitSlot.topOf(parent) && _claimedHash(roundId, place) == parent) return place.miner;
        }
        revert UnknownParent(parent, roundId);
    }
}
