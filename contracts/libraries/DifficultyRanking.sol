// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title How hard a task is, and where it stands in the queue
/// @notice The score of a waiting task grows with a clock that is the same for all of them, so their order never changes:
/// `score(t) = base * 2^24 + V(t) - V(submit)` is ranked by the static `key`, and a heap is exact. The heap holds keys in
/// half a word (`packed`): the same order in fewer bits.
library DifficultyRanking {
    /// @dev `base` counts 1/256 of a doubling; the clock counts 2^-24 of that.
    uint256 internal constant BASE_SHIFT = 24;
    /// @dev Keeps every key positive: |base| < 2^47 and V < 2^72.
    int256 internal constant KEY_OFFSET = 1 << 160;
    /// @dev The same for a packed key, whose rank has 96 bits and whose task number has 32.
    int256 internal constant PACKED_OFFSET = 1 << 95;
    uint256 internal constant QUEUE_STEP = 512;
    /// @dev A fee is weighed in thousandths of a token.
    uint256 internal constant FEE_GRAIN = 1e15;

    /// @notice floor(256 * log2(x)), by eight squarings; lg(0) = 0.
    function lg(uint256 x) internal pure returns (uint256 result) {
        if (x < 2) return 0;
        unchecked {
            uint256 y = x;
            uint256 whole;
            if (y >> 128 != 0) (y, whole) = (y >> 128, whole + 128);
            if (y >> 64 != 0) (y, whole) = (y >> 64, whole + 64);
            if (y >> 32 != 0) (y, whole) = (y >> 32, whole + 32);
            if (y >> 16 != 0) (y, whole) = (y >> 16, whole + 16);
            if (y >> 8 != 0) (y, whole) = (y >> 8, whole + 8);
            if (y >> 4 != 0) (y, whole) = (y >> 4, whole + 4);
            if (y >> 2 != 0) (y, whole) = (y >> 2, whole + 2);
            if (y >> 1 != 0) whole += 1;

            // the mantissa in [1, 2) with 127 fractional bits; each squaring yields one bit of the fraction
            y = whole > 127 ? x >> (whole - 127) : x << (127 - whole);
            result = whole;
            for (uint256 i; i < 8; ++i) {
                y = (y * y) >> 127;
                result <<= 1;
                if (y >> 128 != 0) {
                    result |= 1;
                    y >>= 1;
                }
            }
        }
    }

    /// @notice The logarithm of a fee, in thousandths of a token.
    function lgOfFee(uint256 fee) internal pure returns (uint256) {
        return lg(fee / FEE_GRAIN);
    }

    /// @notice The weighted difficulty, from logarithms of at most 64 bits' numbers.
    function base(int256[4] memory weights, uint256 lgFlops, uint256 lgNet, uint256 lgData, uint256 lgFee)
        internal
        pure
        returns (int64)
    {
        // four products of an int32 and a number below 2^14 fit 48 bits
        return int64(
            weights[0] * int256(lgFlops) + weights[1] * int256(lgNet) + weights[2] * int256(lgData)
                + weights[3] * int256(lgFee)
        );
    }

    /// @notice By how much the clock advances a second while `waiting` tasks wait.
    function rate(uint256 alpha, uint256 gamma, uint256 waiting) internal pure returns (uint256) {
        return alpha + (gamma * lg(1 + waiting)) / 256;
    }

    /// @notice The static rank: the largest key opens first; of equal ranks the older task.
    function key(int64 base_, uint256 clockAtSubmit, uint256 taskId) internal pure returns (uint256) {
        int256 rank = KEY_OFFSET + (int256(base_) << BASE_SHIFT) - int256(clockAtSubmit);
        return (uint256(rank) << 64) | uint64(~taskId);
    }

    /// @notice The key in 128 bits.
    function packed(int64 base_, uint256 clockAtSubmit, uint256 taskId) internal pure returns (uint128) {
        int256 rank = PACKED_OFFSET + (int256(base_) << BASE_SHIFT) - int256(clockAtSubmit);
        return uint128((uint256(rank) << 32) | uint32(~taskId));
    }

    /// @notice The key that `packed_` stands for.
    function unpacked(uint128 packed_) internal pure returns (uint256) {
        int256 rank = KEY_OFFSET - PACKED_OFFSET + int256(uint256(packed_ >> 32));
        return (uint256(rank) << 64) | uint64(~packedTaskId(packed_));
    }

    function packedTaskId(uint128 packed_) internal pure returns (uint256) {
        return uint32(~packed_);
    }

    function taskIdOf(uint256 key_) internal pure returns (uint256) {
        return uint64(~key_);
    }

    /// @notice The score at a moment of the clock.
    function score(int64 base_, uint256 clockAtSubmit, uint256 clock) internal pure returns (int256) {
        return (int256(base_) << BASE_SHIFT) + int256(clock) - int256(clockAtSubmit);
    }

    /// @notice The least fee, and the least bond: doubles with every 512 tasks in the heap. One unit even for a task that
    /// declares no difficulty: nobody fills the queue for nothing.
    function floor(uint256 feeUnit, uint256 lgSum, uint256 queued) internal pure returns (uint256) {
        if (lgSum < 256) lgSum = 256;
        return ((feeUnit * lgSum) / 256) << (queued / QUEUE_STEP);
    }
}
