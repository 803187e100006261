// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";

/// @title The protocol's numbers
/// @notice Kept by version: a round goes by the version that was current when it opened, whatever comes later.
abstract contract Parameters is IDLBCTypes {
    struct ParameterSet {
        Timing timing;
        Economy economy;
        Limits limits;
    }

    uint8 internal constant FIRST_VERSION = 1;

    mapping(uint256 version => ParameterSet) private _sets;

    function _initParameters(Timing memory timing_, Economy memory economy_, Limits memory limits_) internal {
        ParameterBounds.check(timing_, economy_, limits_);
        _sets[FIRST_VERSION] = ParameterSet(timing_, economy_, limits_);
    }

    /// @dev The version that new rounds open under. There is no setter yet.
    function _version() internal pure returns (uint8) {
        return FIRST_VERSION;
    }

    function _parameters(uint256 version) internal view returns (ParameterSet storage) {
        return _sets[version];
    }
}
