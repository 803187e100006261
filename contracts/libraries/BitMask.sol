// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Small sets: list places, committee positions
library BitMask {
    function has(uint256 mask, uint256 bit) internal pure returns (bool) {
        return (mask >> bit) & 1 == 1;
    }

    /// @notice How many bits are set.
    function count(uint256 mask) internal pure returns (uint256 bits) {
        for (; mask != 0; mask &= mask - 1) {
            ++bits;
        }
    }
}
