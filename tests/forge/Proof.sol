// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Cheats} from "./Cheats.sol";

/// @title What every test stands on
/// @notice Tests are named after what they prove, `test_I26_lg__of_a_larger_number__is_no_smaller`: the number of the invariant in
/// the protocol (section 10) if there is one, then what, when, and the result.
abstract contract Proof {
    Cheats internal constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Forge takes contracts that have it for tests.
    bool public constant IS_TEST = true;

    /// @notice A number from `least` to `most`, both included. Unlike `vm.assume` it wastes no run, and the edges come often.
    function within(uint256 x, uint256 least, uint256 most) internal pure returns (uint256) {
        require(least <= most, "within: empty range");
        if (x >= least && x <= most) return x;
        unchecked {
            uint256 size = most - least + 1;
            if (size == 0) return x;
            // fuzzers like numbers at either end of the type: they become numbers at either end of the range
            uint256 fromEnd = type(uint256).max - x;
            if (fromEnd < 16 && fromEnd < size) return most - fromEnd;
            return least + x % size;
        }
    }

    /// @notice The n-th number that follows from a seed: for tests that need many.
    function draw(uint256 seed, uint256 n) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, n)));
    }

    /// @notice An address of that name, with its key and its label in traces.
    function actor(string memory name) internal returns (address account, uint256 key) {
        key = uint256(keccak256(bytes(name)));
        account = vm.addr(key);
        vm.label(account, name);
    }
}
