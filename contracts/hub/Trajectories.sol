// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BitMask} from "../libraries/BitMask.sol";
import {CommitSlot} from "../libraries/CommitSlot.sol";
import {CandidateList} from "../libraries/CandidateList.sol";
import {HubState} from "./HubState.sol";

/// @title Showing how a model was trained
/// @notice Only announces where the opened states lie: whether they show a training is the committee's to judge, by the flag
/// TRAJECTORY.
abstract contract Trajectories is HubState {
    using BitMask for uint256;
    using CommitSlot for uint256;

    /// @dev Specified by `IDLBC.showTrajectory`; runs for the hub.
    function showTrajectory(uint256 roundId, address miner, bytes32 artifact, uint64 artifactBytes) external {
        RoundState storage r = _requirePhase(roundId, Phase.Prove);
        _requireActsFor(miner);
        uint256 word = _commits[roundId][miner];
        uint256 index = word.index();
        // who shows no model has nothing to prove
        if (!word.opened() || !uint256(r.shown).has(index)) revert NotShown(miner);
        CandidateList.Place storage place = _lists[roundId].places[index];
        // a claim that lost its place still knows its index: the list has the last word
        if (place.miner != miner) revert NotShown(miner);
        emit TrajectoryShown(
            roundId, miner, word.commitmentHash(place.hashTop), r.epoch, artifact, artifactBytes
        );
    }
}
