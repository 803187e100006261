// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Seat numbers by their place in the pool, and how to draw places
/// @notice Eight numbers to a word. Whoever holds the pool counts it: the count lies where a draw reads it anyway.
library SeatPool {
    uint256 internal constant MAX = 4_096;

    struct Pool {
        uint256[MAX / 8] words;
    }

    /// @dev Places that were not looked at yet. `moved` is a permutation in the making, two bytes for each place; 0 says that a
    /// place holds itself.
    struct Sample {
        uint256 remaining;
        bytes moved;
    }

    function seatAt(Pool storage self, uint256 place) internal view returns (uint32) {
        unchecked {
            return uint32(self.words[place / 8] >> (32 * (place % 8)));
        }
    }

    function set(Pool storage self, uint256 place, uint256 seatId) internal {
        unchecked {
            uint256 shift = 32 * (place % 8);
            uint256 rest = self.words[place / 8] & ~(uint256(type(uint32).max) << shift);
            self.words[place / 8] = rest | (seatId << shift);
        }
    }

    /// @param count of places, MAX at most
    function sample(uint256 count) internal pure returns (Sample memory) {
        return Sample(count, new bytes(2 * count));
    }

    /// @notice A place that was not looked at before, each as likely as any other. Only while some remain.
    function next(Sample memory self, uint256 random) internal pure returns (uint256 place) {
        unchecked {
            uint256 remaining = self.remaining;
            uint256 last = remaining - 1;
            self.remaining = last;
            uint256 chosen = random % remaining;
            bytes memory moved = self.moved;
            assembly ("memory-safe") {
                function holds(start, index) -> held {
                    held := shr(240, mload(add(start, mul(2, index))))
                    switch held
                    case 0 { held := index }
                    default { held := sub(held, 1) }
                }
                let start := add(moved, 32)
                place := holds(start, chosen)
                // the last of them takes the place that becomes free (Fisher and Yates)
                let mark := add(holds(start, last), 1)
                let cell := add(start, mul(2, chosen))
                mstore8(cell, shr(8, mark))
                mstore8(add(cell, 1), mark)
            }
        }
    }
}
