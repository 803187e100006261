// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Words in memory, without bounds checks
/// @notice For loops that have just compared the index: a check would cost as much as all else that is done with a word.
library Words {
    /// @param index below the array's length
    function at(uint256[] memory words, uint256 index) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(words, 32), shl(5, index)))
        }
    }

    /// @notice Inserts `word` into the first `count` words, which rise and then still rise.
    /// @param count below the array's length
    function insert(uint256[] memory words, uint256 count, uint256 word) internal pure {
        assembly ("memory-safe") {
            let place := add(words, shl(5, count))
            for { } gt(place, words) { place := sub(place, 32) } {
                let before := mload(place)
                if iszero(gt(before, word)) { break }
                mstore(add(place, 32), before)
            }
            mstore(add(place, 32), word)
        }
    }
}
