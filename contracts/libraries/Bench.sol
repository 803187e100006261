// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Who was drawn, and by which seed
/// @notice The first word: seven seat numbers of 28 bits from the lowest bit, their count (4 bits), and the seed (56 bits). The
/// second, only where there are more than seven: eight more. No seat has the number 0.
library Bench {
    uint256 internal constant MAX_SEAT = (1 << SEAT_BITS) - 1;
    uint256 internal constant FIRST = 7; // seats in the first word

    uint256 private constant SEAT_BITS = 28;
    uint256 private constant COUNT_SHIFT = FIRST * SEAT_BITS;
    uint256 private constant SEED_MASK = uint256(bytes32(bytes7(type(uint56).max)));
    /// @dev The lowest bit of each of eight numbers, and the highest.
    uint256 private constant LOW = 0x10000001000000100000010000001000000100000010000001;
    uint256 private constant HIGH = LOW << (SEAT_BITS - 1);

    /// @param seed_ of which the first seven bytes are kept
    function pack(bytes32 seed_, uint32[] memory seatIds) internal pure returns (uint256 first, uint256 second) {
        unchecked {
            uint256 count_ = seatIds.length;
            first = (uint256(seed_) & SEED_MASK) | (count_ << COUNT_SHIFT);
            for (uint256 pos; pos < count_; ++pos) {
                if (pos < FIRST) first |= uint256(seatIds[pos]) << (pos * SEAT_BITS);
                else second |= uint256(seatIds[pos]) << ((pos - FIRST) * SEAT_BITS);
            }
        }
    }

    function count(uint256 first) internal pure returns (uint256) {
        return (first >> COUNT_SHIFT) & 15;
    }

    function seed(uint256 first) internal pure returns (bytes32) {
        return bytes32(first & SEED_MASK);
    }

    /// @notice The seat numbers alone.
    function seats(uint256 first) internal pure returns (uint256) {
        return first & ((1 << COUNT_SHIFT) - 1);
    }

    /// @param pos from 0, within the word
    function seatAt(uint256 word, uint256 pos) internal pure returns (uint256) {
        return (word >> (pos * SEAT_BITS)) & MAX_SEAT;
    }

    /// @notice Whether one of the eight numbers in `word`, which holds nothing else, is `seatId`.
    function has(uint256 word, uint256 seatId) internal pure returns (bool) {
        unchecked {
            // where a number is equal, the difference is 0, and only a 0 borrows from its own highest bit
            uint256 difference = word ^ (seatId * LOW);
            return (difference - LOW) & ~difference & HIGH != 0;
        }
    }
}
