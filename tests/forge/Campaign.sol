// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Proof} from "./Proof.sol";

/// @title An invariant test: Forge calls the named functions of the named contracts at random, then each `invariant_*`
/// @notice In `setUp`: deploy, then `_target(handler, selectors)`. A handler bounds its arguments, acts as somebody, and keeps
/// the ghost sums that the invariants compare with; it lets no call fail (`fail_on_revert`), so that a run means something.
abstract contract Campaign is Proof {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    FuzzSelector[] private _selectors;
    address[] private _contracts;

    /// @notice Read by Forge.
    function targetContracts() external view returns (address[] memory) {
        return _contracts;
    }

    /// @notice Read by Forge.
    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return _selectors;
    }

    function _target(address handler, bytes4[] memory selectors) internal {
        _contracts.push(handler);
        _selectors.push(FuzzSelector(handler, selectors));
    }
}
