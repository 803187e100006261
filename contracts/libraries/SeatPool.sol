// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The seats that a draw can choose
/// @notice An array of seat numbers, eight to a word. Order means nothing, so removal swaps with the end.
library SeatPool {
    struct Pool {
        uint32[] seats;
    }

    function length(Pool storage self) internal view returns (uint256) {
        return self.seats.length;
    }

    function seatAt(Pool storage self, uint256 index) internal view returns (uint32) {
        return self.seats[index];
    }

    function push(Pool storage self, uint32 seatId) internal {
        self.seats.push(seatId);
    }

    function swap(Pool storage self, uint256 i, uint256 j) internal {
        (self.seats[i], self.seats[j]) = (self.seats[j], self.seats[i]);
    }

    /// @notice Removes the seat at `index`, one of the first `remaining`; those behind them stay behind them.
    function take(Pool storage self, uint256 index, uint256 remaining) internal {
        self.seats[index] = self.seats[remaining - 1];
        self.seats[remaining - 1] = self.seats[self.seats.length - 1];
        self.seats.pop();
    }

    /// @notice Looks for a seat and removes it. Bounded by the pool's greatest size, eight seats to a read.
    function remove(Pool storage self, uint32 seatId) internal returns (bool) {
        uint256 size = self.seats.length;
        for (uint256 i; i < size; ++i) {
            if (self.seats[i] != seatId) continue;
            take(self, i, size);
            return true;
        }
        return false;
    }
}
