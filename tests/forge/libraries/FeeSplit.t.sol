// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {FeeSplit} from "../../../contracts/libraries/FeeSplit.sol";
import {Proof} from "../Proof.sol";

/// @notice Where a fee goes, to the last unit.
contract FeeSplitTest is Proof {
    uint256 private constant MOST_TIPS = 7;

    function test_I05_split__of_any_fee_after_any_epochs__adds_up(
        uint16[5] memory bps,
        uint96 fee,
        uint96 tip,
        uint8 tips,
        uint8[3] memory validators,
        uint8 epochs,
        bool[3] memory sharing
    ) external pure {
        IDLBCTypes.Economy memory economy = _economy(bps);
        tip = uint96(within(tip, 0, fee / 8));
        uint256 advanced;
        for (uint256 epoch; epoch < epochs % 3; ++epoch) {
            uint256 paid = within(validators[epoch], 1, 15);
            advanced += paid * FeeSplit.advance(economy, fee - MOST_TIPS * tip, advanced, paid);
        }
        uint256 left = fee - (tips % (MOST_TIPS + 1)) * uint256(tip);
        FeeSplit.Sharers memory sharers =
            FeeSplit.Sharers(within(validators[2], 0, 15), sharing[0], sharing[1], sharing[2]);
        FeeSplit.Shares memory shares = FeeSplit.split(economy, left, advanced, sharers);
        uint256 sum = advanced + shares.burned + shares.perValidator * sharers.validators + shares.second + shares.third
            + shares.parent + shares.winner;
        vm.assertEq(sum, left, "the shares are not the fee");
        vm.assertLe(
            advanced + shares.perValidator * sharers.validators,
            FeeSplit.part(left, economy.validatorBps),
            "validators got more than their share"
        );
        vm.assertEq(shares.burned, left * economy.burnBps / 10_000, "burned");
        vm.assertEq(shares.second, sharing[0] ? left * economy.secondBps / 10_000 : 0, "second");
        vm.assertEq(shares.third, sharing[1] ? left * economy.thirdBps / 10_000 : 0, "third");
        vm.assertEq(shares.parent, sharing[2] ? left * economy.parentBps / 10_000 : 0, "parent");
        uint256 each =
            sharers.validators == 0 ? 0 : (left * economy.validatorBps / 10_000 - advanced) / sharers.validators;
        vm.assertEq(shares.perValidator, each, "a validator's share");
    }

    function test_I04_emission__at_any_time__is_within_schedule_kappa_and_cap(
        uint96 initial,
        uint32 halving,
        uint16 kappa,
        uint40 elapsed,
        uint96 burned,
        uint96 left
    ) external pure {
        IDLBCTypes.Economy memory economy;
        economy.initialEmission = initial;
        economy.halvingSecs = uint32(within(halving, 1, type(uint32).max));
        economy.kappaBps = uint16(within(kappa, 0, 10_000));
        uint256 emission = FeeSplit.emission(economy, elapsed, burned, left);
        uint256 halvings = elapsed / economy.halvingSecs;
        vm.assertLe(emission, halvings < 96 ? uint256(initial) / 2 ** halvings : 0, "above the schedule");
        vm.assertLe(emission * 10_000, uint256(burned) * economy.kappaBps, "above kappa");
        vm.assertLe(emission, left, "above the cap");
        bool whole = emission == (halvings < 96 ? uint256(initial) / 2 ** halvings : 0)
            || emission == uint256(burned) * economy.kappaBps / 10_000 || emission == left;
        vm.assertTrue(whole, "as much as the least of them allows");
        uint256 later = FeeSplit.emission(economy, uint256(elapsed) + economy.halvingSecs, burned, left);
        vm.assertLe(later, emission, "emission rose with time");
    }

    /// @dev What a round burns is never less than what it mints, so all actors together never gain by it.
    function test_I06_round__with_kappa_in_bounds__makes_nobody_richer_on_the_whole(
        uint16[5] memory bps,
        uint96 fee,
        uint16 kappa,
        uint40 elapsed,
        uint96 initial
    ) external pure {
        IDLBCTypes.Economy memory economy = _economy(bps);
        economy.initialEmission = initial;
        economy.halvingSecs = 1 days;
        economy.kappaBps = uint16(within(kappa, 0, 9_000));
        FeeSplit.Shares memory shares = FeeSplit.split(economy, fee, 0, FeeSplit.Sharers(7, true, true, true));
        uint256 emission = FeeSplit.emission(economy, elapsed, shares.burned, type(uint256).max);
        vm.assertLe(emission * 10, shares.burned * 9, "minted more than nine tenths of what was burned");
    }

    /// @dev As `ParameterBounds` wants them: less than the whole.
    function _economy(uint16[5] memory bps) private pure returns (IDLBCTypes.Economy memory economy) {
        uint256 left = 9_999;
        for (uint256 i; i < 5; ++i) {
            bps[i] = uint16(within(bps[i], 0, left));
            left -= bps[i];
        }
        economy.burnBps = bps[0];
        economy.validatorBps = bps[1];
        economy.secondBps = bps[2];
        economy.thirdBps = bps[3];
        economy.parentBps = bps[4];
    }
}
