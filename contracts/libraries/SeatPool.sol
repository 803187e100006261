// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Seat numbers by their place in the pool, and how to draw places
/// @notice Eight numbers to a word. Whoever holds the pool counts it: the count lies where a draw reads it anyway.
library SeatPool {
    struct Pool {
        mapping(uint256 => uint256) words;
    }

    /// @dev Places that were not looked at yet. `moved` is a permutation in the making, sixteen places to a word; 0 says that a
    /// place holds itself.
    struct Sample {
        uint256 remaining;
        uint256[] moved;
    }

    function at(Pool storage self, uint256 place) internal view returns (uint32) {
        return uint32(self.words[place / 8] >> (32 * (place % 8)));
    }

    function set(Pool storage self, uint256 place, uint256 seatId) internal {
        uint256 shift = 32 * (place % 8);
        uint256 rest = self.words[place / 8] & ~(uint256(type(uint32).max) << shift);
        self.words[place / 8] = rest | (seatId << shift);
    }

    function sample(uint256 count) internal pure returns (Sample memory) {
        return Sample(count, new uint256[](count / 16 + 1));
    }

    /// @notice A place that was not looked at before, each as likely as any other. Only while some remain.
    function next(Sample memory self, uint256 random) internal pure returns (uint256 place) {
        unchecked {
            uint256 last = self.remaining - 1;
            uint256 chosen = random % self.remaining;
            place = _holds(self, chosen);
            // the last of them takes the place that becomes free (Fisher and Yates)
            uint256 shift = 16 * (chosen % 16);
            uint256 rest = self.moved[chosen / 16] & ~(uint256(type(uint16).max) << shift);
            self.moved[chosen / 16] = rest | ((_holds(self, last) + 1) << shift);
            self.remaining = last;
        }
    }

    function _holds(Sample memory self, uint256 place) private pure returns (uint256) {
        unchecked {
            uint256 moved = uint16(self.moved[place / 16] >> (16 * (place % 16)));
            return moved == 0 ? place : moved - 1;
        }
    }
}
