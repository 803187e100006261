// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";

/// @title What the parameters may be
library ParameterBounds {
    uint256 internal constant MAX_PHASE = 30 days;
    uint256 internal constant MAX_EPOCHS = 3;
    uint256 internal constant MAX_KAPPA_BPS = 9_000;

    function check(IDLBCTypes.Timing memory timing, IDLBCTypes.Economy memory economy, IDLBCTypes.Limits memory limits)
        internal
        view
    {
        checkTiming(timing);
        checkEconomy(economy);
        checkLimits(timing, limits);
    }

    function checkTiming(IDLBCTypes.Timing memory timing) internal pure {
        // the phases in which somebody must act cannot be empty
        _require(timing.settleSecs <= MAX_PHASE, "settleSecs");
        _require(timing.guardSecs <= MAX_PHASE, "guardSecs");
        _require(timing.keySecs > 0 && timing.keySecs <= MAX_PHASE, "keySecs");
        // a round stores the length of its claim phase in 24 bits
        _require(timing.claimSecs > 0 && timing.claimSecs <= MAX_PHASE, "claimSecs");
        _require(timing.showSecs > 0 && timing.showSecs <= MAX_PHASE, "showSecs");
        _require(timing.voteCommitSecs > 0 && timing.voteCommitSecs <= MAX_PHASE, "voteCommitSecs");
        _require(timing.voteRevealSecs > 0 && timing.voteRevealSecs <= MAX_PHASE, "voteRevealSecs");
        // appeals do not exist yet
        _require(timing.appealSecs == 0, "appealSecs");
    }

    function checkEconomy(IDLBCTypes.Economy memory economy) internal view {
        _require(economy.feeUnit > 0, "feeUnit");
        _require(economy.minerUnit > 0, "minerUnit");
        // a seat keeps its bond in 88 bits
        _require(economy.seatUnit > 0 && economy.seatUnit <= type(uint88).max, "seatUnit");
        _require(economy.halvingSecs > 0, "halvingSecs");
        uint256 shared = uint256(economy.burnBps) + economy.validatorBps + economy.secondBps + economy.thirdBps
            + economy.parentBps;
        _require(shared < 10_000, "feeSplit");
        // above it, a coalition of requester, miners and validators could gain from its own tasks
        _require(economy.kappaBps <= MAX_KAPPA_BPS || _isDevelopmentChain(), "kappaBps");
        _require(economy.slots > 0 && economy.slots <= 16, "slots");
        _require(economy.committeeSize % 2 == 1 && economy.committeeSize <= 15, "committeeSize");
        _require(
            2 * uint256(economy.quorum) > economy.committeeSize && economy.quorum <= economy.committeeSize, "quorum"
        );
    }

    function checkLimits(IDLBCTypes.Timing memory timing, IDLBCTypes.Limits memory limits) internal pure {
        _require(limits.minTrainSecs > 0, "minTrainSecs");
        _require(
            limits.maxTrainSecs >= limits.minTrainSecs && limits.maxTrainSecs <= MAX_PHASE, "maxTrainSecs"
        );
        uint256 longest = uint256(timing.settleSecs) + limits.maxTrainSecs + timing.guardSecs + timing.keySecs
            + timing.claimSecs + timing.showSecs
            + MAX_EPOCHS * (uint256(timing.voteCommitSecs) + timing.voteRevealSecs);
        _require(limits.unbondSecs > longest, "unbondSecs");
        // without a running clock a weak task could starve
        _require(limits.alpha > 0, "alpha");
    }

    function _isDevelopmentChain() private view returns (bool) {
        return block.chainid == 31337 || block.chainid == 1337;
    }

    function _require(bool condition, bytes32 name) private pure {
        if (!condition) revert IDLBCTypes.BadParameter(name);
    }
}
