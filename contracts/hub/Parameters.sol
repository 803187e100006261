// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "../interfaces/IDLBCTypes.sol";
import {ParameterBounds} from "../libraries/ParameterBounds.sol";

/// @title The protocol's numbers
/// @notice Kept by version, and never changed once set: a task is settled by the version that was current when it was
/// submitted, whatever comes later.
abstract contract Parameters is IDLBCTypes {
    struct ParameterSet {
        Timing timing;
        Economy economy;
        Limits limits;
    }

    uint8 internal constant FIRST_VERSION = 1;

    mapping(uint256 version => ParameterSet) private _sets;

    function _setParameters(uint8 version_, Timing memory timing_, Economy memory economy_, Limits memory limits_)
        internal
    {
        ParameterBounds.check(timing_, economy_, limits_);
        _sets[version_] = ParameterSet(timing_, economy_, limits_);
        emit ParametersSet(version_, timing_, economy_, limits_);
    }

    function _parameters(uint256 version_) internal view returns (ParameterSet storage) {
        return _sets[version_];
    }
}
