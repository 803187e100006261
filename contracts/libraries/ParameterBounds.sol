// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";

/// @title What the parameters may be
library ParameterBounds {
    uint256 internal constant MAX_PHASE = 30 days;
    uint256 internal constant MAX_EPOCHS = 3;
    uint256 internal constant MAX_SLOTS = 16;
    uint256 internal constant MAX_KAPPA_BPS = 9_000;

    function check(IDLBCTypes.Timing memory timing, IDLBCTypes.Economy memory economy, IDLBCTypes.Limits memory limits)
        internal
        view
    {
        checkTiming(timing);
        checkEconomy(economy);
        checkLimits(timing, limits);
    }

    function checkTiming(IDLBCTypes.Timing memory timing) internal view {
        // the phases in which somebody must act cannot be empty
        _require(timing.settleSecs <= MAX_PHASE, "settleSecs");
        _require(timing.guardSecs <= MAX_PHASE, "guardSecs");
        _require(timing.keySecs > 0 && timing.keySecs <= MAX_PHASE, "keySecs");
        _require(timing.claimSecs > 0 && timing.claimSecs <= MAX_PHASE, "claimSecs");
        _require(timing.showSecs > 0 && timing.showSecs <= MAX_PHASE, "showSecs");
        _require(timing.voteCommitSecs > 0 && timing.voteCommitSecs <= MAX_PHASE, "voteCommitSecs");
        _require(timing.voteRevealSecs > 0 && timing.voteRevealSecs <= MAX_PHASE, "voteRevealSecs");
        // without appeals a bribed committee would have the last word
        _require(timing.appealSecs > 0 || _isDevelopmentChain(), "appealSecs");
        _require(timing.appealSecs <= MAX_PHASE, "appealSecs");
    }

    function checkEconomy(IDLBCTypes.Economy memory economy) internal view {
        _require(economy.feeUnit > 0, "feeUnit");
        _require(economy.minerUnit > 0, "minerUnit");
        // a seat keeps its bond in 80 bits
        _require(economy.seatUnit > 0 && economy.seatUnit <= type(uint80).max, "seatUnit");
        _require(economy.halvingSecs > 0, "halvingSecs");
        // seven tips at most come off a fee, which is no less than the unit
        _require(economy.tip <= economy.feeUnit / 8, "tip");
        uint256 shared = uint256(economy.burnBps) + economy.validatorBps + economy.secondBps + economy.thirdBps
            + economy.parentBps;
        _require(shared < 10_000, "feeSplit");
        // above it, a coalition of requester, miners and validators could gain from its own tasks
        _require(economy.kappaBps <= MAX_KAPPA_BPS || _isDevelopmentChain(), "kappaBps");
        _require(economy.slots > 0 && economy.slots <= MAX_SLOTS, "slots");
        _require(economy.committeeSize % 2 == 1 && economy.committeeSize <= 15, "committeeSize");
        _require(
            2 * uint256(economy.quorum) > economy.committeeSize && economy.quorum <= economy.committeeSize, "quorum"
        );
        // a challenge costs a member's part of it, which must not be nothing
        _require(economy.appealBond >= economy.committeeSize, "appealBond");
    }

    function checkLimits(IDLBCTypes.Timing memory timing, IDLBCTypes.Limits memory limits) internal pure {
        _require(limits.minTrainSecs > 0, "minTrainSecs");
        _require(
            limits.maxTrainSecs >= limits.minTrainSecs && limits.maxTrainSecs <= MAX_PHASE, "maxTrainSecs"
        );
        // as long as a proof may take it may take to judge
        uint256 epoch = uint256(timing.claimSecs) + timing.showSecs + timing.voteCommitSecs + timing.voteRevealSecs
            + timing.appealSecs + 2 * mostProveSecs(limits.maxTrainSecs);
        uint256 longest = uint256(timing.settleSecs) + limits.maxTrainSecs + timing.guardSecs + timing.keySecs
            + MAX_EPOCHS * epoch;
        // nobody leaves before what he did is judged; and no setter of parameters keeps anybody for ever
        _require(limits.unbondSecs > longest && limits.unbondSecs <= longest + MAX_PHASE, "unbondSecs");
        // without a running clock a weak task could starve
        _require(limits.alpha > 0, "alpha");
    }

    /// @dev Of phase Prove: what is opened is a small part of the training; the minute is for IPFS.
    function mostProveSecs(uint256 trainSecs) internal pure returns (uint256) {
        return trainSecs / 8 + 60;
    }

    function _isDevelopmentChain() private view returns (bool) {
        return block.chainid == 31337 || block.chainid == 1337;
    }

    function _require(bool condition, bytes32 name) private pure {
        if (!condition) revert IDLBCTypes.BadParameter(name);
    }
}
