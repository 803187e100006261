// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";

/// @title How a fee is divided, and how much may be emitted
library FeeSplit {
    uint256 internal constant BPS = 10_000;

    struct Shares {
        uint256 burned;
        uint256 perValidator;
        uint256 second;
        uint256 third;
        uint256 winner; // the rest, with all rounding
    }

    /// @notice The shares of a fee add up to it: `burned + perValidator * validators + second + third + winner == fee`.
    function split(IDLBCTypes.Economy memory economy, uint256 fee, uint256 validators, bool second, bool third)
        internal
        pure
        returns (Shares memory shares)
    {
        shares.burned = part(fee, economy.burnBps);
        shares.perValidator = validators == 0 ? 0 : part(fee, economy.validatorBps) / validators;
        if (second) shares.second = part(fee, economy.secondBps);
        if (third) shares.third = part(fee, economy.thirdBps);
        shares.winner = fee - shares.burned - shares.perValidator * validators - shares.second - shares.third;
    }

    function part(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return (amount * bps) / BPS;
    }

    /// @notice The ceiling halves with time; no round emits more than `kappa` of what it burned of its fee.
    function emission(IDLBCTypes.Economy memory economy, uint256 elapsed, uint256 burned, uint256 left)
        internal
        pure
        returns (uint256 amount)
    {
        uint256 halvings = elapsed / economy.halvingSecs;
        amount = halvings > 255 ? 0 : uint256(economy.initialEmission) >> halvings;
        uint256 ceiling = part(burned, economy.kappaBps);
        if (amount > ceiling) amount = ceiling;
        if (amount > left) amount = left;
    }
}
