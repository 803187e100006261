// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBCTypes} from "./interfaces/IDLBCTypes.sol";
import {ParameterBounds} from "./libraries/ParameterBounds.sol";

/// @title Whether a hub would take these parameters
/// @notice Never deployed: `eth_call` runs the constructor, which reverts with `BadParameter`. Whoever announces a change learns
/// so before the delay, not after it.
contract ParameterProbe {
    constructor(
        IDLBCTypes.Timing memory timing,
        IDLBCTypes.Economy memory economy,
        IDLBCTypes.Limits memory limits
    ) {
        ParameterBounds.check(timing, economy, limits);
    }
}
