// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {HubState} from "./HubState.sol";

/// @title What may still be decided about a hub that runs
/// @notice Who may is the access manager's affair. Nothing here reaches what anybody owns or has begun: parameters are for
/// tasks that are still to come, and a pause blocks only beginnings.
abstract contract Governance is HubState {
    uint256 internal constant MAX_PAUSE = 7 days;

    /// @dev The manager lets immediately, or a delay has passed: then the call comes from the manager itself.
    modifier restricted() {
        // slither-disable-next-line unused-return: of the delay the manager takes care
        (bool immediate,) = IAccessManager(AUTHORITY).canCall(msg.sender, address(this), msg.sig);
        if (!immediate) revert Unauthorized(msg.sender);
        _;
    }

    /// @dev Specified by `IDLBC.setParams`; runs for the hub.
    function setParams(Timing calldata timing_, Economy calldata economy_, Limits calldata limits_)
        external
        restricted
    {
        QueueState memory queue = _queue;
        if (queue.version == type(uint8).max) revert BadParameter("version");
        // up to now the clock went by the old rate
        _accrue(queue);
        _setParameters(++queue.version, timing_, economy_, limits_);
        _queue = queue;
    }

    /// @dev Specified by `IDLBC.pause`; runs for the hub.
    function pause(uint32 secs) external restricted {
        uint256 until = _queue.pausedUntil;
        if (secs == 0) {
            if (block.timestamp < until) until = block.timestamp;
        } else {
            if (secs > MAX_PAUSE) revert PauseTooLong(secs, MAX_PAUSE);
            // or a guardian could string pauses together
            if (until != 0 && block.timestamp < until + MAX_PAUSE) revert PauseTooSoon(until + MAX_PAUSE);
            until = block.timestamp + secs;
        }
        _queue.pausedUntil = uint40(until);
        emit PausedUntil(uint40(until), msg.sender);
    }

    /// @dev Specified by `IDLBC.parametersOf`; runs for the hub.
    function parametersOf(uint8 version_)
        external
        view
        returns (Timing memory, Economy memory, Limits memory)
    {
        ParameterSet storage set = _parameters(version_);
        return (set.timing, set.economy, set.limits);
    }
}
