// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDLBC} from "../interfaces/IDLBC.sol";
import {HubState} from "./HubState.sol";

/// @title What DLBC blocks carry
/// @notice Whoever wants an item's order and time on record posts it; each block may carry the next batch. The chain of hashes
/// fixes the order before any block does.
abstract contract Inboxes is IDLBC, HubState {
    /// @inheritdoc IDLBC
    function post(bytes32 item) external returns (uint32 index) {
        bytes32 newest = keccak256(abi.encode(_inbox.head, msg.sender, item));
        index = ++_inbox.posted;
        _inbox.head = newest;
        emit ItemPosted(index, msg.sender, item, newest);
    }

    /// @inheritdoc IDLBC
    function inbox() external view returns (Inbox memory) {
        return _inbox;
    }
}
