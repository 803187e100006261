// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title 256 * log2(x), between bounds that are 2^-240 apart
/// @notice A second way to the logarithm, to hold `DifficultyRanking.lg` against: x^256 by eight squarings with 256 bits of
/// mantissa, once rounded down and once up.
library PreciseLog {
    /// @return least the floor of 256 * log2(x), from below
    /// @return most the same, from above; the two differ only where x^256 is closer to a power of two than 2^-240
    function floors(uint256 x) internal pure returns (uint256 least, uint256 most) {
        return (_floor(x, false), _floor(x, true));
    }

    function _floor(uint256 x, bool up) private pure returns (uint256 exponent) {
        require(x != 0, "log of 0");
        unchecked {
            uint256 mantissa = x;
            exponent = 255;
            while (mantissa >> 255 == 0) (mantissa, exponent) = (mantissa << 1, exponent - 1);
            // x = mantissa / 2^255 * 2^exponent
            for (uint256 i; i < 8; ++i) {
                (uint256 high, uint256 low) = _square(mantissa);
                exponent *= 2;
                if (high >> 255 == 0) {
                    mantissa = (high << 1) | (low >> 255);
                    low <<= 1;
                } else {
                    mantissa = high;
                    ++exponent;
                }
                if (!up || low == 0) continue;
                if (++mantissa == 0) (mantissa, exponent) = (1 << 255, exponent + 1);
            }
        }
    }

    /// @dev The 512 bits of a square (Remco Bloemen's way).
    function _square(uint256 x) private pure returns (uint256 high, uint256 low) {
        unchecked {
            uint256 remainder = mulmod(x, x, type(uint256).max);
            low = x * x;
            high = remainder - low;
            if (remainder < low) --high;
        }
    }
}
