// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DLBCToken} from "../DLBCToken.sol";
import {Custody} from "./Custody.sol";
import {Settlement} from "./Settlement.sol";
import {TaskRegistry} from "./TaskRegistry.sol";

/// @title The part of the hub's code that does not fit into its own 24,576 bytes
/// @notice Created by the hub's constructor, and run by it on its own storage (decision 0006). Its address is an immutable of
/// the hub: it cannot be changed. Called directly it finds empty storage, owns nothing and may do nothing.
contract Clerk is TaskRegistry, Settlement {
    constructor(DLBCToken token_, address committee_) Custody(token_, committee_) {}
}
