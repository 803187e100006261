// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {ParameterBounds} from "../../../contracts/libraries/ParameterBounds.sol";
import {Proof} from "../Proof.sol";

/// @notice What parameters that pass the bounds promise to the rest.
contract ParameterBoundsTest is Proof {
    uint256 private constant MAINNET = 1;

    function check(
        IDLBCTypes.Timing memory timing,
        IDLBCTypes.Economy memory economy,
        IDLBCTypes.Limits memory limits
    ) external view {
        ParameterBounds.check(timing, economy, limits);
    }

    function checkTiming(IDLBCTypes.Timing memory timing) external view {
        ParameterBounds.checkTiming(timing);
    }

    function checkEconomy(IDLBCTypes.Economy memory economy) external view {
        ParameterBounds.checkEconomy(economy);
    }

    function checkLimits(IDLBCTypes.Timing memory timing, IDLBCTypes.Limits memory limits) external pure {
        ParameterBounds.checkLimits(timing, limits);
    }

    function test_I38_checkTiming__of_any_times__leaves_no_phase_empty_or_endless(IDLBCTypes.Timing memory timing)
        external
    {
        vm.chainId(MAINNET);
        _shorten(timing);
        uint32[8] memory seconds_ = abi.decode(abi.encode(timing), (uint32[8]));
        bool good = true;
        for (uint256 i; i < 8; ++i) {
            // only to settle and to guard may take no time
            good = good && seconds_[i] <= 30 days && (i < 2 || seconds_[i] != 0);
        }
        try this.checkTiming(timing) {
            vm.assertTrue(good, "passed with an empty or endless phase");
        } catch {
            vm.assertFalse(good, "refused without cause");
        }
    }

    function test_I38_checkEconomy__of_any_economy__passes_only_what_works(
        IDLBCTypes.Economy memory economy,
        uint8 spoilt
    ) external {
        vm.chainId(MAINNET);
        _mend(economy, spoilt);
        try this.checkEconomy(economy) {}
        catch {
            // what was mended passes
            vm.assertTrue(spoilt < 12, "refused without cause");
            return;
        }
        vm.assertTrue(economy.feeUnit != 0 && economy.minerUnit != 0 && economy.seatUnit != 0, "a price of nothing");
        vm.assertLt(economy.seatUnit, 1 << 80, "a bond that a seat cannot hold");
        vm.assertLe(7 * uint256(economy.tip), economy.feeUnit, "tips above the least fee");
        vm.assertLt(
            uint256(economy.burnBps) + economy.validatorBps + economy.secondBps + economy.thirdBps + economy.parentBps,
            10_000,
            "nothing is left for the winner"
        );
        vm.assertLe(economy.kappaBps, 9_000, "a coalition gains from its own tasks");
        vm.assertTrue(economy.slots >= 1 && economy.slots <= 16, "slots");
        vm.assertTrue(economy.committeeSize % 2 == 1 && economy.committeeSize <= 15, "committee");
        vm.assertTrue(2 * economy.quorum > economy.committeeSize && economy.quorum <= economy.committeeSize, "quorum");
        vm.assertTrue(economy.halvingSecs != 0, "division by zero");
        vm.assertGe(economy.appealBond, economy.committeeSize, "a challenge for nothing");
    }

    /// @dev Three epochs, each with every phase, the longest proof and as long to judge it: nobody unbonds before what he did is judged.
    function test_I42_checkLimits__of_any_limits__outlasts_the_longest_round(
        IDLBCTypes.Timing memory timing,
        IDLBCTypes.Limits memory limits,
        uint8 spoilt
    ) external view {
        _shorten(timing);
        uint256 epoch = uint256(timing.claimSecs) + timing.showSecs + timing.voteCommitSecs + timing.voteRevealSecs
            + timing.appealSecs;
        uint256 round = uint256(timing.settleSecs) + timing.guardSecs + timing.keySecs + 3 * epoch;
        limits.minTrainSecs = uint32(within(limits.minTrainSecs, spoilt == 0 ? 0 : 1, 30 days));
        limits.maxTrainSecs = uint32(
            within(limits.maxTrainSecs, spoilt == 1 ? 0 : limits.minTrainSecs, spoilt == 2 ? type(uint32).max : 30 days)
        );
        round += limits.maxTrainSecs + 6 * (uint256(limits.maxTrainSecs) / 8 + 60);
        vm.assume(round + 60 days < type(uint32).max);
        limits.unbondSecs = uint32(spoilt == 3 ? within(limits.unbondSecs, round - 5, round) : round + 1);
        if (spoilt == 4) limits.alpha = 0;
        else limits.alpha = uint32(within(limits.alpha, 1, type(uint32).max));
        try this.checkLimits(timing, limits) {}
        catch {
            vm.assertTrue(spoilt < 5, "refused without cause");
            return;
        }
        vm.assertGt(limits.unbondSecs, round, "stake leaves before the round's end");
        vm.assertTrue(limits.minTrainSecs != 0 && limits.minTrainSecs <= limits.maxTrainSecs, "training time");
        vm.assertLe(limits.maxTrainSecs, 30 days, "training time");
        vm.assertTrue(limits.alpha != 0, "the clock stands still");
    }

    /* EACH BOUND, AND ONE BEYOND IT */

    function test_I38_check__of_each_time_at_its_bounds__accepts_them_and_names_what_is_beyond() external {
        vm.chainId(MAINNET);
        bytes32[8] memory names = [
            bytes32("settleSecs"), "guardSecs", "keySecs", "claimSecs", "showSecs", "voteCommitSecs", "voteRevealSecs",
            "appealSecs"
        ];
        for (uint256 i; i < 8; ++i) {
            uint32[8] memory times = [uint32(1), 1, 1, 1, 1, 1, 1, 1];
            times[i] = 30 days;
            _accept(_timing(times), _economy());
            times[i] = 30 days + 1;
            _refuse(_timing(times), _economy(), names[i]);
            times[i] = 0;
            if (i < 2) _accept(_timing(times), _economy());
            else _refuse(_timing(times), _economy(), names[i]);
        }
        // a development chain may do without appeals
        uint256[2] memory development = [uint256(31_337), 1_337];
        for (uint256 i; i < 2; ++i) {
            vm.chainId(development[i]);
            _accept(_timing([uint32(1), 1, 1, 1, 1, 1, 1, 0]), _economy());
        }
    }

    function test_I38_check__of_each_amount_at_its_bounds__accepts_them_and_names_what_is_beyond() external {
        vm.chainId(MAINNET);
        IDLBCTypes.Economy memory economy = _economy();
        (economy.feeUnit, economy.tip) = (8, 1);
        _accept(economy);
        economy.tip = 2;
        _refuse(economy, "tip");
        economy = _economy();
        (economy.feeUnit, economy.tip) = (1, 0);
        _accept(economy);
        economy.feeUnit = 0;
        _refuse(economy, "feeUnit");
        economy = _economy();
        economy.minerUnit = 1;
        _accept(economy);
        economy.minerUnit = 0;
        _refuse(economy, "minerUnit");
        economy = _economy();
        economy.seatUnit = 1;
        _accept(economy);
        economy.seatUnit = type(uint80).max;
        _accept(economy);
        economy.seatUnit = uint96(type(uint80).max) + 1;
        _refuse(economy, "seatUnit");
        economy.seatUnit = 0;
        _refuse(economy, "seatUnit");
        economy = _economy();
        economy.halvingSecs = 0;
        _refuse(economy, "halvingSecs");
    }

    function test_I38_check__of_each_share_at_its_bounds__accepts_them_and_names_what_is_beyond() external {
        vm.chainId(MAINNET);
        for (uint256 i; i < 5; ++i) {
            // the five shares add up to all but one, then to all
            uint16[5] memory shares = [uint16(1), 1, 1, 1, 1];
            shares[i] = 9_995;
            _accept(_sharing(shares));
            shares[i] = 9_996;
            _refuse(_sharing(shares), "feeSplit");
        }
        IDLBCTypes.Economy memory economy = _economy();
        economy.kappaBps = 9_000;
        _accept(economy);
        economy.kappaBps = 9_001;
        _refuse(economy, "kappaBps");
        vm.chainId(31_337);
        _accept(economy);
    }

    function test_I38_check__of_each_count_at_its_bounds__accepts_them_and_names_what_is_beyond() external {
        vm.chainId(MAINNET);
        IDLBCTypes.Economy memory economy = _economy();
        economy.slots = 16;
        _accept(economy);
        economy.slots = 17;
        _refuse(economy, "slots");
        economy.slots = 0;
        _refuse(economy, "slots");
        economy = _economy();
        (economy.committeeSize, economy.quorum) = (15, 8);
        _accept(economy);
        economy.quorum = 15;
        _accept(economy);
        economy.quorum = 16;
        _refuse(economy, "quorum");
        economy.quorum = 7;
        _refuse(economy, "quorum");
        (economy.committeeSize, economy.quorum) = (17, 9);
        _refuse(economy, "committeeSize");
        (economy.committeeSize, economy.quorum) = (4, 3);
        _refuse(economy, "committeeSize");
        economy = _economy();
        economy.appealBond = economy.committeeSize;
        _accept(economy);
        economy.appealBond = economy.committeeSize - 1;
        _refuse(economy, "appealBond");
    }

    /// @dev Each time is of another size: a sum that lacks one, or has one twice, is off by it.
    function test_I42_check__of_each_limit_at_its_bounds__accepts_them_and_names_what_is_beyond() external {
        vm.chainId(MAINNET);
        IDLBCTypes.Timing memory timing = _timing([uint32(1), 20, 300, 4_000, 5_000, 6_000, 7_000, 8_000]);
        uint32 longest = 1 + 3_600 + 20 + 300 + 3 * (30_000 + 2 * 510);
        IDLBCTypes.Limits memory limits;
        (limits.minTrainSecs, limits.maxTrainSecs, limits.alpha) = (3_600, 3_600, 1);
        limits.unbondSecs = longest + 1;
        this.check(timing, _economy(), limits);
        limits.unbondSecs = longest;
        _refuse(timing, limits, "unbondSecs");
        limits.unbondSecs = longest + 30 days;
        this.check(timing, _economy(), limits);
        limits.unbondSecs = longest + 30 days + 1;
        _refuse(timing, limits, "unbondSecs");
        limits.unbondSecs = longest + 1;
        limits.minTrainSecs = 3_601;
        _refuse(timing, limits, "maxTrainSecs");
        limits.minTrainSecs = 0;
        _refuse(timing, limits, "minTrainSecs");
        limits.minTrainSecs = 1;
        limits.alpha = 0;
        _refuse(timing, limits, "alpha");
        limits.alpha = 1;
        this.check(timing, _economy(), limits);
        limits.maxTrainSecs = 30 days;
        limits.unbondSecs = longest - 3_600 + 30 days + 6 * (30 days / 8 - 450) + 1;
        this.check(timing, _economy(), limits);
        limits.maxTrainSecs = 30 days + 1;
        limits.unbondSecs += 1;
        _refuse(timing, limits, "maxTrainSecs");
    }

    /* PRIVATE */

    function _timing(uint32[8] memory times) private pure returns (IDLBCTypes.Timing memory) {
        return abi.decode(abi.encode(times), (IDLBCTypes.Timing));
    }

    function _economy() private pure returns (IDLBCTypes.Economy memory economy) {
        (economy.feeUnit, economy.minerUnit, economy.seatUnit, economy.appealBond) = (1e18, 1e18, 1e18, 1e18);
        (economy.halvingSecs, economy.slots, economy.committeeSize, economy.quorum) = (1, 1, 3, 2);
    }

    function _sharing(uint16[5] memory shares) private pure returns (IDLBCTypes.Economy memory economy) {
        economy = _economy();
        (economy.burnBps, economy.validatorBps, economy.secondBps) = (shares[0], shares[1], shares[2]);
        (economy.thirdBps, economy.parentBps) = (shares[3], shares[4]);
    }

    function _accept(IDLBCTypes.Economy memory economy) private view {
        _accept(_timing([uint32(1), 1, 1, 1, 1, 1, 1, 1]), economy);
    }

    function _accept(IDLBCTypes.Timing memory timing, IDLBCTypes.Economy memory economy) private view {
        this.check(timing, economy, _fitting(timing));
    }

    function _refuse(IDLBCTypes.Economy memory economy, bytes32 name) private {
        _refuse(_timing([uint32(1), 1, 1, 1, 1, 1, 1, 1]), economy, name);
    }

    function _refuse(IDLBCTypes.Timing memory timing, IDLBCTypes.Economy memory economy, bytes32 name) private {
        IDLBCTypes.Limits memory limits = _fitting(timing);
        vm.expectRevert(abi.encodeWithSelector(IDLBCTypes.BadParameter.selector, name));
        this.check(timing, economy, limits);
    }

    function _refuse(IDLBCTypes.Timing memory timing, IDLBCTypes.Limits memory limits, bytes32 name) private {
        IDLBCTypes.Economy memory economy = _economy();
        vm.expectRevert(abi.encodeWithSelector(IDLBCTypes.BadParameter.selector, name));
        this.check(timing, economy, limits);
    }

    /// @dev Limits whose unbonding outlasts the longest round of these times by a second.
    function _fitting(IDLBCTypes.Timing memory timing) private pure returns (IDLBCTypes.Limits memory limits) {
        (limits.minTrainSecs, limits.maxTrainSecs, limits.alpha) = (1, 1, 1);
        limits.unbondSecs = 2 + timing.settleSecs + timing.guardSecs + timing.keySecs
            + 3
                * (timing.claimSecs + timing.showSecs + timing.voteCommitSecs + timing.voteRevealSecs
                    + timing.appealSecs + 2 * 60);
    }

    /// @dev Near the bounds, within them more often than not.
    function _shorten(IDLBCTypes.Timing memory timing) private pure {
        timing.settleSecs = uint32(within(timing.settleSecs, 0, 30 days + (timing.settleSecs % 8 == 0 ? 2 : 0)));
        timing.guardSecs = uint32(within(timing.guardSecs, 0, 30 days + (timing.guardSecs % 8 == 0 ? 2 : 0)));
        timing.keySecs = _length(timing.keySecs);
        timing.claimSecs = _length(timing.claimSecs);
        timing.showSecs = _length(timing.showSecs);
        timing.voteCommitSecs = _length(timing.voteCommitSecs);
        timing.voteRevealSecs = _length(timing.voteRevealSecs);
        timing.appealSecs = _length(timing.appealSecs);
    }

    function _length(uint32 given) private pure returns (uint32) {
        if (given % 16 == 0) return uint32(within(given, 30 days, 30 days + 2));
        if (given % 16 == 1) return uint32(within(given, 0, 1));
        return uint32(within(given, 1, 30 days));
    }

    /// @dev Everything is put within bounds, but for what `spoilt` names: that stays as it is.
    function _mend(IDLBCTypes.Economy memory economy, uint256 spoilt) private pure {
        if (spoilt != 0) economy.feeUnit = uint96(within(economy.feeUnit, 1, type(uint96).max));
        if (spoilt != 1) economy.minerUnit = uint96(within(economy.minerUnit, 1, type(uint96).max));
        if (spoilt != 2) economy.seatUnit = uint96(within(economy.seatUnit, 1, type(uint80).max));
        if (spoilt != 3) economy.halvingSecs = uint32(within(economy.halvingSecs, 1, type(uint32).max));
        if (spoilt != 4) economy.tip = uint96(within(economy.tip, 0, economy.feeUnit / 8));
        if (spoilt != 5) {
            economy.burnBps = uint16(within(economy.burnBps, 0, 1_999));
            economy.validatorBps = uint16(within(economy.validatorBps, 0, 2_000));
            economy.secondBps = uint16(within(economy.secondBps, 0, 2_000));
            economy.thirdBps = uint16(within(economy.thirdBps, 0, 2_000));
            economy.parentBps = uint16(within(economy.parentBps, 0, 2_000));
        }
        if (spoilt != 6) economy.kappaBps = uint16(within(economy.kappaBps, 0, 9_000));
        if (spoilt != 7) economy.slots = uint8(within(economy.slots, 1, 16));
        if (spoilt != 8) economy.committeeSize = uint8(2 * within(economy.committeeSize, 0, 7) + 1);
        if (spoilt != 9) {
            economy.quorum =
                uint8(within(economy.quorum, economy.committeeSize / 2 + 1, uint256(economy.committeeSize) + 1));
            if (spoilt != 10 && economy.quorum > economy.committeeSize) economy.quorum = economy.committeeSize;
        }
        if (spoilt != 11) {
            economy.appealBond = uint96(within(economy.appealBond, economy.committeeSize, type(uint96).max));
        } else {
            economy.appealBond %= 16;
        }
    }
}
