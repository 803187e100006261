// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../../../contracts/interfaces/IDLBCTypes.sol";
import {FeeSplit} from "../../../contracts/libraries/FeeSplit.sol";
import {Reference} from "./Reference.sol";

/// @notice Money, against `dlbc/wire/fees.py`.
contract FeesDifferentialTest is Reference {
    struct Advance {
        uint256 advanced;
        uint256 validators;
        uint256 each;
    }

    struct Divided {
        uint256[5] bps; // burn, validator, second, third, parent
        uint256 feeAfterAllTips;
        Advance[] advances;
        uint256[2] left; // of the fee, and advanced of that
        FeeSplit.Sharers sharers;
        FeeSplit.Shares shares;
    }

    struct Emission {
        uint256[3] schedule; // initial, halving, kappa
        uint256[3] state; // elapsed, burned, left
        uint256 amount;
    }

    function test_I05_split__as_the_programs_compute_it() external {
        Divided[] memory cases = abi.decode(_cases("shares"), (Divided[]));
        for (uint256 i; i < cases.length; ++i) {
            _check(cases[i], i);
        }
    }

    function _check(Divided memory fee, uint256 i) private pure {
        IDLBCTypes.Economy memory economy;
        economy.burnBps = uint16(fee.bps[0]);
        economy.validatorBps = uint16(fee.bps[1]);
        economy.secondBps = uint16(fee.bps[2]);
        economy.thirdBps = uint16(fee.bps[3]);
        economy.parentBps = uint16(fee.bps[4]);
        for (uint256 n; n < fee.advances.length; ++n) {
            Advance memory to = fee.advances[n];
            uint256 each = FeeSplit.advance(economy, fee.feeAfterAllTips, to.advanced, to.validators);
            vm.assertEq(each, to.each, _of("advance", i));
        }
        FeeSplit.Shares memory shares = FeeSplit.split(economy, fee.left[0], fee.left[1], fee.sharers);
        vm.assertEq(abi.encode(shares), abi.encode(fee.shares), _of("shares", i));
    }

    function test_I04_emission__as_the_programs_compute_it() external {
        Emission[] memory cases = abi.decode(_cases("emission"), (Emission[]));
        IDLBCTypes.Economy memory economy;
        for (uint256 i; i < cases.length; ++i) {
            economy.initialEmission = uint96(cases[i].schedule[0]);
            economy.halvingSecs = uint32(cases[i].schedule[1]);
            economy.kappaBps = uint16(cases[i].schedule[2]);
            uint256[3] memory state = cases[i].state;
            uint256 amount = FeeSplit.emission(economy, state[0], state[1], state[2]);
            vm.assertEq(amount, cases[i].amount, _of("emission", i));
        }
    }
}
