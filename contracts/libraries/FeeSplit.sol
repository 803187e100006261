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
        uint256 parent;
        uint256 winner; // the rest, with all rounding
    }

    /// @dev Who besides the winner has a share.
    struct Sharers {
        uint256 validators;
        bool second;
        bool third;
        bool parent;
    }

    /// @notice The shares add up to what is left of a fee:
    /// `advanced + burned + perValidator * validators + second + third + parent + winner == fee`.
    /// @param fee less the tips
    /// @param advanced of the validators' share, to those of earlier epochs; no more than that share
    function split(IDLBCTypes.Economy memory economy, uint256 fee, uint256 advanced, Sharers memory sharers)
        internal
        pure
        returns (Shares memory shares)
    {
        shares.burned = part(fee, economy.burnBps);
        if (sharers.validators != 0) {
            shares.perValidator = (part(fee, economy.validatorBps) - advanced) / sharers.validators;
        }
        if (sharers.second) shares.second = part(fee, economy.secondBps);
        if (sharers.third) shares.third = part(fee, economy.thirdBps);
        if (sharers.parent) shares.parent = part(fee, economy.parentBps);
        shares.winner = fee - advanced - shares.burned - shares.perValidator * sharers.validators - shares.second
            - shares.third - shares.parent;
    }

    /// @notice What each validator of an epoch gets that does not end the round: half of what is left of their share.
    /// @param fee less all the tips that the round may ever pay: what it advances must not exceed the share in the end
    function advance(IDLBCTypes.Economy memory economy, uint256 fee, uint256 advanced, uint256 validators)
        internal
        pure
        returns (uint256 perValidator)
    {
        return (part(fee, economy.validatorBps) - advanced) / 2 / validators;
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
